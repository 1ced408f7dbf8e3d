// Random spaces with conditions and rules, random sums over them: tables, counts, draws, fronts,
// optima and pools against going through all architectures.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "search/exact/distribution.hpp"
#include "search/exact/front.hpp"
#include "search/exact/inside.hpp"
#include "search/exact/sums.hpp"
#include "tests/search/exact/random_case.hpp"

namespace nas {
namespace {

using exact::Aim;
using exact::Limit;
using exact::Solution;
using test::Case;
using test::each_case;

TEST(RandomTerms, TablesSayWhatTheFunctionsSay) {
  each_case("tables", 150, [](const Case& one, Rng&) {
    EXPECT_EQ(one.terms->count(), BigInt(one.all.size()));
    std::vector<int64_t> sums;
    for (size_t i = 0; i < one.all.size(); ++i) {
      ASSERT_TRUE(one.terms->evaluate(one.all[i], sums));
      ASSERT_EQ(sums, one.sums[i]) << one.space->text(one.all[i]);
    }
    // What is not in the space leads to no rows.
    for (size_t c = 0; c < one.space->choices().size(); ++c)
      for (int16_t o = 0; o < static_cast<int16_t>(one.space->choices()[c].options.size()); ++o) {
        Architecture a = one.all[one.all.size() / 2];
        a.genes[c] = o;
        if (one.space->fix_inactive(a) == a) {
          EXPECT_EQ(one.terms->evaluate(a, sums), one.space->valid(a)) << one.space->text(a);
        }
      }
  });
}

TEST(RandomTerms, LeastAndMostSums) {
  each_case("least", 150, [](const Case& one, Rng& rng) {
    for (size_t m = 0; m < 3; ++m) {
      int64_t least = INT64_MAX, most = INT64_MIN;
      for (const auto& sums : one.sums) {
        least = std::min(least, sums[m]);
        most = std::max(most, sums[m]);
      }
      EXPECT_EQ(exact::least_sum(*one.terms, m, 1), least);
      EXPECT_EQ(exact::least_sum(*one.terms, m, -1), -most);
      EXPECT_EQ(exact::Distribution(*one.terms, m).range(), (std::pair{least, most}));
    }
    // Any weighted sum: its least, and an architecture that has it.
    const std::vector<double> weights = {rng.uniform(), rng.uniform() - 0.5, -rng.uniform()};
    const auto weighted = [&](const std::vector<int64_t>& sums) {
      double sum = 0;
      for (size_t m = 0; m < 3; ++m)
        sum += weights[m] * static_cast<double>(sums[m] - one.terms->units()[m].constant);
      return sum;
    };
    double least = HUGE_VAL;
    for (const auto& sums : one.sums) least = std::min(least, weighted(sums));
    const exact::Weighted found(*one.terms, weights);
    EXPECT_NEAR(found.least(), least, 1e-9 * (1 + std::abs(least)));
    std::vector<int64_t> sums;
    ASSERT_TRUE(one.terms->evaluate(found.best(), sums));
    EXPECT_NEAR(weighted(sums), least, 1e-9 * (1 + std::abs(least)));
    EXPECT_TRUE(one.space->valid(found.best()));
    // Whatever stands at a key: below and above it together are never less than the least of all.
    for (size_t t = 0; t < one.terms->terms().size(); ++t)
      for (size_t key = 0; key < one.terms->terms()[t].key_count(); ++key)
        EXPECT_GE(found.below(t, key) + found.above(t, key), least - 1e-9 * (1 + std::abs(least)));
  });
}

TEST(RandomTerms, CountsSharesAndDrawsUnderLimits) {
  each_case("counts", 80, [](const Case& one, Rng& rng) {
    const exact::Distribution spread(*one.terms, 0);
    for (int k = 0; k < 5; ++k) {
      int64_t low = one.at_share(0, rng.uniform()), high = one.at_share(0, rng.uniform());
      low -= static_cast<int64_t>(rng.below(3));
      high += static_cast<int64_t>(rng.below(3)) - 1;
      std::set<Architecture> inside;
      for (size_t i = 0; i < one.all.size(); ++i)
        if (one.sums[i][0] >= low && one.sums[i][0] <= high) inside.insert(one.all[i]);
      EXPECT_EQ(spread.count(low, high), BigInt(inside.size())) << low << " to " << high;
      const auto below = std::count_if(
          one.sums.begin(), one.sums.end(), [&](const auto& sums) { return sums[0] <= high; });
      const double share = static_cast<double>(below) / static_cast<double>(one.all.size());
      const exact::Share told = spread.shares(std::vector<int64_t>{high})[0];
      EXPECT_LE(told.low, share + 1e-12);
      EXPECT_GE(told.high, share - 1e-12);
      EXPECT_LE(told.width(), 0.001);
      const auto drawn = exact::sample_between(*one.terms, 0, low, high, 300, rng);
      EXPECT_EQ(drawn.size(), inside.empty() ? 0u : 300u);
      std::map<Architecture, int> seen;
      for (const Architecture& a : drawn) {
        ASSERT_TRUE(inside.count(a)) << one.space->text(a);
        ++seen[a];
      }
      if (inside.size() > 1 && inside.size() <= 20) {
        // Uniform: chi square over all that are inside, six standard deviations wide.
        const double each = 300.0 / static_cast<double>(inside.size());
        double chi = 0;
        for (const Architecture& a : inside) chi += std::pow(seen[a] - each, 2) / each;
        const double freedom = static_cast<double>(inside.size()) - 1;
        EXPECT_LE(chi, freedom + 6 * std::sqrt(2 * freedom)) << inside.size();
      }
    }
  });
}

TEST(RandomTerms, FrontsInsideLimits) {
  each_case("fronts", 150, [](const Case& one, Rng& rng) {
    std::vector<Aim> aims;
    for (const size_t metric : {0, 1, 2})
      if (aims.empty() || rng.below(2) == 0) aims.push_back({metric, rng.below(2) == 0 ? 1 : -1});
    const std::vector<Limit> limits = one.random_limits(rng);
    const auto values = [&](const std::vector<int64_t>& sums) {
      std::vector<int64_t> of;
      for (const Aim& aim : aims) of.push_back(aim.sign * sums[aim.metric]);
      return of;
    };
    std::set<std::vector<int64_t>> inside, front;
    for (size_t i = 0; i < one.all.size(); ++i)
      if (one.inside(i, limits)) inside.insert(values(one.sums[i]));
    for (const auto& p : inside)
      if (std::none_of(inside.begin(), inside.end(), [&](const auto& q) {
            if (q == p) return false;
            for (size_t d = 0; d < p.size(); ++d)
              if (q[d] > p[d]) return false;
            return true;
          }))
        front.insert(p);
    std::vector<std::vector<int64_t>> found;
    for (const Solution& s : exact::front(*one.terms, aims, limits)) {
      const auto at = std::find(one.all.begin(), one.all.end(), s.architecture);
      ASSERT_NE(at, one.all.end()) << one.space->text(s.architecture);
      const auto i = static_cast<size_t>(at - one.all.begin());
      EXPECT_EQ(s.sums, one.sums[i]);
      EXPECT_TRUE(one.inside(i, limits));
      found.push_back(values(s.sums));
      // Of equals the first by genes, where no limit tells them apart.
      for (size_t k = 0; limits.empty() && k < i; ++k)
        EXPECT_NE(values(one.sums[k]), values(s.sums))
            << one.space->text(one.all[k]) << " stands before " << one.space->text(*at);
    }
    EXPECT_EQ(found, std::vector<std::vector<int64_t>>(front.begin(), front.end()))
        << aims.size() << " aims, " << limits.size() << " limits";
  });
}

TEST(RandomTerms, OptimaInsideLimits) {
  each_case("optima", 200, [](const Case& one, Rng& rng) {
    const Aim aim{0, rng.below(2) == 0 ? 1 : -1};
    const std::vector<Limit> limits = one.random_limits(rng);
    std::optional<int64_t> best;
    for (size_t i = 0; i < one.all.size(); ++i)
      if (one.inside(i, limits) && (!best || aim.sign * one.sums[i][0] < aim.sign * *best))
        best = one.sums[i][0];
    const exact::Optimum found = exact::optimum(*one.terms, aim, limits);
    EXPECT_TRUE(found.proven);
    ASSERT_EQ(found.solution.has_value(), best.has_value());
    if (!best) return;
    EXPECT_EQ(found.solution->sums[0], *best);
    const auto at = std::find(one.all.begin(), one.all.end(), found.solution->architecture);
    ASSERT_NE(at, one.all.end());
    EXPECT_TRUE(one.inside(static_cast<size_t>(at - one.all.begin()), limits));
  });
}

// Each of a pool is the best of all that keep their distance to those before it, and it ends where
// nothing is left.
TEST(RandomTerms, PoolsKeepTheirDistance) {
  each_case("pools", 80, [](const Case& one, Rng& rng) {
    const Aim aim{0, rng.below(2) == 0 ? 1 : -1};
    const std::vector<Limit> limits = one.random_limits(rng);
    const size_t distance = 1 + rng.below(3), size = 1 + rng.below(6);
    const auto apart = [&](const Architecture& a, const Architecture& b) {
      size_t different = 0;
      for (size_t c = 0; c < a.genes.size(); ++c) {
        const bool in_a = one.space->active(a, c), in_b = one.space->active(b, c);
        different += in_a != in_b || (in_a && a.genes[c] != b.genes[c]) ? 1 : 0;
      }
      return different;
    };
    const exact::Pool pool = exact::pool(*one.terms, aim, limits, size, distance);
    EXPECT_TRUE(pool.proven);
    std::vector<Architecture> before;
    const auto best_left = [&]() -> std::optional<int64_t> {
      std::optional<int64_t> best;
      for (size_t i = 0; i < one.all.size(); ++i) {
        const bool far = std::all_of(before.begin(), before.end(), [&](const Architecture& b) {
          return apart(one.all[i], b) >= distance;
        });
        if (far && one.inside(i, limits) && (!best || aim.sign * one.sums[i][0] < *best))
          best = aim.sign * one.sums[i][0];
      }
      return best;
    };
    for (const Solution& s : pool.solutions) {
      const std::optional<int64_t> best = best_left();
      ASSERT_TRUE(best);
      EXPECT_EQ(aim.sign * s.sums[0], *best) << before.size();
      for (const Architecture& b : before) EXPECT_GE(apart(s.architecture, b), distance);
      before.push_back(s.architecture);
    }
    EXPECT_TRUE(pool.solutions.size() == size || !best_left()) << "there is one more";
  });
}

}  // namespace
}  // namespace nas
