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
  for (const auto& [key, op] : distinct_ops(*space_, complete)) {
    const LatencyEntry e = time_op(op, quick_, {});
    EXPECT_GT(e.low_ms, 0) << key;
    EXPECT_LE(e.low_ms, e.median_ms) << key;
    EXPECT_LE(e.median_ms, e.high_ms) << key;
    EXPECT_EQ(e.repeats, 5) << key;
  }
  EXPECT_TRUE(complete);
}

// Quartiles and medians of many calls: 64 images take longer than one, whoever else is at work.
TEST_F(Measure, ManyImagesTakeLongerThanOne) {
  MeasureOptions many = quick_;
  many.batch = 64;
  const Architecture a = space_->largest();
  EXPECT_GT(time_network(*space_, a, many, {}).low_ms, time_network(*space_, a, quick_, {}).low_ms);
}

TEST_F(Measure, StopsBetweenTwoCalls) {
  int calls = 0;
  MeasureOptions stopped = quick_;
  stopped.stop = [&] { return ++calls > 3; };
  EXPECT_THROW(time_network(*space_, space_->smallest(), stopped, {}), Interrupted);
  EXPECT_EQ(calls, 4);
}

}  // namespace
}  // namespace nas
