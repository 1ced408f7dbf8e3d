// Whether limits can be met is asked before anything is paid. Small spaces are listed, which proves
// it; in large ones descents from both ends and from random starts look for an architecture that
// fits, so that "was found" is all that is said.
#include "search/feasibility.hpp"

#include <charconv>
#include <cmath>
#include <functional>
#include <limits>

#include "search/algorithms/sampler.hpp"
#include "search/exact/answers.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr int64_t kMostListed = 100000;  ///< Larger spaces are searched instead of listed.
constexpr int kRandomStarts = 8;
constexpr int kWalks = 50;
constexpr int kRandomDraws = 2000;

std::string number(double value) {
  char text[64];
  const auto [end, code] = std::to_chars(text, text + sizeof text, value);
  return std::string(text, code == std::errc() ? end : text);
}

// Where metrics do not add up (peak memory), nothing but trying is left in large domains. Steepest
// descent over neighbours in total violation, until none is left or no neighbour is
// better. It looks for one architecture that fits, or for the nearest miss; architectures to search
// among are drawn by ArchitectureSampler, since a descent ends in the same corner every time.
Architecture descend(const CostLimits& limits, Architecture start) {
  const Domain& domain = limits.domain();
  double violation = limits.violation(domain.canonical(start));
  while (violation > 0) {
    double best = violation;
    Architecture next;
    for (const Architecture& b : domain.neighbours(start)) {
      const double v = limits.violation(domain.canonical(b));
      if (v < best) {
        best = v;
        next = b;
      }
    }
    if (!(best < violation)) break;
    violation = best;
    start = std::move(next);
  }
  return start;
}

// The architectures met on descents in each limit and in all.
void visit_some(const CostModel& costs,
                const Domain& domain,
                const std::vector<Constraint>& constraints,
                uint64_t seed,
                const std::function<bool(const Architecture&)>& f) {
  Rng rng(seed, "search.attainable");
  std::vector<Architecture> starts = {domain.smallest(), domain.largest()};
  for (int i = 0; i < kRandomStarts; ++i) starts.push_back(domain.sample(rng));
  const CostLimits together(costs, constraints, domain);
  for (const Architecture& start : starts) {
    if (!f(descend(together, start))) return;
    for (const Constraint& constraint : constraints)
      if (!f(descend(CostLimits(costs, {constraint}, domain), start))) return;
  }
  // Limits that leave a narrow band stop descents beside it: random changes meet it sooner.
  Architecture a;
  for (int i = 0; i < kWalks; ++i) {
    domain.sample(rng, a);
    walk_to_limits(together, a, rng);
    if (!f(a)) return;
  }
  for (int i = 0; i < kRandomDraws; ++i)
    if (!f(domain.sample(rng))) return;
}

/// False: the metrics do not add up, or too much would have to be kept.
bool reach_by_tables(const CostModel& costs,
                     const std::vector<Constraint>& constraints,
                     const Domain& domain,
                     Reach& found) {
  std::vector<std::string> names;
  for (const Constraint& constraint : constraints) names.push_back(constraint.metric);
  const exact::Factorised tables =
      exact::factorise(domain, exact::metrics_of(costs, names), /*listed=*/0);
  if (!tables.terms) {
    found.why_not = tables.why_not;
    return false;
  }
  try {
    const exact::Attainable nearest = exact::attainable(*tables.terms, constraints);
    const auto entry = [&](const Architecture& a) {
      Reach::Nearest near{domain.canonical(a), {}, 0};
      near.values = costs.of(near.architecture);
      near.violation = total_violation(constraints, near.values);
      return near;
    };
    if (nearest.witness) {
      const Reach::Nearest inside = entry(*nearest.witness);
      // Real sums are compared to within their rounding: what just misses a bound is no witness.
      if (inside.violation > 0) {
        found.why_not = "a limit is as near to an attainable value as rounding tells apart";
        return false;
      }
      found.witness = inside.architecture;
      return true;
    }
    found.each.clear();
    for (size_t i = 0; i < constraints.size(); ++i) {
      found.each.push_back(entry(nearest.each[i]));
      found.each.back().violation =
          constraints[i].violation(found.each.back().values.at(constraints[i].metric));
    }
    found.together = entry(*nearest.together);
    return true;
  } catch (const exact::TooMany& e) {
    found.why_not = e.what();
    return false;
  }
}

}  // namespace

Reach reach(const CostModel& costs,
            const std::vector<Constraint>& constraints,
            uint64_t seed,
            const Domain& domain) {
  Reach found;
  if (constraints.empty()) {
    found.witness = domain.smallest();
    return found;
  }
  constexpr double kNever = std::numeric_limits<double>::infinity();
  found.together.violation = kNever;
  found.each.assign(constraints.size(), {{}, {}, kNever});
  const auto look = [&](const Architecture& a) {
    const Architecture key = domain.canonical(a);
    const auto values = costs.of(key);
    const double sum = total_violation(constraints, values);
    if (sum < found.together.violation) found.together = {key, values, sum};
    for (size_t i = 0; i < constraints.size(); ++i) {
      const double v = constraints[i].violation(values.at(constraints[i].metric));
      if (v < found.each[i].violation) found.each[i] = {key, values, v};
    }
    if (found.together.violation == 0) found.witness = found.together.architecture;
    return !found.witness;
  };
  if (listable(domain, kMostListed)) {
    domain.enumerate(look);
    return found;
  }
  // Nearly always one of the two, and then nothing else is needed.
  if (!look(domain.smallest()) || !look(domain.largest())) return found;
  if (reach_by_tables(costs, constraints, domain, found)) return found;
  found.exact = false;
  visit_some(costs, domain, constraints, seed, look);
  return found;
}

std::string out_of_reach(const Reach& reach,
                         const CostModel& costs,
                         const std::vector<Constraint>& constraints,
                         const Domain& domain) {
  const std::string proof = reach.exact ? "" : " found";
  std::string text = "no architecture of space '" + domain.space().name() + "'" +
                     (domain.whole() ? "" : " with " + domain.restriction().text()) +
                     (reach.exact ? "" : " was found that") + " meets" +
                     (constraints.size() > 1 ? " all limits" : " the limit");
  bool one_alone = false;
  for (size_t i = 0; i < constraints.size(); ++i) {
    if (reach.each[i].violation == 0) continue;
    one_alone = true;
    text += "\n  " + to_string(constraints[i]) + ": the " +
            (constraints[i].upper() ? "smallest" : "largest") + " attainable value" + proof +
            " is " + number(reach.each[i].values.at(constraints[i].metric)) + " (" +
            costs.space().text(reach.each[i].architecture) + ")";
  }
  if (!one_alone || constraints.size() > 1) {
    text += "\n  nearest to all" + proof + ":";
    for (const Constraint& constraint : constraints)
      text += " " + constraint.metric + " = " + number(reach.together.values.at(constraint.metric));
    text += " (" + costs.space().text(reach.together.architecture) + ")";
  }
  if (!reach.exact) text += "\n  (looked for by trying: " + reach.why_not + ")";
  return text;
}

bool listable(const Domain& domain, int64_t most) {
  try {
    return domain.count() <= most;
  } catch (const ConfigError&) {
    return false;  // too large to count, hence to list
  }
}

Architecture require_attainable(const CostModel& costs,
                                const std::vector<Constraint>& constraints,
                                uint64_t seed,
                                const Domain& domain) {
  const Reach found = reach(costs, constraints, seed, domain);
  if (found.witness) return *found.witness;
  throw ConfigError("search.constraints: " + out_of_reach(found, costs, constraints, domain),
                    domain.whole() ? "Loosen the limit, or choose another space."
                                   : "Loosen the limit, or fix less.");
}

}  // namespace nas
