#pragma once
// Random spaces with conditions and rules, and random sums over them, small enough to be gone
// through.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "search/exact/factorise.hpp"
#include "search/exact/front.hpp"
#include "spaces/space.hpp"

namespace nas::test {

/// Choices that hang on earlier ones, a rule or two, no networks.
class RandomSpace final : public Space {
 public:
  explicit RandomSpace(Rng& rng) {
    name_ = "random";
    const size_t n = 2 + rng.below(6);
    for (size_t c = 0; c < n; ++c) {
      Choice choice{"c" + std::to_string(c), {}, {}};
      for (uint64_t o = 1 + rng.below(4); o > 0; --o)
        choice.options.push_back(std::to_string(choice.options.size()));
      for (uint64_t k = c > 0 ? rng.below(3) : 0; k > 0; --k) {
        Condition condition{static_cast<int>(rng.below(c)), {}};
        const auto& options = choices_[static_cast<size_t>(condition.on)].options;
        for (size_t o = 0; o < options.size(); ++o)
          if (rng.below(3) > 0) condition.options.push_back(static_cast<int16_t>(o));
        if (condition.options.empty()) condition.options.push_back(0);
        choice.conditions.push_back(std::move(condition));
      }
      choices_.push_back(std::move(choice));
    }
    for (uint64_t k = rng.below(3); k > 0; --k) {
      const size_t a = rng.below(n), b = rng.below(n);
      const int most = 2 + static_cast<int>(rng.below(3));
      rules_.push_back({{a, b}, [a, b, most](const Architecture& x) {
                          return x.genes[a] + x.genes[b] <= most;
                        }});
    }
  }
  void build(const Architecture&, Plan&) const override { throw InternalShapeError("none"); }

 protected:
  bool constrained() const override { return !rules_.empty(); }
  bool allowed(const Architecture& a, std::string*) const override {
    return std::all_of(
        rules_.begin(), rules_.end(), [&](const SpaceRule& rule) { return rule.holds(a); });
  }
  std::vector<SpaceRule> rules() const override { return rules_; }

 private:
  std::vector<SpaceRule> rules_;
};

/// A whole number for each choice, open or closed, and for some pairs.
inline exact::MetricFunction random_metric(const Space& space,
                                           const std::string& name,
                                           int64_t most,
                                           Rng& rng) {
  const uint64_t seed = rng.next();
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t c = 0; c < space.choices().size(); ++c) pairs.emplace_back(c, c);
  for (uint64_t k = rng.below(2); k > 0; --k)
    pairs.emplace_back(rng.below(space.choices().size()), rng.below(space.choices().size()));
  return {name, [&space, seed, pairs, most](const Architecture& a) {
            int64_t sum = 0;
            for (const auto& [x, y] : pairs) {
              const auto state = [&](size_t c) {
                return space.active(a, c) ? static_cast<uint64_t>(a.genes[c]) + 1 : 0;
              };
              const uint64_t key =
                  splitmix64(splitmix64(splitmix64(seed ^ (x * 64 + y)) + state(x)) + state(y));
              sum += static_cast<int64_t>(key % static_cast<uint64_t>(most)) - most / 4;
            }
            return static_cast<double>(sum);
          }};
}

/// A space that can be gone through, three metrics of it, their tables.
struct Case {
  std::unique_ptr<RandomSpace> space;
  std::vector<exact::MetricFunction> metrics;
  std::vector<Architecture> all;
  std::vector<std::vector<int64_t>> sums;
  std::optional<exact::Terms> terms;

  /// Few values (`most` small) make many ties.
  Case(Rng& rng, int64_t most) {
    do {
      space = std::make_unique<RandomSpace>(rng);
    } while (space->count() == 0);
    for (const char* name : {"one", "two", "three"})
      metrics.push_back(random_metric(*space, name, most, rng));
    Domain(*space).enumerate([&](const Architecture& a) {
      all.push_back(a);
      auto& values = sums.emplace_back();
      for (const exact::MetricFunction& metric : metrics)
        values.push_back(static_cast<int64_t>(metric.value(a)));
      return true;
    });
    exact::Factorised found = exact::factorise(*space, metrics, 0);
    EXPECT_TRUE(found.terms) << found.why_not;
    if (found.terms) terms.emplace(std::move(*found.terms));
  }
  bool inside(size_t i, const std::vector<exact::Limit>& limits) const {
    return std::all_of(limits.begin(), limits.end(), [&](const exact::Limit& l) {
      return l.holds(sums[i][l.metric]);
    });
  }
  /// The sum at a share of all, from the least on.
  int64_t at_share(size_t metric, double share) const {
    std::vector<int64_t> values;
    for (const auto& s : sums) values.push_back(s[metric]);
    std::sort(values.begin(), values.end());
    return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
  }
  std::vector<exact::Limit> random_limits(Rng& rng) const {
    std::vector<exact::Limit> limits;
    if (rng.below(2) == 0) limits.push_back({.metric = 2, .high = at_share(2, rng.uniform())});
    if (rng.below(2) == 0) limits.push_back({.metric = 1, .low = at_share(1, rng.uniform())});
    if (rng.below(6) == 0)
      limits.push_back({.metric = 0, .low = at_share(0, 0.5), .high = at_share(0, 0.5)});
    return limits;
  }
};

/// f of many random spaces, with many and with few ties.
template <typename F>
void each_case(const char* name, int cases, const F& f) {
  Rng rng(1, name);
  for (int i = 0; i < cases; ++i) {
    Case one(rng, i % 2 == 0 ? 1000 : 4);
    if (!one.terms) return;
    SCOPED_TRACE(std::to_string(i));
    f(one, rng);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace nas::test
