// Several seeds a side: means with Welch's interval, or of pairs where both sides ran with the same
// seeds. One run a side: what the two runs hold (numbers.hpp). A side of one against a side of
// several has no spread of its own, so that nothing can be said.
//
// A limit is held against the interval, not against the estimate: below it as a whole fails, above
// it as a whole passes, and anything else is not decided, so that neither luck nor too few seeds
// look like an answer. The base's size, of which a limit in percent is a share, counts as known:
// its own error is a small part of a small change.
#include <algorithm>
#include <map>
#include <tuple>

#include "cli/command.hpp"
#include "cli/report/directions.hpp"
#include "cli/runs/results/comparison.hpp"
#include "cli/runs/results/numbers.hpp"
#include "cli/runs/results/search_record.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using List = std::vector<double>;

std::vector<size_t> usable(const std::vector<RunNumber>& side) {
  std::vector<size_t> list;
  for (size_t i = 0; i < side.size(); ++i)
    if (side[i].usable()) list.push_back(i);
  return list;
}

/// By seed; empty where a seed stands twice.
std::map<uint64_t, double> by_seed(const std::vector<RunNumber>& side) {
  std::map<uint64_t, double> values;
  for (const RunNumber& n : side)
    if (n.usable() && !values.emplace(n.seed, n.value).second) return {};
  return values;
}

List values_of(const std::vector<RunNumber>& side) {
  List list;
  for (const RunNumber& n : side)
    if (n.usable()) list.push_back(n.value);
  return list;
}

/// Both sides have each seed once, and the same ones.
bool has_pairs(const Comparison& c) {
  const auto base = by_seed(c.base), head = by_seed(c.head);
  return !base.empty() && base.size() == head.size() &&
         std::equal(base.begin(), base.end(), head.begin(), [](auto& a, auto& b) {
           return a.first == b.first;
         });
}

/// Values in the order of the seeds.
List pair_values(const std::vector<RunNumber>& side) {
  List list;
  for (const auto& [seed, value] : by_seed(side)) list.push_back(value);
  return list;
}

void of_seeds(Comparison& c, double level) {
  if (has_pairs(c)) {
    const List x = pair_values(c.base), y = pair_values(c.head);
    c.change = paired(x, y, level);
    c.method = std::to_string(x.size()) + " pairs of equal seeds (Student)";
    return;
  }
  const List x = values_of(c.base), y = values_of(c.head);
  c.change = welch(x, y, level);
  c.method = std::to_string(x.size()) + " and " + std::to_string(y.size()) + " runs (Welch)";
  if (x.size() < 2 || y.size() < 2)
    c.method += ": a side of one run has no spread; give each side two or more";
}

/// How many seeds a side bring the interval to one side of the limit, if they spread like these.
int seeds_needed(const Comparison& c, double level) {
  const auto n = static_cast<int>(std::min(usable(c.base).size(), usable(c.head).size()));
  if (n < 2) return 0;
  const Spread spread = has_pairs(c) ? paired_spread(pair_values(c.base), pair_values(c.head))
                                     : welch_spread(values_of(c.base), values_of(c.head));
  constexpr int kMost = 1000;
  const int needed = members_needed(spread, level, std::abs(c.gain() - *c.limit), kMost);
  return needed > 0 ? std::max(needed, n + 1) : 0;
}

void decide(Comparison& c, const CompareOptions& o) {
  const bool interval = std::isfinite(c.change->low) && std::isfinite(c.change->high);
  if (o.limit) {
    if (o.limit->relative && !(std::abs(c.change->base) > 0)) {
      c.why_not = "the base is 0: a limit in percent of it says nothing";
      c.verdict = Verdict::kNoNumbers;
      return;
    }
    c.limit = o.limit->value * (o.limit->relative ? std::abs(c.change->base) : 1);
    c.verdict = !interval                     ? Verdict::kUndecided
                : c.gain_high() < *c.limit    ? Verdict::kWorse
                : !(c.gain_low() >= *c.limit) ? Verdict::kUndecided
                : c.gain_low() > 0            ? Verdict::kBetter
                                              : Verdict::kSame;
    if (c.verdict == Verdict::kUndecided) c.seeds_needed = seeds_needed(c, o.level);
    return;
  }
  c.verdict = !interval           ? Verdict::kUndecided
              : c.gain_low() > 0  ? Verdict::kBetter
              : c.gain_high() < 0 ? Verdict::kWorse
                                  : Verdict::kSame;
}

/// minimize:METRIC, maximize:METRIC, METRIC.
std::pair<std::string, std::optional<Better>> parsed(const std::string& text) {
  for (const auto& [word, better] :
       {std::pair{"maximize:", Better::kHigher}, {"minimize:", Better::kLower}})
    if (text.starts_with(word)) {
      const size_t start = text.find_first_not_of(' ', std::string(word).size());
      if (start != std::string::npos) return {text.substr(start), better};
    }
  if (text.empty() || text.starts_with("maximize:") || text.starts_with("minimize:"))
    throw ConfigError("--metric: expected METRIC, maximize:METRIC or minimize:METRIC, got \"" +
                      printable(text) + "\"");
  return {text == "latency" ? "latency_ms" : text, std::nullopt};
}

size_t of_command(const Side& side, const std::string& command) {
  return static_cast<size_t>(std::count_if(
      side.begin(), side.end(), [&](const SidedRun& r) { return r.run.command == command; }));
}

Numbers numbers_of(const std::string& metric,
                   std::optional<Better> better,
                   const Side& base,
                   const Side& head,
                   const CompareOptions& options) {
  if (metric == kHypervolume) return search_numbers(metric, better, base, head, options);
  if (metric == "tau" || metric == "tau_b") return tau_numbers(base, head, options);
  // What most of the base is.
  return of_command(base, "train") > of_command(base, "search")
             ? training_numbers(metric, better, base, head, options)
             : search_numbers(metric, better, base, head, options);
}

std::string reasons(const std::vector<RunNumber>& side, const std::string& name) {
  std::string text;
  for (const RunNumber& n : side)
    if (!n.usable())
      text += (text.empty() ? "" : "; ") + (n.name.empty() ? n.run : printable(n.name)) + ": " +
              n.why_not;
  return name + (text.empty() ? " has no runs" : " has no number: " + text);
}

}  // namespace

size_t Comparison::runs_compared() const {
  return change ? usable(base).size() + usable(head).size() : 0;
}

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kBetter:
      return "better";
    case Verdict::kSame:
      return "same";
    case Verdict::kWorse:
      return "worse";
    case Verdict::kUndecided:
      return "undecided";
    case Verdict::kInfeasible:
      return "infeasible";
    case Verdict::kNoNumbers:
      break;
  }
  return "not compared";
}

RunNumber number_of(const SidedRun& run) {
  RunNumber number;
  number.run = run.run.id;
  number.name = run.run.name;
  number.seed = run.run.seed;
  return number;
}

Better direction_of(const std::string& metric, std::optional<Better> better, const RunRow& run) {
  if (!better) better = Directions(run).of(metric);
  if (!better)
    throw ConfigError(
        "--metric " + printable(metric) + ": whether more or less of it is better is not known",
        "Write maximize:" + printable(metric) + " or minimize:" + printable(metric) + ".");
  return *better;
}

Comparison compare(const std::string& metric,
                   const Side& base,
                   const Side& head,
                   const CompareOptions& options) {
  const auto [name, stated] = parsed(metric);
  const Numbers numbers = numbers_of(name, stated, base, head, options);
  Comparison c;
  c.metric = name;
  c.of = numbers.of;
  c.better = numbers.better;
  c.base = numbers.base;
  c.head = numbers.head;
  c.notes = numbers.notes;
  const std::vector<size_t> b = usable(c.base), h = usable(c.head);
  const auto infeasible = [](const RunNumber& n) { return n.infeasible; };
  const bool lost = std::any_of(c.head.begin(), c.head.end(), infeasible) &&
                    std::none_of(c.base.begin(), c.base.end(), infeasible);
  if (lost && !b.empty()) {
    c.verdict = Verdict::kInfeasible;
    c.why_not = "head found nothing within its limits where base did";
    return c;
  }
  if (b.empty() || h.empty()) {
    c.why_not = b.empty() ? reasons(c.base, "base") : reasons(c.head, "head");
    return c;
  }
  if (b.size() == 1 && h.size() == 1)
    std::tie(c.change, c.method) = numbers.single(b[0], h[0]);
  else
    of_seeds(c, options.level);
  decide(c, options);
  return c;
}

int exit_code(const std::vector<Comparison>& comparisons, bool limited) {
  const auto any = [&](Verdict v) {
    return std::any_of(
        comparisons.begin(), comparisons.end(), [&](const auto& c) { return c.verdict == v; });
  };
  if (any(Verdict::kInfeasible)) return kDiffInfeasible;
  if (limited && any(Verdict::kWorse)) return kDiffWorse;
  if (any(Verdict::kNoNumbers) || (limited && any(Verdict::kUndecided))) return kDiffUndecided;
  return kExitOk;
}

std::vector<std::string> usual_metrics(const Side& base, const Side& head) {
  std::vector<std::string> metrics;
  if (of_command(base, "search") > 0 && of_command(head, "search") > 0) {
    metrics.emplace_back(kHypervolume);
    for (const SidedRun& r : base) {
      if (r.run.command != "search") continue;
      try {
        const Goal goal = search_record(*r.store, r.run).goal;
        if (!goal.objectives.empty()) metrics.push_back(goal.objectives.front().metric);
        break;
      } catch (const DataError&) {
        continue;  // Told where it is compared.
      }
    }
    return metrics;
  }
  const auto ranked = [](const Side& side) {
    return std::any_of(side.begin(), side.end(), [](const SidedRun& r) {
      return r.store->document(r.run.id, "ranking").has_value();
    });
  };
  metrics.emplace_back("accuracy");
  if (ranked(base) && ranked(head)) metrics.emplace_back("tau");
  return metrics;
}

}  // namespace nas::cli
