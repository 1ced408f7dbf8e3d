// Whether limits can be met is asked before anything is paid. Small spaces are listed, which proves
// it; in large ones descents from both ends and from random starts look for an architecture that
// fits, so that "was found" is all that is said.
#include "search/feasibility.hpp"

#include <charconv>
#include <cmath>
#include <functional>
#include <limits>

#include "search/algorithms/sampler.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr int64_t kListable = 100000;  ///< Larger spaces are searched instead of listed.
constexpr int kRandomStarts = 8;
constexpr int kWalks = 50;
constexpr int kRandomDraws = 2000;

std::string number(double value) {
  char text[64];
  const auto [end, code] = std::to_chars(text, text + sizeof text, value);
  return std::string(text, code == std::errc() ? end : text);
}

// Steepest descent over neighbours in total violation, until none is left or no neighbour is
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

// Visits all architectures, or, in large spaces, those met on descents in each limit and in all.
void visit(const CostModel& costs,
           const Domain& domain,
           const std::vector<Constraint>& constraints,
           uint64_t seed,
           bool all,
           const std::function<bool(const Architecture&)>& f) {
  if (all) {
    domain.enumerate(f);
    return;
  }
  Rng rng(seed, "search.attainable");
  std::vector<Architecture> starts = {domain.smallest(), domain.largest()};
  for (const Architecture& start : starts)
    if (!f(start)) return;
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

struct Nearest {
  double violation = std::numeric_limits<double>::infinity();
  std::map<std::string, double> values;
  Architecture architecture;
};

std::string message(const CostModel& costs,
                    const Domain& domain,
                    const std::vector<Constraint>& constraints,
                    const std::vector<Nearest>& each,
                    const Nearest& together,
                    bool all) {
  const std::string proof = all ? "" : " found";
  std::string text = "search.constraints: no architecture of space '" + domain.space().name() +
                     "'" + (domain.whole() ? "" : " with " + domain.restriction().text()) +
                     (all ? "" : " was found that") + " meets" +
                     (constraints.size() > 1 ? " all limits" : " the limit");
  bool one_alone = false;
  for (size_t i = 0; i < constraints.size(); ++i) {
    if (each[i].violation == 0) continue;
    one_alone = true;
    text += "\n  " + to_string(constraints[i]) + ": the " +
            (constraints[i].upper() ? "smallest" : "largest") + " attainable value" + proof +
            " is " + number(each[i].values.at(constraints[i].metric)) + " (" +
            costs.space().text(each[i].architecture) + ")";
  }
  if (!one_alone || constraints.size() > 1) {
    text += "\n  nearest to all" + proof + ":";
    for (const Constraint& constraint : constraints)
      text += " " + constraint.metric + " = " + number(together.values.at(constraint.metric));
    text += " (" + costs.space().text(together.architecture) + ")";
  }
  return text;
}

}  // namespace

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
  if (constraints.empty()) return domain.smallest();
  const bool all = listable(domain, kListable);
  std::vector<Nearest> each(constraints.size());
  Nearest together;
  visit(costs, domain, constraints, seed, all, [&](const Architecture& a) {
    const Architecture key = domain.canonical(a);
    const auto values = costs.of(key);
    const double sum = total_violation(constraints, values);
    if (sum < together.violation) together = {sum, values, key};
    for (size_t i = 0; i < constraints.size(); ++i) {
      const double v = constraints[i].violation(values.at(constraints[i].metric));
      if (v < each[i].violation) each[i] = {v, values, key};
    }
    return together.violation > 0;
  });
  if (together.violation == 0) return together.architecture;
  throw ConfigError(message(costs, domain, constraints, each, together, all),
                    domain.whole() ? "Loosen the limit, or choose another space."
                                   : "Loosen the limit, or fix less.");
}

}  // namespace nas
