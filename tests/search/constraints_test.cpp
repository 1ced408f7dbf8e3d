#include "search/constraints.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using testing::HasSubstr;
using Relation = Constraint::Relation;

std::string error_of(const std::string& text) {
  try {
    parse_constraint(text);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(Constraints, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_constraint("macs <= 20M"), (Constraint{"macs", Relation::kLessEqual, 20e6}));
  EXPECT_EQ(parse_constraint("latency_ms<=5"), (Constraint{"latency_ms", Relation::kLessEqual, 5}));
  EXPECT_EQ(parse_constraint(" params\t<  1.5 M "), (Constraint{"params", Relation::kLess, 1.5e6}));
  EXPECT_EQ(parse_constraint("accuracy >= 0.9"),
            (Constraint{"accuracy", Relation::kGreaterEqual, .9}));
  EXPECT_EQ(parse_constraint("x > -3e2k"), (Constraint{"x", Relation::kGreater, -300e3}));
  EXPECT_EQ(parse_constraint("x < +2G"), (Constraint{"x", Relation::kLess, 2e9}));
  EXPECT_EQ(parse_quantity("600M"), 600e6);
  // The nearest double, not a product that is rounded twice.
  EXPECT_EQ(parse_constraint("macs <= 108.683M").bound, 108683000);
  EXPECT_EQ(parse_constraint("macs <= 1.08683e2M").bound, 108683000);
  EXPECT_EQ(parse_constraint("accuracy >= 94.3%").bound, 0.943);
  EXPECT_EQ(parse_constraint("latency_ms <= 4.35 us").bound, 0.00435);
  EXPECT_EQ(to_string(parse_constraint("macs <= 108.683k")), "macs <= 108683");
}

TEST(Constraints, ErrorsSayWhereAndWhat) {
  EXPECT_THAT(error_of(""), HasSubstr("character 1: expected the name of a metric"));
  EXPECT_THAT(error_of("<= 5"), HasSubstr("character 1"));
  EXPECT_THAT(error_of("macs 5"), HasSubstr("character 6: expected <=, <, >= or >, found '5'"));
  EXPECT_THAT(error_of("macs = 5"), HasSubstr("expected <=, <, >= or >"));
  EXPECT_THAT(error_of("macs <= "), HasSubstr("character 9: expected a number"));
  EXPECT_THAT(error_of("macs <= M"), HasSubstr("character 9"));
  EXPECT_THAT(error_of("macs <= 5Q"), HasSubstr("character 10: expected one of the units"));
  EXPECT_THAT(error_of("macs <= 5M x"), HasSubstr("character 12: expected the end"));
  EXPECT_THAT(error_of("macs <= nan"), HasSubstr("expected a number"));
  EXPECT_THAT(error_of("macs <= inf"), HasSubstr("expected a number"));
  EXPECT_THAT(error_of("macs <= 1e999"), HasSubstr("double can hold"));
  EXPECT_THAT(error_of("macs <= 1e308G"), HasSubstr("double can hold"));
  EXPECT_THAT(error_of("macs << 5"), HasSubstr("character 7"));
  EXPECT_THROW(parse_quantity("5 apples"), ConfigError);
}

TEST(Constraints, ViolationIsRelativeAndStrictBoundsCount) {
  EXPECT_EQ(parse_constraint("m <= 10").violation(10), 0);
  EXPECT_DOUBLE_EQ(parse_constraint("m <= 10").violation(12), .2);
  EXPECT_DOUBLE_EQ(parse_constraint("m >= 10").violation(5), .5);
  EXPECT_EQ(parse_constraint("m < 10").violation(10), Constraint::kSmallest);
  EXPECT_EQ(parse_constraint("m > 10").violation(10), Constraint::kSmallest);
  EXPECT_EQ(parse_constraint("m <= 0").violation(3), 3);
  EXPECT_EQ(parse_constraint("m <= 10").violation(NAN), kMissing);
  EXPECT_EQ(parse_constraint("m >= 10").violation(INFINITY), 0);
  // A forgotten M: of far misses the nearer one is still nearer, and none is as bad as no value.
  const Constraint far = parse_constraint("macs <= 20");
  double before = 0;
  for (const double macs : {1e3, 27888.0, 131568.0, 1e8, 1e12}) {
    EXPECT_GT(far.violation(macs), before) << macs;
    before = far.violation(macs);
  }
  EXPECT_LT(before, kMissing);
  const std::vector<Constraint> both = {parse_constraint("a <= 10"), parse_constraint("b >= 4")};
  EXPECT_DOUBLE_EQ(total_violation(both, {{"a", 11}, {"b", 3}}), .1 + .25);
  EXPECT_GE(total_violation(both, {{"a", 1}}), kMissing);
}

TEST(Constraints, NumbersAreWrittenAsPeopleWriteThem) {
  EXPECT_EQ(to_string(parse_constraint("macs <= 200M")), "macs <= 200000000");
  EXPECT_EQ(to_string(parse_constraint("macs <= 300k")), "macs <= 300000");
  EXPECT_EQ(to_string(parse_constraint("loss < 0.25")), "loss < 0.25");
}

TEST(Constraints, TextRoundTripsExactly) {
  Rng rng(3, "constraints");
  for (int i = 0; i < 1000; ++i) {
    const Constraint c{"macs", static_cast<Relation>(rng.below(4)), rng.normal() * 1e7};
    EXPECT_EQ(parse_constraint(to_string(c)), c);
  }
}

TEST(Constraints, RandomTextEitherParsesOrIsAConfigError) {
  const std::string alphabet = "macs_<>=0123456789.+-eEkMGT \t\"'\n\\xnaif";
  Rng rng(4, "fuzz");
  int parsed = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string text = i % 2 == 0 ? "" : "m<=";
    for (uint64_t n = rng.below(14); n > 0; --n) text += alphabet[rng.below(alphabet.size())];
    try {
      const Constraint c = parse_constraint(text);
      ASSERT_TRUE(std::isfinite(c.bound)) << text;
      ASSERT_FALSE(c.metric.empty()) << text;
      ASSERT_EQ(parse_constraint(to_string(c)), c) << text;
      ++parsed;
    } catch (const ConfigError& e) {
      ASSERT_THAT(e.what(), HasSubstr("character ")) << text;
    }
  }
  EXPECT_GT(parsed, 1000);
}

}  // namespace
}  // namespace nas
