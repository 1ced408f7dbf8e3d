// Calibrations find what made the times, stay monotone, and say honestly how far off they are.
#include "hardware/prediction/calibration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

constexpr double kLeastOp = 0.01;

/// Networks whose time is a + b sum + c ops, with relative noise.
std::vector<MeasuredNetwork> networks(int n, double a, double b, double c, double noise = 0) {
  Rng rng(1, "calibration");
  std::vector<MeasuredNetwork> list;
  for (int i = 0; i < n; ++i) {
    MeasuredNetwork m;
    m.ops = 20 + static_cast<double>(rng.below(60));
    m.sum_ms = m.ops * (kLeastOp + 0.2 * rng.uniform());
    m.measured_ms = (a + b * m.sum_ms + c * m.ops) * (1 + noise * rng.normal());
    list.push_back(m);
  }
  return list;
}

TEST(Calibration, FindsOverheadsOfNetworksAndOps) {
  for (const auto& [a, b, c] :
       {std::tuple{0.0, 1.0, 0.0}, std::tuple{0.3, 0.8, 0.02}, std::tuple{0.1, 1.2, -0.005}}) {
    const auto list = networks(12, a, b, c);
    Calibration found = fit_calibration(list, kLeastOp);
    EXPECT_NEAR(found.a, a, 1e-6);
    EXPECT_NEAR(found.b, b, 1e-6);
    EXPECT_NEAR(found.c, c, 1e-6);
    EXPECT_EQ(found.networks, 12);
    held_out(list, kLeastOp, found);
    EXPECT_NEAR(found.spread, 0, 1e-6);
  }
}

// More was subtracted for each op than the shortest takes: the law that made these times would make
// a network faster by an op more, and is not what is learnt.
TEST(Calibration, AnOpMoreNeverMakesANetworkFaster) {
  const auto list = networks(30, 0.5, 1, -2 * kLeastOp);
  const Calibration found = fit_calibration(list, kLeastOp);
  EXPECT_GE(found.a, 0);
  EXPECT_GE(found.b, 0);
  EXPECT_GE(found.b * kLeastOp + found.c, -1e-12);
}

TEST(Calibration, SpreadIsTheNoiseOfNewNetworks) {
  const auto list = networks(60, 0.3, 0.8, 0.01, 0.05);
  Calibration found = fit_calibration(list, kLeastOp);
  const std::vector<double> told = held_out(list, kLeastOp, found);
  ASSERT_EQ(told.size(), list.size());
  EXPECT_NEAR(found.spread, 0.05, 0.015);
  // Another sixty: as far off as was said.
  Rng rng(9, "new");
  double squares = 0;
  for (int i = 0; i < 200; ++i) {
    const double ops = 20 + static_cast<double>(rng.below(60));
    const double sum = ops * (kLeastOp + 0.2 * rng.uniform());
    const double truth = (0.3 + 0.8 * sum + 0.01 * ops) * (1 + 0.05 * rng.normal());
    const double mean = found.mean(sum, ops);
    squares += std::pow((truth - mean) / (found.spread * mean), 2) / 200;
  }
  EXPECT_NEAR(squares, 1, 0.5);
}

// One mistake among the rows, however it is off, and two.
TEST(Calibration, RowsThatNoLineFitsWithTheOthersAreFound) {
  for (const double noise : {0.0, 0.05, 0.3})
    for (const double factor : {1000.0, 0.001}) {
      auto list = networks(20, 0.3, 0.8, 0.01, noise);
      for (MeasuredNetwork& m : list) m.measured_ms = std::max(m.measured_ms, 0.1);
      EXPECT_THAT(far_off(list, kLeastOp), testing::IsEmpty()) << noise;
      list[4].measured_ms *= factor;
      EXPECT_THAT(far_off(list, kLeastOp), testing::ElementsAre(4)) << noise << ' ' << factor;
      list[11].measured_ms *= factor;
      EXPECT_THAT(far_off(list, kLeastOp), testing::ElementsAre(4, 11)) << noise << ' ' << factor;
    }
}

// The smallest network of a space whose calls cost 0.2 ms takes twenty times its sum, and belongs
// to the rest; what is twice as slow as it should be is noise that the spread has to tell.
TEST(Calibration, WhatOneLineFitsIsNotFarOff) {
  std::vector<MeasuredNetwork> list;
  for (int i = 0; i < 11; ++i) {
    const double sum = 9 + 0.3 * i;
    list.push_back({sum, 50.0 + i % 3, 0.2 + sum});
  }
  list.push_back({0.01, 1, 0.2 + 0.01});
  EXPECT_THAT(far_off(list, 0.001), testing::IsEmpty());
  auto noisy = networks(20, 0.3, 0.8, 0.01, 0.02);
  noisy[3].measured_ms *= 2;
  EXPECT_THAT(far_off(noisy, kLeastOp), testing::IsEmpty());
}

// Equal to the last digit but one: no coefficient of 1e-17 is left.
TEST(Calibration, RoundingIsNoCoefficient) {
  const Calibration found = fit_calibration(networks(12, 0.3, 0.8, 0), kLeastOp);
  EXPECT_EQ(found.c, 0);
  EXPECT_EQ(fit_calibration(networks(12, 0, 1, 0.02), kLeastOp).a, 0);
}

// A held-out value does not know its own measurement.
TEST(Calibration, HeldOutNetworksAreNotLearnt) {
  auto list = networks(10, 0.3, 0.8, 0.01);
  list[4].measured_ms *= 3;
  Calibration found = fit_calibration(list, kLeastOp);
  const auto& m = list[4];
  EXPECT_NEAR(held_out(list, kLeastOp, found)[4], 0.3 + 0.8 * m.sum_ms + 0.01 * m.ops, 1e-6);
}

// A network that was measured while the machine was busy does not bend all others.
TEST(Calibration, OneSlowMeasurementCountsLittle) {
  auto list = networks(20, 0.3, 0.8, 0.01, 0.01);
  const Calibration before = fit_calibration(list, kLeastOp);
  list[7].measured_ms *= 4;
  const Calibration after = fit_calibration(list, kLeastOp);
  for (const MeasuredNetwork& m : list)
    EXPECT_NEAR(after.mean(m.sum_ms, m.ops) / before.mean(m.sum_ms, m.ops), 1, 0.03);
}

// Too near to be left out, far enough to be named: by a factor below three.
TEST(Calibration, WhatWidensTheSpreadIsNamed) {
  auto list = networks(20, 0.3, 0.8, 0.01, 0.01);
  Calibration fit = fit_calibration(list, kLeastOp);
  EXPECT_THAT(widened_by(list, held_out(list, kLeastOp, fit)).rows, testing::IsEmpty());
  const double before = fit.spread;
  list[7].measured_ms *= 2;
  list[9].measured_ms *= 0.6;
  fit = fit_calibration(list, kLeastOp);
  EXPECT_THAT(far_off(list, kLeastOp), testing::IsEmpty());
  const std::vector<double> held = held_out(list, kLeastOp, fit);
  const Widening found = widened_by(list, held);
  EXPECT_THAT(found.rows, testing::ElementsAre(7, 9));
  EXPECT_GT(fit.spread, 0.15);
  EXPECT_LT(found.without, 2 * before);
}

TEST(Calibration, RefusesTooLittleAndWhatIsNoTime) {
  EXPECT_THROW(fit_calibration(networks(kLeastCalibration - 1, 0, 1, 0), kLeastOp), DataError);
  for (const double bad : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    auto list = networks(8, 0, 1, 0);
    list[3].measured_ms = bad;
    EXPECT_THROW(fit_calibration(list, kLeastOp), DataError) << bad;
  }
}

}  // namespace
}  // namespace nas
