// What is known of metrics, and limits that are refused before anything is paid for.
#include "search/limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/fidelity.hpp"
#include "search/search_options.hpp"
#include "spaces/error.hpp"
#include "spaces/metric.hpp"

namespace nas {
namespace {

using testing::HasSubstr;

double bound(const std::string& text) {
  return parse_constraint(text).bound;
}
std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}
std::string refusal(const std::string& text, ValueScale scale = ValueScale::kOurs) {
  return error_of([&] { resolve_limit(parse_constraint(text), scale, "where"); });
}
double resolved(const std::string& text, ValueScale scale = ValueScale::kOurs) {
  return resolve_limit(parse_constraint(text), scale, "where").bound;
}

TEST(Metric, UnitsOfLimitsBecomeThoseOfTheMetric) {
  EXPECT_EQ(bound("latency_ms <= 25ms"), 25);
  EXPECT_EQ(bound("latency_ms <= 0.025 s"), 25);
  EXPECT_EQ(bound("latency_ms <= 250us"), 0.25);
  EXPECT_EQ(bound("latency_ms <= 250\u00b5s"), 0.25);
  EXPECT_EQ(bound("macs <= 300M"), 300e6);
  EXPECT_EQ(bound("macs <= 300 MMACs"), 300e6);
  EXPECT_EQ(bound("peak_bytes <= 20MB"), 20e6);
  EXPECT_EQ(bound("peak_bytes <= 20M"), 20e6);
  EXPECT_EQ(bound("peak_bytes <= 2 MiB"), 2097152);
  EXPECT_EQ(bound("accuracy >= 75%"), 0.75);
  EXPECT_EQ(bound("accuracy >= 7%"), 0.07);
  EXPECT_EQ(bound("edge_latency_us <= 2ms"), 2000);
  EXPECT_EQ(bound("model_mb <= 500kB"), 0.5);
  EXPECT_EQ(parse_assignment("accuracy = 10%").second, 0.1);
}

TEST(Metric, WrongUnitsAreRefusedWithTheRightOnes) {
  for (const char* text : {"macs <= 20MB",
                           "macs <= 25ms",
                           "macs <= 75%",
                           "macs <= 300m",
                           "params <= 3MMACs",
                           "latency_ms <= 20M",
                           "latency_ms <= 20MB",
                           "latency_ms <= 5%",
                           "peak_bytes <= 5ms",
                           "peak_bytes <= 5%",
                           "accuracy >= 75M",
                           "loss <= 2k",
                           "energy <= 5mJ"})
    EXPECT_THAT(error_of([&] { parse_constraint(text); }), HasSubstr("expected ")) << text;
  EXPECT_THAT(error_of([] { parse_constraint("latency_ms <= 5M"); }), HasSubstr("ns, us, ms, s"));
  EXPECT_THAT(error_of([] { parse_constraint("loss <= 2%"); }), HasSubstr("loss has no unit"));
}

TEST(Metric, DirectionsByTableAndByWords) {
  for (const char* name : {"accuracy",
                           "accuracy_top5",
                           "test_accuracy",
                           "valAcc",
                           "top1",
                           "auc",
                           "images_per_second",
                           "f1",
                           "bleu"})
    EXPECT_EQ(better_of(name), Better::kHigher) << name;
  for (const char* name : {"loss",
                           "macs",
                           "params",
                           "latency_ms",
                           "peak_bytes",
                           "test_error",
                           "valLoss",
                           "top1_error",
                           "top-5 err",
                           "edge_gpu_latency",
                           "energy_mj",
                           "FLOPs",
                           "perplexity",
                           "RMSE",
                           "runtime",
                           "val.nll",
                           "time_s"})
    EXPECT_EQ(better_of(name), Better::kLower) << name;
  for (const char* name : {"value", "x", "baseline_avg", "test", ""})
    EXPECT_EQ(better_of(name), std::nullopt) << name;
}

TEST(Limits, WhatCannotBeMetOrMeantIsRefused) {
  EXPECT_THAT(refusal("accuracy >= 75"), HasSubstr("Did you mean 0.75 or 75%?"));
  EXPECT_THAT(refusal("accuracy <= 75"), HasSubstr("share from 0 to 1"));
  EXPECT_THAT(refusal("accuracy_top5 > 99.5"), HasSubstr("Did you mean 0.995 or 99.5%?"));
  EXPECT_THAT(refusal("accuracy >= 150%"), HasSubstr("share from 0 to 1"));
  EXPECT_THAT(refusal("accuracy > 1"), HasSubstr("no network"));
  EXPECT_THAT(refusal("accuracy <= 0"), HasSubstr("no network"));
  EXPECT_THAT(refusal("accuracy < 0%"), HasSubstr("no network"));
  EXPECT_THAT(refusal("accuracy >= -1"), HasSubstr("never below 0"));
  EXPECT_THAT(refusal("macs <= -5"), HasSubstr("never below 0"));
  EXPECT_THAT(refusal("macs >= -5M"), HasSubstr("never below 0"));
  EXPECT_THAT(refusal("latency_ms < 0"), HasSubstr("no network"));
  EXPECT_THAT(refusal("loss <= 0"), HasSubstr("no network"));
  EXPECT_EQ(refusal("accuracy >= 1"), "");
  EXPECT_EQ(refusal("accuracy >= 0.999"), "");
  EXPECT_EQ(refusal("macs <= 20M"), "");
  EXPECT_EQ(resolved("accuracy >= 75%"), 0.75);
}

TEST(Limits, ContradictionsAreRefused) {
  const auto error = [](const std::string& a, const std::string& b) {
    return error_of([&] {
      refuse_contradictions({parse_constraint(a), parse_constraint(b)}, "where");
    });
  };
  EXPECT_THAT(error("accuracy >= 0.9", "accuracy <= 0.8"), HasSubstr("leave nothing"));
  EXPECT_THAT(error("macs < 5M", "macs >= 5M"), HasSubstr("leave nothing"));
  EXPECT_EQ(error("macs <= 5M", "macs >= 5M"), "");
  EXPECT_EQ(error("accuracy >= 0.9", "macs <= 0.8"), "");
  EXPECT_EQ(error("accuracy >= 0.8", "accuracy <= 0.9"), "");
}

TEST(Limits, ScaleOfAUsersColumn) {
  // A program's accuracies may be percents: 75 can be meant, 75% can mean two things.
  EXPECT_EQ(resolved("accuracy >= 75", ValueScale::kUnknown), 75);
  EXPECT_THAT(refusal("accuracy >= 75%", ValueScale::kUnknown), HasSubstr("0.75 or 75"));
  EXPECT_THAT(refusal("macs <= -1", ValueScale::kUnknown), HasSubstr("never below"));
  EXPECT_EQ(refusal("loss >= -3", ValueScale::kUnknown), "");
  // A table's values were seen.
  EXPECT_EQ(resolved("accuracy >= 75%", scale_of({0.5, 0.9})), 0.75);
  EXPECT_EQ(resolved("accuracy >= 75%", scale_of({50, 93.2})), 75);
  EXPECT_EQ(resolved("top1 >= 75%", scale_of({50, 93.2})), 75);
  EXPECT_EQ(resolved("accuracy >= 75", scale_of({50, 93.2})), 75);
  EXPECT_THAT(refusal("accuracy >= 75", scale_of({0.5, 0.9})), HasSubstr("Did you mean 0.75"));
}

SearchConfig config_of(const std::string& text) {
  YamlSource source;
  source.text = text;
  return read_yaml_as<SearchConfig>(source);
}

TEST(Limits, ObjectivesThatLookForTheWorst) {
  const auto error = [](const std::string& objective) {
    return error_of([&] {
      config_of("space: digits\nsearch: {evaluations: 9, objectives: ['" + objective + "']}\n");
    });
  };
  EXPECT_THAT(error("minimize: accuracy"), HasSubstr("looks for the worst networks"));
  EXPECT_THAT(error("maximize: loss"), HasSubstr("lower is better"));
  EXPECT_EQ(error("maximize: accuracy"), "");
  EXPECT_EQ(error("maximize: macs"), "");
  EXPECT_EQ(objective_warnings({{"accuracy", true}, {"macs", false}, {"x", true}}).size(), 0u);
  EXPECT_THAT(
      objective_warnings({{"params", true}, {"test_error", true}, {"top1", false}}),
      testing::ElementsAre(HasSubstr("params"), HasSubstr("test_error"), HasSubstr("top1")));
}

TEST(Limits, ConfigurationOfASupernetSearchIsCheckedWhereItIsRead) {
  EXPECT_THAT(
      error_of([] { config_of("search:\n  evaluations: 9\n  constraints: ['accuracy >= 75']\n"); }),
      HasSubstr("Did you mean 0.75 or 75%?"));
  // A program of the user answers as it likes.
  EXPECT_EQ(error_of([] {
              config_of(
                  "space: digits\nsearch:\n  evaluations: 9\n  constraints: ['accuracy >= 75']\n"
                  "evaluator: {kind: external, external: {command: x}}\n");
            }),
            "");
}

TEST(Fidelity, ComparedByContent) {
  const std::string now = R"({"split":"validation","images":300,"checkpoint":"abc"})";
  EXPECT_TRUE(same_fidelity(now, R"({"checkpoint": "abc", "images": 300, "split": "validation"})"));
  EXPECT_FALSE(same_fidelity(now, R"({"split":"test","images":300,"checkpoint":"abc"})"));
  EXPECT_TRUE(lacks_only_identity(R"({"split":"validation","images":300})", now));
  EXPECT_FALSE(lacks_only_identity(R"({"split":"validation"})", now));
  EXPECT_FALSE(lacks_only_identity(R"({"split":"test","images":300})", now));
  EXPECT_FALSE(lacks_only_identity(now, now));
  EXPECT_EQ(fidelity_difference(now, R"({"split":"test","images":300,"checkpoint":"abd"})"),
            "weights (abc, abd); split (validation, test)");
}

}  // namespace
}  // namespace nas
