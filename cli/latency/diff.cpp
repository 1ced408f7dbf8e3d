// nas latency diff: what moved between two tables.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "cli/latency/shared.hpp"
#include "cli/latency/subcommands.hpp"
#include "cli/report/document.hpp"
#include "cli/validators.hpp"
#include "hardware/latency_diff.hpp"
#include "spaces/random.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  Common common;
  std::string a, b, space;
  double fail_above = -1;
  int64_t limit = 20;
};

constexpr double kRounding = 1e-7;  ///< Percent.

std::string percent(double ratio) {
  double change = 100 * (ratio - 1);
  // Files that round a time otherwise do not differ.
  if (std::abs(change) < kRounding) change = 0;
  return (change >= 0 ? "+" : "") + format_number(change, 3) + " %";
}

// ---- Whole networks: what calibrations add to the ops

/// What two models say of the same networks.
struct NetworkChange {
  std::string space;
  std::vector<double> ratios;  ///< b over a, ascending.
  double median() const { return ratios[ratios.size() / 2]; }
};

/// Nothing where neither is calibrated, and where their space is not known or not complete in both.
std::optional<NetworkChange> whole_networks(const Options& o,
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

Json calibration_json(const LatencyModel& model) {
  const auto& c = model.calibration();
  if (!c) return nullptr;
  return {{"a_ms", c->a},
          {"b", c->b},
          {"c_ms", c->c},
          {"relative_spread", c->spread},
          {"networks", c->networks}};
}

Json networks_json(const NetworkChange& change) {
  return {{"space", change.space},
          {"networks", change.ratios.size()},
          {"median_ratio", json_number(change.median())},
          {"least_ratio", json_number(change.ratios.front())},
          {"largest_ratio", json_number(change.ratios.back())}};
}

void print_calibrations(const Options& o,
                        const LatencyModel& a,
                        const LatencyModel& b,
                        const std::optional<NetworkChange>& change) {
  const auto text = [](const LatencyModel& model) {
    return model.calibration() ? "latency = " + calibration_text(*model.calibration())
                               : std::string("not calibrated: the sum of its ops");
  };
  if (a.calibration() == b.calibration()) return;
  print_prose("calibration of " + o.a + ": " + text(a));
  print_prose("calibration of " + o.b + ": " + text(b));
  if (change)
    print_prose("whole networks of " + change->space + ", calibrated: " +
                percent(change->median()) + " (median of " + std::to_string(change->ratios.size()) +
                ", from " + percent(change->ratios.front()) + " to " +
                percent(change->ratios.back()) + "); what stands above is of single pieces");
}

Json document_of(const LatencyDiff& diff,
                 const LatencyTable& a,
                 const LatencyTable& b,
                 size_t above) {
  Json document{{"schema", "nas-latency-diff/1"},
                {"a", a.id},
                {"b", b.id},
                {"grouping", a.grouping},
                {"in_both", diff.both.size()},
                {"median_ratio", json_number(diff.median_ratio)},
                {"total_ratio", json_number(diff.total_ratio)},
                {"only_a", diff.only_a},
                {"only_b", diff.only_b},
                {"above", above},
                {"conditions", Json::array()},
                {"kinds", Json::array()},
                {"changes", Json::array()}};
  for (const auto& condition : diff.conditions)
    document["conditions"].push_back(
        {{"name", condition.name}, {"a", condition.a}, {"b", condition.b}});
  for (const KindChange& kind : diff.kinds)
    document["kinds"].push_back({{"kind", kind.kind},
                                 {"keys", kind.keys},
                                 {"beyond_noise", kind.beyond},
                                 {"median_ratio", json_number(kind.median_ratio)},
                                 {"total_ratio", json_number(kind.total_ratio)}});
  for (const LatencyChange& change : diff.both)
    document["changes"].push_back({{"key", change.key},
                                   {"a_ms", change.a.median_ms},
                                   {"b_ms", change.b.median_ms},
                                   {"ratio", json_number(change.ratio)},
                                   {"beyond_noise", change.beyond}});
  return document;
}

void print_text(const LatencyDiff& diff, const Options& o) {
  if (!diff.conditions.empty()) {
    Table conditions({"condition", o.a, o.b});
    for (const auto& c : diff.conditions) conditions.row({c.name, c.a, c.b});
    print(conditions.text());
  }
  Table kinds({"kind", "keys", "beyond noise", "median", "sum"});
  for (const KindChange& kind : diff.kinds)
    kinds.row({kind.kind,
               std::to_string(kind.keys),
               std::to_string(kind.beyond),
               percent(kind.median_ratio),
               percent(kind.total_ratio)});
  kinds.row({"all",
             std::to_string(diff.both.size()),
             "",
             percent(diff.median_ratio),
             percent(diff.total_ratio)});
  print(kinds.text());
  const size_t shown = std::min(diff.both.size(), static_cast<size_t>(o.limit));
  if (shown > 0) {
    Table changes({"key", "ms before", "ms after", "change", "beyond noise"});
    for (size_t i = 0; i < shown; ++i) {
      const LatencyChange& c = diff.both[i];
      changes.row({c.key,
                   format_number(c.a.median_ms),
                   format_number(c.b.median_ms),
                   percent(c.ratio),
                   c.beyond ? "yes" : "no"});
    }
    print(changes.text());
    if (shown < diff.both.size())
      print_prose("the " + std::to_string(shown) + " largest of " +
                  std::to_string(diff.both.size()) + "; --limit shows more");
  }
  const auto only = [&](const std::vector<std::string>& keys, const std::string& table) {
    for (size_t i = 0; i < std::min(keys.size(), static_cast<size_t>(o.limit)); ++i)
      print_prose("only in " + table + ": " + keys[i]);
    if (keys.size() > static_cast<size_t>(o.limit))
      print_prose("only in " + table + ": " +
                  std::to_string(keys.size() - static_cast<size_t>(o.limit)) + " more");
  };
  only(diff.only_a, o.a);
  only(diff.only_b, o.b);
}

int diff(const Options& o) {
  const LatencyModel model_a = named_latency(o.a, o.common.db).model;
  const LatencyModel model_b = named_latency(o.b, o.common.db).model;
  const LatencyTable &a = model_a.table(), &b = model_b.table();
  const LatencyDiff found = diff_of(a, b);
  const std::optional<NetworkChange> whole = whole_networks(o, model_a, model_b);
  size_t above = 0;
  for (const LatencyChange& change : found.both)
    if (o.fail_above >= 0 && change.beyond && 100 * std::abs(change.ratio - 1) > o.fail_above)
      ++above;
  if (found.both.empty() && o.fail_above >= 0)
    throw DataError("the tables have no key in common, so nothing can be said of --fail-above");
  if (a.batch() != b.batch())
    warning("times of " + std::to_string(a.batch()) + " and of " + std::to_string(b.batch()) +
            " image(s) at once are compared");
  tell_unsaid(a, b, "what moved may be that");
  if (o.common.json) {
    Json document = document_of(found, a, b, above);
    document["calibration_a"] = calibration_json(model_a);
    document["calibration_b"] = calibration_json(model_b);
    document["whole_networks"] = whole ? networks_json(*whole) : Json(nullptr);
    print(json_text(document));
  } else {
    print_text(found, o);
    print_calibrations(o, model_a, model_b, whole);
  }
  const bool networks =
      whole && o.fail_above >= 0 && 100 * std::abs(whole->median() - 1) > o.fail_above + kRounding;
  if (above == 0 && !networks) return kExitOk;
  if (above > 0)
    note(o.common,
         std::to_string(above) + " moved by more than " + format_number(o.fail_above) +
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
  auto o = std::make_shared<Options>();
  app.add_option("a", o->a, "Latency table: id, last or file")->required();
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
