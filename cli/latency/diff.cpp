// nas latency diff: what moved between two tables.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "cli/latency/results/moved.hpp"
#include "cli/latency/shared.hpp"
#include "cli/latency/subcommands.hpp"
#include "cli/report/document.hpp"
#include "cli/validators.hpp"
#include "spaces/random.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

struct LatencyDiffArguments {
  Common common;
  std::string a, b, space;
  double fail_above = -1;
  int64_t limit = 20;
};

// ---- Whole networks: what calibrations add to the ops

/// Nothing where neither is calibrated, and where their space is not known or not complete in both.
std::optional<NetworkChange> whole_networks(const LatencyDiffArguments& o,
                                            const LatencyModel& a,
                                            const LatencyModel& b) {
  if (a.calibration() == b.calibration()) return std::nullopt;
  const std::string name = !o.space.empty()           ? o.space
                           : !a.table().space.empty() ? a.table().space
                                                      : b.table().space;
  constexpr int kNetworks = 30;
  NetworkChange change;
  try {
    if (name.empty()) throw ConfigError("the tables name no space");
    const auto space = load_space(name);
    change.space = space->name();
    Rng rng(0, "latency/diff");
    for (int i = 0; i < kNetworks; ++i) {
      const Plan plan = space->plan(i == 0   ? space->smallest()
                                    : i == 1 ? space->largest()
                                             : space->sample(rng));
      change.ratios.push_back(b.mean(plan) / a.mean(plan));
    }
  } catch (const Error& e) {
    if (!o.space.empty()) throw;
    warning("how much whole networks differ by the calibrations is not told: " +
            std::string(e.what()) + " (--space names the space)");
    return std::nullopt;
  }
  std::sort(change.ratios.begin(), change.ratios.end());
  return change;
}

int diff(const LatencyDiffArguments& o) {
  const LatencyModel model_a = named_latency(o.a, o.common.db).model;
  const LatencyModel model_b = named_latency(o.b, o.common.db).model;
  const LatencyTable &a = model_a.table(), &b = model_b.table();
  TableComparison found{o.a,
                        o.b,
                        a.id,
                        b.id,
                        a.grouping,
                        diff_of(a, b),
                        model_a.calibration(),
                        model_b.calibration(),
                        whole_networks(o, model_a, model_b),
                        0};
  for (const LatencyChange& change : found.diff.both)
    if (o.fail_above >= 0 && change.beyond && 100 * std::abs(change.ratio - 1) > o.fail_above)
      ++found.above;
  if (found.diff.both.empty() && o.fail_above >= 0)
    throw DataError("the tables have no key in common, so nothing can be said of --fail-above");
  if (a.batch() != b.batch())
    warning("times of " + std::to_string(a.batch()) + " and of " + std::to_string(b.batch()) +
            " image(s) at once are compared");
  tell_unsaid(a, b, "what moved may be that");
  if (o.common.json)
    print(json_text(table_comparison_json(found)));
  else
    print_table_comparison(found, static_cast<size_t>(o.limit));
  const bool networks = found.whole && o.fail_above >= 0 &&
                        100 * std::abs(found.whole->median() - 1) > o.fail_above + kRoundingPercent;
  if (found.above == 0 && !networks) return kExitOk;
  if (found.above > 0)
    note(o.common,
         std::to_string(found.above) + " moved by more than " + format_number(o.fail_above) +
             " % and beyond noise");
  if (networks)
    note(o.common,
         "by their calibrations whole networks moved by more than " + format_number(o.fail_above) +
             " %");
  return kExitLacking;
}

}  // namespace

std::function<int()> add_latency_diff(CLI::App& command) {
  CLI::App& app = *command.add_subcommand("diff", "Say what moved between two tables");
  auto o = std::make_shared<LatencyDiffArguments>();
  app.add_option("a", o->a, "Latency table: id (nas latency list), last or file")->required();
  app.add_option("b", o->b, "The one to compare with it")->required();
  app.add_option("--fail-above",
                 o->fail_above,
                 "Exit 3 where a time moved by more than so many percent, beyond noise")
      ->check(number_within(0, 1e6))
      ->type_name("PERCENT");
  app.add_option("--space",
                 o->space,
                 "Whose networks calibrations are compared on (default: that of the tables)");
  app.add_option("--limit", o->limit, "Rows to print")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  add_common(app, o->common);
  return [o] { return diff(*o); };
}

}  // namespace nas::cli
