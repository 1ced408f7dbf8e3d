// A second reading of what was written: operators by their definitions in ONNX, on LibTorch's
// kernels. No runtime that would be another giant dependency is needed to prove a file or to judge
// it; that others read it the same way is what the tests hold with onnxruntime.
#include "supernet/export/onnx/network.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>

#include "spaces/base/stop.hpp"
#include "spaces/error.hpp"
#include "supernet/export/onnx/graph.hpp"

namespace nas::onnx {
namespace {

using Ints = std::vector<int64_t>;

/// Bytes of a file lie anywhere, numbers do not.
at::Tensor copied(const Tensor& tensor) {
  at::Tensor copy = at::empty(tensor.sizes, tensor.type == Type::kFloat ? at::kFloat : at::kLong);
  std::memcpy(copy.mutable_data_ptr(), tensor.bytes().data(), tensor.bytes().size());
  return copy;
}

/// One node with its inputs.
class Call {
 public:
  Call(const Node& node, std::vector<at::Tensor> inputs)
      : node_(node), inputs_(std::move(inputs)) {}

  const at::Tensor& in(size_t k) const {
    if (k >= inputs_.size() || !inputs_[k].defined())
      throw DataError("node '" + node_.name + "' lacks input " + std::to_string(k));
    return inputs_[k];
  }
  /// Undefined where it is left out.
  at::Tensor optional(size_t k) const { return k < inputs_.size() ? inputs_[k] : at::Tensor(); }
  size_t count() const { return inputs_.size(); }
  const std::vector<at::Tensor>& inputs() const { return inputs_; }

  Ints ints(const char* name, Ints otherwise) const {
    const Attribute* a = node_.find(name);
    return a == nullptr ? std::move(otherwise) : a->ints;
  }
  int64_t integer(const char* name, int64_t otherwise) const {
    const Attribute* a = node_.find(name);
    return a == nullptr ? otherwise : a->i;
  }
  double real(const char* name, double otherwise) const {
    const Attribute* a = node_.find(name);
    return a == nullptr ? otherwise : a->f;
  }
  /// An input that is a list of integers.
  Ints list(size_t k) const {
    const at::Tensor t = in(k);
    if (t.scalar_type() != at::kLong) throw DataError("'" + node_.name + "' wants integers");
    return {t.data_ptr<int64_t>(), t.data_ptr<int64_t>() + t.numel()};
  }
  /// Begin and end of both axes; LibTorch knows equal ones only.
  Ints padding() const {
    const Ints pads = ints("pads", {0, 0, 0, 0});
    if (pads.size() != 4 || pads[0] != pads[2] || pads[1] != pads[3])
      throw DataError("node '" + node_.name + "' pads its sides differently");
    // Beyond any window: a damaged file must not ask for all the memory there is.
    constexpr int64_t kMost = 1024;
    if (pads[0] < 0 || pads[0] > kMost || pads[1] < 0 || pads[1] > kMost)
      throw DataError("node '" + node_.name + "' pads by " + std::to_string(pads[0]));
    return {pads[0], pads[1]};
  }

 private:
  const Node& node_;
  std::vector<at::Tensor> inputs_;
};

at::Tensor conv(const Call& c) {
  return at::conv2d(c.in(0),
                    c.in(1),
                    c.optional(2),
                    c.ints("strides", {1, 1}),
                    c.padding(),
                    c.ints("dilations", {1, 1}),
                    c.integer("group", 1));
}
at::Tensor batch_norm(const Call& c) {
  return at::batch_norm(
      c.in(0), c.in(1), c.in(2), c.in(3), c.in(4), false, 0, c.real("epsilon", 1e-5), false);
}
at::Tensor gemm(const Call& c) {
  const at::Tensor right = c.integer("transB", 0) != 0 ? c.in(1) : c.in(1).t();
  return at::linear(c.in(0), right, c.optional(2));
}
at::Tensor max_pool(const Call& c) {
  return at::max_pool2d(
      c.in(0), c.ints("kernel_shape", {}), c.ints("strides", {1, 1}), c.padding());
}
at::Tensor average_pool(const Call& c) {
  return at::avg_pool2d(c.in(0),
                        c.ints("kernel_shape", {}),
                        c.ints("strides", {1, 1}),
                        c.padding(),
                        false,
                        c.integer("count_include_pad", 0) != 0);
}
at::Tensor slice(const Call& c) {
  const Ints starts = c.list(1), ends = c.list(2), axes = c.list(3), steps = c.list(4);
  at::Tensor x = c.in(0);
  for (size_t k = 0; k < axes.size(); ++k)
    x = x.slice(axes[k], starts.at(k), ends.at(k), steps.at(k));
  return x;
}
at::Tensor unsqueeze(const Call& c) {
  at::Tensor x = c.in(0);
  for (const int64_t axis : c.list(1)) x = x.unsqueeze(axis);
  return x;
}
at::Tensor clip(const Call& c) {
  return at::clamp(c.in(0), c.in(1).item<float>(), c.in(2).item<float>());
}
at::Tensor hard_sigmoid(const Call& c) {
  return at::clamp(c.in(0) * c.real("alpha", 0.2) + c.real("beta", 0.5), 0, 1);
}
at::Tensor reduce_mean(const Call& c) {
  const Ints axes = c.ints("axes", {});
  return at::mean(c.in(0), at::IntArrayRef(axes), c.integer("keepdims", 1) != 0);
}

using Operator = std::function<at::Tensor(const Call&)>;
const std::map<std::string, Operator>& operators() {
  static const std::map<std::string, Operator> table = {
      {"Add", [](const Call& c) { return c.in(0) + c.in(1); }},
      {"AveragePool", average_pool},
      {"BatchNormalization", batch_norm},
      {"Clip", clip},
      {"Concat", [](const Call& c) { return at::cat(c.inputs(), c.integer("axis", 1)); }},
      {"Conv", conv},
      {"Div", [](const Call& c) { return c.in(0) / c.in(1); }},
      {"Flatten", [](const Call& c) { return c.in(0).flatten(c.integer("axis", 1)); }},
      {"Gemm", gemm},
      {"GlobalAveragePool",
       [](const Call& c) {
         return at::mean(c.in(0), at::IntArrayRef({2, 3}), true);
       }},
      {"HardSigmoid", hard_sigmoid},
      {"HardSwish", [](const Call& c) { return at::hardswish(c.in(0)); }},
      {"Identity", [](const Call& c) { return c.in(0); }},
      {"MatMul", [](const Call& c) { return at::matmul(c.in(0), c.in(1)); }},
      {"MaxPool", max_pool},
      {"Mul", [](const Call& c) { return c.in(0) * c.in(1); }},
      {"ReduceMean", reduce_mean},
      {"Relu", [](const Call& c) { return at::relu(c.in(0)); }},
      {"Sigmoid", [](const Call& c) { return at::sigmoid(c.in(0)); }},
      {"Slice", slice},
      {"Sqrt", [](const Call& c) { return at::sqrt(c.in(0)); }},
      {"Sub", [](const Call& c) { return c.in(0) - c.in(1); }},
      {"Transpose", [](const Call& c) { return c.in(0).permute(c.ints("perm", {})); }},
      {"Unsqueeze", unsqueeze},
  };
  return table;
}

void require_sizes(const at::Tensor& t, const Ints& sizes, int64_t batch, const std::string& name) {
  bool same = t.dim() == static_cast<int64_t>(sizes.size());
  for (size_t k = 0; same && k < sizes.size(); ++k)
    same = t.size(static_cast<int64_t>(k)) == (sizes[k] == kBatch ? batch : sizes[k]);
  if (same) return;
  std::ostringstream text;
  text << "'" << name << "' has the sizes " << t.sizes() << ", not those that the file says";
  throw DataError(text.str());
}

}  // namespace

Network::Network(const std::string& path) : path_(path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw DataError(path + ": cannot be read");
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad()) throw DataError(path + ": cannot be read");
  model_ = decode(bytes, path);
  require_sound(model_, path);
  for (Tensor& tensor : model_.tensors) {
    tensors_[tensor.name] = copied(tensor);
    tensor.borrowed = {};
  }
  for (const auto* list : {&model_.values, &model_.outputs})
    for (const Value& value : *list) sizes_[value.name] = &value.sizes;
}

std::map<std::string, at::Tensor> Network::tensors() const {
  std::map<std::string, at::Tensor> own;
  for (const auto& [name, tensor] : tensors_)
    if (!name.starts_with(kConstant)) own[name] = tensor;
  return own;
}

at::Tensor Network::run(const at::Tensor& images) const {
  const c10::NoGradGuard no_grad;
  try {
    return pass(images);
  } catch (const DataError& e) {
    throw DataError(path_ + ": " + e.what());
  } catch (const c10::Error& e) {
    throw DataError(path_ + ": " + std::string(e.what_without_backtrace()).substr(0, 300));
  } catch (const std::out_of_range&) {
    throw DataError(path_ + ": a node's inputs do not fit one another");
  }
}

/// Values go as soon as nobody reads them any more.
at::Tensor Network::pass(const at::Tensor& images) const {
  if (model_.inputs.size() != 1)
    throw DataError("a network of " + std::to_string(model_.inputs.size()) +
                    " inputs, and images are one");
  std::map<std::string, at::Tensor> values = tensors_;
  std::map<std::string, int> readers;
  const Value& input = model_.inputs.front();
  require_sizes(images, input.sizes, images.size(0), input.name);
  values[input.name] = images;
  for (const Node& node : model_.nodes)
    for (const std::string& name : node.inputs) ++readers[name];
  const std::string& last = model_.outputs.front().name;
  for (const Node& node : model_.nodes) {
    throw_if_stopped();
    const auto found = operators().find(node.op);
    if (found == operators().end())
      throw DataError("operator " + node.op + " is none that this program writes");
    std::vector<at::Tensor> inputs;
    for (const std::string& name : node.inputs)
      inputs.push_back(name.empty() ? at::Tensor() : values.at(name));
    const std::string& output = node.outputs.front();
    at::Tensor result = found->second(Call(node, std::move(inputs)));
    require_sizes(result, *sizes_.at(output), images.size(0), output);
    for (const std::string& name : node.inputs)
      if (--readers[name] == 0 && name != last) values.erase(name);
    if (readers[output] > 0 || output == last) values[output] = std::move(result);
  }
  return values.at(last);
}

}  // namespace nas::onnx
