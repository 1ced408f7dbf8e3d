// The custom family: numbers by hand, and what a mistaken file is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "tests/spaces/custom/random_spaces.hpp"

namespace nas {
namespace {

using testing::HasSubstr;

std::unique_ptr<Space> space_of(const std::string& text) {
  YamlSource source;
  source.text = text;
  source.file = "space.yaml";
  return make_space(source);
}

std::string error_of(const std::string& text) {
  try {
    space_of(text);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

const std::string kTwoStages =
    "family: custom\n"
    "stages:\n"
    "  - {widths: [16, 32], depths: [1, 2], blocks: [conv, sep]}\n"
    "  - {widths: [16, 32], blocks: [conv, skip]}\n";

TEST(Custom, CountsByHand) {
  // Stage 1: 2 widths, 2 + 4 layer kinds; stage 2: 2 widths, 2 kinds.
  EXPECT_EQ(space_of(kTwoStages)->count(), 2 * 6 * 2 * 2);
  // Rule: 2 of 4 pairs of widths go (32 with 16 or 32 needs depth 2).
  const std::string rule =
      kTwoStages + "rules: [{when: stage1.width == 32, require: stage1.depth >= 2}]\n";
  // width 16: 6, width 32: 4 kinds of depth 2.
  EXPECT_EQ(space_of(rule)->count(), (6 + 4) * 2 * 2);
  // The width of stage 2 is open with depth 2 only.
  const std::string condition =
      kTwoStages + "conditions: [{choice: stage2.width, when: stage1.depth >= 2}]\n";
  EXPECT_EQ(space_of(condition)->count(), 2 * (2 * 1 + 4 * 2) * 2);
  EXPECT_EQ(space_of(kTwoStages + "freeze: [stage1.depth=1, stage2.layer1=skip]\n")->count(),
            2 * 2 * 2);
}

TEST(Custom, RulesAndConditionsSampleUniformly) {
  const auto space =
      space_of(kTwoStages +
               "conditions: [{choice: stage2.width, when: stage1.depth >= 2}]\n"
               "rules: [{when: stage1.width == 32, require: stage2.layer1 == conv}]\n");
  std::map<Architecture, int> seen;
  size_t all = 0;
  space->enumerate([&](const Architecture&) { return ++all, true; });
  EXPECT_EQ(space->count(), all);
  Rng rng(3, "custom");
  const int draws = 200 * static_cast<int>(all);
  for (int i = 0; i < draws; ++i) {
    const Architecture a = space->sample(rng);
    ASSERT_TRUE(space->valid(a));
    ++seen[a];
  }
  EXPECT_EQ(seen.size(), all);
  for (const auto& [a, n] : seen) EXPECT_NEAR(n, 200, 90) << space->text(a);
}

TEST(Custom, CostsByHand) {
  const auto space = space_of(kTwoStages);
  const Cost cost = cost_of(space->plan(space->parse("32:sep,conv/16:skip")));
  const int64_t map = 32 * 32;
  // Stem; sep (depthwise, 1x1); conv; skip as a 1x1 projection; classifier.
  EXPECT_EQ(cost.macs, map * (3 * 16 * 9 + 16 * 9 + 16 * 32 + 32 * 32 * 9 + 32 * 16) + 16 * 10);
  const int64_t norms = 2 * (16 + 16 + 32 + 32 + 16);
  EXPECT_EQ(cost.params,
            3 * 16 * 9 + 16 * 9 + 16 * 32 + 32 * 32 * 9 + 32 * 16 + norms + 16 * 10 + 10);
}

TEST(Custom, ShortcutOfALayerReplacesTheBlocksOwn) {
  const auto space = space_of(
      "family: custom\nstages: [{widths: [16], depths: [1], shortcut: true, blocks: [none, skip, "
      "basic]}]\n");
  const auto adds = [&](const char* text) {
    const Plan plan = space->plan(space->parse(text));
    return std::count_if(plan.nodes.begin(), plan.nodes.end(), [](const Node& node) {
      return std::holds_alternative<Add>(node.op);
    });
  };
  EXPECT_EQ(adds("16:none"), 0);
  EXPECT_EQ(adds("16:skip"), 1);
  EXPECT_EQ(adds("16:basic"), 1);
}

TEST(Custom, NodesCarryTheirChoices) {
  const auto space = space_of(
      "family: custom\nblocks: [{name: mb, kind: mbconv, kernels: [3, 5], expansions: [2, 4]}]\n"
      "stages: [{widths: [16, 24], depths: [1, 2], blocks: [mb, conv]}]\n");
  const Architecture a = space->parse("24:conv,mb+k5+e4");
  const Plan plan = space->plan(a);
  std::map<std::string, int> named;
  for (const Node& node : plan.nodes)
    for (const Provenance& origin : plan.origins(node)) {
      EXPECT_EQ(origin.option, a.genes[static_cast<size_t>(origin.choice)]);
      ++named[space->choices()[static_cast<size_t>(origin.choice)].name];
    }
  for (const char* name : {"stage1.width",
                           "stage1.depth",
                           "stage1.layer1",
                           "stage1.layer2",
                           "stage1.layer2.mb.kernel",
                           "stage1.layer2.mb.expand"})
    EXPECT_GT(named[name], 0) << name;
  EXPECT_EQ(named.count("stage1.layer1.mb.kernel"), 0u);
}

TEST(Custom, EveryMistakeIsToldWithItsPlace) {
  const std::string error = error_of(
      "family: custom\n"
      "chanels: 3\n"
      "resolutions: [8]\n"
      "blocks:\n"
      "  - {name: mb, kind: mbconf}\n"
      "  - {name: sk, kind: skip, kernels: [3]}\n"
      "stages:\n"
      "  - {widths: [16, 8], depths: [1, 2], blocks: [mb, convv]}\n"
      "  - {widths: [16], stride: 4, blocks: [none]}\n"
      "  - {widths: [16], stride: 4, blocks: [conv, skip]}\n"
      "conditions:\n"
      "  - {choice: stage1.dept, when: stage2.depth >= 2}\n"
      "freeze: [stage1.width=17, a]\n");
  for (const char* part : {"space.yaml:2:1: chanels: unknown key",
                           "space.yaml:5:22: blocks.0.kind",
                           "space.yaml:6:37: blocks.1.kernels: skip has no kernel",
                           "space.yaml:8:14: stages.0.widths: must rise",
                           "space.yaml:8:52: stages.0.blocks.1: unknown block 'convv'",
                           "Did you mean 'conv'?",
                           "space.yaml:9:40: stages.1.blocks.0: 'none' would cut the network",
                           "space.yaml:10:28: stages.2.stride: stride 4 is larger than the 2x2 map",
                           "conditions.0.choice: unknown choice 'stage1.dept'",
                           "Did you mean 'stage1.depth'?",
                           "conditions.0.when: no option of stage2.depth fulfils",
                           "freeze.0: stage1.width has no option '17'; it has 16, 8",
                           "freeze.1: 'a' is not of the form choice=option"})
    EXPECT_THAT(error, HasSubstr(part));
}

TEST(Custom, CyclesAndEmptySpacesAreTold) {
  EXPECT_THAT(error_of(kTwoStages + "conditions:\n"
                                    "  - {choice: stage1.width, when: stage2.width == 32}\n"
                                    "  - {choice: stage2.width, when: stage1.width == 32}\n"),
              HasSubstr("space.yaml:7:34: conditions.1.when: the conditions form a cycle"));
  EXPECT_THAT(
      error_of(kTwoStages + "conditions: [{choice: stage1.width, when: stage1.width == 32}]\n"),
      HasSubstr("cycle: stage1.width needs stage1.width"));
  EXPECT_THAT(
      error_of(kTwoStages + "rules:\n"
                            "  - {require: stage1.width == 32}\n"
                            "  - {require: stage2.width == 32}\n"
                            "  - {when: stage1.width == 32, require: stage2.width == 16}\n"),
      HasSubstr("no valid architecture"));
  EXPECT_THAT(error_of(kTwoStages + "freeze: [stage1.width=16]\n"
                                    "rules: [{require: stage1.width == 32}]\n"),
              HasSubstr("rules.0.require: can never hold: stage1.width is always 16"));
  EXPECT_THAT(error_of("family: custom\nstages: [{}]\n"), HasSubstr("nothing is left to search"));
  EXPECT_THAT(error_of("family: custom\n"), HasSubstr("stages: at least one stage is needed"));
}

TEST(Custom, MistakesOfExpressionsAreToldForWhatTheyAre) {
  const auto said = [](const std::string& expression) {
    return error_of(kTwoStages + "rules: [{require: \"" + expression + "\"}]\n");
  };
  EXPECT_THAT(said("stage1.depth >= 1 or stage2.width >= 32"),
              HasSubstr("'stage1.depth >= 1 or stage2.width >= 32': 'or' has no meaning in "
                        "expressions; they have >=, <=, >, <, ==, != and in [ ], joined by and"));
  EXPECT_THAT(said("stage1.layer1 == conv or stage1.layer1 == sep"), HasSubstr("'or' has no"));
  EXPECT_THAT(said("not stage1.depth >= 1"), HasSubstr("'not' has no meaning"));
  EXPECT_THAT(said("stage1.depth + 1 >= 2"), HasSubstr("'+' has no meaning"));
  EXPECT_THAT(said("(stage1.depth >= 1)"), HasSubstr("'( )' has no meaning"));
  EXPECT_THAT(said("stage1.width >> 2"), HasSubstr("'>>' is not an operator; there are >=, <="));
  EXPECT_THAT(said("stage1.width >= "), HasSubstr("'stage1.width >=': nothing follows >="));
  EXPECT_THAT(said("stage1.width >= 16 and"), HasSubstr("missing before or after 'and'"));
  EXPECT_THAT(said("and stage1.width >= 16"), HasSubstr("missing before or after 'and'"));
  EXPECT_THAT(said("stage1.width >= nan"),
              HasSubstr("what follows >= must be a number, got 'nan'\n"
                        "  stage1.width has the options 16, 32."));
  EXPECT_THAT(said("stage1.layer1 >= conv"),
              HasSubstr(">= needs numbers, and stage1.layer1 has the options conv, sep"));
  EXPECT_THAT(said("stage1.width in []"), HasSubstr("the list after 'in' is empty"));
  EXPECT_THAT(said("stage1.width in [16,, 32]"), HasSubstr("an option is missing in '[16,, 32]'"));
  EXPECT_THAT(said("stage1.width in 16"), HasSubstr("a list in [ ] must follow 'in', got '16'"));
  EXPECT_THAT(said("16 <= stage1.width"), HasSubstr("the choice stands on the left of <="));
  EXPECT_THAT(said("stage1.width"), HasSubstr("'stage1.width' is not a comparison"));
  EXPECT_THAT(said("stage1.width >=16 and stage2.width in[16,32]"), HasSubstr("no error"));
}

TEST(Custom, BracketsInsideBracesNeedQuotes) {
  const std::string start = kTwoStages + "conditions:\n  - {choice: stage2.width, when: ";
  EXPECT_THAT(error_of(start + "stage1.depth >= 2 and stage1.width in [16, 32]}\n"),
              HasSubstr("needs quotes: {when: \"stage1.width in [16, 24]\"}"));
  EXPECT_EQ(error_of(start + "\"stage1.depth >= 2 and stage1.width in [16, 32]\"}\n"), "no error");
}

TEST(Custom, KnownNamesAreRealAndNamedOnce) {
  const std::string error = error_of(
      "family: custom\n"
      "blocks:\n"
      "  - {name: ir, kind: mbconv, kernels: [3, 5]}\n"
      "  - {name: ir, kind: conv}\n"
      "stages: [{name: a, widths: [8, 16], blocks: [ir, ri, xyzzyx]}]\n"
      "rules: [{require: quite-another == 3}]\n");
  EXPECT_THAT(error, HasSubstr("unknown block 'ri'; known: ir, conv, sep"));
  EXPECT_THAT(error,
              HasSubstr("unknown choice 'quite-another'\n"
                        "  Known: a.width, a.layer1, a.layer1.ir.kernel"));
  EXPECT_THAT(error, testing::Not(HasSubstr("a.layer1.ri.")));
  EXPECT_THAT(error, testing::Not(HasSubstr("a.layer1.xyzzyx.")));
}

TEST(Custom, TextErrorsNameTheField) {
  const auto space = load_space("custom-cifar10");
  const auto error = [&](const char* text) -> std::string {
    try {
      space->parse(text);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_THAT(error(""), HasSubstr("parts between '/'"));
  EXPECT_THAT(error("r33/16:conv/24:pool/64:mb+k3+e2,none"), HasSubstr("resolution"));
  EXPECT_THAT(error("r32/16:cnv/24:pool/64:mb+k3+e2,none"), HasSubstr("stage 'early', layer 1"));
  EXPECT_THAT(error("r32/16:mb+k9+e2/24:pool/64:mb+k3+e2,none"),
              HasSubstr("early.layer1.mb.kernel has no option '9'; it has 3, 5, 7"));
  EXPECT_THAT(error("r32/16:mb+k3/24:pool/64:mb+k3+e2,none"), HasSubstr("+e is missing"));
  EXPECT_THAT(error("r32/16:conv/24:pool/64:mb+k3+e2,none,none"),
              HasSubstr("late.depth is closed by a condition"));
  EXPECT_THAT(error("r32/24:conv/48:pool/64:mb+k3+e2,none"), HasSubstr("breaks the rule"));
  EXPECT_EQ(error("r32/24:conv/32:pool/64:mb+k3+e2,none"), "no error");
}

TEST(Custom, SchemaNamesTheKindsAndKeys) {
  for (const SpaceFamily& family : space_families()) {
    if (family.name != "custom") continue;
    const auto schema = nlohmann::json::parse(family.schema());
    const auto& stage = schema["properties"]["stages"]["items"]["properties"];
    EXPECT_TRUE(stage.contains("widths"));
    const auto& kind = schema["properties"]["blocks"]["items"]["properties"]["kind"]["enum"];
    EXPECT_NE(std::find(kind.begin(), kind.end(), "mbconv"), kind.end());
    EXPECT_EQ(schema["required"], nlohmann::json::parse(R"(["stages"])"));
  }
}

std::unique_ptr<Space> space_from(const std::string& text) {
  YamlSource source;
  source.text = "family: custom\nchannels: 1\nresolutions: [8]\n" + text;
  return make_space(source);
}

// Two conditions that meet at one choice with different options.
TEST(Custom, CoverHoldsEveryTensorWhereConditionsMeet) {
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

TEST(Custom, LargestCountsWhatAnOptionOpensAtItsBest) {
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

TEST(Custom, ExpansionsUpToOneAreBuilt) {
  const auto space = space_from(
      "blocks:\n  - {name: mb, kind: mbconv, expansions: [0.5, 1]}\n"
      "stages:\n  - {widths: [16], depths: [1], blocks: [mb]}\n");
  EXPECT_EQ(space->count(), 2);
  space->enumerate([&](const Architecture& a) {
    EXPECT_GT(cost_of(space->plan(a)).macs, 0);
    return true;
  });
}

TEST(Custom, AnEmptyStageHasNoWidth) {
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

TEST(Custom, RulesAndConditionsOnTheWidthOfAnEmptyStageDoNotApply) {
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

TEST(Custom, CloseNumbersKeepNamesOfTheirOwn) {
  const auto space = space_from(
      "blocks:\n  - {name: mb, kind: mbconv, expansions: [2.0000001, 2.0000002]}\n"
      "stages:\n  - {widths: [16], depths: [1], blocks: [mb]}\n");
  space->enumerate([&](const Architecture& a) {
    EXPECT_EQ(space->parse(space->text(a)), a);
    return true;
  });
}

// Conditions that meet again and again: exponential if every way is walked.
TEST(Custom, DeepConditionsThatMeetAreQuick) {
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
TEST(Custom, ConditionsOnLaterChoicesAreEnumeratedInOrder) {
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

TEST(Custom, ChoicesThatOthersNeverLeaveOpenAreTold) {
  EXPECT_THAT(
      error_of(kTwoStages + "conditions:\n  - {choice: stage1.width, when: stage2.layer1 == conv}\n"
                            "  - {choice: stage2.width, when: stage1.width == 16 and "
                            "stage2.layer1 == skip}\n"),
      HasSubstr("conditions.1.when: stage2.width can never be open"));
}

// Rules on the widths of stages that may be empty: depths that only say that are counted as one.
TEST(Custom, RulesOnWidthsOfManyOptionalStagesAreCounted) {
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

TEST(Custom, RandomSpacesKeepWhatSpacesPromise) {
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
TEST(Custom, CanonicalFormsAreTheSameNetwork) {
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
