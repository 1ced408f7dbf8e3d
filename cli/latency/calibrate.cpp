// nas latency calibrate: what whole networks take, from the sums of a table and measurements of a
// few networks, here or elsewhere.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/latency/judged.hpp"
#include "cli/latency/kept/keep_measured.hpp"
#include "cli/latency/networks.hpp"
#include "cli/latency/output_file.hpp"
#include "cli/latency/results/calibrated.hpp"
#include "cli/latency/rows.hpp"
#include "cli/latency/shared.hpp"
#include "cli/latency/subcommands.hpp"
#include "cli/report/document.hpp"
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

struct CalibrateArguments {
  Common common;
  std::string table, space, ops, name, out, save_rows;
  NetworkOptions networks;
};

// ---- The table

LatencyTable opened(const CalibrateArguments& o, const std::string& name) {
  LatencyModel model = std::move(named_latency(name, o.common.db).model);
  if (model.calibration())
    note(o.common,
         "latency table " + printable(name) + " is calibrated; its sums are calibrated anew");
  return std::move(model.table());
}

/// The table whose sums are calibrated: as it is, or carried over to another device.
LatencyTable base_table(const CalibrateArguments& o, std::optional<CarriedOver>& carried) {
  LatencyTable table = opened(o, o.table);
  if (o.ops.empty()) return table;
  const LatencyTable few = opened(o, o.ops);
  tell_unsaid(table, few, "the ratio of both may be that of other conditions");
  Transferred moved = transfer(table, few);
  carried = {table.id,
             moved.measured,
             moved.table.entries.size(),
             moved.scale,
             moved.held_out,
             moved.scale_only};
  return std::move(moved.table);
}

std::unique_ptr<Space> space_of(const CalibrateArguments& o, const LatencyTable& table) {
  const std::string name = o.space.empty() ? table.space : o.space;
  if (name.empty())
    throw ConfigError("latency table " + printable(table.id) + " names no space",
                      "Name it with --space.");
  return load_space(name);
}

/// Networks measured on another machine than the table: that is meant, and said. What the table
/// says of its own machine then holds no more.
void take_conditions(const CalibrateArguments& o, LatencyTable& table, const MeasuredRows& rows) {
  bool other = false;
  for (const auto& [key, value] : rows.conditions) {
    const auto it = table.conditions.find(key);
    const bool machine = key == "cpu" || key == "gpu" || key == "device";
    if (!machine && key != "threads") continue;
    if (it == table.conditions.end() || it->second == value) continue;
    if (key == "device" && same_device(it->second, value)) continue;
    other = other || machine;
    note(o.common,
         "the table was measured with " + key + " " + printable(it->second) +
             ", the networks with " + printable(value) +
             ": the calibrated table answers for the latter");
  }
  if (other)
    std::erase_if(table.conditions, [](const auto& condition) {
      const std::string& key = condition.first;
      return key != "batch" && key != "dtype" && key != "transferred_from" && key != "ops_measured";
    });
  for (const auto& [key, value] : rows.conditions) table.conditions[key] = value;
  table.conditions["calibrated_from"] = table.id;
}

// ---- CalibrationResults

/// Takes the networks that are far off out of `networks` and names them.
void leave_out(CalibrationResult& result,
               const Space& space,
               const MeasuredRows& rows,
               std::vector<MeasuredNetwork>& networks,
               double least) {
  const std::vector<size_t> far = far_off(networks, least);
  std::vector<MeasuredNetwork> kept;
  std::string named;
  for (size_t i = 0; i < networks.size(); ++i) {
    const bool is_far = std::binary_search(far.begin(), far.end(), i);
    MeasuredRows& into = is_far ? result.left_out : result.rows;
    into.networks.push_back(rows.networks[i]);
    into.ms.push_back(rows.ms[i]);
    into.places.push_back(rows.places[i]);
    (is_far ? result.left_out_sums : result.sums).push_back(networks[i].sum_ms);
    if (!is_far) kept.push_back(networks[i]);
    if (is_far)
      named += "\n  " + place_of_network(space, rows, i) + ": " + format_number(rows.ms[i]) +
               " ms, sum of its ops " + format_number(networks[i].sum_ms) + " ms";
  }
  networks = std::move(kept);
  if (far.empty()) return;
  const std::string text = std::to_string(far.size()) + " of " + std::to_string(rows.ms.size()) +
                           " networks took times that fit none of the others, and " +
                           (far.size() == 1 ? "is" : "are") + " left out:" + named;
  if (networks.size() < kLeastCalibration)
    throw DataError(text + "\n" + std::to_string(networks.size()) +
                    " are left, and a calibration needs at least " +
                    std::to_string(kLeastCalibration) + "; measure these again");
  warning(text + "\nmeasure them again, or correct their rows");
}

CalibrationResult fitted(const CalibrateArguments& o,
                         const Space& space,
                         LatencyTable table,
                         const MeasuredRows& rows) {
  CalibrationResult result;
  std::vector<MeasuredNetwork> networks;
  for (size_t i = 0; i < rows.networks.size(); ++i) {
    networks.push_back(summed(table, space.plan(rows.networks[i])));
    networks.back().measured_ms = rows.ms[i];
  }
  const double least = least_op_ms(table);
  leave_out(result, space, rows, networks, least);
  Calibration calibration = fit_calibration(networks, least);
  result.held = held_out(networks, least, calibration);
  result.widening = widened_by(networks, result.held);
  result.calibration = calibration;
  result.raw = foretold(result.sums, result.rows.ms);
  result.held_out = foretold(result.held, result.rows.ms);
  result.table = std::move(table);
  take_conditions(o, result.table, rows);
  return result;
}

/// With --save-rows, and (`unfinished`) where the user stopped or no calibration came of it, then
/// under another name, as --save-rows is for all of them: what was measured is not measured twice.
/// All rows, also those that are far off.
std::string save_rows(const CalibrateArguments& o,
                      const Space& space,
                      const MeasuredRows& rows,
                      const CalibrationResult* result,
                      bool unfinished) {
  std::string file = o.save_rows;
  if (unfinished) file = unused_file("networks-" + (o.name.empty() ? "measured" : o.name));
  if (file.empty()) return file;
  Rows csv{{"architecture", "latency_ms"}, {}};
  if (result == nullptr) {
    for (size_t i = 0; i < rows.ms.size(); ++i)
      csv.rows.push_back({space.text(rows.networks[i]), rows.ms[i]});
  } else {
    csv.header.insert(csv.header.end(), {"sum_ms", "held_out_ms"});
    for (size_t i = 0; i < result->rows.ms.size(); ++i)
      csv.rows.push_back({space.text(result->rows.networks[i]),
                          result->rows.ms[i],
                          result->sums[i],
                          result->held[i]});
    for (size_t i = 0; i < result->left_out.ms.size(); ++i)
      csv.rows.push_back({space.text(result->left_out.networks[i]),
                          result->left_out.ms[i],
                          result->left_out_sums[i],
                          nullptr});
  }
  write_whole_file(file, conditions_as_comments(rows.conditions) + csv_text(csv) + "\n");
  return file;
}

/// Ends a run that the user stopped; what was measured is kept in `file` (and maybe as a table).
[[noreturn]] void end_stopped(const CalibrateArguments& o,
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
  const auto put = [&](const char* flag, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {flag, value});
  };
  put("--space", o.space);
  put("--ops", o.ops);
  put("--rows", rows.ms.empty() ? o.networks.rows : file);
  for (const std::string& word : words_of(o.networks)) words.push_back(word);
  // A table that is stored has the name.
  if (!o.name.empty())
    put("--name", table.empty() ? o.name : unused_table(Store(o.common.db), o.name));
  put("--out", o.out);
  put("--save-rows", o.save_rows);
  if (o.common.seed_given) put("--seed", std::to_string(o.common.seed));
  throw Interrupted(text + "\nGo on with: " + suggested(words, o.common));
}

/// fitted(); where nothing comes of it, what was measured here is kept in a file.
CalibrationResult calibrated(const CalibrateArguments& o,
                             const Space& space,
                             LatencyTable table,
                             const MeasuredRows& rows) {
  if (rows.stopped && rows.ms.size() < kLeastCalibration)
    end_stopped(o,
                space,
                rows,
                rows.ms.empty() ? "" : save_rows(o, space, rows, nullptr, /*unfinished=*/true),
                "");
  try {
    return fitted(o, space, std::move(table), rows);
  } catch (const DataError& e) {
    if (!o.networks.measures()) throw;
    throw DataError(std::string(e.what()) + "\nThe measured networks are kept in " +
                    save_rows(o, space, rows, nullptr, /*unfinished=*/true));
  }
}

/// What the calibration learnt from, each network as the others foretold it.
LatencyCheck check_made(const Space& space, const CalibrationResult& result) {
  LatencyCheck check;
  for (const Architecture& a : result.rows.networks) check.networks.push_back(space.text(a));
  check.measured_ms = result.rows.ms;
  check.predicted_ms = {{"sum of ops", result.sums}, {"calibrated, held out", result.held}};
  return check;
}

/// Into the store and --out; where the store refuses, the networks that were measured here are kept
/// in a file, too.
void keep(const CalibrateArguments& o,
          Store& store,
          const Space& space,
          CalibrationResult& result,
          const MeasuredRows& rows) {
  const LatencyCheck check = result.calibration ? check_made(space, result) : LatencyCheck{};
  const auto text = [&] {
    const std::string json = to_json(LatencyModel(result.table, result.calibration));
    return check.networks.empty() ? json : with_check(json, check);
  };
  try {
    keep_measured(result.table, store, o.out, text);
  } catch (const DataError& e) {
    if (!o.networks.measures()) throw;
    std::string kept;
    try {
      kept = "The measured networks are kept in " +
             save_rows(o, space, rows, &result, o.save_rows.empty() || rows.stopped);
    } catch (const DataError& also) {
      kept = std::string("The measured networks are not kept: ") + also.what();
    }
    throw DataError(std::string(e.what()) + "\n" + kept);
  }
}

/// What can be refused before anything is opened or measured.
void check_files(const CalibrateArguments& o) {
  const std::vector<std::string> inputs{
      o.table, o.ops, o.space, o.networks.rows, o.networks.archs, o.common.db};
  check_output("--out", o.out, inputs);
  check_output("--save-rows", o.save_rows, inputs);
  if (!o.out.empty() && !o.save_rows.empty() && same_file(o.out, o.save_rows))
    throw ConfigError("--out and --save-rows name one file", "Name two.");
}

int run(const CalibrateArguments& o) {
  const bool sources = o.networks.measures() || !o.networks.rows.empty();
  if (!sources && o.ops.empty())
    throw ConfigError("nothing to calibrate with",
                      "Measure networks here (--measure 30), or name a file of measured ones "
                      "(--rows FILE).");
  check_files(o);
  const std::string name = checked_table_name(o.name);
  // Before anything is printed: the other program begins anew.
  if (o.networks.measures()) need_torch();
  Store store(o.common.db);
  if (!name.empty() && store.latency_table(name))
    throw ConfigError("there is a latency table '" + name + "' already", "choose another --name");
  std::optional<CarriedOver> carried;
  LatencyTable table = base_table(o, carried);
  const auto space = space_of(o, table);
  const std::string word = space_argument(*space, o.space);
  tell_renamed_space(table, *space, o.common);
  require_fit(table, *space, suggested({"measure", "--space", word}, o.common), word);
  CalibrationResult result;
  MeasuredRows rows;
  if (sources) {
    rows = measured_networks(o.networks, o.common, *space, table);
    result = calibrated(o, *space, std::move(table), rows);
  } else {
    result.table = std::move(table);
  }
  result.table.id = name.empty() ? new_run_id("latency") : name;
  result.table.created = utc_now();
  result.table.program = program_text();
  if (result.table.fingerprint.empty()) set_space(result.table, *space);
  keep(o, store, *space, result, rows);
  std::string kept;
  if (sources)
    with_stored_table(result.table.id,
                      [&] { kept = save_rows(o, *space, rows, &result, rows.stopped); });
  result.from = o.table;
  result.carried = std::move(carried);
  tell_widening(o.common, result, *space);
  if (o.common.json)
    print(json_text(calibration_json(result, *space)));
  else
    print_calibration(result, *space, o.space.empty() ? space->name() : o.space, o.common);
  if (rows.stopped) end_stopped(o, *space, rows, kept, result.table.id);
  return kExitOk;
}

}  // namespace

std::function<int()> add_latency_calibrate(CLI::App& app) {
  const auto o = std::make_shared<CalibrateArguments>();
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
