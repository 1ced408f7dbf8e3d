// balanced_mixture.md section 2 and the multiply-adds of table 8.1.
#include <gtest/gtest.h>

#include <map>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

std::unique_ptr<Space> make(const std::string& options) {
  YamlSource source;
  source.text = "family: downsampling\n" + options;
  return make_space(source);
}

// MMAC of the 36 configurations in order of index.
constexpr double kMegaMacs[36] = {18.596, 19.481, 20.366,  23.118, 26.657, 30.196, 41.206, 55.362,
                                  23.020, 23.905, 26.657,  30.196, 33.735, 44.745, 58.901, 27.444,
                                  30.196, 33.735, 37.274,  48.284, 62.440, 33.735, 37.274, 40.813,
                                  51.823, 65.979, 48.284,  51.823, 62.833, 76.989, 65.979, 76.989,
                                  91.145, 91.145, 105.301, 149.341};

TEST(Downsampling, ResNet20TableOfMultiplyAdds) {
  const auto space = make("variant: resnet20-pool\n");
  int index = 0;
  space->enumerate([&](const Architecture& a) {
    const Cost cost = cost_of(space->plan(a), space->counting());
    EXPECT_NEAR(static_cast<double>(cost.macs) / 1e6, kMegaMacs[index], 0.0006) << space->text(a);
    EXPECT_EQ(cost.params, 270906) << space->text(a);
    // 1-based index = (a-1)(18-a)/2 + b
    int p[3];
    EXPECT_EQ(std::sscanf(space->text(a).c_str(), "[%d,%d,%d]", &p[0], &p[1], &p[2]), 3);
    EXPECT_EQ((p[0] - 1) * (18 - p[0]) / 2 + p[1], index + 1);
    ++index;
    return true;
  });
  EXPECT_EQ(index, 36);
}

TEST(Downsampling, Sizes) {
  EXPECT_EQ(make("variant: resnet20-pool\n")->count(), 36);
  EXPECT_EQ(make("variant: resnet18-stride\n")->count(), 56);
  EXPECT_EQ(make("variant: resnet50-stride\nclasses: 100\n")->count(), 560);
  EXPECT_EQ(make("variant: resnet50-stride\nimagenet_stem: true\nresolution: 224\n")->count(), 455);
  EXPECT_EQ(make("variant: resnet18-stride\nimagenet_stem: true\nresolution: 224\n")->count(), 35);
}

TEST(Downsampling, Parameters) {
  const auto params = [](const std::string& options, const std::string& a) {
    const auto space = make(options);
    return cost_of(space->plan(space->parse(a))).params;
  };
  EXPECT_EQ(params("variant: resnet18-stride\n", "[3,2,2,2]"), 11164362);
  EXPECT_EQ(params("variant: resnet18-stride\n", "[1,2,3,3]"), 11164362);
  EXPECT_EQ(params("variant: resnet50-stride\nclasses: 100\n", "[4,4,6,3]"), 23652132);
  EXPECT_EQ(params("variant: resnet50-stride\nclasses: 101\nimagenet_stem: true\nresolution: 224\n",
                   "[3,4,6,3]"),
            23661861);
  EXPECT_EQ(params("variant: resnet20-pool\nform: standalone\n", "[4,3,3]"), 271802);
  EXPECT_EQ(params("variant: resnet20-pool\nform: standalone\nlast_width: 10\n", "[4,3,3]"),
            204746);
}

TEST(Downsampling, DefaultsHaveTheirRank) {
  const std::map<std::string, std::pair<std::string, int>> expected = {
      {"variant: resnet20-pool\n", {"[4,3,3]", 23}},
      {"variant: resnet18-stride\n", {"[3,2,2,2]", 41}},
      {"variant: resnet50-stride\n", {"[4,4,6,3]", 309}},
      {"variant: resnet50-stride\nimagenet_stem: true\n", {"[3,4,6,3]", 204}},
      {"variant: resnet18-stride\nimagenet_stem: true\n", {"[2,2,2,2]", 20}}};
  for (const auto& [options, wanted] : expected) {
    const auto space = make(options);
    const Architecture target = space->parse(wanted.first);
    int rank = -1, i = 0;
    space->enumerate([&](const Architecture& a) {
      if (a == target) rank = i;
      ++i;
      return rank < 0;
    });
    EXPECT_EQ(rank, wanted.second) << options;
  }
}

TEST(Downsampling, TextForms) {
  const auto space = make("variant: resnet20-pool\n");
  EXPECT_EQ(space->text(space->parse(" [4, 3,3] ")), "[4,3,3]");
  EXPECT_EQ(space->text(space->parse("0000100100")), "[4,3,3]");
  for (const char* bad : {"[4,3]",
                          "[4,3,4]",
                          "[0,5,5]",
                          "[4,3,3",
                          "4,3,3",
                          "[4,3,3,]",
                          "",
                          "[a,b,c]",
                          "1000100000",
                          "[99999999999,1,1]",
                          "0000100000"})
    EXPECT_THROW(space->parse(bad), ConfigError) << bad;
}

TEST(Downsampling, LastMapsHaveTheirSize) {
  const auto space = make("variant: resnet18-stride\n");
  space->enumerate([&](const Architecture& a) {
    const Plan plan = space->plan(a);
    const Shape& last = plan.nodes[plan.nodes.size() - 3].out;
    EXPECT_EQ(last.h, 4) << space->text(a);
    EXPECT_EQ(last.c, 512);
    return true;
  });
}

}  // namespace
}  // namespace nas
