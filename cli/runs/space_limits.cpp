#include "cli/runs/space_limits.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "search/exact/answers.hpp"
#include "search/exact/sums.hpp"
#include "search/limits.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

constexpr int64_t kGoneThrough = 2'000'000;  ///< Counted one by one under several metrics.
constexpr int64_t kAlwaysCounted = 100'000;
constexpr int64_t kDraws = 20'000;
constexpr int kBins = 20;

/// 95 % interval of a share (Wilson 1927), which holds near 0 and 1, too.
exact::Share interval(int64_t hits, int64_t draws) {
  constexpr double z = 1.96;
  const auto n = static_cast<double>(draws);
  const double p = static_cast<double>(hits) / n, centre = p + z * z / (2 * n);
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {std::max(0.0, (centre - half) / (1 + z * z / n)),
          std::min(1.0, (centre + half) / (1 + z * z / n))};
}

exact::Share between(const exact::Share& below_low, const exact::Share& up_to_high) {
  return {std::max(0.0, up_to_high.low - below_low.high),
          std::min(1.0, up_to_high.high - below_low.low)};
}

void estimate(const CostModel& costs, const Domain& domain, uint64_t seed, SpaceLimits& answer) {
  Rng rng(seed, "space.limits");
  const CostLimits limits(costs, answer.limits, domain);
  int64_t hits = 0;
  Architecture a;
  for (int64_t i = 0; i < kDraws; ++i) {
    domain.sample(rng, a);
    hits += limits.violation(a) == 0 ? 1 : 0;
  }
  answer.estimated = true;
  answer.draws = kDraws;
  const exact::Share drawn = interval(hits, kDraws);
  answer.share = {std::max(answer.share.low, drawn.low), std::min(answer.share.high, drawn.high)};
  if (answer.share.low > answer.share.high) answer.share = drawn;
}

SpaceLimits::Spread spread_of(const exact::Terms& terms, size_t metric) {
  SpaceLimits::Spread spread;
  const exact::Unit& unit = terms.units()[metric];
  const exact::Distribution distribution(terms, metric);
  const auto [least, most] = distribution.range();
  spread.metric = unit.metric;
  spread.least = unit.value(least);
  spread.most = unit.value(most);
  spread.least_at = exact::optimum(terms, {metric, 1}, {}).solution->architecture;
  spread.most_at = exact::optimum(terms, {metric, -1}, {}).solution->architecture;
  std::vector<int64_t> edges{least - 1};
  for (int i = 1; i <= kBins; ++i)
    edges.push_back(least + static_cast<int64_t>(static_cast<double>(most - least) * i / kBins));
  edges.back() = most;
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  const std::vector<exact::Share> below = distribution.shares(edges);
  spread.edges.push_back(unit.value(least));
  for (size_t i = 1; i < edges.size(); ++i) {
    spread.edges.push_back(unit.value(edges[i]));
    spread.shares.push_back(between(below[i - 1], below[i]));
  }
  return spread;
}

/// Sums of all architectures, one by one.
BigInt gone_through(const exact::Terms& terms,
                    const Domain& domain,
                    const std::vector<exact::Limit>& limits) {
  int64_t inside = 0;
  std::vector<int64_t> sums;
  domain.enumerate([&](const Architecture& a) {
    terms.evaluate(a, sums);
    inside += std::all_of(limits.begin(), limits.end(), [&](const exact::Limit& limit) {
      return limit.holds(sums[limit.metric]);
    });
    return true;
  });
  return inside;
}

void count_inside(const exact::Terms& terms,
                  const Domain& domain,
                  const std::vector<exact::Limit>& limits,
                  SpaceLimits& answer) {
  try {
    if (limits.size() == 1)
      answer.count =
          exact::Distribution(terms, limits[0].metric).count(limits[0].low, limits[0].high);
    else if (domain.count() <= kGoneThrough)
      answer.count = gone_through(terms, domain, limits);
    else
      answer.why_no_count = "under limits on several metrics at once only spaces of at most " +
                            std::to_string(kGoneThrough) + " architectures are counted";
  } catch (const exact::TooMany& e) {
    answer.why_no_count = std::string("the space has ") + e.what();
  }
  if (!answer.count) return;
  const double share =
      static_cast<double>(answer.count->to_long_double() / domain.count().to_long_double());
  answer.share = {share, share};
  answer.estimated = false;
}

/// Leaves a reason in `why_estimated` where the share has to be estimated.
void by_tables(const exact::Terms& terms, const Domain& domain, bool count, SpaceLimits& answer) {
  for (size_t m = 0; m < terms.metrics(); ++m) answer.spreads.push_back(spread_of(terms, m));
  if (!answer.reach.witness && answer.reach.exact) {
    answer.share = {0, 0};
    answer.count = 0;
    return;
  }
  const std::vector<exact::Limit> sums = exact::limits_of(answer.limits, terms);
  // Together at most the least share, and at least what all leave when they overlap least.
  double low = 1, high = 1;
  for (const exact::Limit& limit : sums) {
    const bool open = limit.low == std::numeric_limits<int64_t>::min();
    const int64_t asked[] = {open ? limit.low : limit.low - 1, limit.high};
    const std::vector<exact::Share> shares = exact::Distribution(terms, limit.metric).shares(asked);
    const exact::Share own = between(shares[0], shares[1]);
    low -= 1 - own.low;
    high = std::min(high, own.high);
  }
  answer.share = {std::max(0.0, low), high};
  const bool small = domain.count() <= kAlwaysCounted;
  if (count || small) count_inside(terms, domain, sums, answer);
  if (sums.size() > 1 && !answer.count) answer.why_estimated = "limits on several metrics";
}

}  // namespace

std::vector<Constraint> read_limits(const std::vector<std::string>& texts, const CostModel& costs) {
  std::vector<Constraint> limits;
  for (const std::string& text : texts) {
    Constraint limit = parse_constraint(text);
    if (!costs.knows(limit.metric)) {
      const std::vector<std::string> known = costs.metrics();
      // The name that earlier versions gave it.
      const std::string near =
          limit.metric == "peak_activation_bytes" ? "peak_bytes" : nearest(limit.metric, known);
      std::string list;
      for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
      throw ConfigError(
          "--max '" + text + "': there is no free cost '" + limit.metric + "'; known: " + list,
          limit.metric == "latency_ms" ? "Name a latency table with --table."
          : near.empty()               ? ""
                                       : "Did you mean '" + near + "'?");
    }
    limits.push_back(resolve_limit(limit, ValueScale::kOurs, "--max"));
  }
  refuse_contradictions(limits, "--max");
  return limits;
}

SpaceLimits check_limits(const CostModel& costs,
                         std::vector<Constraint> limits,
                         const Domain& domain,
                         bool count,
                         uint64_t seed) {
  SpaceLimits answer;
  answer.limits = std::move(limits);
  std::vector<std::string> names;
  for (const Constraint& limit : answer.limits) names.push_back(limit.metric);
  answer.reach = reach(costs, answer.limits, seed, domain);
  const exact::Factorised tables = exact::factorise(domain, exact::metrics_of(costs, names));
  answer.why_estimated = answer.why_no_count = tables.why_not;
  try {
    if (tables.terms) {
      by_tables(*tables.terms, domain, count, answer);
      if (answer.why_estimated.empty()) return answer;
    }
  } catch (const exact::TooMany& e) {
    answer.why_estimated = answer.why_no_count = std::string("the space has ") + e.what();
  }
  estimate(costs, domain, seed, answer);
  return answer;
}

}  // namespace nas::cli
