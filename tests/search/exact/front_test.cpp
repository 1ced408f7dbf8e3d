// Whole fronts, optima under several limits and pools, against the oracles of search.md 11, going
// through, and each other.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "search/exact/answers.hpp"
#include "search/exact/front.hpp"
#include "spaces/registry.hpp"
#include "tests/search/exact/oracle_space.hpp"

namespace nas {
namespace {

using exact::Aim;
using exact::Limit;
using exact::MetricFunction;
using exact::Solution;

exact::Terms tables(const Domain& domain, const std::vector<MetricFunction>& metrics) {
  exact::Factorised found = exact::factorise(domain, metrics, 0);
  if (!found.terms) throw std::runtime_error(found.why_not);
  return std::move(*found.terms);
}

/// Value, cost, second cost.
exact::Terms oracle(const Space& space) {
  return tables(space,
                {oracle_metric(space, "value", kValue),
                 oracle_metric(space, "cost", kCost),
                 oracle_metric(space, "second", kSecond)});
}

/// (cost, value) of a front that minimises cost and maximises value.
std::vector<std::pair<int64_t, int64_t>> cost_and_value(const exact::Terms& terms) {
  const Aim aims[] = {{1, 1}, {0, -1}};
  std::vector<std::pair<int64_t, int64_t>> points;
  for (const Solution& s : exact::front(terms, aims)) points.emplace_back(s.sums[1], s.sums[0]);
  return points;
}

TEST(ExactFront, OracleA) {
  const OracleSpace space, conditional(true);
  EXPECT_EQ(cost_and_value(oracle(space)),
            (std::vector<std::pair<int64_t, int64_t>>{{7, 0},
                                                      {8, 5},
                                                      {9, 7},
                                                      {11, 12},
                                                      {12, 14},
                                                      {14, 15},
                                                      {15, 18},
                                                      {16, 20},
                                                      {17, 22},
                                                      {18, 25},
                                                      {19, 27},
                                                      {21, 28},
                                                      {22, 29},
                                                      {23, 33},
                                                      {24, 35},
                                                      {28, 37},
                                                      {29, 42},
                                                      {34, 46},
                                                      {39, 47}}));
  EXPECT_EQ(cost_and_value(oracle(conditional)),
            (std::vector<std::pair<int64_t, int64_t>>{{4, 0},
                                                      {5, 5},
                                                      {6, 7},
                                                      {10, 9},
                                                      {11, 14},
                                                      {15, 16},
                                                      {16, 20},
                                                      {17, 22},
                                                      {18, 25},
                                                      {19, 27},
                                                      {22, 29},
                                                      {23, 33},
                                                      {24, 35},
                                                      {28, 37},
                                                      {29, 42},
                                                      {34, 46},
                                                      {39, 47}}));
}

TEST(ExactFront, OracleAOptimaAndPool) {
  const OracleSpace space;
  const exact::Terms terms = oracle(space);
  const Aim value{0, -1};
  const Limit cost{.metric = 1, .high = 20}, more{.metric = 1, .high = 22},
      second{.metric = 2, .high = 11};
  exact::Optimum best = exact::optimum(terms, value, {&cost, 1});
  ASSERT_TRUE(best.solution);
  EXPECT_TRUE(best.proven);
  EXPECT_EQ(best.solution->sums[0], 27);
  EXPECT_EQ(best.solution->sums[1], 19);
  EXPECT_EQ(digits(best.solution->architecture), "11120");
  const Limit both[] = {more, second};
  best = exact::optimum(terms, value, both);
  ASSERT_TRUE(best.solution);
  EXPECT_EQ(best.solution->sums, (std::vector<int64_t>{29, 22, 11}));
  EXPECT_EQ(digits(best.solution->architecture), "11202");
  const Limit none[] = {{.metric = 1, .high = 7}, {.metric = 2, .high = 9}};
  best = exact::optimum(terms, value, none);
  EXPECT_FALSE(best.solution);
  EXPECT_TRUE(best.proven);

  const exact::Pool pool = exact::pool(terms, value, {&cost, 1}, 4, 2);
  EXPECT_TRUE(pool.proven);
  std::vector<std::pair<int64_t, std::string>> found;
  for (const Solution& s : pool.solutions) found.emplace_back(s.sums[0], digits(s.architecture));
  EXPECT_EQ(found,
            (std::vector<std::pair<int64_t, std::string>>{
                {27, "11120"}, {26, "01022"}, {24, "11012"}, {23, "00122"}}));
  // Until nothing keeps its distance.
  const exact::Pool all = exact::pool(terms, value, {}, 1000, 5);
  EXPECT_EQ(all.solutions.size(), 3U);
}

/// What going through a domain says of limits on MACs and parameters.
struct Listed {
  std::vector<std::array<int64_t, 3>> all;  ///< macs, params, activation_bytes.
  std::vector<Architecture> architectures;
  explicit Listed(const Domain& domain) {
    domain.enumerate([&](const Architecture& a) {
      const Cost cost = cost_of(domain.space().plan(a), domain.space().counting());
      all.push_back({cost.macs, cost.params, cost.activation_bytes});
      architectures.push_back(a);
      return true;
    });
  }
};

TEST(ExactFront, AsGoingThrough) {
  for (const char* name : {"digits", "resnet50-stride", "nasbench-macro"}) {
    const auto space = load_space(name);
    const Listed listed(*space);
    const exact::Terms terms = tables(*space,
                                      {plan_metric(*space, "macs"),
                                       plan_metric(*space, "params"),
                                       plan_metric(*space, "activation_bytes")});
    const Aim aims[] = {{0, 1}, {1, -1}};
    const auto median = [&](size_t m) {
      std::vector<int64_t> sums;
      for (const auto& each : listed.all) sums.push_back(each[m]);
      std::nth_element(sums.begin(), sums.begin() + sums.size() / 2, sums.end());
      return sums[sums.size() / 2];
    };
    const Limit limits[] = {{.metric = 2, .high = median(2)}, {.metric = 1, .high = median(1)}};
    for (const size_t limited : {0, 1, 2}) {
      const std::span<const Limit> used(limits, limited);
      const auto inside = [&](const std::array<int64_t, 3>& sums) {
        return std::all_of(
            used.begin(), used.end(), [&](const Limit& l) { return l.holds(sums[l.metric]); });
      };
      std::set<std::pair<int64_t, int64_t>> front;
      for (const auto& a : listed.all) {
        if (!inside(a)) continue;
        const bool beaten = std::any_of(listed.all.begin(), listed.all.end(), [&](const auto& b) {
          return inside(b) && b[0] <= a[0] && b[1] >= a[1] && (b[0] < a[0] || b[1] > a[1]);
        });
        if (!beaten) front.emplace(a[0], -a[1]);
      }
      std::set<std::pair<int64_t, int64_t>> found;
      for (const Solution& s : exact::front(terms, aims, used)) {
        EXPECT_TRUE(space->valid(s.architecture));
        EXPECT_TRUE(found.emplace(s.sums[0], -s.sums[1]).second);
      }
      EXPECT_EQ(found, front) << name << " with " << limited << " limits";
      // The optimum under the limits: best value, then least limited sums, then first by genes.
      const exact::Optimum best = exact::optimum(terms, {0, -1}, used);
      size_t first = 0;
      const auto rank = [&](size_t i) {
        std::vector<int64_t> sums{-listed.all[i][0]};
        for (const Limit& l : used) sums.push_back(listed.all[i][l.metric]);
        return sums;
      };
      for (size_t i = 0; i < listed.all.size(); ++i)
        if (inside(listed.all[i]) && (!inside(listed.all[first]) || rank(i) < rank(first)))
          first = i;
      ASSERT_TRUE(best.solution);
      EXPECT_TRUE(best.proven);
      EXPECT_EQ(best.solution->architecture, listed.architectures[first])
          << name << " with " << limited << " limits: " << space->text(best.solution->architecture);
    }
  }
}

/// A value as an additive surrogate has it: real numbers for each option of each choice.
MetricFunction surrogate(const Space& space) {
  std::vector<std::vector<double>> scores;
  Rng rng(11, "surrogate");
  for (const Choice& choice : space.choices()) {
    std::vector<double> rising;
    for (size_t o = 0; o < choice.options.size(); ++o)
      rising.push_back((rising.empty() ? 0 : rising.back()) + rng.uniform());
    scores.push_back(std::move(rising));
  }
  return {"score", [&space, scores](const Architecture& a) {
            double sum = 0;
            for (size_t c = 0; c < scores.size(); ++c)
              if (space.active(a, c)) sum += scores[c][static_cast<size_t>(a.genes[c])];
            return sum;
          }};
}

TEST(ExactFront, WholeFrontOfTheOnceForAllSpaceHoldsEveryOptimum) {
  const auto space = load_space("mobilenet");
  const exact::Terms terms = tables(
      *space, {surrogate(*space), plan_metric(*space, "macs"), plan_metric(*space, "params")});
  const Aim aims[] = {{1, 1}, {0, -1}};
  const std::vector<Solution> front = exact::front(terms, aims);
  ASSERT_GT(front.size(), 500U);
  for (size_t i = 1; i < front.size(); ++i) {
    EXPECT_LT(front[i - 1].sums[1], front[i].sums[1]);
    EXPECT_LT(front[i - 1].sums[0], front[i].sums[0]);
  }
  for (const int64_t budget : {130'000'000, 200'000'000, 300'000'000, 400'000'000}) {
    const Limit macs{.metric = 1, .high = budget};
    const exact::Optimum best = exact::optimum(terms, {0, -1}, {&macs, 1});
    ASSERT_TRUE(best.solution && best.proven);
    const auto after =
        std::upper_bound(front.begin(), front.end(), budget, [](int64_t b, const Solution& s) {
          return b < s.sums[1];
        });
    EXPECT_EQ(std::prev(after)->sums[0], best.solution->sums[0]) << budget;
    EXPECT_EQ(std::prev(after)->architecture, best.solution->architecture) << budget;
    // A second limit that the optimum breaks (the least network meets both) leaves a worse one.
    const Limit both[] = {macs, {.metric = 2, .high = (best.solution->sums[2] + 3'410'792) / 2}};
    const exact::Optimum less = exact::optimum(terms, {0, -1}, both);
    ASSERT_TRUE(less.solution && less.proven) << budget;
    EXPECT_LT(less.solution->sums[0], best.solution->sums[0]);
    EXPECT_LE(less.solution->sums[1], both[0].high);
    EXPECT_LE(less.solution->sums[2], both[1].high);
  }
  // The best, then the best that differ in three choices from all before: none beats the front.
  const Limit macs{.metric = 1, .high = 200'000'000};
  const exact::Pool pool = exact::pool(terms, {0, -1}, {&macs, 1}, 5, 3);
  EXPECT_TRUE(pool.proven);
  ASSERT_EQ(pool.solutions.size(), 5U);
  EXPECT_EQ(pool.solutions[0].architecture,
            exact::optimum(terms, {0, -1}, {&macs, 1}).solution->architecture);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_LE(pool.solutions[i].sums[1], macs.high);
    for (size_t j = 0; j < i; ++j) {
      EXPECT_GE(pool.solutions[j].sums[0], pool.solutions[i].sums[0]);
      int differ = 0;
      const Architecture &x = pool.solutions[i].architecture, &y = pool.solutions[j].architecture;
      for (size_t c = 0; c < x.genes.size(); ++c)
        differ += x.genes[c] != y.genes[c] || space->active(x, c) != space->active(y, c);
      EXPECT_GE(differ, 3);
    }
  }
}

TEST(ExactAnswers, LimitsAndTheNearestValues) {
  const auto space = load_space("mobilenet");
  const CostModel costs(*space);
  const exact::Terms terms =
      std::move(*exact::factorise(*space, exact::metrics_of(costs, {"macs", "params"})).terms);
  const auto limit = [&](const char* text) {
    return exact::limit_of(parse_constraint(text), terms);
  };
  EXPECT_EQ(limit("macs <= 200M").high, 200'000'000);
  EXPECT_EQ(limit("macs < 200M").high, 199'999'999);
  EXPECT_EQ(limit("macs >= 200M").low, 200'000'000);
  EXPECT_EQ(limit("macs > 200.5").low, 201);
  EXPECT_EQ(limit("macs < 200.5").high, 200);
  const exact::Attainable far = exact::attainable(
      terms, {parse_constraint("macs <= 100M"), parse_constraint("params >= 9M")});
  EXPECT_FALSE(far.witness);
  EXPECT_EQ(costs.of(far.each[0]).at("macs"), 121278672);
  EXPECT_EQ(costs.of(far.each[1]).at("params"), 7664760);
  ASSERT_TRUE(far.together);
  // Each alone is possible, both are not.
  const std::vector<Constraint> both{parse_constraint("macs <= 130M"),
                                     parse_constraint("params >= 7M")};
  const exact::Attainable apart = exact::attainable(terms, both);
  EXPECT_FALSE(apart.witness);
  ASSERT_TRUE(apart.together);
  const double least = total_violation(both, costs.of(*apart.together));
  EXPECT_GT(least, 0);
  Rng rng(1, "violations");
  for (int i = 0; i < 2000; ++i)
    EXPECT_GE(total_violation(both, costs.of(space->sample(rng))), least - 1e-12);
  const exact::Attainable near = exact::attainable(
      terms, {parse_constraint("macs <= 122M"), parse_constraint("params <= 3.5M")});
  ASSERT_TRUE(near.witness);
  EXPECT_LE(costs.of(*near.witness).at("macs"), 122e6);
}

}  // namespace
}  // namespace nas
