// The protocol with a clock of its own: order, passes, sentinel, drift, stops.
#include "hardware/measure/protocol.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

struct Seen {
  std::vector<size_t> order;
  std::map<size_t, int> calls;
};

TEST(Protocol, EachThingGetsItsRepeatsInPassesOfAnotherOrder) {
  for (const int repeats : {1, 3, 30, 31}) {
    Seen seen;
    ProtocolOptions options{.repeats = repeats, .seed = 4};
    const Protocol p = run_protocol(40, 0, options, [&](size_t thing, int calls, Samples& into) {
      seen.order.push_back(thing);
      for (int i = 0; i < calls; ++i) into.ms.push_back(static_cast<double>(thing + 1));
    });
    for (size_t i = 0; i < 40; ++i) {
      EXPECT_EQ(p.samples[i].ms.size(), static_cast<size_t>(repeats));
      EXPECT_EQ(timing_of(p.samples[i])->median_ms, static_cast<double>(i + 1));
    }
    EXPECT_FALSE(p.stopped);
    // Without the sentinel (0) every pass is a permutation, and none is like the first.
    std::vector<size_t> others;
    for (const size_t thing : seen.order)
      if (thing != 0) others.push_back(thing);
    const size_t passes = static_cast<size_t>(std::min(repeats, kPasses));
    ASSERT_EQ(others.size(), passes * 39);
    for (size_t pass = 0; pass < passes; ++pass) {
      const auto first = others.begin() + static_cast<long>(pass * 39);
      EXPECT_EQ(std::set<size_t>(first, first + 39).size(), 39U);
      if (pass > 0) {
        EXPECT_FALSE(std::equal(first, first + 39, others.begin()));
      }
    }
  }
}

TEST(Protocol, TheSeedDecidesTheOrder) {
  const auto order = [](uint64_t seed) {
    std::vector<size_t> list;
    run_protocol(20, 0, {.repeats = 5, .seed = seed}, [&](size_t thing, int, Samples&) {
      list.push_back(thing);
    });
    return list;
  };
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(1), order(2));
}

/// Times of things on a machine whose speed changes as `speed` says of the share that is done.
Drift drift_under(double noise, const std::function<double(double)>& speed) {
  Rng rng(8, "drift");
  size_t visits = 0;
  return run_protocol(60,
                      5,
                      {.repeats = 30},
                      [&](size_t, int calls, Samples& into) {
                        const double at = static_cast<double>(visits++) / 370;
                        for (int i = 0; i < calls; ++i)
                          into.ms.push_back(speed(at) * (1 + noise * std::abs(rng.normal())));
                      })
      .drift;
}

TEST(Protocol, ASteadyMachineIsStable) {
  const Drift drift = drift_under(0.05, [](double) { return 1; });
  EXPECT_TRUE(drift.known);
  EXPECT_FALSE(drift.unstable()) << drift.relative << " " << drift.noise;
}

TEST(Protocol, AMachineThatSlowsDownOrStumblesIsNot) {
  EXPECT_TRUE(drift_under(0.02, [](double at) { return 1 + 0.3 * at; }).unstable());
  EXPECT_TRUE(drift_under(0.02, [](double at) { return at > 0.5 ? 1.2 : 1; }).unstable());
  const Drift bump = drift_under(0.02, [](double at) { return at > 0.3 && at < 0.7 ? 1.2 : 1; });
  EXPECT_TRUE(bump.unstable());
  EXPECT_NEAR(bump.relative, 0.2, 0.03);
}

TEST(Protocol, LittleIsNoEvidenceOfDrift) {
  EXPECT_FALSE(drift_of({1, 2, 3}).known);
  EXPECT_FALSE(drift_of({1, 2, 3}).unstable());
}

TEST(Protocol, AStopKeepsWhatWasTimed) {
  int visits = 0;
  const Protocol p = run_protocol(10, 0, {.repeats = 5}, [&](size_t, int calls, Samples& into) {
    if (++visits > 8) throw Interrupted("stop");
    for (int i = 0; i < calls; ++i) into.ms.push_back(1);
  });
  EXPECT_TRUE(p.stopped);
  size_t timed = 0;
  for (const Samples& s : p.samples) timed += timing_of(s).has_value();
  EXPECT_GE(timed, 5U);
  EXPECT_LT(timed, 10U);
}

TEST(Timing, MedianQuartilesAndDeviation) {
  Samples samples;
  samples.ms = {5, 1, 2, 100, 4};
  const Timing t = *timing_of(samples);
  EXPECT_EQ(t.median_ms, 4);
  EXPECT_EQ(t.low_ms, 2);
  EXPECT_EQ(t.high_ms, 5);
  EXPECT_EQ(t.mad_ms, 2);
  EXPECT_EQ(t.repeats, 5);
  EXPECT_FALSE(t.energy_mj);
  // 2 J in 4 calls; too short a time for a counter that moves in steps says nothing.
  samples.joules = 2;
  samples.joules_calls = 4;
  samples.joules_s = 0.2;
  EXPECT_EQ(timing_of(samples)->energy_mj, 500);
  samples.joules_s = 0.01;
  EXPECT_FALSE(timing_of(samples)->energy_mj);
}

}  // namespace
}  // namespace nas
