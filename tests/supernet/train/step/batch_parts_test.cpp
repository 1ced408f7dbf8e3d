// A path in parts: the loss and gradients of the whole batch up to rounding, and the same bits for
// any number of threads.
#include "supernet/train/step/batch_parts.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "spaces/error.hpp"
#include "trial.hpp"

namespace nas {
namespace {

using test::Trial;

struct Pass {
  at::Tensor loss, logits, features;
  std::map<std::string, at::Tensor> gradients, buffers;
};

Pass pass(const std::string& space_name, int shards, int threads, at::ScalarType type) {
  set_compute_threads(threads);
  const auto space = load_space(space_name);
  const auto set = make_shared_set(*space, 1, type);
  TrainOptions options;
  options.shards = shards;
  options.label_smoothing = 0.1;
  test::SetRunner runner(*space, *set, options, c10::Device(c10::kCPU), 1);
  Step step;
  step.paths.resize(2);
  step.paths[0].architecture = space->largest();
  step.paths[1].architecture = space->smallest();
  step.paths[1].distill_from = 0;
  step.paths[1].hard_loss = 0.3;
  // Dropout depends on the parts.
  for (Path& path : step.paths) path.regularise = false;
  const Shape in = space->plan(step.paths[0].architecture).input();
  TrainBatch batch;
  batch.images = test::tensor_of({10, in.c, in.h, in.w}, [](int64_t i) {
                   return std::sin(0.3 * static_cast<double>(i % 9973));
                 }).to(type);
  batch.labels = at::arange(10).remainder(3);
  batch.weights = at::linspace(0.5, 1.5, 10, type);
  for (int64_t i = 0; i < 10; ++i) batch.positions.push_back(i);
  Pass result;
  result.loss = runner.run(step, 0, batch, 0.5, 0, true);
  result.loss = result.loss + runner.run(step, 1, batch, 0.5, 0, true);
  const PathOutcome outcome = runner.outcome(step, 1, batch);
  result.logits = outcome.logits;
  result.features = *outcome.features;
  for (const NamedTensor& p : set->parameters())
    if (p.tensor.grad().defined()) result.gradients[p.name] = p.tensor.grad();
  for (const NamedTensor& b : set->buffers()) result.buffers[b.name] = b.tensor.clone();
  set_compute_threads(1);
  return result;
}

const char* const kSpaces[] = {"digits", "nasbench201-n1", "mobilenet-32", "resnet20-pool"};

class BatchPartsOf : public testing::TestWithParam<const char*> {};

TEST_P(BatchPartsOf, AreTheWholeBatchUpToRounding) {
  const Pass whole = pass(GetParam(), 0, 1, at::kDouble);
  for (const int shards : {1, 4}) {
    const Pass parts = pass(GetParam(), shards, 2, at::kDouble);
    EXPECT_TRUE(at::allclose(parts.loss, whole.loss, 1e-10, 0));
    EXPECT_TRUE(at::allclose(parts.logits, whole.logits, 1e-8, 1e-8));
    EXPECT_TRUE(at::allclose(parts.features, whole.features, 1e-8, 1e-8));
    ASSERT_EQ(parts.gradients.size(), whole.gradients.size());
    for (const auto& [name, gradient] : whole.gradients) {
      const double size = gradient.abs().max().item<double>();
      EXPECT_LE((parts.gradients.at(name) - gradient).abs().max().item<double>(),
                1e-7 * std::max(size, 1e-3))
          << name;
    }
    for (const auto& [name, buffer] : whole.buffers)
      EXPECT_TRUE(at::allclose(parts.buffers.at(name), buffer, 1e-9, 1e-9)) << name;
  }
}

TEST_P(BatchPartsOf, HaveTheSameBitsForAnyNumberOfThreads) {
  const Pass one = pass(GetParam(), 5, 1, at::kFloat);
  for (const int threads : {2, 3}) {
    const Pass several = pass(GetParam(), 5, threads, at::kFloat);
    EXPECT_TRUE(at::equal(one.loss, several.loss));
    EXPECT_TRUE(at::equal(one.logits, several.logits));
    for (const auto& [name, gradient] : one.gradients)
      EXPECT_TRUE(at::equal(several.gradients.at(name), gradient)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Spaces, BatchPartsOf, testing::ValuesIn(kSpaces), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(BatchParts, RangesCoverTheBatchEvenly) {
  for (const int64_t images : {1, 2, 7, 128})
    for (const int parts : {1, 3, 8}) {
      const auto ranges = batch_ranges(images, parts);
      EXPECT_EQ(ranges.size(), static_cast<size_t>(std::min<int64_t>(images, parts)));
      int64_t next = 0;
      for (const BatchRange& r : ranges) {
        EXPECT_EQ(r.first, next);
        EXPECT_GE(r.count, images / static_cast<int64_t>(ranges.size()));
        next += r.count;
      }
      EXPECT_EQ(next, images);
    }
}

/// Weights and metrics of a whole run, for each strategy.
class ShardedStrategy : public testing::TestWithParam<const StrategyEntry*> {
 protected:
  static Trial trial(int threads, int stop_at = -1) {
    std::string yaml = "{name: " + GetParam()->name;
    if (GetParam()->name == "progressive")
      yaml += ", phases: [{epochs: 3, subnets: 2, kernel: 0, depth: 0, expand: 0}]";
    return Trial(
        yaml + "}",
        3,
        GetParam()->name == "progressive"
            ? "family: cnn\nchannels: 1\nresolution: 8\nclasses: 10\nstem_width: 4\n"
              "kinds: [conv3]\nstages:\n  - {widths: [4, 8], depths: [0, 1, 2], stride: 1}\n"
            : test::kCells,
        stop_at,
        [threads](TrainOptions& o) {
          set_compute_threads(threads);
          o.shards = 3;
          o.batch = 40;
          o.gradient_variance.images = 64;
        });
  }
};

TEST_P(ShardedStrategy, TrainsToTheSameBitsForAnyNumberOfThreads) {
  Trial one = trial(1);
  one.trainer->run();
  // More threads than cores wait long for one another: the most of them once.
  for (const int threads : {2, GetParam()->name == "sandwich" ? 8 : 3}) {
    Trial several = trial(threads);
    several.trainer->run();
    EXPECT_EQ(test::store_hash(several), test::store_hash(one)) << threads;
    ASSERT_EQ(several.epochs_seen.size(), one.epochs_seen.size());
    for (size_t e = 0; e < one.epochs_seen.size(); ++e)
      for (const auto& [name, value] : one.epochs_seen[e]) {
        if (name.starts_with("time.")) continue;  // Times are not results.
        EXPECT_EQ(test::metric(several.epochs_seen[e], name), value) << name;
      }
  }
  // Stopped under two threads and gone on with under three.
  int turn = 0;
  EXPECT_EQ(test::hash_of_resumed([&](int stop) { return trial(++turn == 1 ? 2 : 3, stop); }, 7),
            test::store_hash(one));
  set_compute_threads(1);
}

std::vector<const StrategyEntry*> entries() {
  std::vector<const StrategyEntry*> all;
  for (const StrategyEntry& e : strategies()) all.push_back(&e);
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, ShardedStrategy, testing::ValuesIn(entries()), [](const auto& info) {
  return info.param->name;
});

}  // namespace
}  // namespace nas
