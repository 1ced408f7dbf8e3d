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
    const auto schema = nlohmann::json::parse(json_schema(family.name, family.describe));
    const auto& stage = schema["properties"]["stages"]["items"]["properties"];
    EXPECT_TRUE(stage.contains("widths"));
    const auto& kind = schema["properties"]["blocks"]["items"]["properties"]["kind"]["enum"];
    EXPECT_NE(std::find(kind.begin(), kind.end(), "mbconv"), kind.end());
    EXPECT_EQ(schema["required"], nlohmann::json::parse(R"(["stages"])"));
  }
}

TEST(Custom, ChoicesThatOthersNeverLeaveOpenAreTold) {
  EXPECT_THAT(
      error_of(kTwoStages + "conditions:\n  - {choice: stage1.width, when: stage2.layer1 == conv}\n"
                            "  - {choice: stage2.width, when: stage1.width == 16 and "
                            "stage2.layer1 == skip}\n"),
      HasSubstr("conditions.1.when: stage2.width can never be open"));
}

}  // namespace
}  // namespace nas
