// Quantiles of predicted metrics: their names, their numbers, and what has none.
#include "search/quantile.hpp"
#include "predictors/statistics/two_samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/exact/answers.hpp"
#include "spaces/error.hpp"
#include "spaces/metric.hpp"
#include "spaces/registry.hpp"
#include "toy_space.hpp"

namespace nas {
namespace {

using ::testing::HasSubstr;
using testing_toy::ToySpace;

std::string refusal(const std::function<void()>& f) {
  try {
    f();
  } catch (const ConfigError& e) {
    return std::string(e.what()) + " " + e.problems()[0].hint;
  }
  return "no error";
}

TEST(Quantile, NamesAreReadStrictly) {
  EXPECT_EQ(quantile_name("latency_ms@p95")->metric, "latency_ms");
  EXPECT_EQ(quantile_name("latency_ms@p95")->percent, 95);
  EXPECT_EQ(quantile_name("latency_ms@p99.9")->percent, 99.9);
  EXPECT_FALSE(quantile_name("latency_ms"));
  EXPECT_FALSE(quantile_name("latency@phone"));
  for (const char* bad : {"latency_ms@p100", "latency_ms@p9x", "latency_ms@p5", "latency_ms@p-95"})
    EXPECT_THAT(refusal([&] { quantile_name(bad); }), HasSubstr("from 50 to 99.99")) << bad;
}

TEST(Quantile, NormalQuantilesOfTheTables) {
  EXPECT_NEAR(standard_normal_quantile(0.5), 0, 1e-12);
  EXPECT_NEAR(standard_normal_quantile(0.95), 1.6448536269514722, 1e-12);
  EXPECT_NEAR(standard_normal_quantile(0.999), 3.090232306167813, 1e-11);
}

TEST(Quantile, IsTheMetricOfItsUnitAndDirection) {
  const Constraint limit = parse_constraint("latency_ms@p95 <= 25ms");
  EXPECT_EQ(limit.metric, "latency_ms@p95");
  EXPECT_EQ(limit.bound, 25);
  EXPECT_EQ(parse_constraint("latency_ms@p95<=2500us").bound, 2.5);
  EXPECT_EQ(better_of("latency_ms@p95"), Better::kLower);
  EXPECT_STREQ(find_metric("latency_ms@p95")->name, "latency_ms");
  EXPECT_EQ(find_metric("latency_ms@phone"), nullptr);
}

class Spread : public testing::Test {
 protected:
  Spread() : costs_(space_) {
    costs_.add("latency_ms",
               [](const Plan& p) { return 1 + 0.5 * static_cast<double>(p.nodes.size()); });
  }
  void know_spread() {
    costs_.set_spread("latency_ms", [](const Architecture&, const Plan& p) {
      return 0.1 * (1 + 0.5 * static_cast<double>(p.nodes.size()));
    });
  }
  ToySpace space_;
  CostModel costs_;
  Architecture a_ = {{0, 0, 0, 0, 0, 0, 0, 0}};
};

TEST_F(Spread, IsMeanPlusSoManySpreads) {
  know_spread();
  add_quantile(costs_, "latency_ms@p95");
  add_quantile(costs_, "latency_ms@p95");  // Twice wanted, once there.
  const auto values = costs_.of(a_);
  EXPECT_NEAR(
      values.at("latency_ms@p95"), values.at("latency_ms") * (1 + 0.16448536269514722), 1e-9);
  EXPECT_NEAR(values.at("latency_ms_spread"), 0.1 * values.at("latency_ms"), 1e-12);
  const CostLimits limits(costs_, {parse_constraint("latency_ms@p95 <= 1")});
  EXPECT_GT(limits.violation(a_), 0);
}

// A spread that is a share of the mean leaves a sum over parts: the exact answers hold.
TEST_F(Spread, AddsUpAsTheMeanDoes) {
  // What is valid in the toy space is told of whole architectures only.
  const auto space = load_space("digits");
  CostModel costs(*space);
  const auto mean = [](const Plan& p) { return 1 + 0.5 * static_cast<double>(p.nodes.size()); };
  costs.add("latency_ms", mean);
  costs.set_spread("latency_ms",
                   [mean](const Architecture&, const Plan& p) { return 0.1 * mean(p); });
  add_quantile(costs, "latency_ms@p95");
  const auto tables = exact::factorise(*space, exact::metrics_of(costs, {"latency_ms@p95"}), 0);
  ASSERT_TRUE(tables.terms) << tables.why_not;
}

TEST_F(Spread, WithoutOneItIsRefused) {
  EXPECT_THAT(refusal([&] { add_quantile(costs_, "latency_ms@p95"); }),
              HasSubstr("nas latency calibrate"));
  EXPECT_THAT(refusal([&] { add_quantile(costs_, "macs@p95"); }), HasSubstr("exact"));
  EXPECT_THAT(refusal([&] { add_quantile(costs_, "accuracy@p95"); }), HasSubstr("not predicted"));
  // A column of the user's own table.
  add_quantile(costs_, "my_time@p95");
  EXPECT_FALSE(costs_.knows("my_time@p95"));
}

TEST_F(Spread, OfAllThatAGoalNames) {
  know_spread();
  Goal goal;
  goal.objectives = {{"accuracy", true}, {"latency_ms@p90", false}};
  goal.constraints = {parse_constraint("latency_ms@p99 <= 5")};
  add_quantiles(costs_, goal);
  EXPECT_TRUE(costs_.knows("latency_ms@p90"));
  EXPECT_TRUE(costs_.knows("latency_ms@p99"));
}

}  // namespace
}  // namespace nas
