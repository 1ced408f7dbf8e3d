// Plans as ONNX graphs, without LibTorch: what a runtime infers of each node by the definitions of
// ONNX (onnx_inference.hpp) is what the plan says of its shapes, its
// multiply-adds and its parameters.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "spaces/plan_builder.hpp"
#include "spaces/registry.hpp"
#include "supernet/export/onnx/graph.hpp"
#include "tests/spaces/all_spaces.hpp"
#include "tests/supernet/export/onnx_inference.hpp"

namespace nas {
namespace {

using test::Inference;
using test::kImages;
using test::numbers;
using test::Sizes;
using ::testing::ElementsAre;

/// Tensors of a plan by name, all zeros.
class Zeros {
 public:
  explicit Zeros(const Plan& plan) {
    int64_t most = 1;
    for (const Node& node : plan.nodes) {
      TensorSpec specs[kMostTensors];
      const int n = tensors_of(node.op, specs);
      for (int k = 0; k < n; ++k) {
        const auto span = specs[k].shape.span();
        sizes_[plan.tensor_name(node, specs[k].role)] = Sizes(span.begin(), span.end());
        most = std::max(most, specs[k].shape.elements());
      }
    }
    zeros_.resize(static_cast<size_t>(most));
  }
  onnx::Floats of(const std::string& name) const {
    const Sizes& sizes = sizes_.at(name);
    int64_t n = 1;
    for (const int64_t size : sizes) n *= size;
    return {sizes, std::span<const float>(zeros_).first(static_cast<size_t>(n))};
  }
  const std::map<std::string, Sizes>& sizes() const { return sizes_; }

 private:
  std::map<std::string, Sizes> sizes_;
  std::vector<float> zeros_;
};

onnx::Model model_of(const Plan& plan, int opset = 17, const onnx::Resizing* resizing = nullptr) {
  const Zeros zeros(plan);
  onnx::Description about;
  about.opset = opset;
  about.resizing = resizing;
  // The bytes of the tensors are not looked at after this.
  return onnx::model_of(
      plan, [&](const std::string& name) { return zeros.of(name); }, about);
}

/// Every size that the file states is the one that follows.
void expect_sizes(const onnx::Model& model, const Inference& inferred) {
  for (const auto* list : {&model.values, &model.outputs})
    for (const onnx::Value& value : *list)
      EXPECT_EQ(inferred.of(value.name), Inference::batch_of(value.sizes)) << value.name;
}

// ---- Networks of every space that ships.

class OnnxGraph : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    space_ = load_space(GetParam());
    Rng rng(2, GetParam());
    networks_ = {space_->largest(), space_->sample(rng), space_->sample(rng), space_->sample(rng)};
  }
  std::unique_ptr<Space> space_;
  std::vector<Architecture> networks_;
};

TEST_P(OnnxGraph, SizesFollowFromTheOperators) {
  for (const Architecture& a : networks_) {
    SCOPED_TRACE(space_->text(a));
    const Plan plan = space_->plan(a);
    const onnx::Model model = model_of(plan);
    const Inference inferred(model);
    expect_sizes(model, inferred);
    EXPECT_EQ(inferred.macs(), cost_of(plan).macs);
    const Dims logits = dims_of(plan.nodes.back().out);
    EXPECT_THAT(inferred.of("logits"), ElementsAre(kImages, logits.size[0]));
  }
}

TEST_P(OnnxGraph, TensorsAreThoseOfThePlanAndNoOthers) {
  for (const Architecture& a : networks_) {
    const Plan plan = space_->plan(a);
    const Zeros zeros(plan);
    const onnx::Model model = model_of(plan);
    std::map<std::string, Sizes> written;
    int64_t parameters = 0;
    for (const onnx::Tensor& tensor : model.tensors) {
      if (tensor.name.starts_with(onnx::kConstant)) continue;
      EXPECT_EQ(tensor.type, onnx::Type::kFloat);
      EXPECT_TRUE(written.emplace(tensor.name, tensor.sizes).second) << tensor.name;
      if (tensor.name.find(".running_") == std::string::npos) parameters += tensor.elements();
    }
    EXPECT_EQ(written, zeros.sizes());
    EXPECT_EQ(parameters, cost_of(plan).params);
  }
}

TEST_P(OnnxGraph, OpsetsDifferByHardSwishAlone) {
  const Plan plan = space_->plan(networks_.back());
  const onnx::Model newest = model_of(plan);
  const auto swishes = static_cast<size_t>(std::count_if(
      newest.nodes.begin(), newest.nodes.end(), [](const auto& n) { return n.op == "HardSwish"; }));
  for (int opset = onnx::kOldestOpset; opset <= onnx::kNewestOpset; ++opset) {
    const onnx::Model model = model_of(plan, opset);
    EXPECT_EQ(model.opset, opset);
    EXPECT_EQ(model.ir_version, opset < 15 ? 7 : 8);  // onnx/docs/Versioning.md
    size_t k = 0;
    for (const onnx::Node& node : model.nodes) {
      if (opset == 13) {
        EXPECT_NE(node.op, "HardSwish");
      }
      if (opset > 13) {
        EXPECT_EQ(node.op, newest.nodes.at(k).op);
      }
      ++k;
    }
    EXPECT_EQ(k, newest.nodes.size() + (opset == 13 ? swishes : 0));
    expect_sizes(model, Inference(model));
  }
}

INSTANTIATE_TEST_SUITE_P(Spaces, OnnxGraph, testing::ValuesIn(kSpaces), test_name);

// ---- Plans by hand.

class ByHand {
 public:
  explicit ByHand(const Shape& image) : b_(plan_, symbols_, image) { symbols_.intern(""); }
  template <typename T, typename In>
  int32_t add(const T& op, const char* name, const In& inputs) {
    return b_.add(op, symbols_.intern(name), inputs);
  }
  const Plan& plan() const { return plan_; }
  PlanBuilder& builder() { return b_; }

 private:
  Plan plan_;
  SymbolTable symbols_;
  PlanBuilder b_;
};

/// Nodes as `op(inputs)=output`.
std::vector<std::string> lines(const onnx::Model& model) {
  std::vector<std::string> all;
  for (const onnx::Node& node : model.nodes) {
    std::string text = node.op + "(";
    for (const std::string& input : node.inputs)
      text += (&input == &node.inputs.front() ? "" : ",") + input;
    all.push_back(text + ")=" + node.outputs.at(0));
  }
  return all;
}

using Inputs = std::vector<int32_t>;

TEST(OnnxGraphs, ActivationsInTheirPlainestForm) {
  for (const int opset : {13, 17}) {
    ByHand p({2, 1, 1});
    int32_t x = Plan::kInput;
    const std::pair<Act, const char*> acts[] = {
        {Act::kRelu6, "six"}, {Act::kHSwish, "hs"}, {Act::kSwish, "s"}, {Act::kHSigmoid, "h"}};
    for (const auto& [act, name] : acts) x = p.add(Activation{act}, name, x);
    const onnx::Model model = model_of(p.plan(), opset);
    if (opset == 17) {
      EXPECT_THAT(lines(model),
                  ElementsAre("Clip(image,constant/0,constant/6)=six",
                              "HardSwish(six)=hs",
                              "Sigmoid(hs)=s/gate",
                              "Mul(hs,s/gate)=s",
                              "HardSigmoid(s)=logits"));
    } else {
      EXPECT_THAT(lines(model),
                  ElementsAre("Clip(image,constant/0,constant/6)=six",
                              "HardSigmoid(six)=hs/gate",
                              "Mul(six,hs/gate)=hs",
                              "Sigmoid(hs)=s/gate",
                              "Mul(hs,s/gate)=s",
                              "HardSigmoid(s)=logits"));
    }
    EXPECT_THAT(numbers<float>(*model.find_tensor("constant/6")), ElementsAre(6.0F));
    // x/6 + 1/2 between 0 and 1, where ONNX' own default is x/5 + 1/2.
    EXPECT_EQ(model.nodes.back().find("alpha")->f, 1.0F / 6);
    EXPECT_EQ(model.nodes.back().find("beta")->f, 0.5F);
  }
}

TEST(OnnxGraphs, WhatOnlyPassesOnIsNoNode) {
  ByHand p({3, 5, 4});
  const int32_t same = p.add(Identity{}, "same", Plan::kInput);
  const int32_t kept = p.add(Subsample{1, 0}, "kept", same);
  const int32_t dropped = p.add(Dropout{0.5F}, "dropped", kept);
  const int32_t one = p.add(Add{}, "one", Inputs{dropped});
  const int32_t three = p.add(Add{}, "three", Inputs{one, kept, Plan::kInput});
  p.add(DropPath{0.2F}, "path", three);
  EXPECT_THAT(lines(model_of(p.plan())),
              ElementsAre("Add(image,image)=three/sum1", "Add(three/sum1,image)=logits"));
}

// The plan's last node makes nothing of its own, and what it passes on is read elsewhere, too.
TEST(OnnxGraphs, TheOutputIsCalledLogitsWhoeverMadeIt) {
  ByHand p({3, 5, 4});
  const int32_t a = p.add(Activation{Act::kRelu}, "a", Plan::kInput);
  p.add(Activation{Act::kSigmoid}, "b", a);
  p.add(Identity{}, "c", a);
  const onnx::Model model = model_of(p.plan());
  EXPECT_THAT(lines(model), ElementsAre("Relu(image)=a", "Sigmoid(a)=b", "Identity(a)=logits"));
  EXPECT_NO_THROW(onnx::require_sound(model, "f"));

  ByHand nothing({3, 5, 4});
  nothing.add(Identity{}, "c", Plan::kInput);
  const onnx::Model empty = model_of(nothing.plan());
  EXPECT_THAT(lines(empty), ElementsAre("Identity(image)=logits"));
  EXPECT_NO_THROW(onnx::require_sound(empty, "f"));
}

TEST(OnnxGraphs, EverySecondPixelFromTheOffsetOn) {
  ByHand p({2, 7, 6});
  const int32_t odd = p.add(Subsample{2, 1}, "odd", Plan::kInput);
  const int32_t none = p.add(Zero{2}, "none", Plan::kInput);
  p.add(Zero{1}, "zero", none);
  (void)odd;
  const onnx::Model model = model_of(p.plan());
  ASSERT_EQ(model.nodes.size(), 4U);
  EXPECT_EQ(model.nodes[0].op, "Slice");
  const auto list = [&](size_t node, size_t k) {
    return numbers<int64_t>(*model.find_tensor(model.nodes[node].inputs.at(k)));
  };
  EXPECT_THAT(list(0, 1), ElementsAre(1, 1));
  EXPECT_THAT(list(0, 2), ElementsAre(7, 6));
  EXPECT_THAT(list(0, 3), ElementsAre(2, 3));
  EXPECT_THAT(list(0, 4), ElementsAre(2, 2));
  EXPECT_THAT(list(1, 1), ElementsAre(0, 0));
  EXPECT_EQ(lines(model)[2], "Mul(none/strided,constant/0)=none");
  EXPECT_EQ(lines(model)[3], "Mul(none,constant/0)=logits");
  const Inference inferred(model);
  EXPECT_THAT(inferred.of("odd"), ElementsAre(kImages, 2, 3, 3));
  EXPECT_THAT(inferred.of("none"), ElementsAre(kImages, 2, 4, 3));
  expect_sizes(model, inferred);
}

TEST(OnnxGraphs, SequencesHaveTheirFeaturesLast) {
  ByHand p({4, 6, 1, Form::kSequence});
  const int32_t a = p.add(Linear{.in = 4, .out = 3}, "a", Plan::kInput);
  const int32_t b = p.add(Linear{.in = 4, .out = 2, .bias = false}, "b", Plan::kInput);
  const int32_t both = p.add(Concat{}, "both", Inputs{a, b});
  p.add(GlobalAvgPool{}, "mean", both);
  const onnx::Model model = model_of(p.plan());
  EXPECT_THAT(lines(model),
              ElementsAre("Transpose(a.weight)=a/transposed",
                          "MatMul(image,a/transposed)=a/product",
                          "Add(a/product,a.bias)=a",
                          "Transpose(b.weight)=b/transposed",
                          "MatMul(image,b/transposed)=b",
                          "Concat(a,b)=both",
                          "ReduceMean(both)=logits"));
  EXPECT_EQ(model.nodes[5].find("axis")->i, 2);
  const Inference inferred(model);
  EXPECT_THAT(inferred.of("both"), ElementsAre(kImages, 6, 5));
  EXPECT_THAT(inferred.of("logits"), ElementsAre(kImages, 5));
  EXPECT_EQ(inferred.macs(), 6 * (4 * 3 + 4 * 2));
  expect_sizes(model, inferred);
}

// (x - mean) / sqrt(mean of squares + eps), by channel and over the batch.
TEST(OnnxGraphs, BatchNormsWithoutStatisticsTakeThoseOfTheBatch) {
  ByHand p({3, 5, 4});
  p.add(BatchNorm{.channels = 3, .running = false, .eps = 0.25}, "n", Plan::kInput);
  const onnx::Model model = model_of(p.plan());
  EXPECT_THAT(lines(model),
              ElementsAre("ReduceMean(image)=n/mean",
                          "Sub(image,n/mean)=n/centred",
                          "Mul(n/centred,n/centred)=n/square",
                          "ReduceMean(n/square)=n/var",
                          "Add(n/var,constant/eps_0.25)=n/shifted",
                          "Sqrt(n/shifted)=n/deviation",
                          "Div(n/centred,n/deviation)=n/normal",
                          "Unsqueeze(n.weight,constant/int_1_2)=n/weight",
                          "Mul(n/normal,n/weight)=n/scaled",
                          "Unsqueeze(n.bias,constant/int_1_2)=n/bias",
                          "Add(n/scaled,n/bias)=logits"));
  EXPECT_THAT(numbers<float>(*model.find_tensor("constant/eps_0.25")), ElementsAre(0.25F));
  EXPECT_THAT(model.nodes[0].find("axes")->ints, ElementsAre(0, 2, 3));
  expect_sizes(model, Inference(model));
}

TEST(OnnxGraphs, WithoutScaleAndShiftTheyAreOneAndZero) {
  ByHand p({3, 5, 4});
  const int32_t a = p.add(BatchNorm{.channels = 3, .affine = false}, "a", Plan::kInput);
  p.add(BatchNorm{.channels = 3, .affine = false}, "b", a);
  const onnx::Model model = model_of(p.plan());
  EXPECT_EQ(lines(model)[1],
            "BatchNormalization(a,constant/ones_3,constant/zeros_3,b.running_mean,b.running_var)"
            "=logits");
  EXPECT_EQ(model.tensors.size(), 6U);  // Both constants once.
  EXPECT_THAT(numbers<float>(*model.find_tensor("constant/ones_3")), ElementsAre(1, 1, 1));
  EXPECT_THAT(numbers<float>(*model.find_tensor("constant/zeros_3")), ElementsAre(0, 0, 0));
}

TEST(OnnxGraphs, NamesThatMeetGetANumber) {
  ByHand p({3, 5, 4});
  const int32_t image = p.add(Activation{Act::kRelu}, "image", Plan::kInput);
  const int32_t logits = p.add(Activation{Act::kRelu}, "logits", image);
  const int32_t gate = p.add(Activation{Act::kRelu}, "s/gate", logits);
  p.add(Activation{Act::kSwish}, "s", gate);
  const onnx::Model model = model_of(p.plan());
  EXPECT_NO_THROW(onnx::require_sound(model, "f"));
  EXPECT_THAT(lines(model),
              ElementsAre("Relu(image)=image/2",
                          "Relu(image/2)=logits/2",
                          "Relu(logits/2)=s/gate",
                          "Sigmoid(s/gate)=s/gate/2",
                          "Mul(s/gate,s/gate/2)=logits"));
}

TEST(OnnxGraphs, ImagesOfAnotherSizeAreResizedByTwoMatrices) {
  ByHand p({3, 2, 4});
  p.add(Activation{Act::kRelu}, "a", Plan::kInput);
  onnx::Resizing resizing;
  resizing.image = {3, 6, 5};
  for (int k = 0; k < 2 * 6; ++k) resizing.rows.push_back(static_cast<float>(k));
  for (int k = 0; k < 5 * 4; ++k) resizing.columns.push_back(static_cast<float>(-k));
  const onnx::Model model = model_of(p.plan(), 17, &resizing);
  EXPECT_THAT(lines(model),
              ElementsAre("MatMul(constant/rows,image)=resize/rows",
                          "MatMul(resize/rows,constant/columns)=resize/columns",
                          "Relu(resize/columns)=logits"));
  EXPECT_THAT(model.inputs.at(0).sizes, ElementsAre(onnx::kBatch, 3, 6, 5));
  EXPECT_THAT(model.find_tensor("constant/rows")->sizes, ElementsAre(2, 6));
  EXPECT_THAT(model.find_tensor("constant/columns")->sizes, ElementsAre(5, 4));
  EXPECT_EQ(numbers<float>(*model.find_tensor("constant/columns")), resizing.columns);
  const Inference inferred(model);
  EXPECT_THAT(inferred.of("logits"), ElementsAre(kImages, 3, 2, 4));
  expect_sizes(model, inferred);
}

TEST(OnnxGraphs, ASecondInputIsAskedFor) {
  ByHand p({3, 2, 4});
  const int32_t other = p.builder().input({3, 2, 4});
  p.add(Add{}, "sum", Inputs{Plan::kInput, other});
  const onnx::Model model = model_of(p.plan());
  ASSERT_EQ(model.inputs.size(), 2U);
  EXPECT_THAT(lines(model), ElementsAre("Add(image,input1)=logits"));
}

}  // namespace
}  // namespace nas
