// Balancing and association against the numbers of balanced_mixture.md section 7.
#include "supernet/weights/math/association.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "spaces/error.hpp"
#include "weights/association_simulation.hpp"

namespace nas {
namespace {

const std::vector<double> kSmall = {.9, .5, .8, .6, .7, .65};

std::vector<double> even(size_t rows) {
  return std::vector<double>(rows, 1.0 / static_cast<double>(rows));
}

std::vector<double> softmax(const std::vector<double>& w,
                            const std::vector<double>& b,
                            size_t row,
                            double t) {
  std::vector<double> p(b.size());
  double sum = 0;
  for (size_t m = 0; m < b.size(); ++m) sum += p[m] = std::exp(t * w[row * b.size() + m] + b[m]);
  for (double& v : p) v /= sum;
  return p;
}

// 7.1
TEST(Association, MovingAverage) {
  AssociationOptions options;
  options.models = 1;
  Association a(1, options, 10);
  const double accuracies[] = {0.125, 0.25, 0.5, 0.375};
  const double want[] = {0.9125, 0.84625, 0.811625, 0.7679625};
  for (int i = 0; i < 4; ++i) {
    a.observe(0, 0, accuracies[i]);
    EXPECT_NEAR(a.w(0, 0), want[i], 1e-12);
  }
}

// 7.2
TEST(Balance, ThreeRowsTwoModels) {
  const Balance r = balance_models(kSmall, 2, even(3), 10);
  const double kl[] = {0.234769854, 0.0172865239, 0.00174668537, 0.000186972034, 0.0000203359092};
  ASSERT_EQ(r.kl.size(), 5u);
  EXPECT_EQ(r.updates, 4);
  for (int i = 0; i < 5; ++i) EXPECT_NEAR(r.kl[static_cast<size_t>(i)] / kl[i], 1, 1e-8) << i;
  EXPECT_NEAR(r.b[0], 2.021031537, 1e-9);
  EXPECT_NEAR(r.b[1], 4.127657377, 1e-9);
  const double rows[] = {0.86913977, 0.47336877, 0.16705760};
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(softmax(kSmall, r.b, i, 10)[0], rows[i], 1e-8);
  const Balance fine = balance_models(kSmall, 2, even(3), 10, 1e-10);
  EXPECT_EQ(fine.updates, 10);
  const double finer[] = {0.866959853, 0.468626703, 0.164426003};
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(softmax(kSmall, fine.b, i, 10)[0], finer[i], 1e-9);
  // A cap of one update: its rows, and the word that it did not converge.
  const Balance one = balance_models(kSmall, 2, even(3), 10, 1e-4, 1);
  EXPECT_FALSE(one.reached);
  const double after_one[] = {0.91875166, 0.60479990, 0.25454928};
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(softmax(kSmall, one.b, i, 10)[0], after_one[i], 1e-8);
}

// 7.3
TEST(Balance, FourRowsThreeModels) {
  const std::vector<double> w = {.80, .70, .60, .75, .74, .60, .70, .72, .50, .66, .60, .64};
  const Balance r = balance_models(w, 3, even(4), 20);
  EXPECT_NEAR(r.kl.front(), 0.189000668, 1e-9);
  EXPECT_EQ(r.updates, 5);
  EXPECT_NEAR(r.kl.back() / 4.58032105e-5, 1, 1e-8);
  const double b[] = {4.694877994, 5.259002151, 7.325276756};
  for (size_t m = 0; m < 3; ++m) EXPECT_NEAR(r.b[m], b[m], 1e-9);
  const double q[4][3] = {{0.67018954, 0.15944272, 0.17036775},
                          {0.31946200, 0.45978661, 0.22075138},
                          {0.25795148, 0.67647511, 0.06557341},
                          {0.09231013, 0.04887559, 0.85881428}};
  for (size_t i = 0; i < 4; ++i)
    for (size_t m = 0; m < 3; ++m) EXPECT_NEAR(softmax(w, r.b, i, 20)[m], q[i][m], 1e-8);
}

AssociationOptions at_temperature(double t, int models) {
  AssociationOptions o;
  o.models = models;
  o.t_max = t;
  return o;
}

/// Sets W by observations that count whole.
void fill(Association& a, const std::vector<double>& w) {
  for (size_t r = 0; r < a.rows(); ++r)
    for (int m = 0; m < a.models(); ++m)
      a.observe(r, m, w[r * static_cast<size_t>(a.models()) + static_cast<size_t>(m)]);
}

/// Mean of the rows of q.
std::vector<double> margin(const Association& a) {
  std::vector<double> p(static_cast<size_t>(a.models()), 0);
  for (size_t r = 0; r < a.rows(); ++r) {
    const std::vector<double> q = a.q(r);
    for (size_t m = 0; m < q.size(); ++m) p[m] += q[m] / static_cast<double>(a.rows());
  }
  return p;
}

// 7.2 and 7.3 before balancing: the softmax of T W alone.
TEST(Association, UnbalancedRowsAreASoftmax) {
  AssociationOptions options = at_temperature(10, 2);
  options.beta = 0;
  options.balanced = false;
  Association two(3, options, 2);
  fill(two, kSmall);
  two.begin_epoch(1);
  const double rows[3][2] = {
      {0.98201379, 0.01798621}, {0.88079708, 0.11920292}, {0.62245933, 0.37754067}};
  for (size_t r = 0; r < 3; ++r)
    for (size_t m = 0; m < 2; ++m) EXPECT_NEAR(two.q(r)[m], rows[r][m], 1e-8);
  EXPECT_NEAR(margin(two)[0], 0.82842340, 1e-8);
  EXPECT_NEAR(margin(two)[1], 0.17157660, 1e-8);
  // The largest |M p_m - 1| of that margin.
  EXPECT_NEAR(two.balance().deviation, 2 * 0.82842340 - 1, 1e-7);
  options.t_max = 20;
  options.models = 3;
  Association three(4, options, 2);
  fill(three, {.80, .70, .60, .75, .74, .60, .70, .72, .50, .66, .60, .64});
  three.begin_epoch(1);
  const double p[] = {0.57690133, 0.32564348, 0.09745519};
  for (size_t m = 0; m < 3; ++m) EXPECT_NEAR(margin(three)[m], p[m], 1e-8);
}

// 7.4: potentials stay frozen while W changes; weighted rows.
TEST(Association, FrozenPotentials) {
  AssociationOptions options = at_temperature(10, 2);
  options.beta = 0;
  Association a(3, options, 2);
  fill(a, kSmall);
  a.begin_epoch(1);  // The last epoch: T = t_max.
  const auto state = a.save();
  options.beta = 0.9;
  Association slow(3, options, 2);
  slow.load(state);
  slow.observe(2, 1, 0.25);
  const std::vector<double> drifted = margin(slow);
  EXPECT_NEAR(slow.w(2, 1), 0.61, 1e-12);
  EXPECT_NEAR(slow.q(2)[0], 0.230298614, 1e-9);
  EXPECT_NEAR(slow.q(2)[1], 0.769701386, 1e-9);
  // Off balance until the next epoch, which is intended (6.5).
  EXPECT_NEAR(drifted[0], 0.524269051, 1e-9);
  EXPECT_NEAR(drifted[1], 0.475730949, 1e-9);
  slow.begin_epoch(1);
  EXPECT_NEAR(slow.q(2)[0], 0.212853787, 1e-9);
  EXPECT_NEAR(slow.q(2)[1], 0.787146213, 1e-9);

  const Balance weighted = balance_models(kSmall, 2, {.5, .3, .2}, 10);
  EXPECT_EQ(weighted.updates, 4);
  EXPECT_NEAR(weighted.b[0], 1.867788467, 1e-9);
  EXPECT_NEAR(weighted.b[1], 4.613936975, 1e-9);
  const double column[] = {0.777965861, 0.321661100, 0.095682205};
  for (size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(softmax(kSmall, weighted.b, i, 10)[0], column[i], 1e-9);
}

std::vector<double> waves() {
  std::vector<double> w;
  for (int a = 0; a < 36; ++a)
    for (int m = 0; m < 4; ++m) w.push_back(0.6 + 0.2 * std::sin(0.7 * a + 1.3 * m) + 0.05 * m);
  return w;
}

std::vector<int> counts(const std::vector<int>& assignment, int models) {
  std::vector<int> n(static_cast<size_t>(models), 0);
  for (const int m : assignment) ++n[static_cast<size_t>(m)];
  return n;
}

// 7.5
TEST(Balance, ThirtySixRowsFourModels) {
  struct Case {
    double t;
    int updates;
    std::vector<int> counts;
  };
  for (const Case& c :
       {Case{20, 12, {8, 8, 8, 12}}, Case{100, 92, {9, 8, 8, 11}}, Case{400, 385, {9, 9, 9, 9}}}) {
    AssociationOptions options = at_temperature(c.t, 4);
    options.beta = 0;
    Association a(36, options, 2);
    fill(a, waves());
    a.begin_epoch(1);
    EXPECT_EQ(a.balance().updates, c.updates) << c.t;
    EXPECT_EQ(counts(a.assignment(), 4), c.counts) << c.t;
    EXPECT_LE(a.kl_now(), 1e-4);
  }
  // 6.7: the likeliest model is not the one of the largest W.
  AssociationOptions plain = at_temperature(100, 4);
  plain.beta = 0;
  plain.balanced = false;
  Association largest(36, plain, 2);
  fill(largest, waves());
  EXPECT_EQ(counts(largest.assignment(), 4), (std::vector<int>{8, 8, 8, 12}));
  const Balance at20 = balance_models(waves(), 4, even(36), 20);
  EXPECT_NEAR(at20.kl.back() / 7.55988192e-5, 1, 1e-8);
  const double b[] = {17.68588612, 17.785198479, 16.834834178, 14.697256617};
  for (size_t m = 0; m < 4; ++m) EXPECT_NEAR(at20.b[m], b[m], 1e-8);
  const Balance at100 = balance_models(waves(), 4, even(36), 100);
  EXPECT_NEAR(at100.kl.back() / 9.32896e-5, 1, 1e-5);
  const double b100[] = {132.100064, 137.022848, 128.418178, 115.220663};
  for (size_t m = 0; m < 4; ++m) EXPECT_NEAR(at100.b[m], b100[m], 1e-5);
  const std::vector<double> last = softmax(waves(), at100.b, 35, 100);
  EXPECT_NEAR(last[1], 0.078183626, 1e-8);
  EXPECT_NEAR(last[2], 0.921816374, 1e-8);
}

// 7.5: in the sharp limit the assignment of equal sizes with the largest sum of W.
TEST(Balance, SharpLimitIsTheBestAssignment) {
  const std::vector<double> w = {.80, .60, .78, .70, .75, .55, .74, .73, .70, .69, .72, .50};
  const int updates[] = {2, 46, 76};
  int i = 0;
  for (const double t : {10.0, 100.0, 400.0}) {
    AssociationOptions options = at_temperature(t, 2);
    options.beta = 0;
    Association a(6, options, 2);
    fill(a, w);
    a.begin_epoch(1);
    EXPECT_EQ(a.balance().updates, updates[i++]) << t;
    EXPECT_EQ(a.assignment(), (std::vector<int>{0, 1, 0, 1, 1, 0})) << t;
  }
}

// 6.3: where float32 probabilities hang or stop silently.
TEST(Balance, SharpRowsStillConverge) {
  const std::vector<double> w = {.9, .1, .85, .1, .8, .15};
  EXPECT_EQ(balance_models(w, 2, even(3), 150).updates, 26);
  EXPECT_EQ(balance_models(w, 2, even(3), 200).updates, 34);
  EXPECT_EQ(balance_models(w, 2, even(3), 300).updates, 48);
}

TEST(Balance, NothingToDo) {
  EXPECT_EQ(balance_models({.1, .7, .3}, 1, even(3), 50).updates, 0);
  EXPECT_EQ(balance_models(std::vector<double>(12, 1.0), 4, even(3), 50).updates, 0);
  EXPECT_EQ(balance_models({.2, .6, .2, .6}, 2, even(2), 5).updates, 1) << "identical rows";
}

// 7.6
TEST(Temperature, Schedules) {
  const auto t = [](int64_t e) {
    return temperature_at(TemperatureSchedule::kInverseLinear, 100, e, 100);
  };
  EXPECT_NEAR(t(0), 1, 1e-12);
  EXPECT_NEAR(t(1), 1.99, 1e-12);
  EXPECT_NEAR(t(50), 50.5, 1e-12);
  EXPECT_NEAR(t(100), 100, 1e-12);
  EXPECT_NEAR(temperature_at(TemperatureSchedule::kInverseLinear, 300, 1, 600), 1.498333333, 1e-9);
  // 6.1: read literally, 1/tau stays below 2 for half of the run and below 20 for 95 %.
  const auto tau = [](int64_t e) {
    return temperature_at(TemperatureSchedule::kPaperTau, 100, e, 1000);
  };
  EXPECT_NEAR(tau(0), 1, 1e-12);
  EXPECT_LT(tau(500), 2);
  EXPECT_LT(tau(950), 20);
  EXPECT_NEAR(tau(1000), 100, 1e-9);
}

double fraction(double x) {
  return x - std::floor(x);
}

struct Trace {
  Association association;
  std::vector<int> updates;
  std::vector<std::vector<double>> b;  ///< Of each epoch.
};

/// 7.7: base accuracies without noise, draws from two irrational rotations.
Trace trace(int64_t last_epoch, double t_max, int steps) {
  const double base[3][2] = {{.60, .20}, {.50, .30}, {.30, .70}};
  AssociationOptions options = at_temperature(t_max, 2);
  Trace t{Association(3, options, last_epoch + 1), {}, {}};
  int k = 0;
  for (int64_t e = 0; e <= last_epoch; ++e) {
    t.association.begin_epoch(e);
    t.updates.push_back(t.association.balance().updates);
    t.b.push_back(t.association.balance().b);
    for (int s = 0; s < steps; ++s) {
      ++k;
      const auto a = static_cast<size_t>(3 * fraction(0.6180339887498949 * k));
      const int m = t.association.draw(a, fraction(std::sqrt(2.0) * k));
      t.association.visit(a, m);
      t.association.observe(a, m, base[a][m]);
    }
  }
  return t;
}

TEST(Association, ControllerTrace) {
  const Trace t = trace(2, 20, 6);
  const double w[3][2] = {{.86244, .7832}, {.8645, .8103}, {.867, .9187}};
  const int64_t count[3][2] = {{4, 3}, {3, 3}, {2, 3}};
  for (size_t a = 0; a < 3; ++a)
    for (int m = 0; m < 2; ++m) {
      EXPECT_NEAR(t.association.w(a, m), w[a][m], 1e-9);
      EXPECT_EQ(t.association.visits(a, m), count[a][m]);
    }
  EXPECT_EQ(t.updates, (std::vector<int>{0, 1, 4}));
  EXPECT_EQ(t.b[0], (std::vector<double>{0, 0}));
  EXPECT_NEAR(t.b[1][0], 0.658869491, 1e-8);
  EXPECT_NEAR(t.b[1][1], 0.728641662, 1e-8);
  EXPECT_NEAR(t.b[2][0], 2.284432570, 1e-8);
  EXPECT_NEAR(t.b[2][1], 3.378583953, 1e-8);
  const double q[] = {0.620259218, 0.497462176, 0.106390615};
  for (size_t a = 0; a < 3; ++a) EXPECT_NEAR(t.association.q(a)[0], q[a], 1e-8);

  const Trace longer = trace(4, 40, 12);
  const int64_t visits[3][2] = {{13, 7}, {12, 9}, {5, 14}};
  for (size_t a = 0; a < 3; ++a)
    for (int m = 0; m < 2; ++m) EXPECT_EQ(longer.association.visits(a, m), visits[a][m]);
  EXPECT_NEAR(longer.association.w(0, 0), 0.701674633, 1e-8);
  EXPECT_NEAR(longer.association.w(0, 1), 0.582637520, 1e-8);
  EXPECT_EQ(longer.updates, (std::vector<int>{0, 2, 2, 5, 8}));
}

/// Ten epochs of seeded steps on 12 rows, W begun with `w`; models numbered through `name`.
Association permuted_run(const std::vector<double>& w, const std::vector<int>& name) {
  AssociationOptions options = at_temperature(60, 3);
  options.beta = 0;
  Association start(12, options, 11);
  for (size_t r = 0; r < 12; ++r)
    for (size_t m = 0; m < 3; ++m) start.observe(r, name[m], w[r * 3 + m]);
  options.beta = 0.9;
  Association a(12, options, 11);
  a.load(start.save());
  Rng rng(4, "permuted");
  for (int64_t e = 0; e <= 10; ++e) {
    a.begin_epoch(e);
    for (int k = 0; k < 200; ++k) {
      const auto row = static_cast<size_t>(rng.below(12));
      const auto model = static_cast<size_t>(rng.below(3));
      a.visit(row, name[model]);
      a.observe(row, name[model], rng.uniform());
    }
  }
  return a;
}

// The numbers of the models mean nothing: renamed ones give renamed potentials, q and W.
TEST(Association, PermutingTheModelsPermutesEverything) {
  std::vector<double> w;
  for (int i = 0; i < 36; ++i) w.push_back(0.5 + 0.3 * std::sin(2.3 * i));
  const std::vector<int> name = {2, 0, 1};
  const Association a = permuted_run(w, {0, 1, 2}), b = permuted_run(w, name);
  EXPECT_GT(a.balance().updates, 0);
  EXPECT_EQ(a.balance().updates, b.balance().updates);
  for (size_t m = 0; m < 3; ++m) {
    const auto other = static_cast<size_t>(name[m]);
    EXPECT_NEAR(a.balance().b[m], b.balance().b[other], 1e-9);
    for (size_t r = 0; r < 12; ++r) {
      EXPECT_EQ(a.w(r, static_cast<int>(m)), b.w(r, name[m]));
      EXPECT_EQ(a.visits(r, static_cast<int>(m)), b.visits(r, name[m]));
      EXPECT_NEAR(a.q(r)[m], b.q(r)[other], 1e-9);
    }
  }
  for (size_t r = 0; r < 12; ++r) EXPECT_EQ(name[static_cast<size_t>(a.best(r))], b.best(r));
}

// The program keeps the margins that it divided by and divides every fresh softmax by them again
// (3.3): the same as frozen potentials.
TEST(Association, FrozenPotentialsAreTheStoredMargins) {
  const double t = 20;
  std::vector<double> w = {.9, .5, .8, .6, .7, .65, .75, .72};
  const auto fresh = [&](const std::vector<std::vector<double>>& divided) {
    std::vector<double> q;
    for (size_t r = 0; r < 4; ++r) {
      std::vector<double> p = softmax(w, {0, 0}, r, t);
      for (const std::vector<double>& margins : divided) {
        for (size_t m = 0; m < 2; ++m) p[m] /= margins[m];
        const double sum = p[0] + p[1];
        for (double& v : p) v /= sum;
      }
      q.insert(q.end(), p.begin(), p.end());
    }
    return q;
  };
  std::vector<std::vector<double>> divided;
  const Balance balance = balance_models(w, 2, even(4), t);
  for (int i = 0; i < balance.updates; ++i) {
    const std::vector<double> q = fresh(divided);
    divided.push_back({(q[0] + q[2] + q[4] + q[6]) / 4, (q[1] + q[3] + q[5] + q[7]) / 4});
  }
  w[3] = 0.41;  // In the middle of the epoch.
  w[6] = 0.68;
  const std::vector<double> q = fresh(divided);
  for (size_t r = 0; r < 4; ++r)
    for (size_t m = 0; m < 2; ++m) EXPECT_NEAR(q[r * 2 + m], softmax(w, balance.b, r, t)[m], 1e-12);
}

TEST(Association, TiesGoToTheLowestModel) {
  AssociationOptions options = at_temperature(50, 4);
  options.beta = 0;
  options.balanced = false;
  Association a(2, options, 2);
  fill(a, {.5, .7, .7, .1, .3, .3, .3, .3});
  a.begin_epoch(1);
  EXPECT_EQ(a.assignment(), (std::vector<int>{1, 0}));
}

TEST(Association, DrawsByInverseCdf) {
  AssociationOptions options = at_temperature(1, 2);
  Association a(1, options, 2);
  a.begin_epoch(0);
  EXPECT_EQ(a.draw(0, 0.0), 0);
  EXPECT_EQ(a.draw(0, 0.4999), 0);
  EXPECT_EQ(a.draw(0, 0.5001), 1);
  EXPECT_EQ(a.draw(0, std::nextafter(1.0, 0.0)), 1);
}

TEST(Association, StateRoundTripInMidEpoch) {
  AssociationOptions options = at_temperature(30, 3);
  Association a(5, options, 4), b(5, options, 4);
  a.begin_epoch(2);
  for (int i = 0; i < 40; ++i) {
    a.visit(static_cast<size_t>(i) % 5, i % 3);
    a.observe(static_cast<size_t>(i) % 5, i % 3, fraction(0.37 * i));
  }
  a.begin_epoch(3);
  a.observe(1, 1, 0.9);
  b.load(a.save());
  for (size_t r = 0; r < 5; ++r) EXPECT_EQ(a.q(r), b.q(r));
  EXPECT_EQ(a.save(), b.save());
  EXPECT_THROW(Association(4, options, 4).load(a.save()), DataError);
}

TEST(Association, UnbalancedKeepsNoPotentials) {
  AssociationOptions options = at_temperature(50, 2);
  options.beta = 0;
  options.balanced = false;
  Association a(3, options, 2);
  fill(a, kSmall);
  a.begin_epoch(1);
  EXPECT_EQ(a.balance().b, (std::vector<double>{0, 0}));
  EXPECT_EQ(a.kl_now(), a.kl_unbalanced());
  EXPECT_GT(a.kl_now(), 0.1);
}

/// Mean adjusted Rand index and spreads of steps over some seeds of 7.9.
struct Simulated {
  double mean = 0, least = 1;
  int64_t narrow = INT64_MAX, wide = 0;
};
Simulated simulated(const AssociationOptions& options) {
  constexpr int kSeeds = 6;
  Simulated s;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const simulation::Outcome o = simulation::simulate({"", options}, seed);
    s.mean += o.rand_index / kSeeds;
    s.least = std::min(s.least, o.rand_index);
    s.narrow = std::min(s.narrow, o.spread);
    s.wide = std::max(s.wide, o.spread);
  }
  return s;
}

// 7.9, with bounds that other random numbers keep: the rules as specified find the hidden groups
// and train all models alike; each of the known mistakes does not.
TEST(Simulation, TheRulesAsSpecifiedFindTheGroups) {
  const AssociationOptions plain;
  const Simulated right = simulated(plain);
  EXPECT_GT(right.mean, 0.9);
  EXPECT_GT(right.least, 0.7);
  EXPECT_LT(right.wide, 400);
  AssociationOptions unbalanced = plain, tau = plain, zero = plain, hot = plain;
  unbalanced.balanced = false;
  tau.schedule = TemperatureSchedule::kPaperTau;
  zero.initial = 0;
  hot.t_max = 400;
  EXPECT_GT(simulated(unbalanced).wide, 2000);
  EXPECT_LT(simulated(tau).mean, 0.6);
  EXPECT_LT(simulated(zero).mean, 0.75);
  EXPECT_LT(simulated(hot).mean, 0.93);
}

}  // namespace
}  // namespace nas
