// One form of each op serves all opsets from 13 to 17, so that a runtime that knows only an old one
// gets the same network; what differs (HardSwish came with 14) is asked for in one place. The form
// is the plainest that runtimes and compilers for accelerators take: no Sum of many inputs, sizes
// and bounds as constants, no op without a fixed shape but for the batch.
#include "supernet/export/onnx/graph.hpp"

#include <cstdio>
#include <cstring>
#include <set>
#include <stdexcept>

#include "spaces/error.hpp"

namespace nas::onnx {
namespace {

/// The version of the file format that came with an opset.
int64_t ir_version(int opset) {
  return opset < 15 ? 7 : 8;
}

template <typename T>
std::string bytes(const std::vector<T>& values) {
  std::string text(values.size() * sizeof(T), '\0');
  std::memcpy(text.data(), values.data(), text.size());
  return text;
}

std::vector<int64_t> sizes_of(const Shape& shape) {
  std::vector<int64_t> sizes = {kBatch};
  const Dims dims = dims_of(shape);
  sizes.insert(sizes.end(), dims.span().begin(), dims.span().end());
  return sizes;
}

/// Writes the nodes of a plan, one or several for each op.
class Graph {
 public:
  Graph(const Plan& plan, const TensorsByName& tensors, const Description& description)
      : plan_(plan), tensors_(tensors), description_(description) {}

  Model model() {
    model_.ir_version = ir_version(description_.opset);
    model_.opset = description_.opset;
    model_.producer = "nas";
    model_.producer_version = description_.producer_version;
    model_.doc = description_.doc;
    model_.graph_name = description_.graph_name;
    model_.metadata = description_.metadata;
    given_ = {""};
    add_inputs();
    values_.resize(plan_.nodes.size());
    for (size_t i = 0; i < plan_.nodes.size(); ++i) {
      node_ = &plan_.nodes[i];
      const std::string& own = plan_.name(*node_);
      name_ = own.empty() ? std::string(op_name(node_->op)) + std::to_string(i) : own;
      values_[i] = std::visit([this](const auto& op) { return add(op); }, node_->op);
    }
    finish();
    return std::move(model_);
  }

 private:
  static constexpr const char* kOutput = "logits";

  // ---- What graphs are made of.

  /// `wanted`, or with a number behind it where that is taken.
  std::string fresh(const std::string& wanted) {
    std::string name = wanted;
    for (int k = 2; !given_.insert(name).second; ++k) name = wanted + "/" + std::to_string(k);
    return name;
  }
  /// Appends a node, and the sizes of what it makes; returns the name of that.
  std::string emit(const std::string& op,
                   std::vector<std::string> inputs,
                   std::vector<Attribute> attributes,
                   std::vector<int64_t> sizes,
                   const std::string& part = "") {
    const std::string name = fresh(part.empty() ? name_ : name_ + "/" + part);
    model_.nodes.push_back({name, op, std::move(inputs), {name}, std::move(attributes)});
    model_.values.push_back({name, std::move(sizes)});
    return name;
  }
  /// With the sizes of the plan's node.
  std::string emit(const std::string& op,
                   std::vector<std::string> inputs,
                   std::vector<Attribute> attributes = {}) {
    return emit(op, std::move(inputs), std::move(attributes), sizes_of(node_->out));
  }

  std::string constant(const std::string& what, Tensor tensor) {
    tensor.name = kConstant + what;
    if (given_.insert(tensor.name).second) model_.tensors.push_back(std::move(tensor));
    return kConstant + what;
  }
  std::string integers(const std::vector<int64_t>& values) {
    std::string what = "int";
    for (const int64_t v : values) what += "_" + std::to_string(v);
    return constant(what,
                    {"", Type::kInt64, {static_cast<int64_t>(values.size())}, {}, bytes(values)});
  }
  std::string scalar(const std::string& what, float value) {
    return constant(what, {"", Type::kFloat, {}, {}, bytes(std::vector<float>{value})});
  }
  /// So many equal numbers.
  std::string filled(int64_t n, float value) {
    const std::string what = (value == 0 ? "zeros_" : "ones_") + std::to_string(n);
    return constant(
        what,
        {"", Type::kFloat, {n}, {}, bytes(std::vector<float>(static_cast<size_t>(n), value))});
  }
  std::string matrix(const std::string& what, const std::vector<float>& values, int64_t columns) {
    const auto rows = static_cast<int64_t>(values.size()) / columns;
    return constant(what, {"", Type::kFloat, {rows, columns}, {}, bytes(values)});
  }

  std::string tensor(Role role) {
    const std::string name = plan_.tensor_name(*node_, role);
    if (!given_.insert(name).second) return name;  // Read by several nodes.
    const Floats floats = tensors_(name);
    model_.tensors.push_back(
        {name,
         Type::kFloat,
         floats.sizes,
         {reinterpret_cast<const char*>(floats.values.data()), floats.values.size_bytes()},
         {}});
    return name;
  }

  const std::string& value(int32_t id) const {
    return Plan::is_input(id) ? inputs_[Plan::input_index(id)] : values_[static_cast<size_t>(id)];
  }
  const std::string& in(size_t k = 0) const { return value(plan_.inputs(*node_)[k]); }
  const Shape& shape_in(size_t k = 0) const { return plan_.shape_of(plan_.inputs(*node_)[k]); }

  // ---- The ends.

  void add_inputs() {
    for (size_t k = 0; k < plan_.input_shapes.size(); ++k) {
      const bool resized = k == 0 && description_.resizing != nullptr;
      const Shape& shape = resized ? description_.resizing->image : plan_.input_shapes[k];
      inputs_.push_back(fresh(Plan::input_name(Plan::input_id(k))));
      model_.inputs.push_back({inputs_.back(), sizes_of(shape)});
    }
    given_.insert(kOutput);
    if (description_.resizing == nullptr) return;
    const Resizing& r = *description_.resizing;
    const Shape& to = plan_.input();
    name_ = "resize";
    const std::string rows = emit("MatMul",
                                  {matrix("rows", r.rows, r.image.h), inputs_[0]},
                                  {},
                                  {kBatch, to.c, to.h, r.image.w},
                                  "rows");
    inputs_[0] = emit("MatMul",
                      {rows, matrix("columns", r.columns, to.w)},
                      {},
                      {kBatch, to.c, to.h, to.w},
                      "columns");
  }

  /// The last value is called `logits`, whoever made it.
  void finish() {
    const std::string& last = values_.back();
    const std::vector<int64_t> sizes = sizes_of(plan_.nodes.back().out);
    model_.outputs.push_back({kOutput, sizes});
    if (model_.nodes.empty() || model_.nodes.back().outputs.front() != last) {
      model_.nodes.push_back({fresh("output"), "Identity", {last}, {kOutput}, {}});
      return;
    }
    model_.nodes.back().outputs = {kOutput};
    model_.values.pop_back();
  }

  // ---- The ops.

  static Attribute pair(const char* name, int64_t v) { return attribute(name, {v, v}); }
  static Attribute pads(int64_t v) { return attribute("pads", {v, v, v, v}); }

  std::string add(const Conv2d& op) {
    std::vector<std::string> inputs = {in(), tensor(Role::kWeight)};
    if (op.bias) inputs.push_back(tensor(Role::kBias));
    return emit("Conv",
                std::move(inputs),
                {pair("kernel_shape", op.kernel),
                 pair("strides", op.stride),
                 pads(op.padding),
                 pair("dilations", op.dilation),
                 attribute("group", int64_t{op.groups})});
  }

  std::string add(const BatchNorm& op) {
    if (!op.running) return of_batch(op);
    const int64_t n = op.channels;
    const std::string weight = op.affine ? tensor(Role::kWeight) : filled(n, 1);
    const std::string bias = op.affine ? tensor(Role::kBias) : filled(n, 0);
    return emit("BatchNormalization",
                {in(), weight, bias, tensor(Role::kRunningMean), tensor(Role::kRunningVar)},
                {real_attribute("epsilon", static_cast<float>(op.eps))});
  }
  /// With the statistics of the batch: the op's training mode has these, but runtimes for inference
  /// have no training mode.
  std::string of_batch(const BatchNorm& op) {
    const bool image = node_->out.image();
    const std::vector<int64_t> over =
        image ? std::vector<int64_t>{0, 2, 3} : std::vector<int64_t>{0};
    const std::vector<int64_t> whole = sizes_of(node_->out);
    const auto mean = [&](const std::string& of, const char* part) {
      // One value for a channel, whatever the batch: its first axis is 1.
      const std::string name = fresh(name_ + "/" + part);
      model_.nodes.push_back({name,
                              "ReduceMean",
                              {of},
                              {name},
                              {attribute("axes", over), attribute("keepdims", int64_t{1})}});
      std::vector<int64_t> one(whole.size(), 1);
      one[1] = op.channels;
      model_.values.push_back({name, one});
      return std::pair(name, one);
    };
    const auto step = [&](const char* what,
                          std::vector<std::string> from,
                          const char* part,
                          const std::vector<int64_t>& sizes) {
      return emit(what, std::move(from), {}, sizes, part);
    };
    const auto [middle, one] = mean(in(), "mean");
    const std::string centred = step("Sub", {in(), middle}, "centred", whole);
    const std::string square = step("Mul", {centred, centred}, "square", whole);
    const auto var = mean(square, "var").first;
    char eps[32];
    std::snprintf(eps, sizeof eps, "eps_%g", op.eps);
    const std::string sum =
        step("Add", {var, scalar(eps, static_cast<float>(op.eps))}, "shifted", one);
    const std::string deviation = step("Sqrt", {sum}, "deviation", one);
    if (!op.affine) return emit("Div", {centred, deviation});
    const std::string normal = step("Div", {centred, deviation}, "normal", whole);
    const std::string scaled =
        step("Mul", {normal, per_channel(Role::kWeight, image)}, "scaled", whole);
    return emit("Add", {scaled, per_channel(Role::kBias, image)});
  }
  /// [channels] as it lies beside a batch of images.
  std::string per_channel(Role role, bool image) {
    const std::string flat = tensor(role);
    if (!image) return flat;
    const std::string name = fresh(name_ + "/" + std::string(suffix(role)).substr(1));
    model_.nodes.push_back({name, "Unsqueeze", {flat, integers({1, 2})}, {name}, {}});
    model_.values.push_back({name, {node_->out.c, 1, 1}});
    return name;
  }

  std::string add(const Activation& op) {
    switch (op.act) {
      case Act::kRelu:
        return emit("Relu", {in()});
      case Act::kRelu6:
        return emit("Clip", {in(), scalar("0", 0), scalar("6", 6)});
      case Act::kHSwish:
        if (description_.opset >= 14) return emit("HardSwish", {in()});
        return emit("Mul", {in(), hard_sigmoid("gate")});
      case Act::kHSigmoid:
        return hard_sigmoid("");
      case Act::kSwish:
        return emit("Mul", {in(), emit("Sigmoid", {in()}, {}, sizes_of(node_->out), "gate")});
      case Act::kSigmoid:
        return emit("Sigmoid", {in()});
    }
    throw std::logic_error("unknown activation");
  }
  std::string hard_sigmoid(const std::string& part) {
    return emit("HardSigmoid",
                {in()},
                {real_attribute("alpha", 1.0F / 6), real_attribute("beta", 0.5F)},
                sizes_of(node_->out),
                part);
  }

  std::string add(const Pool& op) {
    std::vector<Attribute> attributes = {
        pair("kernel_shape", op.kernel), pair("strides", op.stride), pads(op.padding)};
    if (op.max) return emit("MaxPool", {in()}, std::move(attributes));
    attributes.push_back(attribute("count_include_pad", int64_t{0}));
    return emit("AveragePool", {in()}, std::move(attributes));
  }

  std::string add(const GlobalAvgPool& op) {
    if (!shape_in().image())
      return emit("ReduceMean",
                  {in()},
                  {attribute("axes", std::vector<int64_t>{1}), attribute("keepdims", int64_t{0})});
    if (op.keep) return emit("GlobalAveragePool", {in()});
    const std::string mean =
        emit("GlobalAveragePool", {in()}, {}, {kBatch, node_->out.c, 1, 1}, "mean");
    return emit("Flatten", {mean}, {attribute("axis", int64_t{1})});
  }

  std::string add(const Linear& op) {
    const std::string weight = tensor(Role::kWeight);
    if (shape_in().vector()) {
      std::vector<std::string> inputs = {in(), weight};
      if (op.bias) inputs.push_back(tensor(Role::kBias));
      return emit("Gemm", std::move(inputs), {attribute("transB", int64_t{1})});
    }
    const std::string turned = transposed(weight, op);
    if (!op.bias) return emit("MatMul", {in(), turned});
    const std::string product = emit("MatMul", {in(), turned}, {}, sizes_of(node_->out), "product");
    return emit("Add", {product, tensor(Role::kBias)});
  }
  /// Runtimes do this once, when they load the file.
  std::string transposed(const std::string& weight, const Linear& op) {
    const std::string name = fresh(name_ + "/transposed");
    model_.nodes.push_back(
        {name, "Transpose", {weight}, {name}, {attribute("perm", std::vector<int64_t>{1, 0})}});
    model_.values.push_back({name, {op.in, op.out}});
    return name;
  }

  std::string add(const Add&) {
    const size_t n = plan_.inputs(*node_).size();
    if (n == 1) return in();
    std::string sum = in();
    for (size_t k = 1; k + 1 < n; ++k)
      sum = emit("Add", {sum, in(k)}, {}, sizes_of(node_->out), "sum" + std::to_string(k));
    return emit("Add", {sum, in(n - 1)});
  }
  std::string add(const Mul&) { return emit("Mul", {in(0), in(1)}); }
  std::string add(const Concat&) {
    std::vector<std::string> parts;
    for (size_t k = 0; k < plan_.inputs(*node_).size(); ++k) parts.push_back(in(k));
    const int64_t axis = node_->out.form == Form::kSequence ? 2 : 1;
    return emit("Concat", std::move(parts), {attribute("axis", axis)});
  }

  std::string strided(int64_t stride, int64_t offset, const std::string& part) {
    if (stride == 1 && offset == 0) return in();
    const Shape& from = shape_in();
    return emit("Slice",
                {in(),
                 integers({offset, offset}),
                 integers({from.h, from.w}),
                 integers({2, 3}),
                 integers({stride, stride})},
                {},
                sizes_of(node_->out),
                part);
  }
  std::string add(const Zero& op) {
    return emit("Mul", {strided(op.stride, 0, "strided"), scalar("0", 0)});
  }
  std::string add(const Subsample& op) { return strided(op.stride, op.offset, ""); }
  // Nothing is computed: whoever reads them reads what they read.
  std::string add(const Identity&) { return in(); }
  std::string add(const Dropout&) { return in(); }
  std::string add(const DropPath&) { return in(); }
  std::string add(const WeightedSum&) {
    throw std::logic_error(
        "a relaxed plan is no network to export; export the plan of one of its architectures");
  }

  const Plan& plan_;
  const TensorsByName& tensors_;
  const Description& description_;
  Model model_;
  std::set<std::string> given_;
  std::vector<std::string> inputs_, values_;  ///< Names, by input and by node.
  const nas::Node* node_ = nullptr;
  std::string name_;
};

}  // namespace

int64_t bytes_of(const Plan& plan) {
  int64_t bytes = 0;
  for (const nas::Node& node : plan.nodes) {
    TensorSpec specs[kMostTensors];
    const int n = tensors_of(node.op, specs);
    for (int k = 0; k < n; ++k)
      bytes += specs[k].shape.elements() * static_cast<int64_t>(sizeof(float));
  }
  return bytes;
}

Model model_of(const Plan& plan, const TensorsByName& tensors, const Description& description) {
  // What is not weights (names, sizes, the description) takes some hundred bytes a node.
  int64_t bytes = bytes_of(plan) + 4096 * static_cast<int64_t>(plan.nodes.size());
  for (const auto& [key, value] : description.metadata)
    bytes += static_cast<int64_t>(key.size() + value.size());
  if (bytes > kMostBytes) {
    char size[32];
    std::snprintf(size, sizeof size, "%.1f", static_cast<double>(bytes) / 1e9);
    throw ConfigError(
        "an ONNX file holds 2.1 GB at most, and this network takes " + std::string(size) + " GB",
        "export it as torchscript or safetensors, which have no such limit, or "
        "choose a smaller network");
  }
  return Graph(plan, tensors, description).model();
}

}  // namespace nas::onnx
