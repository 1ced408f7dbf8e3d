// The DARTS cell space against gradient_matching.md 2.1.
#include <gtest/gtest.h>

#include "spaces/error.hpp"
#include "spaces/families/darts.hpp"

namespace nas {
namespace {

std::unique_ptr<Space> make(const std::string& options) {
  YamlSource source;
  source.text = "family: darts\n" + options;
  return make_space(source);
}

int64_t supernet_params(const Space& space) {
  int64_t n = 0;
  for (const SupernetTensor& t : space.supernet_tensors())
    if (t.role == Role::kWeight || t.role == Role::kBias) n += t.full.elements();
  return n;
}

// Published with GM + DARTS, first order.
const char* const kGenotype =
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('dil_conv_3x3', 2), "
    "('sep_conv_5x5', 1), ('sep_conv_3x3', 1), ('dil_conv_5x5', 3), ('skip_connect', 0), "
    "('dil_conv_3x3', 2)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), "
    "('max_pool_3x3', 1), ('dil_conv_5x5', 2), ('sep_conv_3x3', 0), ('dil_conv_3x3', 3), "
    "('skip_connect', 1), ('dil_conv_5x5', 4), ('sep_conv_5x5', 3)], reduce_concat=range(2, 6))";

TEST(Darts, SupernetParameters) {
  const struct {
    int width, layers;
    int64_t params;
  } rows[] = {{16, 8, 1930618},
              {8, 8, 597890},
              {4, 8, 207094},
              {8, 5, 394210},
              {4, 5, 136182},
              {4, 3, 72854}};
  for (const auto& row : rows)
    EXPECT_EQ(supernet_params(*make("width: " + std::to_string(row.width) +
                                    "\nlayers: " + std::to_string(row.layers) + "\n")),
              row.params)
        << row.width << " " << row.layers;
}

TEST(Darts, FinalNetworkOfThePublishedGenotype) {
  const auto space = make("form: final\n");
  EXPECT_EQ(cost_of(space->plan(space->parse(kGenotype))).params, 3660166);
}

// 476,426 parameters more while it trains; the deployed network stays as it was.
TEST(Darts, AuxiliaryHeadIsForTrainingOnly) {
  const auto space = make("form: final\nauxiliary: 0.4\n");
  const Plan plan = space->plan(space->parse(kGenotype));
  EXPECT_EQ(cost_of(plan).params, 3660166);
  int64_t head = 0;
  for (const Node& node : plan.auxiliary) head += params_of(node.op);
  EXPECT_EQ(cost_of(plan).params + head, 4136592);
  EXPECT_EQ(plan.auxiliary_weight, 0.4);
  // On cell 13 of 20: 4 * 144 channels of 8x8 pixels.
  const int32_t tapped = plan.inputs(plan.auxiliary.front())[0];
  EXPECT_EQ(plan.shape_of(tapped), (Shape{576, 8, 8}));
  EXPECT_EQ(plan.auxiliary.back().out, (Shape{10, 1, 1, Form::kVector}));
  // A plan used again for another space keeps nothing of it.
  Plan reused = plan;
  make("")->build(make("")->smallest(), reused);
  EXPECT_TRUE(reused.auxiliary.empty());
  EXPECT_EQ(supernet_params(*space) - supernet_params(*make("form: final\n")), 476426);
  EXPECT_THROW(make("auxiliary: 0.4\nresolution: 16\n"), ConfigError);
}

TEST(Darts, CountIsThatOfTheGenotypes) {
  // (1 * 3 * 6 * 10 pairs and 7^8 operations) of each cell.
  const BigInt cell = BigInt(180) * 5764801;
  EXPECT_EQ(make("")->count(), cell * cell);
  const BigInt original = BigInt(180) * 16777216;
  EXPECT_EQ(make("none: true\n")->count(), original * original);
}

TEST(Darts, TextRoundTripsAndTakesThePublishedForm) {
  const auto space = make("");
  const Architecture a = space->parse(kGenotype);
  const std::string text = space->text(a);
  EXPECT_EQ(text.substr(0, text.find('|')), "sep_conv_3x3~0,sep_conv_3x3~1");
  EXPECT_EQ(space->parse(text), a);
  // The order of the two edges does not matter.
  const std::string swapped = "sep_conv_3x3~1,sep_conv_3x3~0" + text.substr(text.find('|'));
  EXPECT_EQ(space->parse(swapped), a);
  std::string listed = kGenotype;
  listed.replace(listed.find("range(2, 6)"), 11, "[2, 3, 4, 5]");
  EXPECT_EQ(space->parse(listed), a);
}

TEST(Darts, ShapesOfReductionAndConcat) {
  const auto space = make("");
  const Plan plan = space->plan(space->parse(kGenotype));
  for (const Node& node : plan.nodes)
    if (std::holds_alternative<GlobalAvgPool>(node.op)) {
      EXPECT_EQ(node.out.c, 4 * 64);
    }
  EXPECT_EQ(plan.nodes.back().out.c, 10);
}

TEST(Darts, BadTextsNameTheField) {
  const auto space = make("");
  const std::string good = space->text(space->parse(kGenotype));
  const auto refused = [&](const std::string& text, const std::string& word) {
    try {
      space->parse(text);
      ADD_FAILURE() << text;
    } catch (const ConfigError& e) {
      EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
    }
  };
  refused("", "1 cells where 2");
  refused(good.substr(0, good.find(';')), "2 are needed");
  refused("sep_conv_3x4" + good.substr(12), "sep_conv_3x3");
  refused("sep_conv_3x3~0,sep_conv_3x3~0" + good.substr(good.find('|')), "node 2");
  refused("sep_conv_3x3~0,sep_conv_3x3~2" + good.substr(good.find('|')), "does not come before");
  refused("sep_conv_3x3~0" + good.substr(good.find('|')), "2 are needed");
  refused("none~0,sep_conv_3x3~1" + good.substr(good.find('|')), "none");
  refused("Genotype(normal=[('sep_conv_3x3', 0)], reduce=[])", "8 are needed");
  refused("Genotype(normal=[('sep_conv_3x3', 0", "normal");
  refused("Genotype(reduce=[])", "normal");
  std::string concat = kGenotype;
  concat.replace(concat.find("range(2, 6)"), 11, "[3]");
  refused(concat, "normal_concat: '[3]'");
  concat = kGenotype;
  concat.replace(concat.rfind("range(2, 6)"), 11, "range(2, 5)");
  refused(concat, "reduce_concat: 'range(2, 5)'");
  refused("Genotype(normal=[], normal_concat", "ends without its ')'");
  refused("Genotype(normal=[(sep_conv_3x3, 0)])", "is no edge");
}

}  // namespace
}  // namespace nas
