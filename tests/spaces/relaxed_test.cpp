// Relaxed plans: what stands in them, what of it each architecture is, what cannot be mixed.
#include "spaces/relaxed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "spaces/draw/plan_draw.hpp"
#include "spaces/error.hpp"
#include "spaces/plan_builder.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<Space> space_of(const std::string& yaml) {
  YamlSource source;
  source.text = yaml;
  return make_space(source);
}

constexpr const char* kNested =
    "family: custom\nchannels: 1\nresolutions: [8]\nclasses: 10\nstem: {width: 8}\nblocks:\n"
    "  - {name: mb, kind: mbconv, kernels: [3, 5], expansions: [2, 3]}\n"
    "  - {name: cv, kind: conv, kernels: [1, 3]}\nstages:\n"
    "  - {widths: [8, 12], depths: [1, 2], blocks: [mb, cv, skip]}\n"
    "  - {widths: [16], depths: [2], stride: 2, shortcut: true, blocks: [none, mb, avgpool]}\n";

/// All choices that can be mixed and that are open in `base`.
std::vector<size_t> open_choices(const Space& space, const Architecture& base) {
  std::vector<size_t> open;
  for (const size_t c : relaxable_choices(space))
    if (space.active(base, c)) open.push_back(c);
  return open;
}

std::string node_text(const Plan& plan, const Node& node) {
  std::string text = signature(plan, node) + " " + plan.name(node);
  for (const Provenance& p : plan.origins(node))
    text += " " + std::to_string(p.choice) + ":" + std::to_string(p.option);
  return text;
}

/// The nodes that the logits need, in order, without the sums.
std::vector<std::string> needed_texts(const Plan& plan, const Mixing* mixing) {
  const std::vector<bool> needed = needed_nodes(plan, mixing);
  std::vector<std::string> texts;
  for (size_t i = 0; i < plan.nodes.size(); ++i)
    if (needed[i] && !std::holds_alternative<WeightedSum>(plan.nodes[i].op))
      texts.push_back(node_text(plan, plan.nodes[i]));
  return texts;
}

Mixing one_hot(const Space& space, const Architecture& a, const std::vector<size_t>& choices) {
  Mixing mixing(space.choices().size());
  for (const size_t c : choices) {
    mixing[c].assign(space.choices()[c].options.size(), 0);
    mixing[c][static_cast<size_t>(a.genes[c])] = 1;
  }
  return mixing;
}

void expect_every_network_inside(const Space& space, int networks) {
  Rng rng(3, "relaxed");
  const Architecture base = space.largest();
  const std::vector<size_t> choices = open_choices(space, base);
  ASSERT_FALSE(choices.empty());
  const Plan relaxed = relaxed_plan(space, base, choices);
  EXPECT_TRUE(relaxed.relaxed());
  EXPECT_NE(draw_network(relaxed, space.choices()), "");
  for (int i = 0; i < networks; ++i) {
    const Architecture other = space.sample(rng);
    Architecture a = base;
    for (const size_t c : choices) a.genes[c] = other.genes[c];
    const Plan plain = space.plan(a);
    EXPECT_FALSE(plain.relaxed());
    const Mixing mixing = one_hot(space, a, choices);
    EXPECT_EQ(needed_texts(relaxed, &mixing), needed_texts(plain, nullptr)) << space.text(a);
  }
}

TEST(Relaxed, HoldsEveryNetwork) {
  for (const char* name : {"nasbench201-n1", "nasbench-macro", "digits", "custom-digits"}) {
    SCOPED_TRACE(name);
    expect_every_network_inside(*load_space(name), 20);
  }
  for (const char* none : {"true", "false"}) {
    SCOPED_TRACE(none);
    expect_every_network_inside(
        *space_of(std::string("family: darts\nwidth: 4\nlayers: 3\nresolution: 8\nnone: ") + none +
                  "\n"),
        10);
  }
  // Only the residual of its stem has options side by side.
  expect_every_network_inside(*load_space("ofa-resnet50"), 4);
}

// Kernels and expansions of a kind that is mixed have the option of the base where that is open,
// else the first.
TEST(Relaxed, NestedChoices) {
  const auto space = space_of(kNested);
  Architecture base = space->largest();
  const std::vector<size_t> kinds = open_choices(*space, base);
  const Plan relaxed = relaxed_plan(*space, base, kinds);
  for (int16_t kind = 0; kind < 3; ++kind) {
    Architecture a = base;
    for (const size_t c : kinds) a.genes[c] = kind;
    const Mixing mixing = one_hot(*space, a, kinds);
    EXPECT_EQ(needed_texts(relaxed, &mixing), needed_texts(space->plan(a), nullptr)) << kind;
  }
}

TEST(Relaxed, WhichChoicesCan) {
  const auto names = [](const Space& space) {
    std::vector<std::string> names;
    for (const size_t c : relaxable_choices(space)) names.push_back(space.choices()[c].name);
    return names;
  };
  EXPECT_EQ(names(*load_space("nasbench201")).size(), 6U);
  EXPECT_EQ(names(*load_space("nasbench-macro")).size(), 8U);
  const auto darts = load_space("darts");
  EXPECT_EQ(names(*darts).size(), darts->choices().size());
  EXPECT_THAT(names(*load_space("ofa-resnet50")), ElementsAre("stem.residual"));
  for (const char* elastic : {"mobilenet",
                              "mobilenet-elastic-resolution",
                              "proxyless",
                              "resnet20-pool",
                              "resnet50-stride"})
    EXPECT_TRUE(names(*load_space(elastic)).empty()) << elastic;
  EXPECT_THAT(names(*space_of(kNested)),
              ElementsAre("stage1.layer1", "stage1.layer2", "stage2.layer1", "stage2.layer2"));
}

TEST(Relaxed, WhatCannotIsNamed) {
  const auto error_of = [](const Domain& domain, const Architecture& base, const char* name) {
    const auto& choices = domain.space().choices();
    for (size_t c = 0; c < choices.size(); ++c)
      if (choices[c].name == name) {
        try {
          relaxed_plan(domain, base, std::vector<size_t>{c});
        } catch (const ConfigError& e) {
          return std::string(e.what());
        }
        return std::string("no error");
      }
    return std::string("no such choice");
  };
  const auto digits = load_space("digits");
  for (const char* elastic : {"stage1.width", "stage2.depth"})
    EXPECT_THAT(error_of(*digits, digits->largest(), elastic),
                AllOf(HasSubstr(std::string("the choice '") + elastic + "' cannot be relaxed"),
                      HasSubstr("sizes of one network"),
                      HasSubstr("stage1.layer1")));
  EXPECT_THAT(error_of(*digits, digits->smallest(), "stage1.layer1"),
              AllOf(HasSubstr("'stage1.layer1'"), HasSubstr("closed in the network")));
  EXPECT_EQ(error_of(*digits, digits->largest(), "stage1.layer1"), "no error");
  const auto proxyless = load_space("proxyless");
  EXPECT_THAT(error_of(*proxyless, proxyless->largest(), "stage1.block1.kernel"),
              AllOf(HasSubstr("'stage1.block1.kernel'"), HasSubstr("no choice of this space")));
  const auto pool = load_space("resnet20-pool");
  EXPECT_THAT(error_of(*pool, pool->largest(), "down1"), HasSubstr("places in it"));
  const Domain part(*digits, Restriction::parse(*digits, {"stage1.depth=0"}));
  EXPECT_THAT(error_of(part, digits->largest(), "stage2.layer1"),
              HasSubstr("the network to relax is not in"));
}

TEST(Relaxed, OnlyAllowedOptionsTakePart) {
  const auto space = load_space("nasbench201-n1");
  const Domain part(*space, Restriction::parse(*space, {"*!=none", "1<-0=nor_conv_3x3"}));
  const std::vector<size_t> all = relaxable_choices(part);
  ASSERT_EQ(all.size(), 6U);
  const Plan plan = relaxed_plan(part, part.largest(), all);
  std::set<std::pair<int, int>> there;
  int sums = 0;
  for (const Node& node : plan.nodes) {
    for (const Provenance& p : plan.origins(node)) there.emplace(p.choice, p.option);
    if (const auto* sum = std::get_if<WeightedSum>(&node.op)) {
      ++sums;
      const auto options = plan.options(node);
      if (sum->choice == 0)
        EXPECT_THAT(options, ElementsAre(3));
      else
        EXPECT_THAT(options, ElementsAre(1, 2, 3, 4));
    }
  }
  EXPECT_EQ(sums, 3 * 6);
  EXPECT_EQ(there.size(), 1U + 5 * 4);
  EXPECT_FALSE(there.contains({3, 0}));
  EXPECT_THAT(plan_json(plan), HasSubstr("\"weighted_sum\""));
}

TEST(Relaxed, CostsAreThoseOfAllOptions) {
  for (const char* name : {"nasbench201-n1", "nasbench-macro"}) {
    const auto space = load_space(name);
    const Architecture base = space->smallest();
    const std::vector<size_t> choices = relaxable_choices(*space);
    const auto macs_under = [&](const Plan& plan, const Provenance* p) {
      int64_t macs = 0;
      for (const Node& node : plan.nodes) {
        const auto origins = plan.origins(node);
        if (p == nullptr ? origins.empty() : origins.size() == 1 && origins[0] == *p)
          macs += macs_of(plan, node, space->counting());
      }
      return macs;
    };
    int64_t expected = macs_under(space->plan(base), nullptr);
    for (const size_t c : choices)
      for (size_t o = 0; o < space->choices()[c].options.size(); ++o) {
        Architecture a = base;
        a.genes[c] = static_cast<int16_t>(o);
        const Provenance p{static_cast<int16_t>(c), static_cast<int16_t>(o)};
        expected += macs_under(space->plan(a), &p);
      }
    const Cost cost = cost_of(relaxed_plan(*space, base, choices), space->counting());
    EXPECT_EQ(cost.macs, expected) << name;
    EXPECT_GT(cost.macs, cost_of(space->plan(space->largest()), space->counting()).macs);
  }
}

TEST(Relaxed, MixingWeightsMustBeThere) {
  const auto space = load_space("nasbench201-n1");
  const std::vector<size_t> choices = {0};
  const Plan plan = relaxed_plan(*space, space->largest(), choices);
  const Mixing none(6);
  EXPECT_THROW(needed_nodes(plan, &none), std::logic_error);
  Mixing all(6);
  all[0] = {0, 0, 0, 0, 0};
  const std::vector<bool> needed = needed_nodes(plan, &all);
  const auto count = std::count(needed.begin(), needed.end(), true);
  EXPECT_GT(count, 5);
  EXPECT_LT(count, static_cast<int64_t>(plan.nodes.size()) - 15);
}

TEST(PlanBuilder, ProvenanceIsAStack) {
  SymbolTable symbols;
  symbols.intern("");
  Plan plan;
  PlanBuilder b(plan, symbols, {1, 4, 4});
  const std::vector<int16_t> genes = {2, 1};
  const auto relu = [&](int32_t x) { return b.add(Activation{}, 0, x); };
  b.origin({{5, 0}, {-1, 3}});
  int32_t x = b.choose(genes, 0, [&](int16_t option) {
    EXPECT_EQ(option, 2);
    b.origin({{7, 1}});
    const int32_t y = b.under({8, 2}, [&] { return relu(Plan::kInput); });
    return relu(y);
  });
  x = relu(x);
  b.origin({});
  x = b.choose(genes, 1, [&](int16_t) { return x; });
  relu(x);
  const auto pairs = [&](size_t i) {
    std::vector<std::pair<int, int>> pairs;
    for (const Provenance& p : plan.origins(plan.nodes[i])) pairs.emplace_back(p.choice, p.option);
    return pairs;
  };
  using P = std::pair<int, int>;
  ASSERT_EQ(plan.nodes.size(), 4U);
  EXPECT_THAT(pairs(0), ElementsAre(P(5, 0), P(0, 2), P(7, 1), P(8, 2)));
  EXPECT_THAT(pairs(1), ElementsAre(P(5, 0), P(0, 2), P(7, 1)));
  EXPECT_THAT(pairs(2), ElementsAre(P(5, 0)));
  EXPECT_TRUE(pairs(3).empty());
  const std::function<int32_t(int)> deeper = [&](int depth) {
    return b.under({static_cast<int16_t>(depth), 0},
                   [&] { return depth < 20 ? deeper(depth + 1) : relu(x); });
  };
  EXPECT_THROW(deeper(0), std::logic_error);  // Never left out silently.
}

}  // namespace
}  // namespace nas
