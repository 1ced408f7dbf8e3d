// Counts and samples of spaces, as scripts read them.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

TEST(SpaceCount, CountsAreTextsAndAgreeWithWhatIsListed) {
  const Finished count = run({"space", "count", "custom-digits", "--json"});
  ASSERT_EQ(count.code, 0) << count.err;
  const auto json = nlohmann::json::parse(count.out);
  EXPECT_EQ(json.at("architectures"), "2160");
  EXPECT_EQ(json.at("distinct"), "1728");
  const Finished list = run({"space", "enumerate", "custom-digits", "--json"});
  ASSERT_EQ(list.code, 0) << list.err;
  const auto all = nlohmann::json::parse(list.out).at("architectures");
  EXPECT_EQ(all.size(), 2160U);
  const auto own = std::count_if(
      all.begin(), all.end(), [](const auto& row) { return row.at("same_as").is_null(); });
  EXPECT_EQ(own, 1728);
  // Too many to compare: said, not left out.
  const Finished large = run({"space", "count", "mobilenet", "--json"});
  EXPECT_TRUE(nlohmann::json::parse(large.out).at("distinct").is_null());
}

TEST(SpaceSample, SamplesAreTheSameInAnyNumberAndForm) {
  const Finished few =
      run({"space", "sample", "digits", "-n", "3", "--seed", "4", "--format", "csv"});
  const Finished many =
      run({"space", "sample", "digits", "-n", "20000", "--seed", "4", "--format", "csv"});
  ASSERT_EQ(many.code, 0) << many.err;
  EXPECT_EQ(std::count(many.out.begin(), many.out.end(), '\n'), 20001);
  EXPECT_TRUE(many.out.starts_with(few.out));
  const Finished json = run({"space", "sample", "digits", "-n", "20000", "--seed", "4", "--json"});
  EXPECT_EQ(nlohmann::json::parse(json.out).at("architectures").size(), 20000U);
  const Finished table = run({"space", "sample", "digits", "-n", "20000", "--seed", "4"});
  EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), 20001);
}

}  // namespace
}  // namespace nas::test
