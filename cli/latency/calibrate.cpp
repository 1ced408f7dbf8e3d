// nas latency calibrate: what whole networks take, from the sums of a table and measurements of a
// few networks, here or elsewhere.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/latency/judged.hpp"
#include "cli/latency/subcommands.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/latency.hpp"
#include "cli/runs/run_name.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/torch_services.hpp"
#include "cli/validators.hpp"
#include "hardware/prediction/choose.hpp"
#include "hardware/prediction/transfer.hpp"
#include "search/evaluators/evaluators.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/metric.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/architecture_list.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  Common common;
  std::string table, space, rows, column, unit, archs, ops, name, out, save_rows, device;
  int measure = 0, threads = 0;
  MeasureOptions options{.stop = stop_requested};
};

/// Networks with their times, and under which conditions these were taken.
struct MeasuredRows {
  std::vector<Architecture> networks;
  std::vector<double> ms;
  std::map<std::string, std::string> conditions;
  size_t asked = 0;      ///< Networks that were to be measured.
  bool stopped = false;  ///< By the user, before all were.
};

// ---- The table

LatencyTable opened(const Options& o, const Store& store, const std::string& name) {
  LatencyModel model = open_latency_model(store, name);
  if (model.calibration())
    note(o.common,
         "latency table " + printable(name) + " is calibrated; its sums are calibrated anew");
  return std::move(model.table());
}

/// The table whose sums are calibrated: as it is, or carried over to another device.
LatencyTable base_table(const Options& o, const Store& store, Json& document) {
  LatencyTable table = opened(o, store, o.table);
  if (o.ops.empty()) return table;
  const Transferred moved = transfer(table, opened(o, store, o.ops));
  document["transfer"] = {{"from", table.id},
                          {"ops_measured", moved.measured},
                          {"ops", moved.table.entries.size()},
                          {"scale", moved.scale},
                          {"held_out_error", moved.held_out},
                          {"held_out_error_of_scale", moved.scale_only}};
  return moved.table;
}

std::unique_ptr<Space> space_of(const Options& o, const LatencyTable& table) {
  const std::string name = o.space.empty() ? table.space : o.space;
  if (name.empty())
    throw ConfigError("latency table " + printable(table.id) + " names no space",
                      "Name it with --space.");
  return load_space(name);
}

// ---- Measured networks

/// Milliseconds in one unit of the column.
double unit_of(const Options& o, const std::string& column) {
  const std::string known = "s, ms, us or ns";
  if (!o.unit.empty()) {
    const auto factor = unit_factor("latency_ms", o.unit);
    if (!factor) throw ConfigError("--unit " + o.unit + ": expected " + known);
    return *factor;
  }
  if (const Metric* metric = find_metric(column);
      metric != nullptr && metric->unit == MetricUnit::kMilliseconds)
    return 1;
  const auto named = unit_in_name(column);
  if (named && named->kind == MetricUnit::kMilliseconds) return named->size;
  throw ConfigError("nothing says in which unit column '" + column + "' of " + o.rows + " is",
                    "Add --unit: " + known + ".");
}

std::string column_of_times(const Options& o, const TableEvaluator& table) {
  const std::vector<std::string> columns = table.metrics();
  std::string list;
  for (const std::string& c : columns) list += (list.empty() ? "" : ", ") + c;
  if (!o.column.empty()) {
    if (std::find(columns.begin(), columns.end(), o.column) == columns.end())
      throw ConfigError(o.rows + " has no column '" + o.column + "' of numbers; it has: " + list);
    return o.column;
  }
  std::vector<std::string> times;
  for (const std::string& c : columns)
    if (quantity_of(c) == Quantity::kTime) times.push_back(c);
  if (times.size() == 1) return times[0];
  if (times.empty() && columns.size() == 1) return columns[0];
  throw ConfigError("which column of " + o.rows + " holds the measured times? It has: " + list,
                    "Name it with --column.");
}

MeasuredRows read_measured(const Options& o, const Space& space) {
  TableOptions options;
  options.file = o.rows;
  TableEvaluator table(space, options, /*each_form=*/true);
  for (const std::string& text : table.warnings()) warning(text);
  const std::string column = column_of_times(o, table);
  const double unit = unit_of(o, column);
  MeasuredRows rows;
  const std::vector<Architecture> all = table.architectures();
  const std::vector<Evaluation> values = table.evaluate(all);
  for (size_t i = 0; i < all.size(); ++i) {
    const auto value = values[i].values.find(column);
    if (value == values[i].values.end()) continue;
    const double ms = value->second * unit;
    if (!std::isfinite(ms) || !(ms > 0))
      throw DataError(o.rows + ": " + space.text(all[i]) + ": " + column + " " +
                      format_number(value->second) + " is no time; expected more than 0");
    rows.networks.push_back(all[i]);
    rows.ms.push_back(ms);
  }
  rows.asked = rows.networks.size();
  rows.conditions = {{"calibrated_with", o.rows}};
  return rows;
}

MeasuredRows measure_here(const Options& o, const Space& space, const LatencyTable& table) {
  MeasuredRows rows;
  const std::vector<Architecture> networks =
      o.archs.empty() ? choose_networks(space, &table, o.measure, o.common.seed)
                      : read_architecture_file(space, o.archs);
  std::vector<Plan> plans;
  for (const Architecture& a : networks) plans.push_back(space.plan(a));
  rows.asked = networks.size();
  if (rows.asked < kLeastCalibration)
    throw ConfigError("a calibration needs at least " + std::to_string(kLeastCalibration) +
                      " networks, here are " + std::to_string(rows.asked));
  MeasureOptions options = o.options;
  options.batch = table.batch();
  options.seed = o.common.seed;
  const auto found = [&](const char* key) {
    const auto it = table.conditions.find(key);
    return it == table.conditions.end() ? std::string() : it->second;
  };
  const std::string device = o.device.empty() ? found("device") : o.device;
  const int threads = o.threads > 0 ? o.threads : std::atoi(found("threads").c_str());
  Progress progress(o.common, "calibrate", static_cast<int64_t>(rows.asked) * kPasses);
  options.progress = [&](int64_t done, int64_t, const std::string& key) {
    progress.update(done, key);
  };
  const TimedNetworks timed = torch_services().time_networks(
      plans, options, device.empty() ? std::string("cpu") : device, threads);
  rows.stopped = timed.measured.stopped;
  rows.conditions = timed.conditions;
  for (size_t i = 0; i < networks.size(); ++i)
    if (timed.measured.times[i]) {
      rows.networks.push_back(networks[i]);
      rows.ms.push_back(timed.measured.times[i]->median_ms);
    }
  return rows;
}

/// Networks measured on another processor than the table: that is meant, and said.
void tell_conditions(const Options& o, LatencyTable& table, const MeasuredRows& rows) {
  for (const auto& [key, value] : rows.conditions) {
    const auto it = table.conditions.find(key);
    const bool matters = key == "cpu" || key == "gpu" || key == "device" || key == "threads";
    if (matters && it != table.conditions.end() && it->second != value)
      note(o.common,
           "the table was measured with " + key + " " + printable(it->second) +
               ", the networks with " + printable(value) +
               ": the calibrated table answers for the latter");
    table.conditions[key] = value;
  }
  table.conditions["calibrated_from"] = table.id;
}

// ---- Results

struct Result {
  LatencyTable table;
  std::optional<Calibration> calibration;
  std::vector<double> sums, held;
  Foretold raw, held_out;
};

Result calibrated(const Options& o,
                  const Space& space,
                  LatencyTable table,
                  const MeasuredRows& rows) {
  Result result;
  std::vector<MeasuredNetwork> networks;
  for (size_t i = 0; i < rows.networks.size(); ++i) {
    networks.push_back(summed(table, space.plan(rows.networks[i])));
    networks.back().measured_ms = rows.ms[i];
    result.sums.push_back(networks.back().sum_ms);
  }
  const double least = least_op_ms(table);
  Calibration calibration = fit_calibration(networks, least);
  result.held = held_out(networks, least, calibration);
  result.calibration = calibration;
  result.raw = foretold(result.sums, rows.ms);
  result.held_out = foretold(result.held, rows.ms);
  result.table = std::move(table);
  tell_conditions(o, result.table, rows);
  return result;
}

void save_rows(const Options& o,
               const Space& space,
               const MeasuredRows& rows,
               const Result& result) {
  if (o.save_rows.empty()) return;
  Rows csv{{"architecture", "latency_ms", "sum_ms", "held_out_ms"}, {}};
  for (size_t i = 0; i < rows.ms.size(); ++i)
    csv.rows.push_back({space.text(rows.networks[i]), rows.ms[i], result.sums[i], result.held[i]});
  write_whole_file(o.save_rows, csv_text(csv) + "\n");
}

void print_result(const Options& o, const MeasuredRows& rows, const Result& r, const Space& space) {
  const Calibration& c = *r.calibration;
  Table table(kForetoldHeader);
  table.row(foretold_cells("sum of ops", r.raw));
  table.row(foretold_cells("calibrated, held out", r.held_out));
  print_prose("latency table " + r.table.id + ": " + o.table + " calibrated on " +
              std::to_string(rows.ms.size()) + " networks");
  print(table.text());
  print_prose("latency = " + format_number(c.a) + " ms + " + format_number(c.b) + " x sum " +
              (c.c < 0 ? "- " : "+ ") + format_number(std::abs(c.c)) + " ms x ops, +- " +
              format_number(100 * c.spread, 2) + " %");
  size_t worst = 0;
  const auto off = [&](size_t i) { return std::abs(r.held[i] / rows.ms[i] - 1); };
  for (size_t i = 1; i < rows.ms.size(); ++i)
    if (off(i) > off(worst)) worst = i;
  print_prose("farthest off: " + space.text(rows.networks[worst]) + ", " +
              format_number(rows.ms[worst]) + " ms, held out " + format_number(r.held[worst]));
  if (r.held_out.tau_b < 0.9)
    print_prose(
        "tau-b below 0.9: sums of ops do not order these networks well. A predictor of "
        "whole networks may: --save-rows ROWS.csv, then " +
        suggested({"predict",
                   "fit",
                   "--data",
                   "ROWS.csv",
                   "--space",
                   space.name(),
                   "--target",
                   "latency_ms",
                   "--out",
                   "latency.json"},
                  o.common) +
        ", and --latency-table latency.json");
  const double middle =
      std::accumulate(rows.ms.begin(), rows.ms.end(), 0.0) / static_cast<double>(rows.ms.size());
  print_prose("next: " + suggested({"space",
                                    "check",
                                    space.name(),
                                    "--table",
                                    r.table.id,
                                    "--max",
                                    "latency_ms@p95 <= " + format_number(middle, 2)},
                                   o.common));
}

/// What the calibration learnt from, each network as the others foretold it.
LatencyCheck check_of(const Space& space, const MeasuredRows& rows, const Result& result) {
  LatencyCheck check;
  for (const Architecture& a : rows.networks) check.networks.push_back(space.text(a));
  check.measured_ms = rows.ms;
  check.predicted_ms = {{"sum of ops", result.sums}, {"calibrated, held out", result.held}};
  return check;
}

void keep(const Options& o, Store& store, const LatencyModel& model, const LatencyCheck& check) {
  const LatencyTable& table = model.table();
  const auto device = table.conditions.find("device");
  const std::string text =
      check.networks.empty() ? to_json(model) : with_check(to_json(model), check);
  store.add_latency_table({table.id,
                           table.space,
                           device == table.conditions.end() ? "" : device->second,
                           Json(table.conditions).dump(),
                           text,
                           table.created});
  if (!o.out.empty()) write_whole_file(o.out, text + "\n");
}

int run(const Options& o) {
  const int sources = (o.measure > 0 || !o.archs.empty() ? 1 : 0) + (o.rows.empty() ? 0 : 1);
  if (sources == 2) throw ConfigError("--rows holds measurements: leave out --measure and --archs");
  if (sources == 0 && o.ops.empty())
    throw ConfigError("nothing to calibrate with",
                      "Measure networks here (--measure 30), or name a file of measured ones "
                      "(--rows FILE).");
  const std::string name = checked_name(o.name);
  Store store(o.common.db);
  if (!name.empty() && store.latency_table(name))
    throw ConfigError("there is a latency table '" + name + "' already", "choose another --name");
  Json document{{"schema", "nas-latency-calibrate/1"}};
  LatencyTable table = base_table(o, store, document);
  const auto space = space_of(o, table);
  require_fit(table, *space, suggested({"measure", "--space", space->name()}, o.common));
  if (o.rows.empty() && sources > 0) need_torch();
  Result result;
  MeasuredRows rows;
  if (sources > 0) {
    rows = o.rows.empty() ? measure_here(o, *space, table) : read_measured(o, *space);
    if (rows.ms.size() < kLeastCalibration && rows.stopped)
      throw Interrupted("stopped after " + std::to_string(rows.ms.size()) + " of " +
                        std::to_string(rows.asked) + " networks; at least " +
                        std::to_string(kLeastCalibration) + " are needed, nothing is stored");
    result = calibrated(o, *space, std::move(table), rows);
    save_rows(o, *space, rows, result);
  } else {
    result.table = std::move(table);
  }
  result.table.id = name.empty() ? new_run_id("latency") : name;
  result.table.created = utc_now();
  keep(o,
       store,
       LatencyModel(result.table, result.calibration),
       result.calibration ? check_of(*space, rows, result) : LatencyCheck{});
  document["table"] = result.table.id;
  document["from"] = o.table;
  document["space"] = space->name();
  document["conditions"] = result.table.conditions;
  if (const auto& c = result.calibration) {
    document["calibration"] = {{"a_ms", c->a},
                               {"b", c->b},
                               {"c_ms", c->c},
                               {"relative_spread", c->spread},
                               {"networks", c->networks}};
    document["sum"] = foretold_json(result.raw);
    document["held_out"] = foretold_json(result.held_out);
    document["measured"] = Json::array();
    for (size_t i = 0; i < rows.ms.size(); ++i)
      document["measured"].push_back({{"architecture", space->text(rows.networks[i])},
                                      {"latency_ms", rows.ms[i]},
                                      {"sum_ms", result.sums[i]},
                                      {"held_out_ms", result.held[i]}});
  }
  if (o.common.json) {
    print(json_text(document));
  } else {
    if (document.contains("transfer"))
      print_prose("carried over from " + o.table + " by " +
                  document["transfer"]["ops_measured"].dump() +
                  " measured ops: " + format_number(document["transfer"]["scale"].get<double>()) +
                  " times its times, other ops off by " +
                  format_number(100 * document["transfer"]["held_out_error"].get<double>(), 3) +
                  " % when left out");
    if (result.calibration)
      print_result(o, rows, result, *space);
    else
      print_prose("latency table " + result.table.id +
                  "; calibrate it on whole networks before "
                  "its sums are trusted");
  }
  if (rows.stopped)
    throw Interrupted("stopped after " + std::to_string(rows.ms.size()) + " of " +
                      std::to_string(rows.asked) + " networks; the table '" + result.table.id +
                      "' is calibrated on these and stored");
  return kExitOk;
}

}  // namespace

std::function<int()> add_latency_calibrate(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand(
      "calibrate", "Fit a table's sums to whole networks that are measured here or elsewhere");
  sub->add_option("--table", o->table, "Latency table: id, last, or a file")->required();
  sub->add_option("--space", o->space, "Space: a name or a file (default: the table's)");
  sub->add_option("--measure", o->measure, "Choose so many networks and measure them here")
      ->check(CLI::Range(kLeastCalibration, 100000));
  sub->add_option("--archs", o->archs, "Measure the networks of this file here, one a line");
  sub->add_option("--rows", o->rows, "File of measured networks: CSV or JSON, architecture, time");
  sub->add_option("--column", o->column, "Column of the times in --rows");
  sub->add_option("--unit", o->unit, "Unit of that column (s, ms, us, ns) where its name has none");
  sub->add_option("--ops",
                  o->ops,
                  "Table of a few ops of another device (nas latency choose --what ops): --table "
                  "is carried over to that device first");
  sub->add_option("--device", o->device, "auto, cpu, cuda or cuda:N (default: the table's)");
  sub->add_option("--threads", o->threads, "Compute threads (default: the table's)")
      ->check(CLI::Range(0, 4096));
  sub->add_option("--warmup", o->options.warmup, "Calls before the clock runs, in each visit")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  sub->add_option("--repeats", o->options.repeats, "Timed calls of each network")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  sub->add_option("--name", o->name, "Id of the calibrated table (default: made up)");
  sub->add_option("--out", o->out, "Also write the calibrated table to this file (JSON)");
  sub->add_option("--save-rows", o->save_rows, "Write the measured networks to this file (CSV)");
  add_common(*sub, o->common, kTakesDb | kTakesSeed);
  return [o] { return run(*o); };
}

}  // namespace nas::cli
