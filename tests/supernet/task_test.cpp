// What every task owes the trainer, the samplers and judging, and a task that does not ship.
#include <gtest/gtest.h>

#include <cmath>

#include "spaces/metric.hpp"
#include "spaces/registry.hpp"
#include "support.hpp"
#include "toys/toys.hpp"

namespace nas {
namespace {

struct Batch {
  at::Tensor outputs, targets, taught;
};

/// 12 samples; classes for tasks of several outputs.
Batch batch_of(const Task& task) {
  const int64_t n = 12, k = task.name() == "interval" ? 1 : 7;
  const auto wave = [&](double by) {
    return (at::arange(n * k, at::kDouble) * by).sin().view({n, k}) * 2;
  };
  return {wave(0.7).contiguous(), at::arange(n).remainder(k == 1 ? 5 : k), wave(1.9)};
}

class TaskContract : public testing::TestWithParam<const Task*> {};

TEST_P(TaskContract, MetricsAreKnownAndLossIsOneOfThem) {
  bool loss = false;
  for (const char* name : GetParam()->metrics()) {
    EXPECT_NE(find_metric(name), nullptr) << name;
    loss = loss || std::string(name) == "loss";
  }
  EXPECT_TRUE(loss);
}

TEST_P(TaskContract, LossOfTheBatchIsTheMeanOfItsSamples) {
  const Batch b = batch_of(*GetParam());
  for (const double smoothing : {0.0, 0.1}) {
    const at::Tensor each = GetParam()->loss(b.outputs, b.targets, smoothing, true);
    ASSERT_EQ(each.sizes(), b.targets.sizes());
    EXPECT_NEAR(GetParam()->loss(b.outputs, b.targets, smoothing, false).item<double>(),
                each.mean().item<double>(),
                1e-12);
  }
  EXPECT_NEAR(GetParam()->imitation(b.outputs, b.taught, false).item<double>(),
              GetParam()->imitation(b.outputs, b.taught, true).mean().item<double>(),
              1e-12);
}

TEST_P(TaskContract, GradientOfTheOutputsIsThatOfTheLoss) {
  const Batch b = batch_of(*GetParam());
  for (const double smoothing : {0.0, 0.1}) {
    const at::Tensor z = b.outputs.detach().clone().requires_grad_(true);
    GetParam()->loss(z, b.targets, smoothing, true).sum().backward();
    const at::Tensor said = GetParam()->output_gradient(b.outputs, b.targets, smoothing);
    EXPECT_TRUE(at::allclose(said, z.grad(), 1e-10, 1e-12)) << said << z.grad();
  }
}

TEST_P(TaskContract, ImitationIsLeastWhereTheTeacherIs) {
  const Batch b = batch_of(*GetParam());
  const double own = GetParam()->imitation(b.taught, b.taught, false).item<double>();
  EXPECT_LT(own, GetParam()->imitation(b.outputs, b.taught, false).item<double>());
}

TEST_P(TaskContract, SumsAddUpOverBatchesAndLossIsTheMean) {
  const Batch b = batch_of(*GetParam());
  const std::vector<double> all = GetParam()->sums(b.outputs, b.targets);
  ASSERT_EQ(all.size(), GetParam()->metrics().size());
  const std::vector<double> head =
      GetParam()->sums(b.outputs.narrow(0, 0, 5), b.targets.narrow(0, 0, 5));
  const std::vector<double> tail =
      GetParam()->sums(b.outputs.narrow(0, 5, 7), b.targets.narrow(0, 5, 7));
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_NEAR(all[i], head[i] + tail[i], 1e-4) << GetParam()->metrics()[i];
    if (std::string(GetParam()->metrics()[i]) == "loss") {
      EXPECT_NEAR(
          all[i] / 12, GetParam()->loss(b.outputs, b.targets, 0, false).item<double>(), 1e-5);
    }
  }
  EXPECT_LE(GetParam()->right(b.outputs, b.targets).item<int64_t>(), 12);
}

INSTANTIATE_TEST_SUITE_P(All,
                         TaskContract,
                         testing::ValuesIn(test::all_tasks()),
                         [](const auto& info) { return std::string(info.param->name()); });

TEST(Classification, CountsByHand) {
  // Best classes 0, 1, 2; labels 0, 0, 2.
  const at::Tensor z = at::eye(3, at::kFloat) * 4, y = at::tensor({0, 0, 2}, at::kLong);
  const std::vector<double> sums = classification().sums(z, y);
  EXPECT_EQ(sums[0], 2);
  EXPECT_EQ(sums[1], 3);  // Of three classes all are among the five best.
  const double rest = std::log(std::exp(4) + 2);
  EXPECT_NEAR(sums[2], 2 * (rest - 4) + rest, 1e-5);
  EXPECT_EQ(classification().right(z, y).item<int64_t>(), 2);
}

TEST(Score, NamesItsValues) {
  const Score score{10, {{"accuracy", 0.5}, {"loss", 2.0}}};
  EXPECT_EQ(score.first(), 0.5);
  EXPECT_EQ(score.value("loss"), 2.0);
  EXPECT_THROW(score.value("perplexity"), std::out_of_range);
}

TEST(TaskOf, EverySpaceHasOne) {
  EXPECT_EQ(&task_of(*load_space("digits")), &classification());
}

}  // namespace
}  // namespace nas
