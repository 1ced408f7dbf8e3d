// nas latency calibrate: what whole networks take, from the sums of a table and measurements of a
// few networks, here or elsewhere.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/latency/judged.hpp"
#include "cli/latency/networks.hpp"
#include "cli/latency/subcommands.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/latency.hpp"
#include "cli/runs/run_name.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/validators.hpp"
#include "cli/version.hpp"
#include "hardware/prediction/transfer.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  Common common;
  std::string table, space, ops, name, out, save_rows;
  NetworkOptions networks;
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

/// With --save-rows, and wherever the user stopped: what was measured is not measured twice.
std::string save_rows(const Options& o,
                      const Space& space,
                      const MeasuredRows& rows,
                      const Result* result) {
  std::string file = o.save_rows;
  if (file.empty() && rows.stopped)
    file = unused_file("networks-" + (o.name.empty() ? "measured" : o.name));
  if (file.empty()) return file;
  Rows csv{{"architecture", "latency_ms"}, {}};
  if (result != nullptr) csv.header.insert(csv.header.end(), {"sum_ms", "held_out_ms"});
  for (size_t i = 0; i < rows.ms.size(); ++i) {
    csv.rows.push_back({space.text(rows.networks[i]), rows.ms[i]});
    if (result != nullptr) {
      csv.rows.back().push_back(result->sums[i]);
      csv.rows.back().push_back(result->held[i]);
    }
  }
  write_whole_file(file, conditions_as_comments(rows.conditions) + csv_text(csv) + "\n");
  return file;
}

/// Ends a run that the user stopped; what was measured is kept in `file` (and maybe as a table).
[[noreturn]] void end_stopped(const Options& o,
                              const Space& space,
                              const MeasuredRows& rows,
                              const std::string& file,
                              const std::string& table) {
  constexpr size_t kNamed = 5;
  std::string text = "stopped: " + std::to_string(rows.ms.size()) + " of " +
                     std::to_string(rows.asked) + " networks are measured";
  if (rows.ms.empty()) {
    text += "; nothing is stored";
  } else {
    text += " and kept in " + file;
    text += table.empty() ? "; a calibration needs at least " + std::to_string(kLeastCalibration)
                          : "; the table '" + table + "' is calibrated on these and stored";
  }
  if (!rows.missing.empty()) text += "; without a time:";
  for (size_t i = 0; i < std::min(kNamed, rows.missing.size()); ++i)
    text += "\n  " + space.text(rows.missing[i]);
  if (rows.missing.size() > kNamed)
    text += "\n  and " + std::to_string(rows.missing.size() - kNamed) + " more";
  std::vector<std::string> words{"latency", "calibrate", "--table", o.table};
  if (!o.space.empty()) words.insert(words.end(), {"--space", o.space});
  if (!o.ops.empty()) words.insert(words.end(), {"--ops", o.ops});
  if (!rows.ms.empty()) words.insert(words.end(), {"--rows", file});
  if (!o.networks.archs.empty())
    words.insert(words.end(), {"--archs", o.networks.archs});
  else
    words.insert(words.end(), {"--measure", std::to_string(o.networks.measure)});
  if (table.empty() && !o.name.empty()) words.insert(words.end(), {"--name", o.name});
  if (o.common.seed_given) words.insert(words.end(), {"--seed", std::to_string(o.common.seed)});
  throw Interrupted(text + "\nGo on with: " + suggested(words, o.common));
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
  const bool sources = o.networks.measures() || !o.networks.rows.empty();
  if (!sources && o.ops.empty())
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
  if (o.networks.measures()) need_torch();
  Result result;
  MeasuredRows rows;
  std::string kept;
  if (sources) {
    rows = measured_networks(o.networks, o.common, *space, table);
    if (rows.stopped && rows.ms.size() < kLeastCalibration)
      end_stopped(o, *space, rows, rows.ms.empty() ? "" : save_rows(o, *space, rows, nullptr), "");
    result = calibrated(o, *space, std::move(table), rows);
    kept = save_rows(o, *space, rows, &result);
  } else {
    result.table = std::move(table);
  }
  result.table.id = name.empty() ? new_run_id("latency") : name;
  result.table.created = utc_now();
  result.table.program = program_text();
  if (result.table.fingerprint.empty()) set_space(result.table, *space);
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
  if (rows.stopped) end_stopped(o, *space, rows, kept, result.table.id);
  return kExitOk;
}

}  // namespace

std::function<int()> add_latency_calibrate(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand(
      "calibrate", "Fit a table's sums to whole networks that are measured here or elsewhere");
  sub->add_option("--table", o->table, "Latency table: id, last, or a file")->required();
  sub->add_option("--space", o->space, "Space: a name or a file (default: the table's)");
  add_networks(*sub, o->networks);
  sub->add_option(
      "--ops",
      o->ops,
      "Table of a few ops of another device (nas latency plan --budget N --table KNOWN): --table "
      "is carried over to that device first");
  sub->add_option("--name", o->name, "Id of the calibrated table (default: made up)");
  sub->add_option("--out", o->out, "Also write the calibrated table to this file (JSON)");
  sub->add_option("--save-rows", o->save_rows, "Write the measured networks to this file (CSV)");
  add_common(*sub, o->common, kTakesDb | kTakesSeed);
  return [o] { return run(*o); };
}

}  // namespace nas::cli
