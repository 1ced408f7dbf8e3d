// A training that diverges: what is kept, what is said; and the last group of an epoch.
#include <gtest/gtest.h>

#include <array>

#include "spaces/error.hpp"
#include "trial.hpp"

namespace nas {
namespace {

using test::Trial;

constexpr const char* kZeros = "{name: fixed, architecture: \"0,0,0,0,0,0\"}";

void diverge(TrainOptions& o) {
  o.optimizer.lr = 1e6;
  o.optimizer.clip_norm = 0;
  o.optimizer.momentum = 0.9;
  o.checkpoint.steps = 1;
  o.checkpoint.keep = 2;
  o.gradient_variance.every = 0;
}

/// The first update leaves the range of floats.
void overflow(TrainOptions& o) {
  o.optimizer.lr = 1e38;
  o.optimizer.weight_decay = 1e6;
  o.optimizer.clip_norm = 0;
}

/// What the error of a run says, "" when it ends well.
std::string failure_of(Trial& trial) {
  try {
    trial.trainer->run();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

void expect_finite_checkpoints(const Trial& trial) {
  for (const std::string& path : checkpoints_in(trial.folder.string()))
    EXPECT_EQ(not_finite(read_checkpoint(path).tensors), "") << path;
}

// On a GPU the loss is looked at every 50 steps, and a checkpoint is due in between.
TEST(Divergence, NoCheckpointIsWrittenBetweenTwoLooksAtTheLoss) {
  Trial trial("{name: uniform}", 40, test::kCells, -1, diverge, /*loss_interval=*/1000);
  const std::string told = failure_of(trial);
  EXPECT_NE(told.find("no longer finite"), std::string::npos) << told;
  EXPECT_NE(told.find("step"), std::string::npos) << told;
  EXPECT_NE(told.find("train.optimizer.lr"), std::string::npos) << told;
  EXPECT_FALSE(checkpoints_in(trial.folder.string()).empty());
  EXPECT_NE(told.find(checkpoints_in(trial.folder.string())[0]), std::string::npos) << told;
  expect_finite_checkpoints(trial);
}

TEST(Divergence, StoppingDoesNotSaveABrokenState) {
  // 5 steps an epoch; the one update of each batch spoils the weights at once.
  Trial trial(
      kZeros,
      1,
      test::kCells,
      /*stop_at=*/1,
      [](TrainOptions& o) { overflow(o); },
      1000);
  EXPECT_NE(failure_of(trial).find("no longer finite"), std::string::npos);
  EXPECT_TRUE(checkpoints_in(trial.folder.string()).empty());
}

TEST(Divergence, TheLastUpdateIsLookedAtToo) {
  Trial trial(kZeros, 1, test::kCells, -1, [](TrainOptions& o) {
    o.batch = 240;  // One batch, whose loss is finite.
    overflow(o);
  });
  const std::string told = failure_of(trial);
  EXPECT_NE(told.find("no longer finite"), std::string::npos) << told;
  EXPECT_TRUE(trial.epochs_seen.empty());
  EXPECT_TRUE(checkpoints_in(trial.folder.string()).empty());
}

TEST(Divergence, NamesTheFirstTensorThatIsNotFinite) {
  EXPECT_EQ(not_finite({{"a", at::ones({3})}, {"b", at::full({1}, 7, at::kLong)}}), "");
  EXPECT_EQ(not_finite({{"a", at::ones({3})}, {"b", at::full({2}, NAN)}}), "b");
  EXPECT_EQ(not_finite({{"a", at::full({2}, -INFINITY, at::kHalf)}, {"b", at::ones({1})}}), "a");
  EXPECT_EQ(not_finite({}), "");
}

// The cell of zeros: features are 0, logits are the classifier's bias b, whose gradient is
// softmax(b) - the share of each class. Three batches in groups of two: the second update has one.
TEST(Accumulation, TheLastGroupOfAnEpochIsDividedByItsOwnBatches) {
  constexpr double kRate = 0.5;
  Trial trial(kZeros, 1, test::kCells, -1, [&](TrainOptions& o) {
    o.batch = 80;
    o.accumulate = 2;
    o.optimizer.momentum = 0;
    o.optimizer.weight_decay = 0;
    o.optimizer.lr = kRate;
    o.schedule.kind = ScheduleKind::kConstant;
    o.gradient_variance.every = 0;
  });
  const std::vector<int64_t> order = trial.strategy->data_order(0);
  std::array<double, 10> bias{};
  const at::Tensor first = test::find_parameter(*trial.weights, "classifier.bias").detach();
  for (int64_t k = 0; k < 10; ++k) bias[static_cast<size_t>(k)] = first[k].item<double>();
  const auto update = [&](size_t begin, size_t end) {
    std::array<double, 10> gradient{};
    double sum = 0;
    for (const double b : bias) sum += std::exp(b);
    for (size_t k = 0; k < 10; ++k) gradient[k] = std::exp(bias[k]) / sum;
    for (size_t i = begin; i < end; ++i) {
      const int64_t image = trial.splits.train[static_cast<size_t>(order[i])];
      gradient[static_cast<size_t>(trial.dataset->label(image))] -=
          1.0 / static_cast<double>(end - begin);
    }
    for (size_t k = 0; k < 10; ++k) bias[k] -= kRate * gradient[k];
  };
  ASSERT_EQ(order.size(), 240u);
  update(0, 160);
  update(160, 240);
  trial.trainer->run();
  const at::Tensor found = test::find_parameter(*trial.weights, "classifier.bias").detach();
  for (int64_t k = 0; k < 10; ++k)
    EXPECT_NEAR(found[k].item<double>(), bias[static_cast<size_t>(k)], 1e-6) << k;
}

}  // namespace
}  // namespace nas
