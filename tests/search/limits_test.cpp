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
// Against the values of a whole table.
std::string refusal(const std::string& text, const std::vector<double>& table) {
  return error_of([&] { resolve_limit(parse_constraint(text), values_of(table, true), "where"); });
}
double resolved(const std::string& text, const std::vector<double>& table) {
  return resolve_limit(parse_constraint(text), values_of(table, true), "where").bound;
}
size_t notes(const std::string& text, const std::vector<double>& table) {
  std::vector<std::string> list;
  resolve_limit(parse_constraint(text), values_of(table, true), "where", &list);
  return list.size();
}
std::vector<double> from_to(double low, double high, int n = 36) {
  std::vector<double> list;
  for (int i = 0; i < n; ++i) list.push_back(low + (high - low) * i / (n - 1));
  return list;
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
  EXPECT_EQ(parse_assignment("accuracy = 10%").bound, 0.1);
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
  for (const char* name : {"value", "x", "baseline_avg", "test", ""}) {
    EXPECT_EQ(better_of(name), std::nullopt) << name;
    EXPECT_EQ(name_says(name), NameSays::kNothing) << name;
  }
}

TEST(Metric, NamesThatTurnAMeaningAreReadOrUnclear) {
  for (const char* name : {"neg_loss",
                           "-loss",
                           "negative_val_loss",
                           "minus_latency",
                           "neg_latency_ms",
                           "1-error",
                           "one_minus_error",
                           "inverse_latency",
                           "1/latency",
                           "neg_mean_squared_error"})
    EXPECT_EQ(name_says(name), NameSays::kHigher) << name;
  for (const char* name : {"neg_acc",
                           "-accuracy",
                           "1-acc",
                           "1 - acc",
                           "1_minus_top1",
                           "neg_log_likelihood",
                           "inv_fps"})
    EXPECT_EQ(name_says(name), NameSays::kLower) << name;
  for (const char* name : {"accuracy_drop",
                           "loss_reduction",
                           "acc_std",
                           "baseline_stdev",
                           "accuracy_gap",
                           "error_free",
                           "acc_loss",
                           "neg_value",
                           "loss_neg",
                           "neg_neg_loss",
                           "false_negative_rate"})
    EXPECT_EQ(name_says(name), NameSays::kUnclear) << name;
}

TEST(Metric, WhatANameSaysOfItsValues) {
  for (const char* name : {"accuracy", "acc", "valAcc", "cifar10_test_acc", "top1", "top-5 err"})
    EXPECT_TRUE(is_accuracy(name)) << name;
  for (const char* name : {"value",
                           "test_error",
                           "acc_std",
                           "accuracy_drop",
                           "neg_acc",
                           "topology",
                           "loss",
                           "acc_per_ms",
                           "1-acc"})
    EXPECT_FALSE(is_accuracy(name)) << name;
  for (const char* name : {"latency", "loss", "params_m", "edge_ms", "macs", "fps"})
    EXPECT_FALSE(may_be_share(name)) << name;
  for (const char* name : {"accuracy", "value", "test_error", "f1"})
    EXPECT_TRUE(may_be_share(name)) << name;
  for (const char* name : {"accuracy", "macs", "edge_latency_ms"})
    EXPECT_TRUE(never_negative(name)) << name;
  for (const char* name : {"loss", "latency_change_ms", "neg_latency_ms", "value"})
    EXPECT_FALSE(never_negative(name)) << name;
}

TEST(Limits, WhatCannotBeMetOrMeantIsRefused) {
  EXPECT_THAT(refusal("accuracy >= 75"), HasSubstr("Did you mean 0.75 or 75%?"));
  EXPECT_THAT(refusal("accuracy <= 75"), HasSubstr("share from 0 to 1"));
  EXPECT_THAT(refusal("accuracy_top5 > 99.5"), HasSubstr("Did you mean 0.995 or 99.5%?"));
  EXPECT_THAT(refusal("accuracy >= 150%"), HasSubstr("100% is the most"));
  EXPECT_THAT(refusal("accuracy >= 100.5%", ValueScale::kUnknown), HasSubstr("100% is the most"));
  EXPECT_THAT(refusal("accuracy > 1"), HasSubstr("no network"));
  EXPECT_THAT(refusal("accuracy <= 0"), HasSubstr("no network"));
  EXPECT_THAT(refusal("accuracy < 0%"), HasSubstr("no network"));
  EXPECT_THAT(refusal("accuracy >= -1"), HasSubstr("never below 0"));
  EXPECT_THAT(refusal("macs <= -5"), HasSubstr("never below 0"));
  EXPECT_THAT(refusal("macs >= -5M"), HasSubstr("never below 0"));
  EXPECT_THAT(refusal("latency_ms < 0"), HasSubstr("no network"));
  EXPECT_THAT(refusal("loss <= 0"), HasSubstr("no network"));
  // Of names that only a program knows, whatever its unit may be.
  const auto unknown = [](const char* text) { return refusal(text, ValueScale::kUnknown); };
  for (const char* text : {"err <= -0.1", "acc <= -3", "latency_us <= -3", "acc_share >= -0.5"})
    EXPECT_THAT(unknown(text), HasSubstr("is never below 0")) << text;
  for (const char* text : {"top5 >= 101",
                           "acc >= 101",
                           "auc >= 101",
                           "miou >= 101",
                           "acc_percent >= 101",
                           "err >= 105",
                           "error_percent <= 101"})
    EXPECT_THAT(unknown(text), HasSubstr("is never above 100, were it in percent")) << text;
  EXPECT_THAT(unknown("acc_share >= 30"), HasSubstr("is never above 1"));
  EXPECT_THAT(unknown("latency_us <= 0"), HasSubstr("no network meets this"));
  for (const char* text : {"acc >= 99",
                           "err <= 0",
                           "wer <= 105",
                           "latency_us <= 5",
                           "value >= -3",
                           "reward >= 1000",
                           "latency_change_ms <= -1"})
    EXPECT_EQ(unknown(text), "") << text;
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
}

// A limit is read by the values of the column, whatever its name.
TEST(Limits, PercentsAndSharesOfATable) {
  const std::vector<double> percents = from_to(50, 85), shares = from_to(0.5, 0.85);
  for (const std::string name : {"accuracy", "acc", "test_accuracy", "top1", "value", "M1_avg"}) {
    SCOPED_TRACE(name);
    for (const char* limit : {" >= 0.8", " > 0.8", " <= 0.8"})
      EXPECT_THAT(
          refusal(name + limit, percents),
          testing::AllOf(HasSubstr("lie in 50 .. 85"), HasSubstr("Did you mean 80 or 80%?")))
          << limit;
    for (const char* limit : {" >= 80", " <= 80"})
      EXPECT_THAT(
          refusal(name + limit, shares),
          testing::AllOf(HasSubstr("lie in 0.5 .. 0.85"), HasSubstr("Did you mean 0.8 or 80%?")))
          << limit;
    EXPECT_EQ(resolved(name + " >= 80", percents), 80);
    EXPECT_EQ(resolved(name + " >= 80%", percents), 80);
    EXPECT_EQ(resolved(name + " >= 57%", percents), 57);  // Not 56.99999999999999.
    EXPECT_EQ(resolved(name + " >= 80%", shares), 0.8);
    EXPECT_EQ(resolved(name + " >= 0.8", shares), 0.8);
    // A percentage of a percentage.
    EXPECT_THAT(refusal(name + " >= 0.5%", percents), HasSubstr("Did you mean 50%?"));
    EXPECT_THAT(refusal(name + " >= 0.5%", shares), HasSubstr("Did you mean 50%?"));
    for (const auto& table : {percents, shares}) {
      const std::string most = refusal(name + " >= 100.5%", table);
      EXPECT_THAT(most, HasSubstr("100% is the most"));
      EXPECT_THAT(most, testing::Not(HasSubstr("Did you mean")));
    }
  }
  EXPECT_THAT(refusal("acc >= 101", percents), HasSubstr("100 is the most"));
  // An accuracy of 0.3 among percents is no limit either, though 30 lies outside of them.
  EXPECT_THAT(refusal("acc >= 0.3", percents), HasSubstr("Did you mean 30 or 30%?"));
  // Networks that diverged do not make it one.
  std::vector<double> diverged = percents;
  diverged.front() = 0;
  EXPECT_THAT(refusal("acc >= 0.8", diverged), HasSubstr("Did you mean 80 or 80%?"));
  EXPECT_THAT(refusal("value >= 0.8", diverged), HasSubstr("Did you mean 80 or 80%?"));
  EXPECT_EQ(resolved("acc >= 0.8%", diverged), 0.8);
}

TEST(Limits, ThatNoRowOfATableMeetsAreRefused) {
  EXPECT_THAT(refusal("acc >= 95", from_to(50, 85)), HasSubstr("none meets this"));
  EXPECT_THAT(refusal("edge_latency_ms <= 0.1", from_to(0.2, 9)), HasSubstr("0.2 .. 9"));
  EXPECT_THAT(refusal("edge_latency_us <= 2", from_to(300, 3000)), HasSubstr("Did you mean 2000?"));
  EXPECT_EQ(refusal("acc >= 85", from_to(50, 85)), "");
  // Rows of a store are not all there will be, and asking for none is an answer.
  EXPECT_EQ(error_of([] {
              resolve_limit(
                  parse_constraint("acc >= 95"), values_of(from_to(50, 85), false), "where");
            }),
            "");
}

// What every row meets limits nothing: told, and refused where another unit must be meant.
TEST(Limits, ThatEveryRowOfATableMeets) {
  EXPECT_EQ(notes("acc >= 40", from_to(50, 85)), 1u);
  EXPECT_EQ(notes("acc >= 60", from_to(50, 85)), 0u);
  EXPECT_EQ(notes("latency_ms <= 20", from_to(0.1, 9)), 1u);
  EXPECT_EQ(notes("energy_mj <= 100", from_to(1, 40)), 1u);
  EXPECT_EQ(notes("flops <= 1G", from_to(1e6, 200e6)), 1u);
  EXPECT_EQ(notes("edge_ms <= 5s", from_to(2, 20)), 1u);  // The unit is stated on both sides.
  EXPECT_EQ(notes("edge_ms <= 100", from_to(0.05, 0.2)), 1u);
  EXPECT_EQ(notes("flops <= 1G", from_to(0.5e6, 5e6)), 1u);
  EXPECT_EQ(notes("x >= 0.01", from_to(0.5, 1.8)), 1u);  // No percents.
  EXPECT_EQ(notes("acc >= 1", from_to(50, 85)), 1u);
  EXPECT_THAT(refusal("flops <= 100M", from_to(5, 200)), HasSubstr("Did you mean 100?"));
  EXPECT_EQ(resolved("params_m <= 1M", from_to(0.07, 1.5)), 1);  // The name states millions.
  EXPECT_THAT(refusal("latency <= 5000", from_to(2, 20)), HasSubstr("Did you mean 5?"));
}

TEST(Limits, SmallErrorsInPercentCanBeMeant) {
  EXPECT_EQ(resolved("test_error <= 0.8", from_to(0.3, 8)), 0.8);
  EXPECT_EQ(resolved("test_error <= 0.8%", from_to(0.3, 8)), 0.8);
  EXPECT_THAT(refusal("test_error <= 0.2", from_to(5, 50)), HasSubstr("Did you mean 20 or 20%?"));
  EXPECT_THAT(refusal("rank >= 5%", from_to(3, 60)), HasSubstr("expected one of the units"));
  EXPECT_THAT(refusal("latency >= 5ms", from_to(3, 60)),
              HasSubstr("nothing says in which unit latency is"));
  EXPECT_THAT(refusal("value >= 5%", from_to(3, 600)), HasSubstr("outside of 0 .. 100"));
}

// A unit in the name wins, also where all values are below 1.
TEST(Limits, PercentsByName) {
  for (const std::string name : {"err_percent", "err_pct", "err (%)"}) {
    EXPECT_EQ(resolved(name + " <= 0.8%", from_to(0.3, 0.9)), 0.8);
    EXPECT_EQ(resolved(name + " <= 0.8", from_to(0.3, 0.9)), 0.8);
    EXPECT_EQ(resolved(name + " <= 0.8%", from_to(0.3, 9)), 0.8);
    EXPECT_EQ(resolved(name + " <= 30%", ValueScale::kUnknown), 30);
  }
  EXPECT_EQ(resolved("acc_percent >= 0.8%", from_to(0.3, 0.9)), 0.8);
  EXPECT_THAT(refusal("acc_percent >= 0.8", from_to(50, 85)), HasSubstr("Did you mean 80"));
}

TEST(Limits, ColumnsOfAnyNameCanBeLimited) {
  EXPECT_EQ(parse_constraint("acc (%) >= 80").metric, "acc (%)");
  EXPECT_EQ(resolved("acc (%) >= 80%", from_to(50, 85)), 80);
  EXPECT_EQ(resolved("latency (ms) <= 5us", from_to(0.001, 2)), 0.005);
  EXPECT_EQ(parse_constraint(" 1-acc<0.3").metric, "1-acc");
  EXPECT_EQ(parse_constraint("edge latency [ms] <= 5").metric, "edge latency [ms]");
}

TEST(Limits, AReferencePointOfAnotherScaleIsRefused) {
  const auto reference = [](const std::string& text, const std::vector<double>& table) {
    return error_of(
        [&] { resolve_reference(parse_assignment(text), values_of(table, true), "where"); });
  };
  EXPECT_THAT(reference("acc = 0.5", from_to(55, 71)), HasSubstr("Did you mean 50 or 50%?"));
  EXPECT_THAT(reference("acc = 50", from_to(0.55, 0.71)), HasSubstr("Did you mean 0.5 or 50%?"));
  EXPECT_THAT(reference("acc = 101", from_to(55, 71)), HasSubstr("100 is the most"));
  EXPECT_THAT(reference("latency = -1", from_to(5, 7)), HasSubstr("never negative"));
  EXPECT_THAT(reference("latency = 9000", from_to(5, 20)), HasSubstr("Did you mean 9?"));
  for (const char* fine : {"acc = 50", "acc = 0", "acc = 10", "acc = 50%", "acc = 80"})
    EXPECT_EQ(reference(fine, from_to(55, 71)), "") << fine;
  EXPECT_EQ(reference("latency = 40", from_to(5, 20)), "");
}

// Rows of a store are not all there will be: a limit that none meets is allowed, and its scale
// told.
TEST(Limits, AHintWhereAnotherScaleMustBeMeant) {
  const auto hint = [](const std::string& text, const std::vector<double>& values) {
    return scale_hint(parse_constraint(text), values_of(values, false));
  };
  EXPECT_THAT(hint("latency_us <= 1.6", from_to(1500, 2300)), HasSubstr("Did you mean 1600?"));
  EXPECT_THAT(hint("macs <= 5", from_to(4e6, 20e6)), HasSubstr("Did you mean 5000000?"));
  EXPECT_EQ(hint("latency_us <= 1000", from_to(1500, 2300)), "");
  EXPECT_EQ(hint("latency_us <= 1600", from_to(1500, 2300)), "");
}

TEST(Limits, ReferencePointsTakePercentsToo) {
  SearchOptions options;
  options.reference = {"acc = 10%", "macs = 40M"};
  const auto known = [](const std::string& metric) {
    return metric == "acc" ? values_of(from_to(50, 85), true)
                           : KnownValues{.scale = ValueScale::kOurs};
  };
  EXPECT_EQ(resolved_reference(options, known),
            (std::map<std::string, double>{{"acc", 10}, {"macs", 40e6}}));
  options.reference = {"accuracy = 120"};
  EXPECT_THAT(error_of([&] { resolved_reference(options, known); }), HasSubstr("lies outside"));
}

SearchConfig config_of(const std::string& text) {
  YamlSource source;
  source.text = text;
  return read_yaml_as<SearchConfig>(source);
}

TEST(Limits, ObjectivesThatLookForTheWorst) {
  const auto error = [](const std::string& objective, const std::string& more = "") {
    return error_of([&] {
      config_of("space: digits\nsearch: {evaluations: 9, objectives: ['" + objective + "']" + more +
                "}\n");
    });
  };
  for (const char* objective : {"minimize: accuracy",
                                "minimize: test_accuracy",
                                "minimize: top1",
                                "minimize: neg_loss",
                                "maximize: loss",
                                "maximize: val_loss",
                                "maximize: latency_ms",
                                "maximize: peak_bytes",
                                "maximize: 1-acc"})
    EXPECT_THAT(error(objective),
                testing::AllOf(HasSubstr("looks for the worst networks"), HasSubstr("confirm")))
        << objective;
  for (const char* objective : {"maximize: accuracy",
                                "maximize: macs",
                                "maximize: flops",
                                "maximize: neg_loss",
                                "minimize: 1-acc",
                                "minimize: accuracy_drop",
                                "maximize: accuracy_drop",
                                "minimize: value"})
    EXPECT_EQ(error(objective), "") << objective;
  EXPECT_EQ(error("maximize: latency_ms", ", confirm: [latency_ms]"), "");
  EXPECT_THAT(error("minimize: latency_ms", ", confirm: [latency_ms]"), HasSubstr("Leave it out"));
  EXPECT_THAT(error("maximize: latency_ms", ", confirm: [latency]"),
              testing::AllOf(HasSubstr("looks for the worst"), HasSubstr("Leave it out")));
  EXPECT_EQ(objective_warnings({{"accuracy", true}, {"macs", false}, {"x", true}}).size(), 0u);
  EXPECT_THAT(
      objective_warnings({{"params", true}, {"test_error", true}, {"top1", false}}),
      testing::ElementsAre(HasSubstr("params"), HasSubstr("test_error"), HasSubstr("top1")));
}

TEST(Limits, ConfigurationsAreCheckedWhereTheyAreRead) {
  EXPECT_THAT(
      error_of([] { config_of("search:\n  evaluations: 9\n  constraints: ['accuracy >= 75']\n"); }),
      HasSubstr("Did you mean 0.75 or 75%?"));
  // Of a program accuracies are shares too, and what only it knows is as it likes.
  const auto program = [](const std::string& limit) {
    return error_of([&] {
      config_of("space: digits\nsearch:\n  evaluations: 9\n  constraints: ['" + limit +
                "']\nevaluator: {kind: external, external: {command: x}}\n");
    });
  };
  EXPECT_THAT(program("accuracy >= 75"), HasSubstr("Did you mean 0.75 or 75%?"));
  EXPECT_EQ(program("accuracy >= 75%"), "");
  EXPECT_EQ(program("top1 >= 75"), "");
}

TEST(ExternalMetrics, NamesThatAnswersHaveAlreadyAreRefused) {
  const auto error = [](const std::string& metrics) {
    return error_of([&] {
      config_of(
          "space: digits\nsearch: {evaluations: 9}\nevaluator: {kind: external, external: "
          "{command: x, metrics: [" +
          metrics + "]}}\n");
    });
  };
  for (const char* name : {"id", "architecture", "choices", "error"})
    EXPECT_THAT(error("accuracy, " + std::string(name)),
                testing::AllOf(HasSubstr("metrics"), HasSubstr("'" + std::string(name) + "'")));
  EXPECT_THAT(error("accuracy, accuracy"), HasSubstr("'accuracy' is given twice"));
  EXPECT_THAT(error("accuracy, macs"), HasSubstr("'macs' follows from the architecture"));
  EXPECT_THAT(error("''"), HasSubstr("no name"));
  EXPECT_EQ(error("accuracy, latency_ms, my_error"), "");
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
