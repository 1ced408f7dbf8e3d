// The once-for-all ResNet50 against search.md 2.2 and 6.
#include <gtest/gtest.h>

#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "spaces/registry.hpp"
#include "spaces/space.hpp"

namespace nas {
namespace {

TEST(OfaResNet50, PublishedCosts) {
  const auto space = load_space("ofa-resnet50");
  const auto expect = [&](const Architecture& a, int64_t macs, int64_t params) {
    const Cost cost = cost_of(space->plan(a), space->counting());
    EXPECT_EQ(cost.macs, macs) << space->text(a);
    EXPECT_EQ(cost.params, params) << space->text(a);
  };
  expect(space->largest(), 7491643904, 48105992);
  expect(space->smallest(), 962192128, 6539280);
  // ResNet50-D: depths 2,1,2,2,1, all expansions 0.25, widths 1.0.
  Architecture d = space->largest();
  const int16_t depths[] = {1, 1, 2, 2, 1};
  for (size_t i = 0; i < 5; ++i) d.genes[i] = depths[i];
  for (size_t i = 5; i < 5 + 18; ++i) d.genes[i] = 1;
  expect(space->fix_inactive(d), 4328824832, 25576264);
}

TEST(OfaResNet50, CountIsExact) {
  const BigInt stage = 9 + 27 + 81, third = 81 + 243 + 729;
  EXPECT_EQ(load_space("ofa-resnet50")->count(), stage * stage * stage * third * 729 * 2);
}

TEST(OfaResNet50, EqualChannelsAreOneNetwork) {
  const auto space = load_space("ofa-resnet50");
  const std::string rest = "/w1.0:e0.2-e0.2/w1.0:e0.2-e0.2/w1.0:e0.2-e0.2-e0.2-e0.2/w1.0:e0.2-e0.2";
  const Architecture a = space->parse("w0.65-w1.0" + rest), b = space->parse("w0.8-w1.0" + rest);
  EXPECT_EQ(cost_of(space->plan(a)).params, cost_of(space->plan(b)).params);
  EXPECT_EQ(space->canonical(a), space->canonical(b));
  EXPECT_NE(space->canonical(a), space->canonical(space->parse("w1.0-w1.0" + rest)));
  Rng rng(1, "canonical");
  for (int i = 0; i < 100; ++i) {
    const Architecture c = space->sample(rng), form = space->canonical(c);
    EXPECT_EQ(space->canonical(form), form);
    EXPECT_EQ(cost_of(space->plan(form)).macs, cost_of(space->plan(c)).macs);
  }
}

TEST(OfaResNet50, TextFormsRoundTrip) {
  const auto space = load_space("ofa-resnet50");
  EXPECT_EQ(
      space->text(space->smallest()),
      "w0.65-w0.65/w0.65:e0.2-e0.2/w0.65:e0.2-e0.2/w0.65:e0.2-e0.2-e0.2-e0.2/w0.65:e0.2-e0.2");
  Rng rng(0, "text");
  for (int i = 0; i < 200; ++i) {
    const Architecture a = space->sample(rng);
    EXPECT_EQ(space->parse(space->text(a)), a);
    EXPECT_EQ(space->parse(space->Space::text(a)), a);  // choice=option
  }
}

TEST(OfaResNet50, TakesThePublishedLists) {
  const auto space = load_space("ofa-resnet50");
  const Architecture a = space->parse(
      "{'d': [2, 0, 1, 2, 1], 'e': [0.2, 0.35, 0.25, 0.2, 0.35, 0.2, 0.25, 0.35, 0.2, 0.25, 0.35, "
      "0.2, 0.25, 0.35, 0.2, 0.25, 0.35, 0.2], 'w': [2, 1, 0, 2, 1, 0]}");
  EXPECT_EQ(space->text(a),
            "w1.0-w0.8-res/w0.65:e0.2-e0.35/w1.0:e0.35-e0.2-e0.25/"
            "w0.8:e0.2-e0.25-e0.35-e0.2-e0.25-e0.35/w0.65:e0.2-e0.25-e0.35");
  // 0 and 1 are the same stem.
  const std::string rest =
      ", 0, 0, 0, 0], \"e\": [.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2], "
      "\"w\": [0,0,0,0,0,0]}";
  EXPECT_EQ(space->parse("{\"d\": [0" + rest), space->smallest());
  EXPECT_EQ(space->parse("{\"d\": [1" + rest), space->smallest());
}

TEST(OfaResNet50, CloseNumbersKeepNamesOfTheirOwn) {
  YamlSource source;
  source.text = "family: ofa_resnet50\nexpansions: [0.2, 0.20000000001, 0.3333333333]\n";
  const auto space = make_space(source);
  Rng rng(3, "ofa");
  for (int i = 0; i < 20; ++i) {
    const Architecture a = space->sample(rng);
    EXPECT_EQ(space->parse(space->text(a)), a) << space->text(a);
  }
  EXPECT_NE(space->text(space->largest()).find("w1.0-w1.0-res/w1.0:e0.3333333333-"),
            std::string::npos);
}

TEST(OfaResNet50, BadTextsNameTheField) {
  const auto space = load_space("ofa-resnet50");
  const auto refused = [&](const std::string& text, const std::string& word) {
    try {
      space->parse(text);
      ADD_FAILURE() << text;
    } catch (const ConfigError& e) {
      EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
    }
  };
  const std::string good = space->text(space->smallest());
  refused("", "1 parts");
  refused("w0.65/" + good.substr(good.find('/') + 1), "stem");
  refused("w0.65-w0.7/" + good.substr(good.find('/') + 1), "0.65, 0.8 or 1.0");
  refused(good + "-e0.2-e0.2-e0.2", "stage 4: 5 blocks");
  refused(good + "-e0.3", "stage 4, block 3: '0.3'");
  refused(good + "-k3", "does not begin with e");
  refused("{'d': [3, 0, 0, 0, 0]}", "d[0]: '3'");
  refused("{'d': [2, 0, 0, 0]}", "d: 4 values where 5");
  refused("{'d': [2, 0, 0, 0, 0], 'e': [0.2]}", "e: 1 values where 18");
  refused("{'w': []}", "d: missing");
}

}  // namespace
}  // namespace nas
