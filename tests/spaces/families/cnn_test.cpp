// The small convolutional family: costs and counts by formulas for every architecture of a space,
// extremes by going through it, texts, and what a mistaken section is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <sstream>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

using testing::HasSubstr;

std::unique_ptr<Space> space_of(const std::string& yaml) {
  YamlSource source;
  source.text = "family: cnn\n" + yaml;
  source.file = "cnn.yaml";
  return make_space(source);
}

std::string error_of(const std::string& yaml) {
  try {
    space_of(yaml);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

constexpr const char* kSmall =
    "channels: 2\nresolution: 9\nclasses: 7\nstem_width: 5\n"
    "kinds: [mb3, conv3, sep5, conv5, sep3, mb5]\n"
    "stages:\n  - {widths: [4, 6], depths: [0, 2]}\n  - {widths: [3, 8], depths: [1], stride: 2}\n";

/// Costs of an architecture from its text alone: `4-conv3-sep5/8-mb3`.
struct ByHand {
  int64_t macs = 0, params = 0;
  void conv(int64_t in, int64_t out, int64_t kernel, int64_t map, bool depthwise = false) {
    const int64_t weights = (depthwise ? 1 : in) * out * kernel * kernel;
    macs += weights * map * map;
    params += weights + 2 * out;
  }
  explicit ByHand(const std::string& text) {
    int64_t map = 9, in = 5;
    conv(2, in, 3, map);
    std::istringstream stages(text);
    int number = 0;
    for (std::string stage; std::getline(stages, stage, '/'); ++number) {
      std::istringstream words(stage);
      std::string word;
      std::getline(words, word, '-');
      const int64_t width = std::stoi(word);
      if (number == 1) map = 5;  // Stride 2 on nine pixels.
      conv(in, width, 3, map);
      in = width;
      while (std::getline(words, word, '-')) {
        const int64_t kernel = word.back() - '0';
        if (word.substr(0, 4) == "conv") {
          conv(width, width, kernel, map);
        } else if (word.substr(0, 3) == "sep") {
          conv(width, width, kernel, map, true);
          conv(width, width, 1, map);
        } else {
          conv(width, 2 * width, 1, map);
          conv(2 * width, 2 * width, kernel, map, true);
          conv(2 * width, width, 1, map);
        }
      }
    }
    macs += in * 7;
    params += in * 7 + 7;
  }
};

TEST(Cnn, EveryArchitectureCostsWhatItsTextSays) {
  const auto space = space_of(kSmall);
  // Widths 2 * 2, depth 0 or two layers of six kinds, then one layer.
  EXPECT_EQ(space->count(), 2 * (1 + 36) * 2 * 6);
  int64_t least = INT64_MAX, most = 0;
  space->enumerate([&](const Architecture& a) {
    const Cost cost = cost_of(space->plan(a));
    const ByHand expected(space->text(a));
    EXPECT_EQ(cost.macs, expected.macs) << space->text(a);
    EXPECT_EQ(cost.params, expected.params) << space->text(a);
    EXPECT_EQ(space->parse(space->text(a)), a);
    least = std::min(least, cost.macs);
    most = std::max(most, cost.macs);
    return true;
  });
  EXPECT_EQ(cost_of(space->plan(space->smallest())).macs, least);
  EXPECT_EQ(cost_of(space->plan(space->largest())).macs, most);
}

TEST(Cnn, CountsHaveAClosedForm) {
  // A stage of w widths and depths d has w * sum of kinds^d.
  for (const auto& [kinds, widths, depths] : std::vector<std::tuple<int, int, std::vector<int>>>{
           {1, 3, {0, 1, 2}}, {2, 1, {3}}, {6, 2, {0, 5}}, {4, 16, {1, 2, 3, 4}}}) {
    static const std::vector<std::string> kNames = {"conv3", "conv5", "sep3", "sep5", "mb3", "mb5"};
    std::string list, width_list, depth_list;
    for (int k = 0; k < kinds; ++k) list += (k > 0 ? ", " : "") + kNames[static_cast<size_t>(k)];
    for (int w = 0; w < widths; ++w) width_list += (w > 0 ? ", " : "") + std::to_string(2 + w);
    BigInt stage = 0;
    for (const int d : depths) {
      depth_list += (depth_list.empty() ? "" : ", ") + std::to_string(d);
      BigInt forms = widths;
      for (int i = 0; i < d; ++i) forms *= kinds;
      stage += forms;
    }
    const std::string row = "  - {widths: [" + width_list + "], depths: [" + depth_list + "]}\n";
    const auto space = space_of("kinds: [" + list + "]\nstages:\n" + row + row + row);
    EXPECT_EQ(space->count(), stage * stage * stage);
  }
}

TEST(Cnn, TensorsAreThoseOfTheWidest) {
  const auto space = space_of(kSmall);
  std::map<std::string, Dims> full;
  for (const SupernetTensor& t : space->supernet_tensors()) full[t.name] = t.full;
  EXPECT_EQ(full.at("stem.conv.weight"), (Dims{{5, 2, 3, 3}, 4}));
  EXPECT_EQ(full.at("stage1.first.conv.weight"), (Dims{{6, 5, 3, 3}, 4}));
  EXPECT_EQ(full.at("stage2.first.conv.weight"), (Dims{{8, 6, 3, 3}, 4}));
  EXPECT_EQ(full.at("stage1.layer2.mb5.2.conv.weight"), (Dims{{12, 1, 5, 5}, 4}));
  EXPECT_EQ(full.at("stage2.layer1.sep5.1.conv.weight"), (Dims{{8, 1, 5, 5}, 4}));
  EXPECT_EQ(full.at("classifier.weight"), (Dims{{7, 8, 0, 0}, 2}));
  EXPECT_EQ(full.count("stage2.layer2.mb5.2.conv.weight"), 0u);
}

TEST(Cnn, TextsOfOthersAreReadOrRefused) {
  const auto space = space_of(kSmall);
  EXPECT_EQ(space->text(space->parse(" 4 - conv3 - sep5 / 8 - mb3 ")), "4-conv3-sep5/8-mb3");
  const auto said = [&](const std::string& text) -> std::string {
    try {
      space->parse(text);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "read";
  };
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"4-conv3-sep5", "has 1 stages; the space has 2\n  the form is 6-"},
           {"4/8-mb3/8-mb3", "has 3 stages; the space has 2"},
           {"5/8-mb3", "stage1.width: unknown option '5'; expected one of: 4, 6"},
           {"4-conv3/8-mb3", "stage1.depth: unknown option '1'; expected one of: 0, 2"},
           {"4/8", "stage2.depth: unknown option '0'; expected one of: 1"},
           {"4/8-mb4", "stage2.layer1: unknown option 'mb4'; expected one of: mb3, conv3, sep5"},
           {"4/8-conv33", "did you mean 'conv3'?"},
           {"4/8-", "stage2.layer1: unknown option ''"},
           {"", "has 1 stages"}})
    EXPECT_THAT(said(text), HasSubstr(what)) << text;
}

TEST(Cnn, SectionsThatMakeNoSpaceAreTold) {
  const std::string end = "stages: [{}]\n";
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"", "stages: at least one stage is needed"},
           {"kinds: []\n" + end, "cnn.yaml:2:8: kinds: at least one kind is needed"},
           {"kinds: [conv3, conv4]\n" + end,
            "kinds: unknown kind 'conv4'; known: conv3, conv5, sep3, sep5, mb3, mb5"},
           {"kinds: [mb3, mb3]\n" + end, "kinds: 'mb3' stands twice"},
           {"stages: [{widths: [8, 8]}]\n", "stages: stage 0: widths must rise, from 1 to 4096"},
           {"stages: [{}, {widths: [8, 6]}]\n", "stage 1: widths must rise"},
           {"stages: [{widths: [8, 5000]}]\n", "stage 0: widths must rise, from 1 to 4096"},
           {"stages: [{depths: [2, 1]}]\n", "stage 0: depths must rise, from 0 to 32"},
           {"stages: [{depths: [33]}]\n", "stage 0: depths must rise, from 0 to 32"},
           {"stages: [{depths: [-1, 1]}]\n", "stage 0: depths must rise, from 0 to 32"},
           {"stages: [{widths: [1, 4]}]\n", "item 0: 1 is out of range, expected 2 to 65536"},
           {"stages: [{stride: 5}]\n", "stages.0.stride: 5 is out of range, expected 1 to 4"},
           {"resolution: 3\n" + end, "resolution: 3 is out of range, expected 4 to 1024"},
           {"stagse: []\n" + end, "stagse: unknown key\n  Did you mean stages?"}})
    EXPECT_THAT(error_of(text), HasSubstr(what)) << text;
}

}  // namespace
}  // namespace nas
