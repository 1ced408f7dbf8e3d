// A new device from a few of its ops.
#include "hardware/prediction/transfer.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "hardware/op_cases.hpp"
#include "hardware/prediction/choose.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

class Transfer : public testing::Test {
 protected:
  Transfer() {
    const auto space = load_space("digits");
    bool complete = false;
    Rng rng(2, "transfer");
    known_.id = "known";
    known_.conditions = {{"batch", "1"}, {"device", "old"}};
    for (const auto& [key, op] : distinct_ops(*space, complete)) {
      const double ms = std::exp(-4 + 3 * rng.uniform());
      known_.entries[key] = {ms, ms, ms, 1};
    }
  }
  /// The new device: convolutions 5 times as fast, all else twice, with an overhead that grows as
  /// ops get shorter.
  double truth(const std::string& key) const {
    const double ms = known_.entries.at(key).median_ms;
    return (key.starts_with("conv2d") ? 0.2 : 0.5) * std::pow(ms, 0.9);
  }
  LatencyTable measured(int n) const {
    LatencyTable part;
    part.id = "part";
    part.conditions = {{"batch", "1"}, {"device", "new"}};
    for (const std::string& key : choose_ops(known_, n)) {
      const double ms = truth(key);
      part.entries[key] = {ms, ms, ms, 1};
    }
    return part;
  }
  LatencyTable known_;
};

TEST_F(Transfer, AnotherNumberFormatIsNoMatterOfScale) {
  known_.conditions["dtype"] = "float32";
  LatencyTable part = measured(20);
  part.conditions["dtype"] = "fp32";
  EXPECT_NO_THROW(transfer(known_, part));
  part.conditions["dtype"] = "int8";
  EXPECT_THROW(transfer(known_, part), DataError);
}

TEST_F(Transfer, LearnsScaleAndWhatDiffersFromIt) {
  const Transferred got = transfer(known_, measured(20));
  EXPECT_EQ(got.table.entries.size(), known_.entries.size());
  EXPECT_EQ(got.measured, 20U);
  EXPECT_EQ(got.table.conditions.at("device"), "new");
  double error = 0;
  for (const auto& [key, entry] : got.table.entries)
    error +=
        std::abs(entry.median_ms / truth(key) - 1) / static_cast<double>(known_.entries.size());
  EXPECT_LT(error, 0.05);
  EXPECT_LT(got.held_out, 0.3 * got.scale_only);
}

TEST_F(Transfer, KeepsWhatWasMeasured) {
  LatencyTable part = measured(12);
  const std::string key = part.entries.begin()->first;
  part.entries[key].median_ms *= 1.3;
  part.entries[key].high_ms *= 1.3;
  const double measured = part.entries[key].median_ms;
  EXPECT_EQ(transfer(known_, part).table.entries.at(key).median_ms, measured);
}

// One scale for all: nothing is added to it.
TEST_F(Transfer, OneScaleIsFoundExactly) {
  LatencyTable part = measured(8);
  for (auto& [key, entry] : part.entries) {
    const double ms = 3 * known_.entries.at(key).median_ms;
    entry = {ms, ms, ms, 1};
  }
  const Transferred got = transfer(known_, part);
  EXPECT_NEAR(got.scale, 3, 1e-9);
  for (const auto& [key, entry] : got.table.entries)
    EXPECT_NEAR(entry.median_ms, 3 * known_.entries.at(key).median_ms, 1e-6 * entry.median_ms);
}

TEST_F(Transfer, RefusesTooFewAndOtherBatches) {
  EXPECT_THROW(transfer(known_, measured(3)), DataError);
  LatencyTable part = measured(12);
  part.conditions["batch"] = "8";
  EXPECT_THROW(transfer(known_, part), DataError);
}

}  // namespace
}  // namespace nas
