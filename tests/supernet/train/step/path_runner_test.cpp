// Losses and gradients of one training step: smoothing, accumulation, fairness, distillation.
#include "supernet/train/step/path_runner.hpp"
#include "supernet/train/strategy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include <c10/core/GradMode.h>

#include "support.hpp"

namespace nas {
namespace {

/// A small elastic supernet in double and one batch of four images.
class PathRunnerTest : public testing::Test {
 protected:
  PathRunnerTest()
      : space_(test::space_of(
            "family: cnn\nchannels: 1\nresolution: 4\nclasses: 3\nstem_width: 3\n"
            "kinds: [sep3, conv3]\nstages:\n  - {widths: [2, 4], depths: [0, 1, 2], stride: 1}\n")),
        store_(make_shared_set(*space_, 1, at::kDouble)) {
    batch_.images = test::tensor_of(
        {4, 1, 4, 4}, [](int64_t i) { return std::sin(0.3 * static_cast<double>(i * i)); });
    batch_.labels = at::tensor({0, 2, 1, 2}, at::kLong);
    batch_.positions = {0, 1, 2, 3};
  }

  test::SetRunner runner() { return {*space_, *store_, options_, c10::Device(c10::kCPU), 1}; }

  Step single(const Architecture& a) const {
    Step step;
    step.paths.resize(1);
    step.paths[0].architecture = a;
    return step;
  }

  std::map<std::string, at::Tensor> take_gradients() {
    std::map<std::string, at::Tensor> found;
    for (const NamedTensor& p : store_->parameters()) {
      if (p.tensor.grad().defined()) found[p.name] = p.tensor.grad().clone();
      p.tensor.mutable_grad().reset();
    }
    return found;
  }

  std::unique_ptr<Space> space_;
  std::unique_ptr<WeightSet> store_;
  TrainOptions options_;
  TrainBatch batch_;
};

/// (1 - s) * -log p_y + s/K * sum_k -log p_k, mean over images.
TEST_F(PathRunnerTest, LabelSmoothingFollowsItsFormula) {
  const Step step = single(space_->largest());
  for (const double s : {0.0, 0.1, 0.6}) {
    options_.label_smoothing = s;
    test::SetRunner runner = this->runner();
    const double loss = runner.run(step, 0, batch_, 1, 0, false).item<double>();
    const at::Tensor logp = runner.outcome(step, 0, batch_).logits.log_softmax(1);
    double expected = 0;
    for (int i = 0; i < 4; ++i)
      for (int k = 0; k < 3; ++k) {
        const double target = s / 3 + (batch_.labels[i].item<int64_t>() == k ? 1 - s : 0);
        expected -= target * logp[i][k].item<double>() / 4;
      }
    EXPECT_NEAR(loss, expected, 1e-12) << s;
  }
}

TEST_F(PathRunnerTest, ImageWeightsAndPathWeightMultiplyTheLoss) {
  Step step = single(space_->largest());
  test::SetRunner runner = this->runner();
  runner.run(step, 0, batch_, 1, 0, false);
  const auto plain = take_gradients();
  // Equal weights of 3 on every image and 1/2 on the path: 1.5 times the gradient.
  batch_.weights = at::full({4}, 3.0, at::kDouble);
  step.paths[0].weight = 0.5;
  runner.run(step, 0, batch_, 1, 0, false);
  const auto weighted = take_gradients();
  ASSERT_EQ(plain.size(), weighted.size());
  for (const auto& [name, gradient] : plain)
    EXPECT_TRUE(at::allclose(weighted.at(name), gradient * 1.5, 1e-9, 1e-12)) << name;
}

/// The auxiliary head adds its weighted loss in training and changes nothing else.
TEST(AuxiliaryHead, AddsItsWeightedLossInTrainingOnly) {
  const std::string small = "family: darts\nwidth: 2\nlayers: 3\nclasses: 3\n";
  const auto with = test::space_of(small + "auxiliary: 0.4\n"), without = test::space_of(small);
  const auto store = make_shared_set(*with, 1, at::kDouble);
  const auto plain = make_shared_set(*without, 1, at::kDouble);
  for (const NamedTensor& p : plain->parameters())
    p.tensor.detach().copy_(test::find_parameter(*store, p.name).detach());
  const Architecture a = with->largest();
  TrainBatch batch;
  batch.images = test::wave_images(32);
  batch.labels = at::tensor({0, 2, 1, 2}, at::kLong);
  batch.positions = {0, 1, 2, 3};
  Step step;
  step.paths.resize(1);
  step.paths[0].architecture = a;
  const TrainOptions options;
  test::SetRunner mine(*with, *store, options, c10::Device(c10::kCPU), 1);
  test::SetRunner other(*without, *plain, options, c10::Device(c10::kCPU), 1);
  const double loss = mine.run(step, 0, batch, 1, 0, false).item<double>();
  const double main = other.run(step, 0, batch, 1, 0, false).item<double>();
  EXPECT_TRUE(at::equal(mine.outcome(step, 0, batch).logits, other.outcome(step, 0, batch).logits));
  EXPECT_TRUE(test::find_parameter(*store, "auxiliary.conv0.weight").grad().defined());
  EXPECT_GT(mine.totals.macs, other.totals.macs);

  at::Tensor head;
  ForwardOptions forward_options;
  forward_options.auxiliary = &head;
  const Plan plan = with->plan(a);
  const c10::NoGradGuard no_grad;
  forward(plan, a, *store, batch.images, forward_options);
  EXPECT_NEAR(loss, main + 0.4 * at::cross_entropy_loss(head, batch.labels).item<double>(), 1e-6);
  // Unasked for, it does not run.
  forward_options.auxiliary = nullptr;
  EXPECT_TRUE(at::equal(forward(plan, a, *store, batch.images, forward_options),
                        forward(without->plan(a), a, *plain, batch.images, {})));
}

/// The share 1/accumulate of each of several batches: their mean gradient.
TEST_F(PathRunnerTest, SharesOfBatchesAddUpToTheMean) {
  const Step step = single(space_->largest());
  test::SetRunner runner = this->runner();
  TrainBatch first = batch_, second = batch_;
  second.images = batch_.images.flip(0) * 0.5;
  runner.run(step, 0, first, 1, 0, false);
  const auto a = take_gradients();
  runner.run(step, 0, second, 1, 1, false);
  const auto b = take_gradients();
  runner.run(step, 0, first, 0.5, 0, false);
  runner.run(step, 0, second, 0.5, 1, false);
  for (const auto& [name, gradient] : take_gradients())
    EXPECT_TRUE(at::allclose(gradient, (a.at(name) + b.at(name)) / 2, 1e-9, 1e-12)) << name;
}

TEST_F(PathRunnerTest, SandwichTeachesByTheDetachedLogitsOfTheLargest) {
  const auto strategy =
      make_strategy("sandwich", StrategyContext{*space_, 1, 2, 20, 4}, YamlSource{});
  const Step step = strategy->next_step(0);
  ASSERT_EQ(step.paths.size(), 4U);
  EXPECT_EQ(step.paths[0].architecture, space_->largest());
  EXPECT_EQ(step.paths[0].distill_from, -1);
  EXPECT_EQ(step.paths[1].architecture, space_->smallest());
  test::SetRunner runner = this->runner();
  runner.run(step, 0, batch_, 1, 0, false);
  const at::Tensor target = runner.outcome(step, 0, batch_).logits.softmax(1);
  take_gradients();
  for (size_t i = 1; i < step.paths.size(); ++i) {
    const double loss = runner.run(step, i, batch_, 1, 0, false).item<double>();
    const at::Tensor logp = runner.outcome(step, i, batch_).logits.log_softmax(1);
    // The runner forms the soft targets in single precision.
    EXPECT_NEAR(loss, -(target * logp).sum().item<double>() / 4, 1e-7);
    // Nothing flows back into the teacher: its own tensors, unused by the student, have none.
    std::map<std::string, at::Tensor> mine = take_gradients();
    const Architecture& a = step.paths[i].architecture;
    const Plan plan = space_->plan(a);
    for (const Node& node : plan.nodes) {
      TensorSpec specs[4];
      const int n = tensors_of(node.op, specs);
      for (int k = 0; k < n; ++k) mine.erase(plan.tensor_name(node, specs[k].role));
    }
    EXPECT_TRUE(mine.empty()) << mine.begin()->first << " of another subnet was trained";
  }
}

/// Strict fairness in a space whose choices have five options each.
TEST(Fair, EachOptionOfEachChoiceExactlyOncePerStep) {
  const auto space = load_space("nasbench201-n1");
  const auto strategy = make_strategy("fair", StrategyContext{*space, 3, 2, 20, 4}, YamlSource{});
  strategy->begin_epoch(0);
  for (int s = 0; s < 50; ++s) {
    const Step step = strategy->next_step(0);
    ASSERT_EQ(step.paths.size(), 5U);
    std::map<std::pair<size_t, int16_t>, int> used;
    for (const Path& path : step.paths)
      for (size_t c = 0; c < path.architecture.genes.size(); ++c)
        ++used[{c, path.architecture.genes[c]}];
    EXPECT_EQ(used.size(), 30U);
    for (const auto& [option, times] : used) EXPECT_EQ(times, 1);
  }
}

}  // namespace
}  // namespace nas
