// Fronts of noisy values: what another measurement could turn round is not left out.
#include "search/noise.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace nas {
namespace {

using testing::ElementsAre;

const Noise kExact;

// Normal errors of known size: P(a <= b) = Phi((b - a) / sqrt(ea^2 + eb^2)).
TEST(Noise, ChancesAreThoseOfTheNormalDistribution) {
  const Noise n{.error = 3}, m{.error = 4};
  EXPECT_NEAR(chance_no_worse({0}, {n}, {5}, {m}), 0.841344746, 1e-9);  // one deviation
  EXPECT_NEAR(chance_no_worse({5}, {n}, {0}, {m}), 0.158655254, 1e-9);
  EXPECT_NEAR(chance_no_worse({0, 0}, {n, n}, {5, 5}, {m, m}), 0.841344746 * 0.841344746, 1e-9);
  EXPECT_EQ(chance_no_worse({1}, {kExact}, {1}, {kExact}), 1);
  EXPECT_EQ(chance_no_worse({1, 2}, {kExact, n}, {0.5, 90}, {kExact, n}), 0);
}

// Three measurements each: t of Student with 4 degrees of freedom, P(T <= 2.776445) = 0.975.
TEST(Noise, FewMeasurementsSpeakLess) {
  const Noise few{.error = 1, .freedom = 2};
  const double gap = 2.776445105 * std::sqrt(2.0);
  EXPECT_NEAR(chance_no_worse({0}, {few}, {gap}, {few}), 0.975, 1e-8);
  const Noise known{.error = 1};
  EXPECT_GT(chance_no_worse({0}, {known}, {gap}, {known}), 0.997);
}

TEST(Noise, SpreadsOfOneMeasurementAreThoseOfTheOthers) {
  const std::vector<std::map<std::string, double>> values = {
      {{"acc", 90}, {"acc_spread", 0.3}, {"acc_n", 4}},
      {{"acc", 91}, {"acc_spread", 0.1}, {"acc_n", 2}},
      {{"acc", 92}, {"acc_n", 1}},
      {{"acc", 93}, {"acc_spread", 0.2}}};
  const std::vector<Noise> noise = noise_of(values, "acc");
  EXPECT_NEAR(noise[0].error, 0.15, 1e-12);
  EXPECT_EQ(noise[0].freedom, 3);
  EXPECT_NEAR(noise[1].error, 0.1 / std::sqrt(2.0), 1e-12);
  EXPECT_NEAR(noise[2].error, std::sqrt((3 * 0.09 + 0.01) / 4), 1e-12);
  EXPECT_EQ(noise[2].freedom, 4);
  EXPECT_EQ(noise[3].error, 0.2);
  EXPECT_TRUE(std::isinf(noise[3].freedom));
  EXPECT_EQ(noise_of({{{"acc", 90}}, {{"acc", 91}}}, "acc")[0].error, 0);
}

// Error 1 in the first objective, the second exact. The point at 11 could be the best one, that at
// 20 could not; the one that is worse in both beyond doubt goes, as without noise.
TEST(Noise, OnlyWhatIsBeyondNoiseIsLeftOut) {
  const Noise n{.error = 1};
  const std::vector<Point> points = {{10, 5}, {11, 6}, {20, 6}, {30, 1}, {10, 5}};
  const std::vector<std::vector<Noise>> noisy(5, {n, kExact}), exact(5, {kExact, kExact});
  EXPECT_THAT(dominated_beyond_noise(points, noisy, 0.95),
              ElementsAre(false, false, true, false, false));
  EXPECT_THAT(dominated_beyond_noise(points, exact, 0.95),
              ElementsAre(false, true, true, false, false));
  // Phi(1 / sqrt 2) = 0.76.
  EXPECT_THAT(dominated_beyond_noise(points, noisy, 0.75),
              ElementsAre(false, true, true, false, false));
}

}  // namespace
}  // namespace nas
