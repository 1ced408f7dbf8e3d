// Additive metrics as tables: every space that ships, custom ones, parts of spaces, and metrics
// that are no sums.
#include <gtest/gtest.h>

#include <cmath>

#include "search/exact/factorise.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "tests/search/exact/oracle_space.hpp"
#include "tests/spaces/all_spaces.hpp"

namespace nas {
namespace {

using exact::Factorised;
using exact::MetricFunction;

/// The tables of three metrics at once agree with what plans say of architectures that the
/// factorisation has not seen, or of all.
void expect_true(const Domain& domain) {
  const Space& space = domain.space();
  const MetricFunction metrics[] = {plan_metric(space, "macs"),
                                    plan_metric(space, "params"),
                                    plan_metric(space, "activation_bytes")};
  const Factorised found = exact::factorise(domain, metrics, /*listed=*/0);
  ASSERT_TRUE(found.terms) << domain.name() << ": " << found.why_not;
  EXPECT_EQ(found.terms->count(), domain.count()) << domain.name();
  std::vector<int64_t> sums;
  int64_t checked = 0;
  const auto check = [&](const Architecture& a) {
    EXPECT_TRUE(found.terms->evaluate(a, sums)) << space.text(a);
    const Cost cost = cost_of(space.plan(a), space.counting());
    EXPECT_EQ(sums, (std::vector<int64_t>{cost.macs, cost.params, cost.activation_bytes}))
        << space.text(a);
    return ++checked < 20'000 && !testing::Test::HasFailure();
  };
  if (domain.count() <= 20'000) return domain.enumerate(check);
  Rng rng(99, "factorise-test");
  Architecture a;
  for (int i = 0; i < 2000; ++i) {
    i % 2 == 0 ? domain.sample(rng, a) : domain.sample_choices(rng, a);
    if (!check(a)) break;
  }
  check(domain.smallest());
  check(domain.largest());
}

class FactoriseSpaces : public testing::TestWithParam<const char*> {};

TEST_P(FactoriseSpaces, TablesSayWhatPlansSay) {
  const auto space = load_space(GetParam());
  expect_true(*space);
  // A part: two options fewer, of choices that the seed of the draw names.
  Rng rng(5, GetParam());
  Restriction part(*space);
  for (int i = 0; i < 3; ++i) {
    const size_t choice = rng.below(space->choices().size());
    const size_t options = space->choices()[choice].options.size();
    std::vector<int16_t> kept;
    for (size_t o = 0; o < options; ++o)
      if (o != rng.below(options)) kept.push_back(static_cast<int16_t>(o));
    try {
      if (!kept.empty()) part = part.keep(choice, kept);
    } catch (const ConfigError&) {
      continue;  // Nothing would be left of a choice drawn twice.
    }
  }
  if (!part.everything()) expect_true({*space, part});
}

INSTANTIATE_TEST_SUITE_P(All, FactoriseSpaces, testing::ValuesIn(kSpaces), test_name);

TEST(Factorise, CustomSpaceWithConditionsRulesAndEmptyStages) {
  YamlSource yaml;
  yaml.text = R"(
family: custom
channels: 3
resolutions: [16, 24, 32]
classes: 10
stem: {width: 8}
stages:
  - {name: one, widths: [8, 16], depths: [0, 1, 2], stride: 2, blocks: [conv, mbconv, skip]}
  - {name: two, widths: [16, 24, 32], depths: [0, 1, 2], stride: 2, blocks: [sep, basic]}
  - {name: three, widths: [24, 32], depths: [1, 2], stride: 1, blocks: [mbconv, conv]}
conditions:
  - {choice: three.depth, when: two.depth >= 1}
rules:
  - {when: resolution == 32, require: one.width <= 8}
  - {when: one.depth == 0, require: two.depth >= 1}
)";
  const auto space = make_space(yaml);
  expect_true(*space);
}

TEST(Factorise, RealValuesAreSummedToFarBelowWhatCanBeMeasured) {
  const auto space = load_space("mobilenet");
  const auto plan = std::make_shared<Plan>();
  const MetricFunction milliseconds{"ms", [&](const Architecture& a) {
                                      space->build(a, *plan);
                                      double sum = 0;
                                      for (const Node& node : plan->nodes)
                                        sum += 1e-7 * std::sqrt(node.out.elements()) + 0.0123;
                                      return sum;
                                    }};
  const Factorised found = exact::factorise(*space, {&milliseconds, 1});
  ASSERT_TRUE(found.terms) << found.why_not;
  EXPECT_GT(found.terms->units()[0].slack, 0);
  Rng rng(3, "real");
  std::vector<int64_t> sums;
  for (int i = 0; i < 500; ++i) {
    const Architecture a = space->sample(rng);
    ASSERT_TRUE(found.terms->evaluate(a, sums));
    const double truth = milliseconds.value(a);
    EXPECT_NEAR(found.terms->units()[0].value(sums[0]), truth, 1e-9 * truth);
  }
}

TEST(Factorise, WhatIsNoSumIsSaidToBeNone) {
  const auto space = load_space("mobilenet");
  // The largest value of a network, nearly always that of an early op.
  const MetricFunction peak = plan_metric(*space, "peak_bytes");
  Factorised found = exact::factorise(*space, {&peak, 1});
  EXPECT_FALSE(found.terms);
  EXPECT_NE(found.why_not.find("peak_bytes is no sum"), std::string::npos) << found.why_not;
  // Every choice acts on every other.
  const MetricFunction macs = plan_metric(*space, "macs");
  const MetricFunction root{"root",
                            [&](const Architecture& a) { return std::sqrt(macs.value(a)); }};
  found = exact::factorise(*space, {&root, 1});
  EXPECT_FALSE(found.terms);
  EXPECT_NE(found.why_not.find("too many choices act on it together"), std::string::npos)
      << found.why_not;
  const MetricFunction none{"nan", [](const Architecture&) { return std::nan(""); }};
  found = exact::factorise(*space, {&none, 1});
  EXPECT_FALSE(found.terms);
  EXPECT_NE(found.why_not.find("no number"), std::string::npos) << found.why_not;
}

TEST(Factorise, SmallSpacesThatDoNotFallApartAreOneTable) {
  const auto space = load_space("digits");
  const MetricFunction macs = plan_metric(*space, "macs");
  const MetricFunction hash{
      "hash", [](const Architecture& a) { return static_cast<double>(a.hash() % 1'000'003); }};
  const Factorised found = exact::factorise(*space, {&hash, 1}, /*listed=*/5000);
  ASSERT_TRUE(found.terms) << found.why_not;
  EXPECT_TRUE(found.proven);
  EXPECT_EQ(found.terms->count(), space->count());
  std::vector<int64_t> sums;
  space->enumerate([&](const Architecture& a) {
    EXPECT_TRUE(found.terms->evaluate(a, sums));
    EXPECT_EQ(static_cast<double>(sums[0]), hash.value(a));
    return true;
  });
}

}  // namespace
}  // namespace nas
