#pragma once
// Sizes of what the nodes of an ONNX graph make, by the definitions of their operators.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "supernet/export/onnx/model.hpp"

namespace nas::test {

using Sizes = std::vector<int64_t>;

constexpr int64_t kImages = 5;  ///< The free batch, for the inference.

template <typename T>
std::vector<T> numbers(const onnx::Tensor& tensor) {
  std::vector<T> values(tensor.bytes().size() / sizeof(T));
  std::memcpy(values.data(), tensor.bytes().data(), tensor.bytes().size());
  return values;
}

inline int64_t product(const Sizes& sizes, size_t from = 0) {
  return std::accumulate(
      sizes.begin() + static_cast<int64_t>(from), sizes.end(), int64_t{1}, std::multiplies<>());
}

/// Sizes of what a node makes, by the definitions of its operator.
class Inference {
 public:
  explicit Inference(const onnx::Model& model) : model_(model) {
    for (const onnx::Tensor& tensor : model.tensors) sizes_[tensor.name] = tensor.sizes;
    for (const onnx::Value& input : model.inputs) sizes_[input.name] = batch_of(input.sizes);
    for (const onnx::Node& node : model.nodes) {
      node_ = &node;
      sizes_[node.outputs.at(0)] = infer();
    }
  }
  static Sizes batch_of(Sizes sizes) {
    for (int64_t& size : sizes)
      if (size == onnx::kBatch) size = kImages;
    return sizes;
  }
  const Sizes& of(const std::string& name) const { return sizes_.at(name); }
  /// Multiply-adds of one image, in convolutions and products with weights.
  int64_t macs() const { return macs_ / kImages; }

 private:
  const Sizes& in(size_t k) const { return sizes_.at(node_->inputs.at(k)); }
  Sizes ints(const char* name) const { return node_->find(name)->ints; }
  Sizes list(size_t k) const { return numbers<int64_t>(*model_.find_tensor(node_->inputs.at(k))); }

  /// Axes from behind; 1 fits any size.
  static Sizes broadcast(Sizes a, Sizes b) {
    if (a.size() < b.size()) std::swap(a, b);
    b.insert(b.begin(), a.size() - b.size(), 1);
    for (size_t k = 0; k < a.size(); ++k) {
      EXPECT_TRUE(a[k] == b[k] || a[k] == 1 || b[k] == 1);
      a[k] = std::max(a[k], b[k]);
    }
    return a;
  }

  Sizes window(int64_t channels) const {
    Sizes out = {in(0).at(0), channels};
    const Sizes kernel = ints("kernel_shape"), strides = ints("strides"), pads = ints("pads");
    const Sizes dilations = node_->op == "Conv" ? ints("dilations") : Sizes{1, 1};
    for (size_t k = 0; k < 2; ++k) {
      const int64_t whole = in(0).at(k + 2) + pads.at(k) + pads.at(k + 2);
      out.push_back((whole - dilations.at(k) * (kernel.at(k) - 1) - 1) / strides.at(k) + 1);
    }
    return out;
  }

  Sizes conv() {
    const Sizes weight = in(1);
    EXPECT_EQ(weight.at(1) * node_->find("group")->i, in(0).at(1));
    EXPECT_EQ(Sizes(weight.begin() + 2, weight.end()), ints("kernel_shape"));
    if (node_->inputs.size() == 3) {
      EXPECT_EQ(in(2), Sizes{weight.at(0)});
    }
    const Sizes out = window(weight.at(0));
    macs_ += product(out) * product(weight, 1);
    return out;
  }

  Sizes gemm() {
    EXPECT_EQ(node_->find("transB")->i, 1);
    EXPECT_EQ(in(0).at(1), in(1).at(1));
    if (node_->inputs.size() == 3) {
      EXPECT_EQ(in(2), Sizes{in(1).at(0)});
    }
    macs_ += in(0).at(0) * product(in(1));
    return {in(0).at(0), in(1).at(0)};
  }

  Sizes mat_mul() {
    Sizes a = in(0), b = in(1);
    EXPECT_EQ(a.back(), b.at(b.size() - 2));
    const int64_t rows = a.at(a.size() - 2), columns = b.back();
    Sizes out = broadcast(Sizes(a.begin(), a.end() - 2), Sizes(b.begin(), b.end() - 2));
    out.insert(out.end(), {rows, columns});
    macs_ += product(out) * a.back();
    return out;
  }

  Sizes reduced() const {
    Sizes out;
    const Sizes axes = ints("axes");
    const bool keep = node_->find("keepdims")->i != 0;
    for (int64_t k = 0; k < static_cast<int64_t>(in(0).size()); ++k) {
      const bool gone = std::find(axes.begin(), axes.end(), k) != axes.end();
      if (!gone || keep) out.push_back(gone ? 1 : in(0).at(static_cast<size_t>(k)));
    }
    return out;
  }

  Sizes sliced() const {
    Sizes out = in(0);
    const Sizes starts = list(1), ends = list(2), axes = list(3), steps = list(4);
    for (size_t k = 0; k < axes.size(); ++k) {
      int64_t& size = out.at(static_cast<size_t>(axes[k]));
      int64_t kept = 0;
      for (int64_t at = starts[k]; at < std::min(ends[k], size); at += steps[k]) ++kept;
      size = kept;
    }
    return out;
  }

  Sizes concatenated() const {
    Sizes out = in(0);
    const auto axis = static_cast<size_t>(node_->find("axis")->i);
    for (size_t k = 1; k < node_->inputs.size(); ++k) {
      Sizes other = in(k);
      out.at(axis) += other.at(axis);
      other.at(axis) = out.at(axis);
      EXPECT_EQ(other, out);
    }
    return out;
  }

  Sizes normalised() const {
    for (size_t k = 1; k < 5; ++k) EXPECT_EQ(in(k), Sizes{in(0).at(1)}) << node_->inputs[k];
    return in(0);
  }

  Sizes infer() {
    const std::string& op = node_->op;
    if (op == "Conv") return conv();
    if (op == "Gemm") return gemm();
    if (op == "MatMul") return mat_mul();
    if (op == "MaxPool" || op == "AveragePool") return window(in(0).at(1));
    if (op == "GlobalAveragePool") return {in(0).at(0), in(0).at(1), 1, 1};
    if (op == "Flatten") return {in(0).at(0), product(in(0), 1)};
    if (op == "BatchNormalization") return normalised();
    if (op == "ReduceMean") return reduced();
    if (op == "Slice") return sliced();
    if (op == "Concat") return concatenated();
    if (op == "Transpose") return {in(0).at(1), in(0).at(0)};
    if (op == "Unsqueeze") return {in(0).at(0), 1, 1};
    if (op == "Add" || op == "Mul" || op == "Sub" || op == "Div") return broadcast(in(0), in(1));
    EXPECT_TRUE(std::set<std::string>(
                    {"Relu", "Clip", "HardSwish", "HardSigmoid", "Sigmoid", "Sqrt", "Identity"})
                    .contains(op))
        << op;
    return in(0);
  }

  const onnx::Model& model_;
  const onnx::Node* node_ = nullptr;
  std::map<std::string, Sizes> sizes_;
  int64_t macs_ = 0;
};

}  // namespace nas::test
