// Costs of random once-for-all networks by a count of their layers that knows only the published
// tables (search.md 2.1), and the rounding of channels they stand on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "spaces/error.hpp"
#include "spaces/families/mobile_block.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

std::unique_ptr<Space> space_of(const std::string& yaml) {
  YamlSource source;
  source.text = yaml;
  return make_space(source);
}

TEST(DivisibleBy8, IsTheNearestMultipleThatLosesNoMoreThanATenth) {
  for (const auto& [v, n] : std::vector<std::pair<double, int>>{{0.1, 8},
                                                                {1, 8},
                                                                {8, 8},
                                                                {11.9, 16},
                                                                {12, 16},
                                                                {16, 16},
                                                                {19.2, 24},
                                                                {20, 24},
                                                                {28.8, 32},
                                                                {48, 48},
                                                                {96 * 1.2, 112},
                                                                {134.4, 136}})
    EXPECT_EQ(divisible_by_8(v), n) << v;
  for (double v = 1; v < 2000; v += 0.37) {
    const int n = divisible_by_8(v);
    EXPECT_EQ(n % 8, 0);
    EXPECT_GE(n, 0.9 * v) << v;
    EXPECT_LE(n, std::max(8.0, v + 8)) << v;
    EXPECT_GE(divisible_by_8(v + 0.37), n) << "never falls";
  }
}

struct Row {
  int width, stride;
  bool se;
};
struct Family {
  std::string yaml;
  double width_mult;
  int stem, stem_stride, last, mix, resolution, channels, classes;
  std::vector<Row> stages;
};

class ByHand {
 public:
  int64_t macs = 0, params = 0;

  /// `k3e6-k7e4/...` after an `r192:` that may stand in front.
  ByHand(const Family& f, std::string text) {
    int64_t map = f.resolution;
    if (text[0] == 'r') {
      map = std::stoi(text.substr(1));
      text = text.substr(text.find(':') + 1);
    }
    const auto scaled = [&f](double width) { return rounded(width * f.width_mult); };
    int64_t in = scaled(f.stem);
    map = after(map, f.stem_stride);
    conv(f.channels, in, 3, map, 1);
    conv(in, in, 3, map, in);
    conv(in, scaled(16), 1, map, 1);
    in = scaled(16);
    std::istringstream stages(text);
    std::string stage;
    for (const Row& row : f.stages) {
      std::getline(stages, stage, '/');
      std::istringstream blocks(stage);
      std::string block;
      for (int j = 0; std::getline(blocks, block, '-'); ++j) {
        int kernel = 0, expansion = 0;
        EXPECT_EQ(std::sscanf(block.c_str(), "k%de%d", &kernel, &expansion), 2);
        const int64_t mid = rounded(static_cast<double>(in * expansion)), out = scaled(row.width);
        conv(in, mid, 1, map, 1);
        if (j == 0) map = after(map, row.stride);
        conv(mid, mid, kernel, map, mid);
        if (row.se) {
          const int64_t squeezed = rounded(static_cast<double>(mid / 4));
          macs += 2 * mid * squeezed;
          params += 2 * mid * squeezed + mid + squeezed;
        }
        conv(mid, out, 1, map, 1);
        in = out;
      }
    }
    int64_t features = scaled(f.last);
    conv(in, features, 1, map, 1);
    if (f.mix > 0) {
      const int64_t mixed = scaled(f.mix);
      macs += features * mixed;
      params += features * mixed;
      features = mixed;
    }
    macs += features * f.classes;
    params += features * f.classes + f.classes;
  }

 private:
  static int64_t after(int64_t map, int stride) { return (map - 1) / stride + 1; }
  static int64_t rounded(double v) {
    int64_t n = std::max<int64_t>(8, static_cast<int64_t>(v + 4) / 8 * 8);
    return static_cast<double>(n) < 0.9 * v ? n + 8 : n;
  }
  void conv(int64_t in, int64_t out, int64_t kernel, int64_t map, int64_t groups) {
    const int64_t weights = in / groups * out * kernel * kernel;
    macs += weights * map * map;
    params += weights + 2 * out;
  }
};

TEST(MobileCosts, RandomNetworksCostWhatTheirLayersDo) {
  const std::vector<Row> v3 = {
      {24, 2, false}, {40, 2, true}, {80, 2, false}, {112, 1, true}, {160, 2, true}};
  const std::vector<Row> small = {
      {24, 1, false}, {40, 2, true}, {80, 2, false}, {112, 1, true}, {160, 2, true}};
  const std::vector<Row> proxyless = {{24, 2, false},
                                      {40, 2, false},
                                      {80, 2, false},
                                      {96, 1, false},
                                      {192, 2, false},
                                      {320, 1, false}};
  const std::vector<Family> families = {
      {"family: mobilenet\n", 1, 16, 2, 960, 1280, 224, 3, 1000, v3},
      {"family: mobilenet\nwidth_mult: 1.2\nresolutions: [160, 192, 225]\n",
       1.2,
       16,
       2,
       960,
       1280,
       0,
       3,
       1000,
       v3},
      {"family: mobilenet\nwidth_mult: 0.35\nclasses: 17\ninput_channels: 1\nresolutions: [97]\n",
       0.35,
       16,
       2,
       960,
       1280,
       97,
       1,
       17,
       v3},
      {"family: mobilenet\nvariant: mobilenetv3-32\nresolutions: [32]\nclasses: 10\n",
       1,
       16,
       1,
       960,
       1280,
       32,
       3,
       10,
       small},
      {"family: proxyless\n", 1.3, 32, 2, 1280, 0, 224, 3, 1000, proxyless},
      {"family: proxyless\nwidth_mult: 1\ndepths: [1, 5]\nkernels: [1, 9]\nkernel_transform: "
       "false\nexpansions: [1, 8]\nresolutions: [64]\n",
       1,
       32,
       2,
       1280,
       0,
       64,
       3,
       1000,
       proxyless}};
  for (const Family& family : families) {
    const auto space = space_of(family.yaml);
    Rng rng(1, family.yaml);
    for (int i = 0; i < 60; ++i) {
      const Architecture a = i == 0   ? space->smallest()
                             : i == 1 ? space->largest()
                                      : space->sample(rng);
      const std::string text = space->text(a);
      const Cost cost = cost_of(space->plan(a), space->counting());
      const ByHand expected(family, text);
      ASSERT_EQ(cost.macs, expected.macs) << family.yaml << text;
      ASSERT_EQ(cost.params, expected.params) << family.yaml << text;
      ASSERT_EQ(space->parse(text), a) << text;
    }
  }
}

// Every size of a network is that of the largest or less, and only by what it chose.
TEST(MobileCosts, LargerChoicesCostMore) {
  const auto space = space_of("family: mobilenet\nresolutions: [128, 224]\n");
  Rng rng(2, "monotone");
  for (int i = 0; i < 60; ++i) {
    const Architecture a = space->sample(rng);
    const Cost cost = cost_of(space->plan(a));
    for (const Architecture& other : space->neighbours(a)) {
      size_t changed = 0;
      while (other.genes[changed] == a.genes[changed] || !space->active(a, changed)) ++changed;
      const Cost neighbour = cost_of(space->plan(other));
      if (other.genes[changed] > a.genes[changed])
        EXPECT_GT(neighbour.macs, cost.macs) << space->choices()[changed].name;
      else
        EXPECT_LT(neighbour.macs, cost.macs) << space->choices()[changed].name;
    }
  }
}

TEST(MobileOptions, AreCheckedOneByOne) {
  const auto said = [](const std::string& yaml) -> std::string {
    try {
      space_of("family: mobilenet\n" + yaml);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "no error";
  };
  using testing::HasSubstr;
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"kernels: [3, 4]\n", "kernels: 4 is not odd"},
           {"kernels: [5, 3]\n", "kernels: must rise"},
           {"kernels: [1, 3]\n", "kernel_transform: has no matrix for kernels below 3"},
           {"expansions: [6, 6]\n", "expansions: must rise"},
           {"depths: []\n", "depths: a list of 0, expected 1 to 8 items"},
           {"depths: [0, 2]\n", "item 0: 0 is out of range, expected 1 to 16"},
           {"resolutions: [224, 192]\n", "resolutions: must rise"},
           {"width_mult: 0\n", "width_mult: 0 is out of range, expected 0.1 to 8"},
           {"variant: mobilenetv2\n", "did you mean mobilenetv3?"},
           {"dropout: 1\n", "dropout: 1 is out of range, expected 0 to 0.95"}})
    EXPECT_THAT(said(text), HasSubstr(what)) << text;
  EXPECT_EQ(said("kernels: [1, 3]\nkernel_transform: false\n"), "no error");
  EXPECT_EQ(said("kernels: [1]\n"), "no error") << "nothing is cropped";
}

}  // namespace
}  // namespace nas
