// Distances and partitions against the numbers of gradient_matching.md section 7.
#include "supernet/weights/math/partition.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>

#include "spaces/error.hpp"

namespace nas {
namespace {

using Vector = std::vector<double>;

DistanceMatrix gram(const std::vector<Vector>& g) {
  DistanceMatrix m(g.size());
  for (size_t i = 0; i < g.size(); ++i)
    for (size_t j = 0; j < g.size(); ++j)
      for (size_t k = 0; k < g[i].size(); ++k) m.at(i, j) += g[i][k] * g[j][k];
  return m;
}

DistanceMatrix cosines(const std::vector<Vector>& g) {
  return distances(GradientMetric::kCos, {gram(g)});
}

/// Upper triangle by rows.
DistanceMatrix matrix(size_t n, const Vector& upper) {
  DistanceMatrix d(n);
  size_t k = 0;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = i + 1; j < n; ++j) d.at(i, j) = d.at(j, i) = upper[k++];
  return d;
}

using Groups = std::vector<std::vector<int16_t>>;

// 7.1
TEST(Distance, FiveVectors) {
  const DistanceMatrix d = cosines({{3, 4, 0}, {4, 3, 0}, {0, 0, 5}, {0, 3, 4}, {-3, 0, 4}});
  const std::map<std::pair<int, int>, double> want = {{{0, 1}, .04},
                                                      {{0, 2}, 1},
                                                      {{0, 3}, .52},
                                                      {{0, 4}, 1.36},
                                                      {{1, 2}, 1},
                                                      {{1, 3}, .64},
                                                      {{1, 4}, 1.48},
                                                      {{2, 3}, .2},
                                                      {{2, 4}, .2},
                                                      {{3, 4}, .36}};
  for (const auto& [pair, value] : want)
    EXPECT_NEAR(
        d.at(static_cast<size_t>(pair.first), static_cast<size_t>(pair.second)), value, 1e-7);
  EXPECT_NEAR(d.total(), 6.8, 1e-6);
  const std::map<std::pair<int16_t, int16_t>, double> within = {{{0, 1}, .8},
                                                                {{0, 2}, 3.48},
                                                                {{0, 3}, 3.2},
                                                                {{0, 4}, 3.2},
                                                                {{1, 2}, 3.24},
                                                                {{1, 3}, 3.2},
                                                                {{1, 4}, 3.2},
                                                                {{2, 3}, 3.08},
                                                                {{2, 4}, 1.4},
                                                                {{3, 4}, 2.4}};
  for (const auto& [pair, value] : within) {
    std::vector<int16_t> rest;
    for (int16_t i = 0; i < 5; ++i)
      if (i != pair.first && i != pair.second) rest.push_back(i);
    const Partition p = measured(d, PartitionObjective::kWithin, {{pair.first, pair.second}, rest});
    EXPECT_NEAR(p.within, value, 1e-6) << pair.first << pair.second;
  }
  const Partition best = best_partition(d, {});
  EXPECT_EQ(best.groups, (Groups{{0, 1}, {2, 3, 4}}));
  EXPECT_NEAR(best.within, .8, 1e-6);
  EXPECT_NEAR(best.cut, 6.0, 1e-6);
  EXPECT_NEAR(best.mean_cut(), 1.0, 1e-6);
}

TEST(Distance, Edges) {
  EXPECT_NEAR(cosines({{1, 0}, {1, 0}}).at(0, 1), 9.99999e-7, 1e-12);
  const DistanceMatrix zero = cosines({{0, 0}, {1, 2}});
  EXPECT_EQ(zero.at(0, 1), 1);
  EXPECT_EQ(zero.at(0, 0), 1);
  EXPECT_NEAR(cosines({{1e-4, 0}, {1e-4, 0}}).at(0, 1), .990099, 1e-6);
  // Two tensors: [[1,0],[0,2]], [5,1] against [[1,1],[0,-2]], [-5,1].
  const std::vector<Vector> whole = {{1, 0, 0, 2, 5, 1}, {1, 1, 0, -2, -5, 1}};
  EXPECT_NEAR(distances(GradientMetric::kCos, {gram(whole)}).at(0, 1), 1.857251, 1e-6);
  EXPECT_NEAR(distances(GradientMetric::kMse, {gram(whole)}).at(0, 1), 117, 1e-12);
  EXPECT_NEAR(
      distances(GradientMetric::kPerFilterCos, {gram({{1, 0}, {1, 1}}), gram({{0, 2}, {0, -2}})})
          .at(0, 1),
      2.292893,
      2e-6);
}

TEST(Distance, NotANumberFailsTheChoice) {
  MeanDistance mean(2);
  mean.add(cosines({{1, 0}, {0, 1}}));
  EXPECT_FALSE(mean.failed());
  mean.add(cosines({{NAN, 0}, {0, 1}}));
  EXPECT_TRUE(mean.failed());
}

DistanceMatrix seven() {
  return matrix(7, {.32,  .70, 1.45, 1.12, .14,  .01,  1.23, 1.11, 1.52, .59, .22,
                    1.93, .47, .50,  .75,  1.31, 1.54, 1.45, .60,  1.20, .18});
}

// 7.2
TEST(Partition, SevenOptions) {
  const DistanceMatrix d = seven();
  EXPECT_NEAR(d.total(), 18.34, 1e-12);
  struct Case {
    PartitionOptions options;
    Groups groups;
    double value;
  };
  using enum PartitionObjective;
  const Case cases[] = {
      {{kWithin, 2, 2, false}, {{2, 3, 4}, {0, 1, 5, 6}}, 5.17},
      {{kSimilarityCut, 2, 2, false}, {{3, 4}, {0, 1, 2, 5, 6}}, -2.39},
      {{kSimilarityCut, 2, 1, false}, {{3}, {0, 1, 2, 4, 5, 6}}, -2.79},
      {{kMeanWithin, 2, 2, false}, {{3, 4}, {0, 1, 2, 5, 6}}, .540909},
      {{kWithin, 2, 2, true}, {{2, 3, 4}, {0, 1, 5, 6}}, 5.17},
      {{kWithin, 3, 2, false}, {{0, 5, 6}, {1, 3}, {2, 4}}, 1.91},
  };
  for (const Case& c : cases) {
    const Partition p = best_partition(d, c.options);
    EXPECT_EQ(p.groups, c.groups) << c.value;
    EXPECT_NEAR(p.value, c.value, 1e-6);
    EXPECT_TRUE(p.exhaustive);
    EXPECT_NEAR(p.within + p.cut, 18.34, 1e-12);
  }
  EXPECT_NEAR(best_partition(d, {}).cut, 13.17, 1e-12);
  DistanceMatrix six(6);
  for (size_t i = 0; i < 6; ++i)
    for (size_t j = 0; j < 6; ++j) six.at(i, j) = d.at(i, j);
  const Partition twos = best_partition(six, {kWithin, 3, 2, false});
  EXPECT_EQ(twos.groups, (Groups{{0, 5}, {1, 3}, {2, 4}}));
  EXPECT_NEAR(twos.value, 1.72, 1e-12);
  const Partition ones = best_partition(six, {kWithin, 3, 1, false});
  EXPECT_TRUE(ones.same_groups(measured(six, kWithin, {{0, 1, 5}, {2, 4}, {3}})));
  EXPECT_NEAR(ones.value, 1.52, 1e-12);
  // What a defect of a released program would answer.
  EXPECT_NEAR(measured(six, kWithin, {{0, 1}, {2, 3}, {4, 5}}).within, 2.85, 1e-12);
}

/// Divisions that a search goes through: seen by giving each one alone a distance of 0.
TEST(Partition, CountsOfTheTable) {
  const auto count = [](size_t n, PartitionOptions o) {
    // Uniform draws meet every division; their number is that of distinct ones.
    Rng rng(1, "count");
    std::map<Groups, int> seen;
    for (int i = 0; i < 20'000; ++i) ++seen[random_partition(n, o, rng).groups];
    return seen.size();
  };
  using enum PartitionObjective;
  EXPECT_EQ(count(7, {kWithin, 2, 2, false}), 56u);
  EXPECT_EQ(count(5, {kWithin, 2, 2, false}), 10u);
  EXPECT_EQ(count(6, {kWithin, 2, 2, false}), 25u);
  EXPECT_EQ(count(3, {kWithin, 2, 1, false}), 3u);
  EXPECT_EQ(count(6, {kWithin, 3, 2, false}), 15u);
  EXPECT_EQ(count(7, {kWithin, 3, 2, false}), 105u);
}

TEST(Partition, RandomDivisionsAreUniform) {
  Rng rng(2, "uniform");
  std::map<Groups, int> seen;
  constexpr int kDraws = 5'000;
  for (int i = 0; i < kDraws; ++i) ++seen[random_partition(5, {}, rng).groups];
  double chi = 0;
  for (const auto& [groups, n] : seen) chi += std::pow(n - kDraws / 10.0, 2) / (kDraws / 10.0);
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_LT(chi, 27.9) << "chi-square of 9 degrees, one in a thousand";
}

TEST(Partition, ImpossibleDivisionsAreTold) {
  EXPECT_THROW(best_partition(matrix(3, {1, 2, 3}), {}), ConfigError);
  EXPECT_THROW(best_partition(matrix(3, {1, 2, 3}), {PartitionObjective::kWithin, 4, 1, false}),
               ConfigError);
  EXPECT_EQ(best_partition(matrix(2, {1}), {PartitionObjective::kWithin, 2, 1, false}).groups,
            (Groups{{0}, {1}}));
}

// The local search against enumeration, on planted and on random matrices.
TEST(Partition, LocalSearchFindsTheEnumeratedOptimum) {
  Rng rng(4, "local");
  for (int round = 0; round < 60; ++round) {
    const size_t n = 6 + round % 5;
    DistanceMatrix d(n);
    for (size_t i = 0; i < n; ++i)
      for (size_t j = i + 1; j < n; ++j) d.at(i, j) = d.at(j, i) = 2 * rng.uniform();
    PartitionOptions options;
    options.groups = 2 + round % 2;
    options.exact = round % 4 == 3;
    const auto objectives = std::array{PartitionObjective::kWithin,
                                       PartitionObjective::kSimilarityCut,
                                       PartitionObjective::kMeanWithin};
    options.objective = objectives[static_cast<size_t>(round) % 3];
    const Partition exact = best_partition(d, options);
    const Partition found = best_partition(d, options, 5, 0);
    EXPECT_FALSE(found.exhaustive);
    EXPECT_NEAR(found.value, exact.value, 1e-9) << n << " options, round " << round;
  }
}

TEST(Partition, ManyOptionsWithAPlantedConflict) {
  constexpr size_t kOptions = 40;
  DistanceMatrix d(kOptions);
  for (size_t i = 0; i < kOptions; ++i)
    for (size_t j = 0; j < kOptions; ++j)
      if (i != j) d.at(i, j) = i % 2 == j % 2 ? .1 : 1.2;
  const Partition p = best_partition(d, {}, 1);
  EXPECT_FALSE(p.exhaustive);
  EXPECT_EQ(p.groups[0].size(), kOptions / 2);
  EXPECT_NEAR(p.cut, 400 * 1.2, 1e-9);
}

// 7.3: h = W x, y = v.(c M h), L = (y - t)^2 / 2, gradient (y - t) c M^T v x^T.
struct Linear2 {
  double x[2], t, c;
  bool share_v = false;
};
std::vector<Vector> linear_gradients(const Linear2& p) {
  const double v[2] = {2, 1};
  const double m[5][4] = {{1, 0, 0, 1}, {0, 1, 1, 0}, {-1, 0, 0, -1}, {0, 0, 0, 0}, {2, 0, 0, 2}};
  std::vector<Vector> all;
  for (const auto& o : m) {
    const double h[2] = {o[0] * p.x[0] + o[1] * p.x[1], o[2] * p.x[0] + o[3] * p.x[1]};
    const double e = p.c * (v[0] * h[0] + v[1] * h[1]) - p.t;
    const double back[2] = {o[0] * v[0] + o[2] * v[1], o[1] * v[0] + o[3] * v[1]};
    Vector g;
    for (const double b : back)
      for (const double x : p.x) g.push_back(e * p.c * b * x);
    if (p.share_v)
      for (const double k : h) g.push_back(e * p.c * k);
    all.push_back(g);
  }
  return all;
}

TEST(Partition, LinearSupernetByHand) {
  const auto first = linear_gradients({{1, 3}, 1, 1});
  EXPECT_EQ(
      first,
      (std::vector<Vector>{
          {8, 24, 4, 12}, {6, 18, 12, 36}, {12, 36, 6, 18}, {0, 0, 0, 0}, {36, 108, 18, 54}}));
  const DistanceMatrix first_d = cosines(first);
  EXPECT_NEAR(first_d.at(0, 1), .2, 1e-6);
  EXPECT_NEAR(first_d.at(0, 2), 0, 1e-6);
  EXPECT_NEAR(first_d.at(0, 4), 0, 1e-6);
  for (size_t o = 0; o < 5; ++o) EXPECT_EQ(first_d.at(3, o), 1) << o;
  EXPECT_NEAR(first_d.total(), 4.6, 1e-6);
  const Partition hard = best_partition(first_d, {});
  EXPECT_EQ(hard.groups, (Groups{{1, 3}, {0, 2, 4}}));
  EXPECT_NEAR(hard.within, 1.0, 1e-6);
  EXPECT_NEAR(hard.cut, 3.6, 1e-6);
  const auto v_gradients = linear_gradients({{1, 3}, 1, 1, true});
  const std::vector<Vector> of_v = {{4, 12}, {18, 6}, {6, 18}, {0, 0}, {18, 54}};
  for (size_t o = 0; o < 5; ++o)
    EXPECT_EQ(Vector(v_gradients[o].begin() + 4, v_gradients[o].end()), of_v[o]) << o;
  const DistanceMatrix with_v = cosines(v_gradients);
  EXPECT_NEAR(with_v.at(0, 1), .233333, 1e-6);
  EXPECT_EQ(best_partition(with_v, {}).groups, hard.groups);
  EXPECT_NEAR(best_partition(with_v, {}).within, 1.0, 1e-6);
  EXPECT_NEAR(best_partition(with_v, {}).cut, 3.7, 1e-6);
  PartitionOptions ones;
  ones.min_group = 1;
  const Partition alone = best_partition(cosines(first), ones);
  EXPECT_EQ(alone.groups, (Groups{{3}, {0, 1, 2, 4}}));
  EXPECT_NEAR(alone.within, .6, 1e-6);
  EXPECT_NEAR(alone.cut, 4.0, 1e-6);
  const auto fourth = linear_gradients({{1, 3}, 4.5, 1});
  EXPECT_EQ(fourth,
            (std::vector<Vector>{{1, 3, .5, 1.5},
                                 {2.5, 7.5, 5, 15},
                                 {19, 57, 9.5, 28.5},
                                 {0, 0, 0, 0},
                                 {22, 66, 11, 33}}));
  EXPECT_EQ(best_partition(cosines(fourth), {}).groups, hard.groups);
  EXPECT_NEAR(best_partition(cosines(fourth), {}).cut, 3.6, 1e-6);
  const auto soft_gradients = linear_gradients({{1, 3}, 4.5, .2});
  const std::vector<Vector> soft_want = {{-1.4, -4.2, -.7, -2.1},
                                         {-.62, -1.86, -1.24, -3.72},
                                         {2.2, 6.6, 1.1, 3.3},
                                         {0, 0, 0, 0},
                                         {-2, -6, -1, -3}};
  for (size_t o = 0; o < 5; ++o)
    for (size_t k = 0; k < 4; ++k) EXPECT_NEAR(soft_gradients[o][k], soft_want[o][k], 1e-12);
  const DistanceMatrix soft_d = cosines(soft_gradients);
  EXPECT_NEAR(soft_d.at(0, 2), 2, 1e-5);
  EXPECT_NEAR(soft_d.at(1, 2), 1.8, 1e-5);
  EXPECT_NEAR(soft_d.at(0, 1), .2, 1e-5);
  const Partition soft = best_partition(soft_d, {});
  EXPECT_EQ(soft.groups, (Groups{{2, 3}, {0, 1, 4}}));
  EXPECT_NEAR(soft.within, 1.4, 1e-5);
  EXPECT_NEAR(soft.cut, 8.8, 1e-5);
  // Matrices are averaged, not gradients.
  MeanDistance mean(5);
  const auto a = linear_gradients({{1, 3}, 4.5, 1}), b = linear_gradients({{2, 1}, 4.5, 1});
  mean.add(cosines(a));
  mean.add(cosines(b));
  EXPECT_NEAR(cosines(a).at(0, 1), .2, 1e-5);
  EXPECT_NEAR(cosines(b).at(0, 1), 1.8, 1e-5);
  EXPECT_NEAR(mean.mean().at(0, 1), 1.0, 1e-5);
  std::vector<Vector> averaged = a;
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t k = 0; k < a[i].size(); ++k) averaged[i][k] = (a[i][k] + b[i][k]) / 2;
  EXPECT_NEAR(cosines(averaged).at(0, 1), .273633, 1e-6);
}

// 7.4
TEST(EdgeRules, MinWithinAndMaxCutDisagree) {
  const DistanceMatrix a = matrix(4, {.1, .2, .2, .2, .2, .1});
  const DistanceMatrix b = matrix(4, {.3, .9, .9, .9, .9, .3});
  const std::vector<ScoredChoice> scored = {{7, best_partition(a, {})}, {9, best_partition(b, {})}};
  EXPECT_EQ(scored[0].partition.groups, (Groups{{0, 1}, {2, 3}}));
  EXPECT_NEAR(scored[0].partition.within, .2, 1e-12);
  EXPECT_NEAR(scored[0].partition.cut, .8, 1e-12);
  EXPECT_NEAR(scored[1].partition.within, .6, 1e-12);
  EXPECT_NEAR(scored[1].partition.cut, 3.6, 1e-12);
  Rng rng(0, "edges");
  EXPECT_EQ(choose_edge(scored, EdgeRule::kMinWithin, 0, rng), 0u);
  EXPECT_EQ(choose_edge(scored, EdgeRule::kMaxCut, 0, rng), 1u);
  EXPECT_EQ(choose_edge(scored, EdgeRule::kFixed, 7, rng), 0u);
  EXPECT_THROW(choose_edge(scored, EdgeRule::kFixed, 8, rng), ConfigError);
}

// 7.5: y = v . M_C W3 M_B W2 M_A W1 x, all W identity and shared; other edges average their enabled
// matrices; two levels.
using Matrix2 = std::array<double, 4>;

Matrix2 times(const Matrix2& a, const Matrix2& b) {
  return {a[0] * b[0] + a[1] * b[2],
          a[0] * b[1] + a[1] * b[3],
          a[2] * b[0] + a[3] * b[2],
          a[2] * b[1] + a[3] * b[3]};
}

const Matrix2 kI = {1, 0, 0, 1}, kS = {0, 1, 1, 0}, kMinus = {-1, 0, 0, -1}, kTwo = {2, 0, 0, 2},
              kR = {0, -1, 1, 0}, kMinusS = {0, -1, -1, 0}, kF = {1, 0, 0, -1},
              kMinusF = {-1, 0, 0, 1};
const std::array<Matrix2, 4> kEdges[3] = {
    {kI, kS, kMinus, kTwo}, {kI, kR, kS, kMinusS}, {kI, kF, kMinusF, kR}};

/// Options enabled on each of the edges A, B, C.
using Masks = std::array<std::vector<int16_t>, 3>;

Matrix2 mixed(int edge, const std::vector<int16_t>& enabled) {
  Matrix2 m{};
  for (const int16_t o : enabled)
    for (size_t k = 0; k < 4; ++k)
      m[k] += kEdges[edge][static_cast<size_t>(o)][k] / static_cast<double>(enabled.size());
  return m;
}

/// Gradients of W1, W2, W3, the mean over the three samples, with `weight` on the edge's option.
Vector chain_gradient(const std::array<Matrix2, 3>& m) {
  const double xs[3][2] = {{-2, -2}, {1, -1}, {2, 0}}, ts[3] = {-1, 1, 3}, v[2] = {1, 2};
  Vector g(12, 0.0);
  for (int k = 0; k < 3; ++k) {
    // Inputs of W1, W2, W3 and what multiplies their outputs.
    const Matrix2 before[3] = {kI, m[0], times(m[1], m[0])};
    const Matrix2 after[3] = {times(m[2], times(m[1], m[0])), times(m[2], m[1]), m[2]};
    const double y = [&] {
      const Matrix2& all = after[0];
      return v[0] * (all[0] * xs[k][0] + all[1] * xs[k][1]) +
             v[1] * (all[2] * xs[k][0] + all[3] * xs[k][1]);
    }();
    for (size_t w = 0; w < 3; ++w) {
      const Matrix2 &b = before[w], &a = after[w];
      const double in[2] = {b[0] * xs[k][0] + b[1] * xs[k][1], b[2] * xs[k][0] + b[3] * xs[k][1]};
      const double out[2] = {v[0] * a[0] + v[1] * a[2], v[0] * a[1] + v[1] * a[3]};
      for (size_t r = 0; r < 2; ++r)
        for (size_t c = 0; c < 2; ++c) g[4 * w + 2 * r + c] += (y - ts[k]) * out[r] * in[c] / 3;
    }
  }
  return g;
}

Partition score(int edge, const Masks& masks, double weight) {
  std::array<Matrix2, 3> m;
  for (int e = 0; e < 3; ++e) m[static_cast<size_t>(e)] = mixed(e, masks[static_cast<size_t>(e)]);
  std::vector<Vector> gradients;
  for (const int16_t o : masks[static_cast<size_t>(edge)]) {
    m[static_cast<size_t>(edge)] = kEdges[edge][static_cast<size_t>(o)];
    for (double& x : m[static_cast<size_t>(edge)]) x *= weight;
    gradients.push_back(chain_gradient(m));
  }
  return best_partition(cosines(gradients), {});
}

std::vector<ScoredChoice> score_all(const Masks& masks, double weight = 1) {
  std::vector<ScoredChoice> scored;
  for (int e = 0; e < 3; ++e)
    if (masks[static_cast<size_t>(e)].size() == 4)
      scored.push_back({static_cast<size_t>(e), score(e, masks, weight)});
  return scored;
}

TEST(SplitTree, TwoLevelsOfALinearChain) {
  const std::vector<int16_t> all = {0, 1, 2, 3};
  const Masks root = {all, all, all};
  const auto scored = score_all(root);
  const double within[] = {.812036, .882748, .369062}, cut[] = {6.335470, 5.897338, 6.138680};
  const Groups groups[] = {{{0, 3}, {1, 2}}, {{0, 2}, {1, 3}}, {{0, 2}, {1, 3}}};
  for (size_t e = 0; e < 3; ++e) {
    EXPECT_EQ(scored[e].partition.groups, groups[e]);
    EXPECT_NEAR(scored[e].partition.within, within[e], 1e-6);
    EXPECT_NEAR(scored[e].partition.cut, cut[e], 1e-6);
  }
  Rng rng(0, "edges");
  EXPECT_EQ(choose_edge(scored, EdgeRule::kMaxCut, 0, rng), 0u);
  EXPECT_EQ(choose_edge(scored, EdgeRule::kMinWithin, 0, rng), 2u);

  const auto left = score_all({{{0, 3}, all, all}});
  EXPECT_EQ(left[0].partition.groups, (Groups{{0, 3}, {1, 2}}));
  EXPECT_NEAR(left[0].partition.within, .984144, 1e-6);
  EXPECT_NEAR(left[0].partition.cut, 3.434308, 1e-6);
  EXPECT_EQ(left[1].partition.groups, (Groups{{0, 2}, {1, 3}}));
  EXPECT_NEAR(left[1].partition.within, .811816, 1e-6);
  EXPECT_NEAR(left[1].partition.cut, 3.290071, 1e-6);
  EXPECT_EQ(left[choose_edge(left, EdgeRule::kMaxCut, 0, rng)].choice, 1u);
  const auto right = score_all({{{1, 2}, all, all}});
  EXPECT_NEAR(right[0].partition.within, 1.812463, 1e-6);
  EXPECT_NEAR(right[0].partition.cut, 4.949212, 1e-6);
  EXPECT_EQ(right[1].partition.groups, (Groups{{0, 2}, {1, 3}}));
  EXPECT_NEAR(right[1].partition.within, .913687, 1e-6);
  EXPECT_NEAR(right[1].partition.cut, 5.863422, 1e-6);
  EXPECT_EQ(right[choose_edge(right, EdgeRule::kMaxCut, 0, rng)].choice, 2u)
      << "siblings split different edges";

  const auto soft = score_all(root, 0.25);
  const double soft_cut[] = {6.268021, 6.357326, 6.713495};
  for (size_t e = 0; e < 3; ++e) EXPECT_NEAR(soft[e].partition.cut, soft_cut[e], 1e-6);
  EXPECT_EQ(choose_edge(soft, EdgeRule::kMaxCut, 0, rng), 2u);
}

TEST(Partition, LeastGroupByItself) {
  const auto least = [](size_t n, int groups, int given = 0) {
    return partition_for({PartitionObjective::kWithin, groups, given, false}, n).min_group;
  };
  EXPECT_EQ(least(3, 2), 1);
  EXPECT_EQ(least(4, 2), 2);
  EXPECT_EQ(least(5, 3), 1) << "five options make no three groups of two";
  EXPECT_EQ(least(6, 3), 2);
  EXPECT_EQ(least(9, 2, 3), 3);
}

TEST(EdgeRules, DifferentOptionCountsWantMeans) {
  PartitionOptions options;
  const std::vector<ScoredChoice> scored = {
      {0, best_partition(matrix(6, Vector(15, .5)), options)},
      {1, best_partition(matrix(7, Vector(21, .5)), options)}};
  EXPECT_NEAR(scored[0].partition.within, 3.0, 1e-12);
  EXPECT_NEAR(scored[1].partition.within, 4.5, 1e-12);
  Rng rng(0, "edges");
  EXPECT_THROW(choose_edge(scored, EdgeRule::kMaxCut, 0, rng), ConfigError);
  EXPECT_EQ(choose_edge(scored, EdgeRule::kMeanCut, 0, rng), 0u) << "equal means: the first";
}

TEST(EdgeRules, UnusableChoicesAreNeverTaken) {
  std::vector<ScoredChoice> scored = {{0, best_partition(seven(), {})},
                                      {1, best_partition(seven(), {})}};
  scored[0].usable = false;
  Rng rng(0, "edges");
  EXPECT_EQ(choose_edge(scored, EdgeRule::kMaxCut, 0, rng), 1u);
  scored[1].usable = false;
  EXPECT_THROW(choose_edge(scored, EdgeRule::kMaxCut, 0, rng), DataError);
}

}  // namespace
}  // namespace nas
