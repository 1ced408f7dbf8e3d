// TorchScript is written as source, one statement for each node, and compiled by LibTorch itself: a
// tracer would fix the batch size, and a second implementation of the operators would have to be
// proven equal. The statements call the operators that the executor calls, in its order.
#include "supernet/export/export.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <openssl/evp.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>

#include "spaces/base/whole_file.hpp"
#include "spaces/error.hpp"
#include "supernet/export/exported_text.hpp"
#include "supernet/files/tensor_file.hpp"

namespace nas {
namespace {

namespace jit = torch::jit;

// Python reads `class` and `torch` as words of its own, and a module already has `forward` and
// `training`: an attribute of such a name makes a file that cannot be loaded. Such parts get an
// underscore, and so do those that end in underscores already, so that no two names meet.
bool is_taken(std::string_view part) {
  static const std::set<std::string_view> taken = {
      "False",   "None",   "True",     "and",  "as",     "assert", "async",  "await",
      "break",   "class",  "continue", "def",  "del",    "elif",   "else",   "except",
      "finally", "for",    "forward",  "from", "global", "if",     "import", "in",
      "is",      "lambda", "nonlocal", "not",  "or",     "pass",   "raise",  "return",
      "self",    "torch",  "training", "try",  "while",  "with",   "yield"};
  while (part.ends_with('_')) part.remove_suffix(1);
  return taken.count(part) > 0;
}

std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> parts;
  for (size_t begin = 0, dot = 0; dot != std::string::npos; begin = dot + 1) {
    dot = name.find('.', begin);
    parts.push_back(name.substr(begin, dot == std::string::npos ? dot : dot - begin));
  }
  return parts;
}

/// The attributes that lead to a plan's tensor, and back: the tensor's name of dotted attributes.
std::vector<std::string> attributes_of(const std::string& tensor) {
  std::vector<std::string> parts = parts_of(tensor);
  for (std::string& part : parts)
    if (is_taken(part)) part += '_';
  return parts;
}
std::string tensor_of(const std::string& attributes) {
  std::string name;
  for (std::string& part : parts_of(attributes)) {
    if (is_taken(part)) part.pop_back();
    name += (name.empty() ? "" : ".") + part;
  }
  return name;
}

/// Writes one statement for each node.
class Source {
 public:
  explicit Source(const Plan& plan) : plan_(plan) {}

  std::string text() {
    out_ << "def forward(self, x";
    for (size_t i = 1; i < plan_.input_shapes.size(); ++i) out_ << ", x" << i;
    out_ << "):\n";
    // As the executor does: the resolution is part of the subnet.
    if (plan_.resize_input) {
      const std::string h = std::to_string(plan_.input().h), w = std::to_string(plan_.input().w);
      out_ << "    if x.size(2) != " << h << " or x.size(3) != " << w << ":\n"
           << "        x = torch._upsample_bilinear2d_aa(x, [" << h << ", " << w
           << "], False, None, None)\n";
    }
    for (size_t i = 0; i < plan_.nodes.size(); ++i) {
      node_ = &plan_.nodes[i];
      out_ << "    v" << i << " = "
           << std::visit([this](const auto& op) { return expression(op); }, node_->op) << "\n";
    }
    out_ << "    return v" << plan_.nodes.size() - 1 << "\n";
    return out_.str();
  }

 private:
  std::string in(size_t k = 0) const {
    const int32_t id = plan_.inputs(*node_)[k];
    if (id == Plan::kInput) return "x";
    return Plan::is_input(id) ? "x" + std::to_string(Plan::input_index(id))
                              : "v" + std::to_string(id);
  }
  /// `self.stage1.conv.weight`; parts that are no identifiers by getattr, as torch itself does.
  std::string tensor(Role role) const {
    std::string text = "self";
    for (const std::string& part : attributes_of(plan_.tensor_name(*node_, role))) {
      // Parts with a digit in front, or a hyphen (stages and blocks may be called so).
      const bool identifier = std::isdigit(static_cast<unsigned char>(part[0])) == 0 &&
                              part.find('-') == std::string::npos;
      text = identifier ? text + "." + part : "getattr(" + text + ", \"" + part + "\")";
    }
    return text;
  }
  static std::string pair(int v) {
    return "[" + std::to_string(v) + ", " + std::to_string(v) + "]";
  }
  static std::string number(double v) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.17g", v);
    std::string s = text.data();
    if (s.find_first_of(".e") == std::string::npos) s += ".0";
    return s;
  }

  std::string expression(const Conv2d& op) const {
    return "torch.conv2d(" + in() + ", " + tensor(Role::kWeight) + ", " +
           (op.bias ? tensor(Role::kBias) : "None") + ", " + pair(op.stride) + ", " +
           pair(op.padding) + ", " + pair(op.dilation) + ", " + std::to_string(op.groups) + ")";
  }
  std::string expression(const BatchNorm& op) const {
    return "torch.batch_norm(" + in() + ", " + (op.affine ? tensor(Role::kWeight) : "None") + ", " +
           (op.affine ? tensor(Role::kBias) : "None") + ", " +
           (op.running ? tensor(Role::kRunningMean) : "None") + ", " +
           (op.running ? tensor(Role::kRunningVar) : "None") + ", " +
           (op.running ? "False" : "True") + ", " + number(op.momentum) + ", " + number(op.eps) +
           ", False)";
  }
  std::string expression(const Activation& op) const {
    switch (op.act) {
      case Act::kRelu:
        return "torch.relu(" + in() + ")";
      case Act::kRelu6:
        return "torch.hardtanh(" + in() + ", 0, 6)";
      case Act::kHSwish:
        return "torch.hardswish(" + in() + ")";
      case Act::kHSigmoid:
        return "torch.hardsigmoid(" + in() + ")";
      case Act::kSwish:
        return "torch.silu(" + in() + ")";
      case Act::kSigmoid:
        return "torch.sigmoid(" + in() + ")";
    }
    throw std::logic_error("unknown activation");
  }
  std::string expression(const Pool& op) const {
    const std::string window =
        in() + ", " + pair(op.kernel) + ", " + pair(op.stride) + ", " + pair(op.padding);
    return op.max ? "torch.max_pool2d(" + window + ", [1, 1], False)"
                  : "torch.avg_pool2d(" + window + ", False, False, None)";
  }
  std::string expression(const GlobalAvgPool& op) const {
    const bool image = plan_.shape_of(plan_.inputs(*node_)[0]).image();
    return "torch.mean(" + in() + (image ? ", [2, 3], " : ", [1], ") +
           (op.keep ? "True" : "False") + ")";
  }
  std::string expression(const Linear& op) const {
    return "torch.linear(" + in() + ", " + tensor(Role::kWeight) + ", " +
           (op.bias ? tensor(Role::kBias) : "None") + ")";
  }
  std::string expression(const Add&) const {
    std::string sum = in();
    for (size_t k = 1; k < plan_.inputs(*node_).size(); ++k) sum += " + " + in(k);
    return sum;
  }
  std::string expression(const Mul&) const { return in(0) + " * " + in(1); }
  std::string expression(const Concat&) const {
    std::string parts = in();
    for (size_t k = 1; k < plan_.inputs(*node_).size(); ++k) parts += ", " + in(k);
    return "torch.cat([" + parts + (node_->out.form == Form::kSequence ? "], 2)" : "], 1)");
  }
  std::string strided(int stride, int offset) const {
    if (stride == 1 && offset == 0) return in();
    const std::string step = std::to_string(stride), first = std::to_string(offset);
    return "torch.slice(torch.slice(" + in() + ", 2, " + first + ", None, " + step + "), 3, " +
           first + ", None, " + step + ")";
  }
  std::string expression(const Zero& op) const { return strided(op.stride, 0) + " * 0.0"; }
  std::string expression(const Subsample& op) const { return strided(op.stride, op.offset); }
  std::string expression(const Identity&) const { return in(); }
  std::string expression(const Dropout&) const { return in(); }
  std::string expression(const DropPath&) const { return in(); }
  std::string expression(const WeightedSum&) const {
    throw std::logic_error(
        "a relaxed plan is no network to export; export the plan of one of its "
        "architectures");
  }

  const Plan& plan_;
  const Node* node_ = nullptr;
  std::ostringstream out_;
};

/// A module for each dotted prefix, so that state_dict names are the plan's (but for
/// `attributes_of`).
class ModuleTree {
 public:
  ModuleTree() : unit_(std::make_shared<jit::CompilationUnit>()) {}

  struct Level {
    std::map<std::string, Level> children;
    std::map<std::string, at::Tensor> tensors;
  };

  static jit::Module build(const Subnet& subnet) {
    Level root;
    for (const auto& [name, tensor] : subnet.tensors) {
      Level* level = &root;
      const std::vector<std::string> parts = attributes_of(name);
      for (size_t i = 0; i + 1 < parts.size(); ++i) level = &level->children[parts[i]];
      level->tensors[parts.back()] = tensor;
    }
    return ModuleTree().module(root, "Subnet");
  }

 private:
  jit::Module module(const Level& level, const std::string& name) {
    jit::Module m(c10::QualifiedName("__torch__.nas." + name), unit_, /*shouldMangle=*/true);
    for (const auto& [key, tensor] : level.tensors)
      m.register_parameter(key, tensor, /*is_buffer=*/key.starts_with("running_"));
    for (const auto& [key, child] : level.children)
      m.register_module(key, module(child, "part_" + class_name(key)));
    return m;
  }
  /// Names of classes are written into the file as they are.
  static std::string class_name(std::string key) {
    std::replace(key.begin(), key.end(), '-', '_');
    return key;
  }
  std::shared_ptr<jit::CompilationUnit> unit_;
};

}  // namespace

std::string torchscript_source(const Plan& plan) {
  return Source(plan).text();
}

std::string write_torchscript(const std::string& path,
                              const Subnet& subnet,
                              const std::string& description) {
  const c10::NoGradGuard no_grad;
  jit::Module module = ModuleTree::build(subnet);
  module.define(torchscript_source(subnet.plan));
  module.eval();
  // LibTorch's own writer throws from its destructor when the disk is full, which ends the program.
  // The model is in memory anyway.
  std::ostringstream bytes;
  module.save(bytes, {{kExportedText, description}});
  const std::string archive = std::move(bytes).str();
  write_whole_file(path, archive);
  return file_sha256(path);
}

namespace {

class TorchScriptNetwork final : public ExportedNetwork {
 public:
  explicit TorchScriptNetwork(const std::string& path) : path_(path) {
    jit::ExtraFilesMap extra{{kExportedText, ""}};
    guarded([&] { module_ = jit::load(path, c10::kCPU, extra); });
    module_.eval();
    description_ = extra.at(kExportedText);
  }
  const char* format() const override { return "torchscript"; }
  const std::string& description() const override { return description_; }
  std::map<std::string, at::Tensor> tensors() const override {
    std::map<std::string, at::Tensor> tensors;
    for (const auto& p : module_.named_parameters()) tensors[tensor_of(p.name)] = p.value.detach();
    for (const auto& b : module_.named_buffers()) tensors[tensor_of(b.name)] = b.value;
    return tensors;
  }
  at::Tensor run(const at::Tensor& x) override {
    const c10::NoGradGuard no_grad;
    // Statement by statement, as it is written: an optimised graph may round otherwise.
    torch::jit::setGraphExecutorOptimize(false);
    at::Tensor logits;
    guarded([&] { logits = module_.forward({x}).toTensor(); });
    return logits;
  }

 private:
  template <typename F>
  void guarded(const F& f) const {
    try {
      f();
    } catch (const c10::Error& e) {
      refuse(e.what_without_backtrace());
    } catch (const std::exception& e) {  // Of its parser and its interpreter.
      refuse(e.what());
    }
  }
  [[noreturn]] void refuse(const std::string& why) const {
    throw DataError(path_ + ": not a TorchScript file of this program: " + why.substr(0, 300));
  }

  std::string path_, description_;
  jit::Module module_;
};

}  // namespace

std::unique_ptr<ExportedNetwork> open_torchscript(const std::string& path) {
  return std::make_unique<TorchScriptNetwork>(path);
}

std::string file_sha256(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw DataError(path + ": cannot be read");
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  std::array<char, 1 << 16> buffer{};
  while (file.read(buffer.data(), buffer.size()), file.gcount() > 0)
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<size_t>(file.gcount()));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    std::array<char, 3> byte{};
    std::snprintf(byte.data(), byte.size(), "%02x", digest[i]);
    hex += byte.data();
  }
  return hex;
}

}  // namespace nas
