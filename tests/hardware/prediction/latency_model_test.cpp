// A calibrated table: its numbers, its file, and what of a file is refused.
#include "hardware/prediction/latency_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hardware/op_cases.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

using ::testing::HasSubstr;

class Model : public testing::Test {
 protected:
  Model() : space_(load_space("digits")) {
    bool complete = false;
    double ms = 0.01;
    table_.id = "here";
    table_.space = "digits";
    table_.conditions = {{"batch", "1"}, {"device", "cpu"}};
    for (const auto& [key, op] : distinct_ops(*space_, complete)) {
      table_.entries[key] = {ms, ms, ms, 3};
      ms += 0.001;
    }
    calibration_.a = 0.2;
    calibration_.b = 0.75;
    calibration_.c = -0.002;
    calibration_.spread = 0.04;
    calibration_.networks = 30;
  }
  std::unique_ptr<Space> space_;
  LatencyTable table_;
  Calibration calibration_;
};

TEST_F(Model, MeanIsTheCalibratedSum) {
  const Plan plan = space_->plan(space_->largest());
  const LatencyModel raw(table_), calibrated(table_, calibration_);
  EXPECT_EQ(raw.mean(plan), table_.predict(plan));
  EXPECT_FALSE(raw.has_spread());
  const auto ops = static_cast<double>(timed_ops(plan));
  EXPECT_GT(ops, 10);
  EXPECT_DOUBLE_EQ(calibrated.mean(plan), 0.2 + 0.75 * table_.predict(plan) - 0.002 * ops);
  EXPECT_TRUE(calibrated.has_spread());
  EXPECT_EQ(calibrated.relative_spread(), 0.04);
  EXPECT_EQ(least_op_ms(table_), 0.01);
}

TEST_F(Model, IsTheSameFromItsFile) {
  const std::string text = to_json(LatencyModel(table_, calibration_));
  const LatencyModel read = latency_model_from_json(text, "t.json");
  ASSERT_TRUE(read.calibration());
  EXPECT_EQ(*read.calibration(), calibration_);
  EXPECT_EQ(read.table().entries.size(), table_.entries.size());
  EXPECT_EQ(to_json(read), text);
  // Who does not know the section reads the plain table; who has none writes none.
  EXPECT_EQ(latency_table_from_json(text, "t.json").predict(space_->plan(space_->smallest())),
            table_.predict(space_->plan(space_->smallest())));
  EXPECT_FALSE(latency_model_from_json(to_json(LatencyModel(table_)), "t.json").calibration());
}

TEST_F(Model, RefusesCalibrationsThatCannotBe) {
  const std::string text = to_json(LatencyModel(table_, calibration_));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    try {
      latency_model_from_json(changed, "t.json");
    } catch (const DataError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(with("\"b\": 0.75", "\"b\": -1"), HasSubstr("calibration/b: -1 cannot be"));
  EXPECT_THAT(with("\"b\": 0.75", "\"b\": -1"), HasSubstr("t.json:"));
  EXPECT_THAT(with("\"b\": 0.75", "\"b\": \"x\""), HasSubstr("cannot be"));
  EXPECT_THAT(with("\"b\": 0.75,", ""), HasSubstr("calibration/b is missing"));
  EXPECT_THAT(with("\"c_ms\": -0.002", "\"c_ms\": -5"), HasSubstr("less than no time"));
  EXPECT_THAT(with("\"relative_spread\": 0.04", "\"relative_spread\": -0.1"), HasSubstr("cannot"));
  EXPECT_THAT(with("\"calibration\": {", "\"calibration\": 3, \"x\": {"), HasSubstr("an object"));
}

}  // namespace
}  // namespace nas
