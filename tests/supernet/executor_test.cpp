// The executor against closed forms, and the shared store's slices and gradients.
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <map>

#include "support.hpp"

namespace nas {
namespace {

/// Answers tensors by name; what a plan made by hand needs.
class MapSource final : public TensorSource {
 public:
  std::map<std::string, at::Tensor> tensors;
  at::Tensor get(const Plan& plan, const Node& node, const TensorSpec& spec) override {
    return tensors.at(plan.tensor_name(node, spec.role));
  }
};

class Executor : public testing::Test {
 protected:
  /// Output of one op on x [N, C, H, W].
  template <typename T>
  at::Tensor run(const T& op, const at::Tensor& x, const ForwardOptions& options = {}) {
    SymbolTable symbols;
    symbols.intern("");
    const uint32_t name = symbols.intern("op");
    Plan plan;
    PlanBuilder b(plan, symbols, shape(x));
    b.add(op, name, Plan::kInput);
    return forward(plan, store_, x, options);
  }
  static Shape shape(const at::Tensor& x) {
    return {static_cast<int32_t>(x.size(1)),
            static_cast<int32_t>(x.size(2)),
            static_cast<int32_t>(x.size(3))};
  }
  MapSource store_;
  at::Tensor x_ = test::tensor_of({1, 1, 4, 4}, [](int64_t i) { return static_cast<double>(i); });
};

std::vector<double> values(const at::Tensor& t) {
  const at::Tensor flat = t.contiguous().to(at::kDouble).flatten();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

// A sequence and a vector, as a text model with a condition would have them.
TEST_F(Executor, SeveralInputsThatAreNoImages) {
  SymbolTable symbols;
  symbols.intern("");
  Plan plan;
  PlanBuilder b(plan, symbols, {2, 3, 1, Form::kSequence});
  const int32_t condition = b.input({4, 1, 1, Form::kVector});
  const int32_t places =
      b.add(Linear{.in = 2, .out = 4, .bias = false}, symbols.intern("each"), Plan::kInput);
  const int32_t mean = b.add(GlobalAvgPool{}, 0, places);
  b.add(Mul{}, 0, {mean, condition});
  store_.tensors["each.weight"] =
      at::tensor({1., 0., 0., 1., 1., 1., 1., -1.}, at::kDouble).view({4, 2});
  const std::vector<at::Tensor> inputs = {
      at::tensor({1., 2., 3., 4., 5., 6.}, at::kDouble).view({1, 3, 2}),
      at::tensor({1., 2., 3., 0.}, at::kDouble).view({1, 4})};
  // Means over the places of (x, y, x + y, x - y): 3, 4, 7, -1.
  EXPECT_EQ(values(forward(plan, store_, inputs, {})), (std::vector<double>{3, 8, 21, 0}));
  EXPECT_THROW(forward(plan, store_, inputs[0], {}), std::logic_error);
}

TEST_F(Executor, ConvolutionWithStrideAndPadding) {
  store_.tensors["op.weight"] = at::ones({1, 1, 3, 3}, at::kDouble);
  Conv2d conv;
  conv.in = conv.out = 1;
  conv.kernel = 3;
  conv.stride = 2;
  conv.padding = 1;
  // Sums of 3x3 windows of 0..15 centred at (0,0), (0,2), (2,0), (2,2), zeros outside.
  EXPECT_EQ(values(run(conv, x_)), (std::vector<double>{10, 24, 51, 90}));
}

TEST_F(Executor, AveragePoolingDoesNotCountPadding) {
  Pool pool{false, 3, 2, 1};
  EXPECT_EQ(values(run(pool, x_)), (std::vector<double>{2.5, 4, 8.5, 10}));
  Pool max{true, 3, 2, 1};
  EXPECT_EQ(values(run(max, x_)), (std::vector<double>{5, 7, 13, 15}));
}

TEST_F(Executor, SubsampleZeroIdentityAndMean) {
  EXPECT_EQ(values(run(Subsample{2, 0}, x_)), (std::vector<double>{0, 2, 8, 10}));
  EXPECT_EQ(values(run(Subsample{2, 1}, x_)), (std::vector<double>{5, 7, 13, 15}));
  EXPECT_EQ(values(run(Zero{2}, x_)), (std::vector<double>{0, 0, 0, 0}));
  EXPECT_EQ(values(run(Identity{}, x_)), values(x_));
  EXPECT_EQ(values(run(GlobalAvgPool{}, x_)), (std::vector<double>{7.5}));
}

TEST_F(Executor, Activations) {
  const at::Tensor x = at::tensor({-4.0, -1.0, 1.0, 7.0}, at::kDouble).view({1, 4, 1, 1});
  EXPECT_EQ(values(run(Activation{Act::kRelu}, x)), (std::vector<double>{0, 0, 1, 7}));
  EXPECT_EQ(values(run(Activation{Act::kRelu6}, x)), (std::vector<double>{0, 0, 1, 6}));
  const std::vector<double> hswish = values(run(Activation{Act::kHSwish}, x));
  EXPECT_DOUBLE_EQ(hswish[1], -1.0 * 2 / 6);
  EXPECT_DOUBLE_EQ(hswish[2], 1.0 * 4 / 6);
  EXPECT_DOUBLE_EQ(values(run(Activation{Act::kHSigmoid}, x))[1], 2.0 / 6);
  EXPECT_DOUBLE_EQ(values(run(Activation{Act::kSigmoid}, x))[2], 1 / (1 + std::exp(-1)));
  EXPECT_DOUBLE_EQ(values(run(Activation{Act::kSwish}, x))[2], 1 / (1 + std::exp(-1)));
}

TEST_F(Executor, BatchNormModes) {
  const at::Tensor x = at::tensor({1.0, 3.0, 5.0, 7.0}, at::kDouble).view({4, 1, 1, 1});
  store_.tensors["op.weight"] = at::full({1}, 2.0, at::kDouble);
  store_.tensors["op.bias"] = at::full({1}, 0.5, at::kDouble);
  store_.tensors["op.running_mean"] = at::zeros({1}, at::kDouble);
  store_.tensors["op.running_var"] = at::ones({1}, at::kDouble);
  BatchNorm bn;
  bn.channels = 1;
  bn.eps = 0;                               // The closed forms below are then exact.
  const double scale = 2 / std::sqrt(5.0);  // biased variance 5, mean 4
  const auto expect_batch = [&](const at::Tensor& y) {
    EXPECT_NEAR(values(y)[0], -3 * scale + 0.5, 1e-12);
    EXPECT_NEAR(values(y)[3], 3 * scale + 0.5, 1e-12);
  };
  ForwardOptions o;
  expect_batch(run(bn, x, o));
  EXPECT_EQ(store_.tensors["op.running_mean"].item<double>(), 0);
  o.bn = ForwardOptions::Bn::kTrain;
  expect_batch(run(bn, x, o));
  EXPECT_NEAR(store_.tensors["op.running_mean"].item<double>(), 0.4, 1e-12);
  EXPECT_NEAR(store_.tensors["op.running_var"].item<double>(), 0.9 + 0.1 * 20 / 3, 1e-12);
  o.bn = ForwardOptions::Bn::kRunning;
  store_.tensors["op.running_mean"].fill_(1);
  store_.tensors["op.running_var"].fill_(4);
  EXPECT_NEAR(values(run(bn, x, o))[1], (3 - 1) / 2.0 * 2 + 0.5, 1e-12);

  BnTable table;
  o.bn = ForwardOptions::Bn::kCollect;
  o.table = &table;
  expect_batch(run(bn, x, o));
  EXPECT_NEAR(table.at(0).mean.item<double>(), 4, 1e-6);
  EXPECT_NEAR(table.at(0).var.item<double>(), 5, 1e-6);
  o.bn = ForwardOptions::Bn::kTable;
  table[0].mean = at::full({1}, 3.0, at::kDouble);
  table[0].var = at::full({1}, 1.0, at::kDouble);
  EXPECT_NEAR(values(run(bn, x, o))[2], (5 - 3) * 2 + 0.5, 1e-12);
}

TEST_F(Executor, DropPathKeepsTheMeanAndIsOffInEvaluation) {
  const at::Tensor x = at::ones({4000, 1, 1, 1}, at::kDouble);
  EXPECT_TRUE(at::equal(run(DropPath{0.25F}, x), x));
  ForwardOptions o;
  o.train = true;
  o.generator = at::make_generator<at::CPUGeneratorImpl>(3);
  const at::Tensor y = run(DropPath{0.25F}, x, o);
  EXPECT_NEAR(y.mean().item<double>(), 1, 0.05);
  const at::Tensor kept = (y == 0).logical_or(at::isclose(y, at::full_like(y, 1 / 0.75)));
  EXPECT_TRUE(kept.all().item<bool>());
}

TEST_F(Executor, AddMulConcatJoinBranches) {
  SymbolTable symbols;
  symbols.intern("");
  Plan plan;
  PlanBuilder b(plan, symbols, {2, 2, 2});
  const int32_t gate = b.add(GlobalAvgPool{true}, 0, Plan::kInput);
  const int32_t scaled = b.add(Op{Mul{}}, 0, {Plan::kInput, gate});
  const int32_t sum = b.add(Op{Add{}}, 0, {scaled, Plan::kInput});
  b.add(Op{Concat{}}, 0, {sum, Plan::kInput});
  const at::Tensor x =
      test::tensor_of({1, 2, 2, 2}, [](int64_t i) { return static_cast<double>(i); });
  const at::Tensor y = forward(plan, store_, x, {});
  ASSERT_EQ(y.sizes(), (std::vector<int64_t>{1, 4, 2, 2}));
  // Channel means are 1.5 and 5.5: x * mean + x.
  EXPECT_EQ(values(y),
            (std::vector<double>{0, 2.5, 5, 7.5, 26, 32.5, 39, 45.5, 0, 1, 2, 3, 4, 5, 6, 7}));
}

/// Derivative of the loss by every weight of a small elastic supernet, against differences.
TEST(Gradient, MatchesCentralDifferences) {
  const auto space = test::space_of(
      "family: cnn\nchannels: 1\nresolution: 4\nclasses: 3\nstem_width: 3\n"
      "kinds: [sep3, mb3, conv3]\nstages:\n  - {widths: [2, 4], depths: [0, 1, 2], stride: 1}\n");
  const auto store = make_shared_set(*space, 1, at::kDouble);
  const at::Tensor x =
      test::tensor_of({3, 1, 4, 4}, [](int64_t i) { return std::sin(static_cast<double>(i * i)); });
  const at::Tensor labels = at::tensor({0, 2, 1}, at::kLong);
  Rng rng(5, "gradient");
  for (int trial = 0; trial < 4; ++trial) {
    const Architecture a = space->sample(rng);
    const Plan plan = space->plan(a);
    const auto loss = [&] {
      return at::cross_entropy_loss(forward(plan, a, *store, x, {}), labels);
    };
    for (const NamedTensor& p : store->parameters()) p.tensor.mutable_grad().reset();
    loss().backward();
    int compared = 0;
    const c10::NoGradGuard no_grad;
    for (const NamedTensor& p : store->parameters()) {
      at::Tensor flat = p.tensor.detach().view({-1});
      for (int64_t i = 0; i < flat.numel(); i += 7) {
        const double eps = 1e-5, was = flat[i].item<double>();
        flat[i] = was + eps;
        const double up = loss().item<double>();
        flat[i] = was - eps;
        const double down = loss().item<double>();
        flat[i] = was;
        const double numeric = (up - down) / (2 * eps);
        const double exact =
            p.tensor.grad().defined() ? p.tensor.grad().view({-1})[i].item<double>() : 0.0;
        EXPECT_NEAR(exact, numeric, 1e-6) << p.name << "[" << i << "] " << space->text(a);
        if (numeric != 0) ++compared;
      }
    }
    EXPECT_GT(compared, 5) << space->text(a);
  }
}

/// A subnet touches only its leading slice of an elastic tensor.
TEST(Gradient, StaysInsideTheSlice) {
  const auto space = load_space("digits");
  const auto store = make_shared_set(*space, 1, at::kDouble);
  const at::Tensor x =
      test::tensor_of({4, 1, 8, 8}, [](int64_t i) { return std::cos(static_cast<double>(i)); });
  test::logits_of(*space, *store, "12-conv3/16-conv3", x).square().sum().backward();
  int narrower = 0;
  for (const NamedTensor& p : store->parameters()) {
    const at::Tensor grad = p.tensor.grad();
    if (!grad.defined() || grad.dim() != 4 || grad.size(0) < 24) continue;
    const int64_t used = grad.size(0) == 24 ? 12 : 16;
    EXPECT_EQ(grad.slice(0, used).abs().sum().item<double>(), 0) << p.name;
    EXPECT_GT(grad.slice(0, 0, used).abs().sum().item<double>(), 0) << p.name;
    ++narrower;
  }
  EXPECT_GE(narrower, 2);
}

TEST(SharedStore, SeedsDecideTheWeights) {
  const auto space = load_space("digits");
  const auto a = make_shared_set(*space, 1), b = make_shared_set(*space, 1),
             c = make_shared_set(*space, 2);
  int differ = 0;
  for (size_t i = 0; i < a->parameters().size(); ++i) {
    EXPECT_EQ(a->parameters()[i].name, b->parameters()[i].name);
    EXPECT_TRUE(at::equal(a->parameters()[i].tensor, b->parameters()[i].tensor));
    if (!at::equal(a->parameters()[i].tensor, c->parameters()[i].tensor)) ++differ;
  }
  EXPECT_GT(differ, 5);
}

}  // namespace
}  // namespace nas
