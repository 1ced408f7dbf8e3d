// Where searches start: distributions without and under limits.
#include "search/algorithms/sampler.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>

#include "search/feasibility.hpp"
#include "spaces/registry.hpp"
#include "toy_space.hpp"

namespace nas {
namespace {

using testing_toy::ToySpace;
using testing_toy::WideSpace;

size_t choice_named(const Space& space, const std::string& name) {
  for (size_t c = 0; c < space.choices().size(); ++c)
    if (space.choices()[c].name == name) return c;
  throw std::runtime_error("no choice " + name);
}

ArchitectureSampler sampler_of(const CostLimits& limits, Initial initial = Initial::kChoices) {
  return {limits, initial, require_attainable(limits.costs(), limits.constraints(), 0), 0};
}

/// Share of the last option of `choice` in 2000 draws.
double share_of_last(const ArchitectureSampler& sampler, const Space& space, size_t choice) {
  Rng rng(1, "share");
  int last = 0;
  for (int i = 0; i < 2000; ++i)
    last += sampler.draw(rng).genes[choice] + 1 ==
                    static_cast<int>(space.choices()[choice].options.size())
                ? 1
                : 0;
  return last / 2000.0;
}

TEST(Sampler, ChoicesOrArchitecturesAreUniform) {
  const auto space = load_space("mobilenet");
  const CostModel costs(*space);
  const CostLimits none(costs, {});
  const size_t depth = choice_named(*space, "stage2.depth");
  EXPECT_NEAR(share_of_last(sampler_of(none), *space, depth), 1.0 / 3, 0.04);
  // 81 + 729 + 6561 forms of a stage, 6561 of them of the largest depth.
  EXPECT_NEAR(share_of_last(sampler_of(none, Initial::kArchitectures), *space, depth), 0.89, 0.03);
}

// Networks of WideSpace with at most `most` products of widths (in 4 * 4 channels), by the option
// of `layer`: dynamic programming over layers.
std::array<double, 4> exact_shares(int layer, int most) {
  std::array<double, 4> counts{};
  for (int chosen = 0; chosen < 4; ++chosen) {
    std::map<std::pair<int, int>, double> ways = {{{1, 0}, 1.0}};  // width, products: networks
    for (int i = 0; i < WideSpace::kLayers; ++i) {
      std::map<std::pair<int, int>, double> next;
      for (const auto& [state, n] : ways)
        for (int w = 1; w <= 4; ++w)
          if ((i != layer || w == chosen + 1) && state.second + state.first * w <= most)
            next[{w, state.second + state.first * w}] += n;
      ways = std::move(next);
    }
    for (const auto& [state, n] : ways) counts[static_cast<size_t>(chosen)] += n;
  }
  const double all = counts[0] + counts[1] + counts[2] + counts[3];
  for (double& c : counts) c /= all;
  return counts;
}

TEST(Sampler, RareArchitecturesAreDrawnAsTheLimitLeavesThem) {
  // At most 24 products where 12 is the least and 12 * 16 the most: one draw in tens of thousands.
  const WideSpace space;
  const CostModel costs(space);
  const int most = 24;
  const Architecture least{std::vector<int16_t>(WideSpace::kLayers, 0)};
  const double unit = costs.of(least).at("macs") / 12;
  const CostLimits limits(costs, {{"macs", Constraint::Relation::kLessEqual, most * unit}});
  const ArchitectureSampler sampler = sampler_of(limits);
  Rng rng(2, "rare");
  constexpr int kDraws = 3000;
  std::vector<std::array<double, 4>> shares(WideSpace::kLayers);
  std::set<Architecture> distinct;
  for (int i = 0; i < kDraws; ++i) {
    const Architecture a = sampler.draw(rng);
    ASSERT_EQ(limits.violation(a), 0);
    distinct.insert(a);
    for (size_t c = 0; c < shares.size(); ++c)
      shares[c][static_cast<size_t>(a.genes[c])] += 1.0 / kDraws;
  }
  EXPECT_GT(distinct.size(), 500u);
  for (size_t c = 0; c < shares.size(); ++c) {
    const auto exact = exact_shares(static_cast<int>(c), most);
    for (size_t option = 0; option < 4; ++option)
      EXPECT_NEAR(shares[c][option], exact[option], 0.04) << c << " " << option;
  }
}

constexpr double kBin = 0.05e6;  ///< MACs

/// By depth and bins of MACs above the smallest network: the probability of a stage of `mobilenet`
/// under draws per choice. Stages of the once-for-all space add up.
std::array<std::vector<double>, 3> stage_law(const Space& space,
                                             const CostModel& costs,
                                             size_t stage,
                                             size_t bins) {
  std::array<std::vector<double>, 3> law;
  law.fill(std::vector<double>(bins, 0.0));
  const double least = costs.of(space.smallest()).at("macs");
  for (size_t depth = 0; depth < 3; ++depth) {
    const size_t genes = 2 * (depth + 2);
    size_t forms = 1;
    for (size_t g = 0; g < genes; ++g) forms *= 3;
    for (size_t form = 0; form < forms; ++form) {
      Architecture a = space.smallest();
      a.genes[40 + stage] = static_cast<int16_t>(depth);
      size_t rest = form;
      for (size_t g = 0; g < genes; ++g, rest /= 3)
        a.genes[g % 2 * 20 + 4 * stage + g / 2] = static_cast<int16_t>(rest % 3);
      const auto bin = static_cast<size_t>((costs.of(a).at("macs") - least) / kBin);
      if (bin < bins) law[depth][bin] += 1.0 / 3 / static_cast<double>(forms);
    }
  }
  return law;
}

std::vector<double> added(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> sum(a.size(), 0.0);
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; a[i] > 0 && i + j < a.size(); ++j) sum[i + j] += a[i] * b[j];
  return sum;
}

TEST(Sampler, TightLimitsFavourNoStage) {
  // One draw in a hundred thousand meets the limit; a steepest walk shrinks the same stages always.
  const auto space = load_space("mobilenet");
  const CostModel costs(*space);
  constexpr double kLimit = 160e6;
  const CostLimits limits(costs, {{"macs", Constraint::Relation::kLessEqual, kLimit}});
  const ArchitectureSampler sampler = sampler_of(limits);
  Rng rng(3, "tight");
  std::array<std::array<double, 3>, 5> drawn{};
  std::set<Architecture> distinct;
  constexpr int kDraws = 600;
  for (int i = 0; i < kDraws; ++i) {
    const Architecture a = sampler.draw(rng);
    ASSERT_EQ(limits.violation(space->canonical(a)), 0);
    distinct.insert(a);
    for (size_t s = 0; s < 5; ++s) drawn[s][static_cast<size_t>(a.genes[40 + s])] += 1.0 / kDraws;
  }
  EXPECT_GT(distinct.size(), 0.99 * kDraws);

  const double least = costs.of(space->smallest()).at("macs");
  const auto bins = static_cast<size_t>((kLimit - least) / kBin);
  std::vector<std::array<std::vector<double>, 3>> laws;
  for (size_t s = 0; s < 5; ++s) laws.push_back(stage_law(*space, costs, s, bins));
  for (size_t s = 0; s < 5; ++s) {
    std::vector<double> others(bins, 0.0);
    others[0] = 1;
    for (size_t o = 0; o < 5; ++o) {
      if (o == s) continue;
      std::vector<double> any(bins, 0.0);
      for (const auto& law : laws[o])
        for (size_t i = 0; i < bins; ++i) any[i] += law[i];
      others = added(others, any);
    }
    std::array<double, 3> exact{};
    for (size_t depth = 0; depth < 3; ++depth)
      for (const double p : added(laws[s][depth], others)) exact[depth] += p;
    const double all = exact[0] + exact[1] + exact[2];
    for (size_t depth = 0; depth < 3; ++depth)
      EXPECT_NEAR(drawn[s][depth], exact[depth] / all, 0.08) << s << " " << depth;
  }
}

TEST(Sampler, RepairKeepsWhatItCan) {
  const WideSpace space;
  const CostModel costs(space);
  const Architecture most{std::vector<int16_t>(WideSpace::kLayers, 3)};
  const double all = costs.of(most).at("macs");
  const CostLimits limits(costs, {{"macs", Constraint::Relation::kLessEqual, 0.9 * all}});
  const ArchitectureSampler sampler = sampler_of(limits);
  Rng rng(4, "repair");
  std::set<Architecture> ends;
  for (int i = 0; i < 50; ++i) {
    Architecture a = most;
    ASSERT_TRUE(sampler.repair(a, rng));
    EXPECT_EQ(limits.violation(a), 0);
    EXPECT_GE(std::count(a.genes.begin(), a.genes.end(), 3), 8);
    ends.insert(a);
    Architecture inside = a;
    ASSERT_TRUE(sampler.repair(inside, rng));
    EXPECT_EQ(inside, a);  // nothing to do
  }
  EXPECT_GT(ends.size(), 10u);
}

TEST(Sampler, EqualSeedsDrawEqually) {
  const ToySpace space;
  const CostModel costs(space);
  const CostLimits limits(costs, {parse_constraint("macs <= 60k")});
  Rng a(5, "x"), b(5, "x");
  const ArchitectureSampler one = sampler_of(limits), two = sampler_of(limits);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(one.draw(a), two.draw(b));
}

TEST(Crossover, GenesComeFromWhereTheyMeanSomething) {
  const auto space = load_space("mobilenet");
  const size_t depth = choice_named(*space, "stage1.depth");
  const size_t kernel = choice_named(*space, "stage1.block4.kernel");
  Architecture shallow = space->smallest(), deep = space->largest();
  ASSERT_FALSE(space->active(shallow, kernel));
  deep.genes[kernel] = 1;
  Rng rng(6, "cross");
  int deeper = 0;
  for (int i = 0; i < 200; ++i) {
    const Architecture child = space->crossover(shallow, deep, rng);
    ASSERT_TRUE(space->valid(child));
    if (!space->active(child, kernel)) continue;
    ++deeper;
    EXPECT_EQ(child.genes[kernel], 1);  // only one parent has this block
    EXPECT_EQ(child.genes[depth], deep.genes[depth]);
  }
  EXPECT_GT(deeper, 50);
}

}  // namespace
}  // namespace nas
