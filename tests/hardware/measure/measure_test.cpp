// Times of ops and networks: their order, their statistics, and that a measurement can be stopped.
#include "hardware/measure/measure.hpp"

#include <gtest/gtest.h>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "supernet/device.hpp"

namespace nas {
namespace {

class Measure : public testing::Test {
 protected:
  Measure() { set_compute_threads(1); }
  std::unique_ptr<Space> space_ = load_space("digits");
  MeasureOptions quick_{.batch = 1, .warmup = 1, .repeats = 5};
};

TEST_F(Measure, EveryOpOfASpaceHasATime) {
  bool complete = false;
  const auto ops = distinct_ops(*space_, complete);
  EXPECT_TRUE(complete);
  const MeasuredOps measured = measure_ops(ops, quick_, {});
  EXPECT_FALSE(measured.stopped);
  EXPECT_TRUE(measured.missing.empty());
  ASSERT_EQ(measured.times.size(), ops.size());
  for (const auto& [key, t] : measured.times) {
    EXPECT_GT(t.low_ms, 0) << key;
    EXPECT_LE(t.low_ms, t.median_ms) << key;
    EXPECT_LE(t.median_ms, t.high_ms) << key;
    EXPECT_LE(t.mad_ms, t.high_ms) << key;
    EXPECT_EQ(t.repeats, 5) << key;
    // Its inputs, its tensors and what it gives are alive together.
    const OpCase& op = ops.at(key);
    const Plan& plan = *op.plan;
    const Node& node = plan.nodes[op.node];
    double least = 0;
    for (const int32_t id : plan.inputs(node))
      least += 4 * static_cast<double>(plan.shape_of(id).elements());
    EXPECT_GE(t.peak_bytes, least + 4 * static_cast<double>(params_of(node.op))) << key;
  }
  EXPECT_TRUE(ops.contains(measured.sentinel)) << measured.sentinel;
  for (const char* key : {"pinned", "governor", "energy", "order"})
    EXPECT_TRUE(measured.conditions.contains(key)) << key;
}

// Quartiles and medians of many calls: 64 images take longer than one, whoever else is at work; so
// does what they keep in memory.
TEST_F(Measure, ManyImagesTakeLongerThanOne) {
  MeasureOptions many = quick_;
  many.batch = 64;
  const std::vector<Plan> largest = {space_->plan(space_->largest())};
  const MeasuredNetworks a = measure_networks(largest, many, {});
  const MeasuredNetworks b = measure_networks(largest, quick_, {});
  ASSERT_TRUE(a.times[0] && b.times[0]);
  EXPECT_GT(a.times[0]->low_ms, b.times[0]->low_ms);
  EXPECT_GT(a.times[0]->peak_bytes, 1.5 * b.times[0]->peak_bytes);  // Weights are in both.
}

TEST_F(Measure, NetworksKeepTheirOrder) {
  const std::vector<Plan> plans = {space_->plan(space_->largest()),
                                   space_->plan(space_->smallest())};
  MeasureOptions many = quick_;
  many.batch = 64;
  const MeasuredNetworks measured = measure_networks(plans, many, {});
  ASSERT_EQ(measured.times.size(), 2U);
  EXPECT_GT(measured.times[0]->median_ms, measured.times[1]->median_ms);
}

TEST_F(Measure, AStopBetweenTwoCallsKeepsWhatIsThere) {
  bool complete = false;
  const auto ops = distinct_ops(*space_, complete);
  int calls = 0;
  MeasureOptions stopped = quick_;
  stopped.stop = [&] { return ++calls > 60; };
  const MeasuredOps measured = measure_ops(ops, stopped, {});
  EXPECT_TRUE(measured.stopped);
  EXPECT_EQ(calls, 61);
  EXPECT_GT(measured.times.size(), 5U);
  EXPECT_EQ(measured.times.size() + measured.missing.size(), ops.size());
  stopped.stop = [] { return true; };
  EXPECT_EQ(measure_ops(ops, stopped, {}).missing.size(), ops.size());
}

TEST_F(Measure, FlushIsForGpus) {
  MeasureOptions flush = quick_;
  flush.flush_l2 = true;
  const std::vector<Plan> plans = {space_->plan(space_->smallest())};
  EXPECT_THROW(measure_networks(plans, flush, {}), ConfigError);
}

}  // namespace
}  // namespace nas
