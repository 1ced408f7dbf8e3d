// What the name of a metric says of its values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spaces/metric.hpp"

namespace nas {
namespace {

TEST(MetricName, ErrorsOfClassesAreShares) {
  for (const char* name :
       {"err", "error", "test_error", "valErr", "err_percent", "1-acc", "one_minus_top1", "WER"})
    EXPECT_TRUE(is_error(name)) << name;
  for (const char* name : {"mean_squared_error",
                           "abs_error",
                           "neg_err",
                           "-err",
                           "top1_error",  // An accuracy by another name.
                           "accuracy",
                           "loss",
                           "error_drop",
                           "log_error",
                           "neg_acc",
                           "1/acc",
                           "value"})
    EXPECT_FALSE(is_error(name)) << name;
}

TEST(MetricName, QualitiesThatAreSharesAreAccuracies) {
  for (const char* name : {"accuracy", "acc (%)", "recall", "val_auc", "miou", "dice", "topk_acc"})
    EXPECT_TRUE(is_accuracy(name)) << name;
  for (const char* name : {"log_acc", "acc_z", "normalized_accuracy", "psnr", "score"})
    EXPECT_FALSE(is_accuracy(name)) << name;
}

// Values of `top1_error` lie where those of a top1 do, and yet less of it is better.
TEST(MetricName, AQuantityIsWhatIsCounted) {
  const std::pair<Quantity, std::vector<const char*>> kinds[] = {
      {Quantity::kAccuracy, {"accuracy", "acc (%)", "top1", "top-5", "val_auc", "testAccuracy"}},
      {Quantity::kError, {"top1_error", "top5_err", "error", "1-acc", "one_minus_top1", "valErr"}},
      {Quantity::kLoss, {"loss", "val_nll", "perplexity"}},
      {Quantity::kTime, {"latency_ms", "inference_time", "delay", "inference_ms"}},
      {Quantity::kBytes, {"peak_memory", "size_mb"}},
      {Quantity::kEnergy, {"energy_mj", "joules"}},
      {Quantity::kPower, {"power", "watts"}},
      {Quantity::kMacs, {"macs", "MMACs"}},
      {Quantity::kFlops, {"flops", "gflops"}},
      {Quantity::kParameters, {"params", "mparams"}},
      {Quantity::kUnknown, {"value", "score", "rank", ""}}};
  for (const auto& [quantity, names] : kinds)
    for (const char* name : names) EXPECT_EQ(quantity_of(name), quantity) << name;
}

TEST(MetricName, WhatHasAZeroIsNeverNegative) {
  for (const char* name : {"latency",
                           "lat",
                           "edge_latency",
                           "inference_time",
                           "energy",
                           "power_w",
                           "memory",
                           "MACs",
                           "flops",
                           "Params",
                           "size_mb",
                           "fps",
                           "err",
                           "acc"})
    EXPECT_TRUE(never_negative(name)) << name;
  for (const char* name : {"log_latency",
                           "latency_z",
                           "normalized_latency",
                           "neg_latency",
                           "-latency",
                           "latency_change",
                           "loss",
                           "score",
                           "value"})
    EXPECT_FALSE(never_negative(name)) << name;
}

TEST(MetricName, UnitsAreReadWhereverTheyStand) {
  const auto size = [](const char* name) {
    const auto unit = unit_in_name(name);
    return unit ? unit->size : 0;
  };
  const auto kind = [](const char* name) { return unit_in_name(name)->kind; };
  EXPECT_EQ(size("latency_us"), 1e-3);
  EXPECT_EQ(size("latency (ms)"), 1);
  EXPECT_EQ(size("latency [\u00b5s]"), 1e-3);
  EXPECT_EQ(size("latencyMs"), 1);
  EXPECT_EQ(size("time_s"), 1e3);
  EXPECT_EQ(size("latency_ms_p99"), 1);
  EXPECT_EQ(size("memory (MiB)"), 1048576);
  EXPECT_EQ(size("params_m"), 1e6);
  EXPECT_EQ(size("params (M)"), 1e6);
  EXPECT_EQ(size("gflops"), 1e9);
  EXPECT_EQ(kind("latency (s)"), MetricUnit::kMilliseconds);
  EXPECT_EQ(kind("memory (MB)"), MetricUnit::kBytes);
  EXPECT_EQ(kind("macs_g"), MetricUnit::kCount);
  for (const char* name : {"latency", "images_per_s", "images/s", "acc_s", "ms", "model_m", "top1"})
    EXPECT_FALSE(unit_in_name(name)) << name;
}

TEST(MetricName, UnitsThatANumberTakes) {
  EXPECT_EQ(unit_names("value"), "k, M, G, T, %");
  EXPECT_EQ(unit_names("latency"), "");  // It has a unit, but which?
  EXPECT_EQ(unit_names("energy"), "");
  EXPECT_EQ(unit_names("val_loss"), "");
  EXPECT_EQ(unit_names("acc"), "%");
  EXPECT_EQ(unit_names("err"), "%");
  EXPECT_EQ(unit_names("flops"), "k, M, G, T");
  EXPECT_EQ(unit_names("latency (ms)"), "ns, us, ms, s");
  EXPECT_EQ(unit_factor("latency (ms)", "us"), 1e-3);
  EXPECT_EQ(unit_factor("params_m", "M"), 1);
  EXPECT_EQ(unit_factor("params_m", "k"), 1e-3);
  EXPECT_EQ(unit_factor("latency", "ms"), std::nullopt);
  EXPECT_EQ(unit_factor("acc", "M"), std::nullopt);
}

}  // namespace
}  // namespace nas
