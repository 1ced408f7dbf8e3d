// Numbers that their metric cannot have: one rule for tables, programs and rankings.
#include "search/evaluators/value_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace nas {
namespace {

using testing::HasSubstr;
using List = std::vector<double>;

List from_to(double low, double high, const List& first = {}, int n = 30) {
  List list = first;
  for (int i = 0; i < n; ++i) list.push_back(low + (high - low) * i / (n - 1));
  return list;
}
// "", "told WHY" or "refused WHY".
std::string said(const std::string& metric, const List& values, bool percent = false) {
  const auto odd = odd_value(values, metric, percent);
  return odd ? (odd->certain ? "refused " : "told ") + odd->why : "";
}
MATCHER(Refused, "") {
  return arg.starts_with("refused ");
}
MATCHER(Told, "") {
  return arg.starts_with("told ");
}

TEST(ValueCheck, ImpossibleValues) {
  EXPECT_THAT(impossible_value("latency", -1), HasSubstr("negative, and latency never is"));
  EXPECT_THAT(impossible_value("energy_mj", -0.1), HasSubstr("negative"));
  EXPECT_THAT(impossible_value("Params", -1), HasSubstr("negative"));
  EXPECT_THAT(impossible_value("err", -3), HasSubstr("an error never is"));
  EXPECT_THAT(impossible_value("acc", 101), HasSubstr("above 100 %"));
  EXPECT_THAT(impossible_value("top1_error", 101), HasSubstr("above 100 %"));
  EXPECT_THAT(impossible_value("acc", 1.5, /*percent=*/true), HasSubstr("above 100 %"));
  EXPECT_EQ(impossible_value("err", 130), "");  // A word error rate.
  EXPECT_EQ(impossible_value("log_latency", -1), "");
  EXPECT_EQ(impossible_value("acc", 0), "");
  EXPECT_EQ(impossible_value("loss", -1), "");
}

// A share is a hundred times too low, wherever the others lie.
TEST(ValueCheck, SharesAmongPercentsWhateverTheMetricIsCalled) {
  for (const std::string name : {"accuracy", "acc", "test_acc", "top1", "recall"}) {
    for (const double odd : {0.6, 0.632, 0.9, 0.95, 0.99})
      EXPECT_THAT(said(name, from_to(55, 71, {odd})), Refused()) << name << " " << odd;
    for (const double odd : {0.5, 0.83, 0.9})
      EXPECT_THAT(said(name, from_to(20, 47, {odd})), Refused()) << name << " " << odd;
    for (const double odd : {0.01, 0.1})
      EXPECT_THAT(said(name, from_to(20, 47, {odd})), Told()) << name << " " << odd;
  }
  for (const std::string name : {"err", "test_error", "1-acc"}) {
    for (const double odd : {0.55, 0.3, 0.95, 1.0})
      EXPECT_THAT(said(name, from_to(29, 45, {odd})), Refused()) << name << " " << odd;
    EXPECT_THAT(said(name, from_to(29, 45, {0.05})), Told()) << name;
    EXPECT_THAT(said(name, from_to(29, 45, {-2})), Refused()) << name;
  }
  const auto odd = odd_value(from_to(55, 71, {60, 0.9, 0.7}), "acc");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->index, 1u);
  EXPECT_EQ(odd->instead, "90");
  EXPECT_EQ(odd->more, 1u);
}

TEST(ValueCheck, PercentagesAmongShares) {
  EXPECT_THAT(said("acc", from_to(0.55, 0.71, {63})), Refused());
  EXPECT_THAT(said("acc", from_to(0.55, 0.71, {1.2})), Refused());
  EXPECT_THAT(said("err", from_to(0.29, 0.45, {35})), Refused());
  EXPECT_THAT(said("err", from_to(0.29, 0.45, {9})), Told());
  // As many of one kind as of the other.
  for (const std::string name : {"acc", "err"})
    EXPECT_THAT(said(name, {0.35, 0.4, 0.45, 35, 40, 45}), Refused()) << name;
}

// What a network that learnt nothing reaches is no share; neither are the poorest of many.
// The name says a share, so percents are refused, be they all of them.
TEST(ValueCheck, SharesDoNotExceedOne) {
  for (const char* name :
       {"acc_share", "accuracy_fraction", "top1_ratio", "error_share", "share"}) {
    EXPECT_THAT(said(name, from_to(55, 71)), Refused()) << name;
    EXPECT_THAT(said(name, {0.5, 0.6, -0.1}), Refused()) << name;
    EXPECT_EQ(said(name, {0, 0.5, 1}), "") << name;
  }
  const auto odd = odd_value(from_to(55, 71), "acc_share");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->index, 0u);
  EXPECT_EQ(odd->instead, "0.55");
  // Numbers that were moved or bent, and ratios of anything.
  for (const char* name : {"log_share", "share_change", "compression_ratio", "shared_ms"})
    EXPECT_EQ(said(name, {2, 3, 4}), "") << name;
}

TEST(ValueCheck, ChanceLevelsAndPoorNetworksAreNotRefused) {
  EXPECT_THAT(said("acc", from_to(45, 73, {1.0})), Told());         // One of 100 classes.
  EXPECT_THAT(said("acc", from_to(12, 47, {0.83, 0.83})), Told());  // 120 classes, as published.
  EXPECT_THAT(said("acc", from_to(20, 47, {0.5, 0.5, 0.5})), Told());
  EXPECT_THAT(said("acc", from_to(40, 70, {0.5, 0.5})), Refused());      // 50 % is one of theirs.
  EXPECT_THAT(said("acc", from_to(40, 70, {0.632, 0.632})), Refused());  // Of no number of classes.
  EXPECT_THAT(said("acc", from_to(0.2, 30)), Told());
  EXPECT_EQ(said("acc", {0.3, 0.9, 2.5, 8, 15, 22}), "");
  EXPECT_EQ(said("acc", from_to(45, 73, {0})), "");
  EXPECT_EQ(said("err", from_to(0.3, 8)), "");
  EXPECT_EQ(said("err", from_to(0.3, 1.9)), "");
  EXPECT_THAT(said("err", from_to(4, 9, {0.06})), Told());
  EXPECT_EQ(said("mean_squared_error", from_to(0.3, 0.4, {35})), "");
}

TEST(ValueCheck, AStatedUnitIsBelieved) {
  EXPECT_EQ(said("acc_percent", from_to(55, 71, {0.9})), "");
  EXPECT_EQ(said("err (%)", from_to(29, 45, {0.5})), "");
  EXPECT_EQ(said("acc", from_to(0.55, 0.71, {0.009}), /*percent=*/true), "");
  EXPECT_THAT(said("acc_percent", from_to(55, 71, {-1})), Refused());
}

TEST(ValueCheck, ANameThatSaysNothingIsOnlyTold) {
  EXPECT_THAT(said("value", from_to(50, 80, {0.63})), Told());
  EXPECT_THAT(said("value", {0.5, 0.6, 0.7, 50, 60, 70}), Told());
  EXPECT_THAT(said("value", {0.5, 0.6, 0.7, 0.8, 60}), Told());
  EXPECT_THAT(said("value", from_to(50, 80, {632})), Told());
  EXPECT_EQ(said("value", from_to(50, 80, {0, 1})), "");
  EXPECT_EQ(said("value", from_to(0.1, 90)), "");
  EXPECT_EQ(said("value", {0.5, 20, 300}), "");
  EXPECT_EQ(said("acc_std", {0.1, 0.2, 10, 20}), "");
  EXPECT_EQ(said("latency", {0.3, 0.4, 30, 40}), "");
}

TEST(ValueCheck, RenamesThatChangeTheMeaningAreRefused) {
  const auto problem = [](const char* metric, const char* column, const List& values = {55, 71}) {
    return rename_problem(metric, column, values);
  };
  for (const char* column : {"latency_s", "latency_us", "latency (us)", "energy_mj", "memory_mb"})
    EXPECT_NE(problem("latency_ms", column), "") << column;
  for (const char* column : {"err", "test_error", "loss", "accuracy_drop", "-acc", "1-acc"})
    EXPECT_NE(problem("accuracy", column), "") << column;
  EXPECT_NE(problem("macs", "params"), "");
  EXPECT_NE(problem("macs", "flops"), "");
  EXPECT_NE(problem("params", "params_m"), "");
  EXPECT_NE(problem("err", "acc"), "");
  EXPECT_NE(problem("acc", "acc_percent", {0.3, 0.9}), "");
  EXPECT_NE(problem("acc_percent", "acc", {0.3, 0.9}), "");
  for (const auto& [metric, column] :
       std::vector<std::pair<const char*, const char*>>{{"latency_ms", "latency"},
                                                        {"latency_ms", "edge (ms)"},
                                                        {"latency_us", "latency_us"},
                                                        {"accuracy", "top1"},
                                                        {"acc", "acc (%)"},
                                                        {"acc_percent", "acc"},
                                                        {"accuracy", "M1_avg"},
                                                        {"table_macs", "macs"}})
    EXPECT_EQ(problem(metric, column), "") << metric << " = " << column;
  // A share is no percent and nothing with another unit.
  EXPECT_NE(problem("acc_share", "acc_percent", {0.3, 0.9}), "");
  EXPECT_NE(problem("acc (%)", "acc_fraction", {55, 71}), "");
  EXPECT_NE(problem("accuracy", "acc_share", {55, 71}), "");
  EXPECT_NE(problem("latency_ms", "busy_share", {0.3, 0.9}), "");
  EXPECT_NE(problem("x_share", "latency_ms", {0.3, 0.9}), "");
  EXPECT_NE(problem("params", "load_percent"), "");
  EXPECT_EQ(problem("accuracy", "acc_share", {0.3, 0.9}), "");
  EXPECT_EQ(problem("acc_share", "accuracy", {0.3, 0.9}), "");
  EXPECT_EQ(problem("memory_share", "memory_fraction", {0.3, 0.9}), "");
  EXPECT_NE(problem("quality", "err"), "");  // More of one is less of the other.
}

}  // namespace
}  // namespace nas
