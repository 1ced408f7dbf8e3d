#include "cli/latency/networks.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "cli/latency/shared.hpp"
#include "cli/report/document.hpp"
#include "cli/torch_services.hpp"
#include "hardware/formats/format.hpp"
#include "hardware/prediction/calibration.hpp"
#include "hardware/prediction/choose.hpp"
#include "search/evaluators/evaluators.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/metric.hpp"
#include "spaces/text/architecture_list.hpp"
#include "spaces/text/plain_text.hpp"

namespace nas::cli {
namespace {

using Conditions = std::map<std::string, std::string>;

std::string found(const Conditions& conditions, const std::string& key) {
  const auto it = conditions.find(key);
  return it == conditions.end() ? "" : it->second;
}

// ---- Of a file

/// The unit of the column.
TimeUnit unit_of(const NetworkOptions& o, const std::string& column) {
  std::optional<TimeUnit> named;
  if (const Metric* metric = find_metric(column);
      metric != nullptr && metric->unit == MetricUnit::kMilliseconds)
    named = time_unit("ms");
  else if (const auto unit = unit_in_name(column); unit && unit->kind == MetricUnit::kMilliseconds)
    for (const char* name : {"s", "ms", "us", "ns"})
      if (std::abs(time_unit(name)->to_ms(1) / unit->size - 1) < 1e-9) named = time_unit(name);
  if (o.unit.empty()) {
    if (named) return *named;
    throw ConfigError("nothing says in which unit column '" + column + "' of " + o.rows + " is",
                      "Add --unit: s, ms, us or ns.");
  }
  const auto unit = time_unit(o.unit);
  if (!unit) throw ConfigError("--unit " + o.unit + ": expected s, ms, us or ns");
  if (named && named->name != unit->name)
    throw ConfigError("column '" + column + "' of " + o.rows + " is in " + named->name +
                          " by its name, and --unit says " + unit->name,
                      "Leave --unit out, or rename the column.");
  return *unit;
}

std::string column_of_times(const NetworkOptions& o, const TableEvaluator& table) {
  const std::vector<std::string> columns = table.columns();
  std::string list;
  for (const std::string& c : columns) list += (list.empty() ? "" : ", ") + c;
  if (!o.column.empty()) {
    if (std::find(columns.begin(), columns.end(), o.column) == columns.end())
      throw ConfigError(o.rows + " has no column '" + o.column + "' of numbers; it has: " + list);
    return o.column;
  }
  // As --save-rows writes it: sums and predictions stand beside the measured time.
  if (std::find(columns.begin(), columns.end(), "latency_ms") != columns.end()) return "latency_ms";
  std::vector<std::string> times;
  for (const std::string& c : columns)
    if (quantity_of(c) == Quantity::kTime) times.push_back(c);
  if (times.size() == 1) return times[0];
  if (times.empty() && columns.size() == 1) return columns[0];
  throw ConfigError("which column of " + o.rows + " holds the measured times? It has: " + list,
                    "Name it with --column.");
}

/// `# key: value` in front of the header.
Conditions comments_of(const std::string& file) {
  Conditions conditions;
  for (auto& [key, said] : csv_conditions(read_text_file(file, "file of measured networks")))
    conditions.emplace(key, said.first);
  return conditions;
}

MeasuredRows read_measured(const NetworkOptions& o, const Space& space, const LatencyTable& of) {
  TableOptions options;
  options.file = o.rows;
  TableEvaluator table(space, options, /*each_form=*/true);
  for (const std::string& text : table.warnings()) warning(text);
  const std::string column = column_of_times(o, table);
  const TimeUnit unit = unit_of(o, column);
  MeasuredRows rows;
  std::vector<TimedWork> work;
  const std::vector<Architecture> all = table.architectures();
  const std::vector<Evaluation> values = table.evaluate(all);
  for (size_t i = 0; i < all.size(); ++i) {
    const auto value = values[i].values.find(column);
    if (value == values[i].values.end())
      throw DataError(o.rows + ": " + space.text(all[i]) + " has no time in column '" + column +
                      "' (it is empty or not a number); leave the row out, or measure it");
    const double ms = unit.to_ms(value->second);
    if (!std::isfinite(ms) || !(ms > 0))
      throw DataError(o.rows + ": " + space.text(all[i]) + ": " + column + " " +
                      format_number(value->second) + " is no time; expected more than 0");
    rows.networks.push_back(all[i]);
    rows.ms.push_back(ms);
    const Cost cost = cost_of(space.plan(all[i]), space.counting());
    work.push_back({ms, static_cast<double>(cost.macs * of.batch())});
  }
  rows.asked = rows.networks.size();
  rows.conditions = comments_of(o.rows);
  if (const std::string batch = found(rows.conditions, "batch");
      !batch.empty() && batch != std::to_string(of.batch()))
    throw ConfigError(o.rows + " holds times of " + batch + " image(s) at once, the table " +
                      of.id + " of " + std::to_string(of.batch()));
  refuse_odd_unit(
      judge_unit(work, unit, /*whole=*/true, found(of.conditions, "device")), o.trust_unit, o.rows);
  return rows;
}

// ---- Here

/// Times of other machines do not stand beside those measured now.
void require_conditions(const NetworkOptions& o, const MeasuredRows& rows, const Conditions& now) {
  for (const char* key : {"device", "threads", "dtype", "cpu", "gpu"}) {
    const std::string before = found(rows.conditions, key), here = found(now, key);
    // `cuda` is one of cuda:0, cuda:1 ...
    if (std::string_view(key) == "device" && (before.starts_with(here) || here.starts_with(before)))
      continue;
    if (!before.empty() && !here.empty() && before != here)
      throw ConfigError(o.rows + " was measured with " + key + " " + before + ", not " + here,
                        "Go on under the same conditions, or leave --rows out.");
  }
}

std::vector<Architecture> wanted_networks(const NetworkOptions& o,
                                          const Common& common,
                                          const Space& space,
                                          const LatencyTable& table) {
  return o.archs.empty() ? choose_networks(space, &table, o.measure, common.seed)
                         : read_architecture_file(space, o.archs);
}

/// Adds to `rows` those that it lacks.
void measure_here(const NetworkOptions& o,
                  const Common& common,
                  const Space& space,
                  const LatencyTable& table,
                  MeasuredRows& rows) {
  std::set<Architecture> known;
  for (const Architecture& a : rows.networks) known.insert(space.canonical(a));
  std::vector<Architecture> networks;
  for (const Architecture& a : wanted_networks(o, common, space, table))
    if (known.insert(space.canonical(a)).second) networks.push_back(a);
  throw_if_stopped("the networks to measure were chosen");
  std::vector<Plan> plans;
  for (const Architecture& a : networks) plans.push_back(space.plan(a));
  rows.asked += networks.size();
  if (rows.asked < kLeastCalibration)
    throw ConfigError("a calibration needs at least " + std::to_string(kLeastCalibration) +
                      " networks, here are " + std::to_string(rows.asked));
  if (networks.empty()) return;
  MeasureOptions options = o.options;
  options.batch = table.batch();
  options.seed = common.seed;
  const std::string device = o.device.empty() ? found(table.conditions, "device") : o.device;
  const int threads =
      o.threads > 0 ? o.threads : std::atoi(found(table.conditions, "threads").c_str());
  if (!device.empty()) require_conditions(o, rows, {{"device", device}});
  Progress progress(common, "calibrate", static_cast<int64_t>(networks.size()) * kPasses);
  const auto each = static_cast<int64_t>(networks.size());
  options.progress = [&](int64_t done, int64_t, const std::string& key) {
    progress.update(done, key, /*milestone=*/done == 1 || done % each == 0);
  };
  // What was measured is kept, however long the call takes that the stop waits for.
  const SavesOnStop saves;
  const TimedNetworks timed = torch_services().time_networks(
      plans, options, device.empty() ? std::string("cpu") : device, threads);
  require_conditions(o, rows, timed.conditions);
  rows.stopped = timed.measured.stopped;
  for (const auto& [key, value] : timed.conditions) rows.conditions[key] = value;
  for (size_t i = 0; i < networks.size(); ++i)
    if (timed.measured.times[i]) {
      rows.networks.push_back(networks[i]);
      rows.ms.push_back(timed.measured.times[i]->median_ms);
    } else {
      rows.missing.push_back(networks[i]);
    }
}

}  // namespace

MeasuredRows measured_networks(const NetworkOptions& o,
                               const Common& common,
                               const Space& space,
                               const LatencyTable& table) {
  MeasuredRows rows;
  if (!o.rows.empty()) {
    rows = read_measured(o, space, table);
    rows.conditions["calibrated_with"] = o.rows;
  }
  if (o.measures()) measure_here(o, common, space, table, rows);
  return rows;
}

std::string conditions_as_comments(const Conditions& conditions) {
  std::string text;
  for (auto [key, value] : conditions) {
    std::replace(value.begin(), value.end(), '\n', ' ');
    if (key != "calibrated_with") text += "# " + key + ": " + value + "\n";
  }
  return text;
}

std::string unused_file(const std::string& stem) {
  std::string file = stem + ".csv";
  for (int i = 2; std::filesystem::exists(file); ++i)
    file = stem + "-" + std::to_string(i) + ".csv";
  return file;
}

void add_networks(CLI::App& app, NetworkOptions& o) {
  app.add_option("--measure", o.measure, "Choose so many networks and measure them here")
      ->check(CLI::Range(kLeastCalibration, 100000));
  app.add_option("--archs", o.archs, "Measure the networks of this file here, one a line")
      ->excludes("--measure");
  app.add_option("--rows",
                 o.rows,
                 "File of measured networks: CSV or JSON, architecture, time; with --measure or "
                 "--archs only the others are measured");
  app.add_option("--column", o.column, "Column of the times in --rows");
  app.add_option("--unit", o.unit, "Unit of that column (s, ms, us, ns) where its name has none");
  add_trust_unit(app, o.trust_unit);
  app.add_option("--device", o.device, "auto, cpu, cuda or cuda:N (default: the table's)");
  app.add_option("--threads", o.threads, "Compute threads (default: the table's)")
      ->check(CLI::Range(0, 4096));
  app.add_option("--warmup", o.options.warmup, "Calls before the clock runs, in each visit")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  app.add_option("--repeats", o.options.repeats, "Timed calls of each network")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
}

}  // namespace nas::cli
