// The custom family where choices hang together: conditions, rules, empty stages, random spaces.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "tests/spaces/custom/random_spaces.hpp"

namespace nas {
namespace {

std::unique_ptr<Space> space_from(const std::string& text) {
  YamlSource source;
  source.text = "family: custom\nchannels: 1\nresolutions: [8]\n" + text;
  return make_space(source);
}

// Two conditions that meet at one choice with different options.
TEST(CustomConditions, CoverHoldsEveryTensorWhereConditionsMeet) {
  const auto space = space_from(
      "stages:\n  - {name: a, widths: [8, 16, 24], depths: [1], blocks: [conv, sep]}\n"
      "  - {name: b, widths: [8], depths: [1], blocks: [conv, sep]}\n"
      "conditions:\n  - {choice: a.layer1, when: 'a.width in [8, 16]'}\n"
      "  - {choice: b.layer1, when: 'a.width in [16, 24] and a.layer1 == sep'}\n");
  std::set<std::string> held;
  for (const SupernetTensor& t : space->supernet_tensors()) held.insert(t.name);
  space->enumerate([&](const Architecture& a) {
    const Plan plan = space->plan(a);
    for (const Node& node : plan.nodes) {
      TensorSpec specs[4];
      const int n = tensors_of(node.op, specs);
      for (int k = 0; k < n; ++k)
        EXPECT_TRUE(held.count(plan.tensor_name(node, specs[k].role))) << space->text(a);
    }
    return true;
  });
}

TEST(CustomConditions, LargestCountsWhatAnOptionOpensAtItsBest) {
  const auto space = space_from(
      "blocks:\n  - {name: mb, kind: mbconv, kernels: [3, 7], expansions: [1, 6]}\n"
      "stages:\n  - {widths: [16], depths: [1], blocks: [mb, conv]}\n");
  int64_t most = 0, least = INT64_MAX;
  space->enumerate([&](const Architecture& a) {
    const int64_t macs = cost_of(space->plan(a)).macs;
    most = std::max(most, macs);
    least = std::min(least, macs);
    return true;
  });
  EXPECT_EQ(cost_of(space->plan(space->largest())).macs, most);
  EXPECT_EQ(cost_of(space->plan(space->smallest())).macs, least);
}

TEST(CustomConditions, ExpansionsUpToOneAreBuilt) {
  const auto space = space_from(
      "blocks:\n  - {name: mb, kind: mbconv, expansions: [0.5, 1]}\n"
      "stages:\n  - {widths: [16], depths: [1], blocks: [mb]}\n");
  EXPECT_EQ(space->count(), 2);
  space->enumerate([&](const Architecture& a) {
    EXPECT_GT(cost_of(space->plan(a)).macs, 0);
    return true;
  });
}

TEST(CustomConditions, AnEmptyStageHasNoWidth) {
  const auto space = space_from(
      "stages:\n  - {name: a, widths: [16, 24], depths: [0, 1], blocks: [conv]}\n"
      "  - {name: b, widths: [16], depths: [1], blocks: [conv]}\n");
  std::set<Architecture> networks;
  space->enumerate([&](const Architecture& a) {
    networks.insert(space->canonical(a));
    return true;
  });
  EXPECT_EQ(networks.size(), 3U);
  EXPECT_EQ(space->count(), 3);
  EXPECT_EQ(space->text(space->parse("24:/16:conv")), "16:/16:conv");
  EXPECT_THROW(space->parse("23:/16:conv"), ConfigError);
  Rng rng(5, "custom");
  std::map<Architecture, int> seen;
  for (int i = 0; i < 600; ++i) ++seen[space->sample(rng)];
  EXPECT_EQ(seen.size(), 3U);
  for (const auto& [a, n] : seen) EXPECT_NEAR(n, 200, 60) << space->text(a);
}

TEST(CustomConditions, RulesAndConditionsOnTheWidthOfAnEmptyStageDoNotApply) {
  const std::string stages =
      "stages:\n  - {name: a, widths: [16, 24], depths: [0, 1], blocks: [conv]}\n"
      "  - {name: b, widths: [16, 24], depths: [1], blocks: [conv]}\n";
  // a empty: 2 widths of b; a 16 wide: 24 is left; a 24 wide: both.
  EXPECT_EQ(
      space_from(stages + "rules: [{when: a.width == 16, require: b.width == 24}]\n")->count(),
      2 + 1 + 2);
  // b.width is open with a 24 wide only.
  EXPECT_EQ(space_from(stages + "conditions: [{choice: b.width, when: a.width == 24}]\n")->count(),
            1 + 1 + 2);
  // The depth hangs on the width: a width of 24 tells that it is open, and names no network.
  const auto space = space_from(stages + "conditions: [{choice: a.depth, when: a.width == 24}]\n");
  EXPECT_EQ(space->count(), (1 + 2) * 2);
  EXPECT_EQ(space->canonical(space->parse("24:/24:conv")), space->parse("16:/24:conv"));
  // But where something else hangs on that width, the network would be another one.
  const auto other = space_from(stages +
                                "conditions:\n  - {choice: a.depth, when: a.width == 24}\n"
                                "  - {choice: b.width, when: a.width == 24}\n");
  EXPECT_EQ(other->text(other->canonical(other->parse("24:/24:conv"))), "24:/24:conv");
}

TEST(CustomConditions, CloseNumbersKeepNamesOfTheirOwn) {
  const auto space = space_from(
      "blocks:\n  - {name: mb, kind: mbconv, expansions: [2.0000001, 2.0000002]}\n"
      "stages:\n  - {widths: [16], depths: [1], blocks: [mb]}\n");
  space->enumerate([&](const Architecture& a) {
    EXPECT_EQ(space->parse(space->text(a)), a);
    return true;
  });
}

// Conditions that meet again and again: exponential if every way is walked.
TEST(CustomConditions, DeepConditionsThatMeetAreQuick) {
  std::string text =
      "stages:\n  - {name: s, widths: [4], depths: [32], blocks: [skip, conv]}\nconditions:\n";
  const auto layer = [](int k) { return "s.layer" + std::to_string(k); };
  for (int k = 3; k <= 32; ++k)
    text += "  - {choice: " + layer(k) + ", when: '" + layer(k - 1) + " == skip and " +
            layer(k - 2) + " == skip'}\n";
  const auto space = space_from("stem: {width: 4}\n" + text);
  Architecture a = space->smallest();
  for (int i = 0; i < 2000; ++i) EXPECT_TRUE(space->active(a, space->choices().size() - 1));
}

// A layer open with the next one's option only: in order of the genes, and no dead ends.
TEST(CustomConditions, ConditionsOnLaterChoicesAreEnumeratedInOrder) {
  std::string text =
      "stages:\n  - {name: s, widths: [4], depths: [32], blocks: [skip, conv]}\nconditions:\n";
  for (int k = 1; k < 32; ++k)
    text += "  - {choice: s.layer" + std::to_string(k) + ", when: s.layer" + std::to_string(k + 1) +
            " == conv}\n";
  const auto space = space_from("stem: {width: 4}\n" + text);
  std::vector<Architecture> all;
  space->enumerate([&](const Architecture& a) {
    all.push_back(a);
    return all.size() < 100;
  });
  EXPECT_EQ(all.size(), 33U);
  EXPECT_EQ(space->count(), 33);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

// Rules on the widths of stages that may be empty: depths that only say that are counted as one.
TEST(CustomConditions, RulesOnWidthsOfManyOptionalStagesAreCounted) {
  std::string text = "stages:\n", rules = "rules:\n";
  for (int s = 1; s <= 6; ++s) {
    text += "  - {widths: [4, 8, 12, 16], depths: [0, 1, 2, 3], blocks: [conv, sep]}\n";
    if (s > 1)
      rules += "  - {when: stage" + std::to_string(s - 1) + ".width > 8, require: stage" +
               std::to_string(s) + ".width > 8}\n";
  }
  const auto space = space_from(text + rules);
  // By hand: ways to end in an empty or narrow, or in a wide stage. 1 + 2 * 14 and 2 * 14 of one.
  BigInt rest = 1, wide = 0;
  for (int s = 0; s < 6; ++s) {
    const BigInt empty = rest + wide, narrow = rest * 28;
    wide = (rest + wide) * 28;
    rest = empty + narrow;
  }
  EXPECT_EQ(space->count(), rest + wide);
  Rng rng(1, "custom");
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(space->valid(space->sample(rng)));
}

using Tensors = std::set<std::pair<uint32_t, Role>>;
Tensors tensors_in(const Plan& plan) {
  Tensors found;
  for (const Node& node : plan.nodes) {
    TensorSpec specs[4];
    const int n = tensors_of(node.op, specs);
    for (int k = 0; k < n; ++k) found.emplace(node.name, specs[k].role);
  }
  return found;
}

void expect_uniform(const Space& space, size_t cells) {
  Rng rng(2, "uniform");
  std::map<Architecture, int> seen;
  for (size_t i = 0; i < cells * 100; ++i) ++seen[space.sample(rng)];
  EXPECT_EQ(seen.size(), cells);
  for (const auto& [a, n] : seen) EXPECT_NEAR(n, 100, 60) << space.text(a);
}

TEST(CustomConditions, RandomSpacesKeepWhatSpacesPromise) {
  RandomSpaces spaces;
  int made = 0;
  for (int i = 0; i < 20000 && made < 200 && !HasFailure(); ++i) {
    const auto space = spaces.next();
    if (!space) continue;
    ++made;
    SCOPED_TRACE(spaces.text());
    Tensors covered;
    for (const Architecture& a : space->cover()) covered.merge(tensors_in(space->plan(a)));
    std::vector<Architecture> all;
    int64_t most = 0, least = INT64_MAX;
    space->enumerate([&](const Architecture& a) {
      const Plan plan = space->plan(a);
      const Tensors found = tensors_in(plan);
      EXPECT_TRUE(std::includes(covered.begin(), covered.end(), found.begin(), found.end()));
      EXPECT_TRUE(space->valid(a));
      EXPECT_EQ(space->fix_inactive(a), a);
      EXPECT_EQ(space->parse(space->text(a)), a) << space->text(a);
      EXPECT_EQ(space->canonical(space->canonical(a)), space->canonical(a));
      const Cost cost = cost_of(plan);
      EXPECT_EQ(cost_of(space->plan(space->canonical(a))).macs, cost.macs);
      most = std::max(most, cost.macs);
      least = std::min(least, cost.macs);
      all.push_back(a);
      return !HasFailure();
    });
    if (all.size() <= 100) expect_uniform(*space, all.size());
    EXPECT_EQ(space->count(), all.size());
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
    for (const Architecture& a : {space->smallest(), space->largest()}) {
      EXPECT_TRUE(space->valid(a));
      EXPECT_EQ(space->fix_inactive(a), a);
    }
    EXPECT_EQ(cost_of(space->plan(space->largest())).macs, most) << space->text(space->largest());
    EXPECT_EQ(cost_of(space->plan(space->smallest())).macs, least)
        << space->text(space->smallest());
  }
  EXPECT_GT(made, 100);
}

// The width of an empty stage may still open another choice.
TEST(CustomConditions, CanonicalFormsAreTheSameNetwork) {
  const auto space = space_from(
      "stages:\n  - {name: a, widths: [16, 24], depths: [0, 1], blocks: [conv]}\n"
      "  - {name: b, widths: [16], depths: [1], blocks: [conv, sep]}\n"
      "conditions:\n  - {choice: a.depth, when: a.width == 24}\n"
      "  - {choice: b.layer1, when: a.width == 24}\n");
  space->enumerate([&](const Architecture& a) {
    const Cost mine = cost_of(space->plan(a)), form = cost_of(space->plan(space->canonical(a)));
    EXPECT_EQ(mine.macs, form.macs) << space->text(a);
    EXPECT_EQ(mine.params, form.params) << space->text(a);
    return true;
  });
}

}  // namespace
}  // namespace nas
