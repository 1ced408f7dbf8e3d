// Optimizers, clipping and schedules against numbers worked by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "spaces/error.hpp"
#include "supernet/train/step/optimizer.hpp"
#include "support.hpp"

namespace nas {
namespace {

struct Scalar {
  explicit Scalar(double value, const char* n = "conv.weight")
      : name(n), tensor(at::full({1, 1}, value, at::kDouble).set_requires_grad(true)) {}
  void grad(double g) const { tensor.mutable_grad() = at::full({1, 1}, g, at::kDouble); }
  double value() const { return tensor.item<double>(); }
  std::string name;
  at::Tensor tensor;
};

OptimizerOptions sgd(double momentum, double decay, bool nesterov = false) {
  OptimizerOptions o;
  o.momentum = momentum;
  o.weight_decay = decay;
  o.nesterov = nesterov;
  return o;
}

TEST(Sgd, MomentumDecayNesterov) {
  // w = 1, gradients 0.5 then 0.2, lr 0.1, momentum 0.9, decay 0.01.
  for (const bool nesterov : {false, true}) {
    const Scalar w(1);
    Optimizer optimizer({{w.name, w.tensor}}, sgd(0.9, 0.01, nesterov));
    w.grad(0.5);
    test::step(optimizer, 0.1);
    const double g1 = 0.5 + 0.01, b1 = g1;
    const double w1 = 1 - 0.1 * (nesterov ? g1 + 0.9 * b1 : b1);
    EXPECT_NEAR(w.value(), w1, 1e-15);
    EXPECT_EQ(w.tensor.grad().item<double>(), 0) << "a step clears the gradients";
    w.grad(0.2);
    test::step(optimizer, 0.1);
    const double g2 = 0.2 + 0.01 * w1, b2 = 0.9 * b1 + g2;
    EXPECT_NEAR(w.value(), w1 - 0.1 * (nesterov ? g2 + 0.9 * b2 : b2), 1e-15);
  }
}

// panda.md 7.8: a parameter that no path of the step used.
TEST(Sgd, UntouchedParameters) {
  for (const Untouched untouched : {Untouched::kSkip, Untouched::kDecay}) {
    OptimizerOptions options = sgd(0.9, 2.5e-4);
    options.untouched = untouched;
    const Scalar w(0.99);
    Optimizer optimizer({{w.name, w.tensor}}, options);
    optimizer.load({{"conv.weight#steps", at::full({1}, 1, at::kLong)},
                    {"conv.weight#first", at::full({1, 1}, 0.2, at::kDouble)}});
    test::step(optimizer, 0.05);
    if (untouched == Untouched::kSkip) {
      EXPECT_EQ(w.value(), 0.99);
    } else {
      EXPECT_NEAR(w.value(), 0.980987625, 1e-12);
      EXPECT_NEAR(optimizer.save().at("conv.weight#first").item<double>(), 0.1802475, 1e-12);
    }
  }
  // Never used yet: left alone either way.
  OptimizerOptions options = sgd(0.9, 2.5e-4);
  options.untouched = Untouched::kDecay;
  const Scalar fresh(0.99);
  Optimizer optimizer({{fresh.name, fresh.tensor}}, options);
  test::step(optimizer, 0.05);
  EXPECT_EQ(fresh.value(), 0.99);
}

TEST(Sgd, DecayOnlyWhereWanted) {
  OptimizerOptions options = sgd(0, 0.1);
  options.decay_norm_and_bias = false;
  const Scalar weight(1), bias(1, "conv.bias");
  const at::Tensor gamma = at::ones({1}, at::kDouble).set_requires_grad(true);
  Optimizer optimizer(
      {{weight.name, weight.tensor}, {bias.name, bias.tensor, Role::kBias}, {"bn.weight", gamma}},
      options);
  weight.grad(0);
  bias.grad(0);
  gamma.mutable_grad() = at::zeros({1}, at::kDouble);
  test::step(optimizer, 1);
  EXPECT_NEAR(weight.value(), 0.9, 1e-15);
  EXPECT_EQ(bias.value(), 1);
  EXPECT_EQ(gamma.item<double>(), 1);
}

TEST(Adam, TwoStepsByHand) {
  for (const bool decoupled : {false, true}) {
    OptimizerOptions options;
    options.kind = decoupled ? OptimizerKind::kAdamW : OptimizerKind::kAdam;
    options.weight_decay = 0.1;
    const Scalar w(1);
    Optimizer optimizer({{w.name, w.tensor}}, options);
    double x = 1, m = 0, v = 0;
    const double lr = 0.01;
    int t = 0;
    for (const double raw : {0.5, -0.3}) {
      w.grad(raw);
      test::step(optimizer, lr);
      ++t;
      double g = raw;
      if (decoupled)
        x *= 1 - lr * 0.1;
      else
        g += 0.1 * x;
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      x -= lr * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
      EXPECT_NEAR(w.value(), x, 1e-14) << t;
    }
  }
}

TEST(Clipping, NormAndValue) {
  const Scalar a(1), b(1, "b.weight");
  a.grad(3);
  b.grad(4);
  EXPECT_EQ(clip_gradient_norm({a.tensor.grad(), b.tensor.grad()}, 10), 1);
  EXPECT_NEAR(clip_gradient_norm({a.tensor.grad(), b.tensor.grad()}, 1), 1 / (5 + 1e-6), 1e-12);
  EXPECT_NEAR(a.tensor.grad().item<double>(), 3 / (5 + 1e-6), 1e-12);
  EXPECT_EQ(clip_gradient_norm({a.tensor.grad(), b.tensor.grad()}, 0), 1) << "0 is off";
  OptimizerOptions options = sgd(0, 0);
  options.clip_value = 0.1;
  const Scalar c(1);
  Optimizer optimizer({{c.name, c.tensor}}, options);
  c.grad(-5);
  test::step(optimizer, 1);
  EXPECT_NEAR(c.value(), 1.1, 1e-15);
}

TEST(OptimizerState, RoundTripAndRefusals) {
  const Scalar w(1), u(1);
  Optimizer first({{w.name, w.tensor}}, sgd(0.9, 0)), second({{u.name, u.tensor}}, sgd(0.9, 0));
  w.grad(0.5);
  test::step(first, 0.1);
  second.load(first.save());
  u.tensor.detach().copy_(w.tensor);
  w.grad(0.1);
  u.grad(0.1);
  test::step(first, 0.1);
  test::step(second, 0.1);
  EXPECT_EQ(w.value(), u.value());
  auto state = first.save();
  state["other#steps"] = at::full({1}, 1, at::kLong);
  EXPECT_THROW(second.load(state), DataError);
  auto misshapen = first.save();
  misshapen["conv.weight#first"] = at::zeros({2}, at::kDouble);
  EXPECT_THROW(second.load(misshapen), DataError);
}

// panda.md 7.8: 0.05 over 250 epochs.
TEST(Schedule, CosinePerEpoch) {
  const ScheduleOptions o;
  const double want[][2] = {{0, 0.05}, {1, 0.0499980261}, {125, 0.025}, {249, 1.9738949e-6}};
  for (const auto& [epoch, lr] : want)
    EXPECT_NEAR(learning_rate(o, 0.05, epoch, 250), lr, 1e-10) << epoch;
  EXPECT_EQ(learning_rate(o, 0.05, 7.9, 250), learning_rate(o, 0.05, 7.0, 250));
}

TEST(Schedule, TheOthers) {
  ScheduleOptions o;
  o.kind = ScheduleKind::kStep;
  o.step_epochs = 10;
  o.gamma = 0.5;
  EXPECT_EQ(learning_rate(o, 0.8, 9, 100), 0.8);
  EXPECT_EQ(learning_rate(o, 0.8, 10, 100), 0.4);
  EXPECT_EQ(learning_rate(o, 0.8, 35, 100), 0.1);
  o.kind = ScheduleKind::kMultiStep;
  o.milestones = {3, 5};
  EXPECT_EQ(learning_rate(o, 0.8, 2, 100), 0.8);
  EXPECT_EQ(learning_rate(o, 0.8, 3, 100), 0.4);
  EXPECT_EQ(learning_rate(o, 0.8, 50, 100), 0.2);
  o.kind = ScheduleKind::kExponential;
  EXPECT_NEAR(learning_rate(o, 0.8, 3, 100), 0.1, 1e-15);
  o.kind = ScheduleKind::kConstant;
  EXPECT_EQ(learning_rate(o, 0.8, 50, 100), 0.8);
  o.warmup_epochs = 4;
  EXPECT_NEAR(learning_rate(o, 0.8, 0, 100), 0.2, 1e-15) << "the first epoch trains already";
  EXPECT_NEAR(learning_rate(o, 0.8, 3, 100), 0.8, 1e-15);
  o.per_step = true;
  EXPECT_NEAR(learning_rate(o, 0.8, 1.5, 100), 0.3, 1e-15);
  o.kind = ScheduleKind::kCosine;
  o.lr_min = 0.1;
  EXPECT_NEAR(learning_rate(o, 0.8, 52, 100), 0.45, 1e-12) << "half way after the warm-up";
  EXPECT_NEAR(learning_rate(o, 0.8, 100, 100), 0.1, 1e-12);
}

}  // namespace
}  // namespace nas
