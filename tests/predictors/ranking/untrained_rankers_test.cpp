// Counts on cells of NAS-Bench-201 that a glance confirms.
#include "predictors/ranking/untrained_rankers.hpp"

#include <gtest/gtest.h>

#include <map>

#include "spaces/registry.hpp"

namespace nas {
namespace {

TEST(UntrainedRankers, DeadConvolutionsDoNotLive) {
  YamlSource source;
  source.text = "family: nasbench201\nwidth: 4\ncells: 1\n";
  const auto space = make_space(source);
  // One 3x3 from the input to the output; the same with a 1x1 into node 1, which nothing reads; two
  // 3x3 in a row; nothing at all.
  const std::vector<Architecture> cells = {space->parse("0,0,0,3,0,0"),
                                           space->parse("2,0,0,3,0,0"),
                                           space->parse("3,0,0,0,3,0"),
                                           space->parse("0,0,0,0,0,0")};
  std::map<std::string, std::vector<double>> of;
  for (auto& [name, values] : untrained_rankers(*space, cells)) of[name] = values;
  // Three cells, one per stage.
  EXPECT_EQ(of.at("live_convolutions"), (std::vector<double>{3, 3, 6, 0}));
  EXPECT_EQ(of.at("convolutions")[1], of.at("convolutions")[0] + 3);
  EXPECT_EQ(of.at("live_params")[1], of.at("live_params")[0]);
  EXPECT_GT(of.at("params")[1], of.at("params")[0]);
  EXPECT_GT(of.at("macs")[2], of.at("macs")[1]);
  EXPECT_EQ(of.at("depth")[2], of.at("depth")[0] + 3);
  EXPECT_EQ(of.at("live_params")[3], 0);
}

}  // namespace
}  // namespace nas
