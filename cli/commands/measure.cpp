// nas measure: a latency table of this machine, op by op.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/latency/judged.hpp"
#include "cli/latency/kept/continued.hpp"
#include "cli/latency/kept/keep_measured.hpp"
#include "cli/latency/measure_report.hpp"
#include "cli/latency/output_file.hpp"
#include "cli/latency/shared.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/latency.hpp"
#include "cli/runs/own_architecture.hpp"
#include "cli/runs/run_files.hpp"
#include "cli/runs/run_name.hpp"
#include "cli/runs/trained/measuring.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/version.hpp"
#include "hardware/measure/measure.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/registry.hpp"
#include "supernet/device.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct MeasureArguments {
  Common common;
  std::string space, run, device = "cpu", name, out;
  std::string trained;  ///< The supernet that `run` is or was searched in.
  MeasureOptions measure{.stop = stop_requested};
  std::string from;  ///< Table to go on with.
  std::string only;  ///< File of ops.
  int threads = 0;
  int check = 0;
  bool no_pin = false;
};

std::unique_ptr<Space> space_of(MeasureArguments& o) {
  if (o.space.empty() == o.run.empty())
    throw ConfigError("nas measure needs a space: --space NAME (or file), or --run RUN");
  if (!o.space.empty()) return load_space(o.space);
  const Store store(o.common.db, Store::Mode::kRead);
  const auto run = store.run(o.run);
  if (!run)
    throw ConfigError("there is no run '" + o.run + "' in " + store.path(),
                      runs_are_listed(store.path()));
  o.trained = run->command == "search" ? run->parent : is_stand_alone(*run) ? "" : run->id;
  return open_space(space_of_run(store, *run));
}

/// Whole networks against the sums of their ops. Stopped: Interrupted, as some of the networks are
/// not those that were asked for; the table is stored before.
LatencyCheck check(const MeasureArguments& o,
                   const Space& space,
                   const LatencyTable& table,
                   const Device& device) {
  LatencyCheck result;
  result.predicted_ms.emplace_back("sum of ops", std::vector<double>());
  Rng rng(o.common.seed, "measure/check");
  std::vector<Architecture> networks;
  for (int i = 0; i < o.check; ++i) networks.push_back(space.sample(rng));
  const auto network = [&](size_t i) { return space.plan(networks[i]); };
  MeasureOptions options = o.measure;
  Progress progress(o.common, "check", static_cast<int64_t>(o.check) * kPasses);
  options.progress = [&](int64_t done, int64_t, const std::string& key) {
    progress.update(done, key);
  };
  const MeasuredNetworks measured = measure_networks(networks.size(), network, options, device);
  int64_t done = 0;
  for (const auto& time : measured.times) done += time.has_value() ? 1 : 0;
  if (measured.stopped)
    throw Interrupted("the check was stopped after " + std::to_string(done) + " of " +
                      std::to_string(o.check) +
                      " networks, so nothing is said about the error of the sums; the table '" +
                      table.id + "' is complete and stored");
  for (size_t i = 0; i < networks.size(); ++i) {
    result.networks.push_back(space.text(networks[i]));
    result.predicted_ms[0].second.push_back(table.predict(network(i)));
    result.measured_ms.push_back(measured.times[i]->median_ms);
  }
  return result;
}

struct Ops {
  LatencyTable table;
  std::map<std::string, Timing> times;
  std::vector<std::string> missing;  ///< Without a time: the user stopped.
  bool stopped = false;
};

/// What is said of a table whose times are not all of one call of this command: calls of its ops
/// from the fewest to the most, how much of the space it has, and what was odd with older times.
void put_truth(const MeasureArguments& o, const LatencyTable* from, bool complete, Ops& result) {
  LatencyTable& table = result.table;
  auto& c = table.conditions;
  int least = std::numeric_limits<int>::max(), most = 0;
  for (const auto& [key, entry] : table.entries) {
    least = std::min(least, entry.repeats);
    most = std::max(most, entry.repeats);
  }
  c["repeats"] =
      least == most ? std::to_string(most) : std::to_string(least) + " to " + std::to_string(most);
  c["ops_complete"] = result.stopped && !result.missing.empty()
                          ? "no: " + std::to_string(result.missing.size()) + " have no time"
                      : !o.only.empty() ? "no: those of a list"
                      : complete        ? "yes"
                                        : "of sampled architectures";
  if (from == nullptr) return;
  c["continued_from"] = from->id;
  if (const auto it = from->conditions.find("unstable"); it != from->conditions.end())
    if (std::string& now = c["unstable"]; now != it->second)
      now = it->second + (now.empty() ? "" : "; " + now);
}

/// A table that has all ops, of a space that was changed: nothing is measured, and it says that it
/// is of the space as it is now.
Ops only_stamped(const MeasureArguments& o,
                 const Space& space,
                 const LatencyTable& from,
                 Ops result) {
  LatencyTable& table = result.table;
  table.id = o.name.empty() ? new_run_id("latency") : o.name;
  set_space(table, space);
  table.program = program_text();
  table.created = utc_now();
  table.conditions = from.conditions;
  table.conditions.erase("stopped");
  put_truth(o, &from, /*complete=*/true, result);
  note(o.common,
       "all " + std::to_string(table.entries.size()) + " ops that '" + space.name() +
           "' has now are in " + printable(from.id) + "; nothing is measured");
  return result;
}

/// Warns where the machine is no more what it was when `from` was measured, and marks the table.
void tell_state(const MeasureArguments& o,
                const LatencyTable& from,
                const std::map<std::string, OpCase>& again,
                const std::map<std::string, Timing>& timed,
                std::map<std::string, std::string>& conditions) {
  std::vector<std::string> keys;
  for (const auto& [key, op] : again) keys.push_back(key);
  const std::string changed = compare_states(from, keys, timed, conditions);
  if (changed.empty()) return;
  std::vector<std::string> words = {"measure"};
  if (o.run.empty())
    words.insert(words.end(), {"--space", o.space});
  else
    words.insert(words.end(), {"--run", o.run});
  warning(changed + ": old and new times do not add up, and the table is marked as unstable. " +
          "Measure all anew (" + suggested(words, o.common) +
          "), or go on once the machine is as quiet as it was");
}

/// All ops of the space, or of those in `from` that it lacks.
Ops measure_all(const MeasureArguments& o,
                const Space& space,
                MeasuringPlace place,
                const LatencyTable* from) {
  bool complete = false;
  const std::map<std::string, OpCase> all = distinct_ops(space, complete);
  std::map<std::string, OpCase> ops = all;
  if (!o.only.empty()) {
    std::map<std::string, OpCase> few;
    for (const std::string& key : read_op_keys(o.only, {.ops = ops})) few[key] = ops.at(key);
    ops = std::move(few);
  }
  Ops result;
  LatencyTable& table = result.table;
  std::map<std::string, OpCase> again;  // Timed in `from`, too: is the machine as it was?
  if (from != nullptr) {
    for (const std::string& key : timed_again(*from, all)) again[key] = all.at(key);
    for (const auto& [key, entry] : from->entries)
      if (ops.erase(key) > 0) table.entries[key] = entry;
    if (ops.empty() && space_of_table(*from, space) == TableSpace::kChanged && complete)
      return only_stamped(o, space, *from, std::move(result));
    if (ops.empty())
      throw ConfigError("latency table " + printable(from->id) + " has all " +
                        std::to_string(table.entries.size()) + " ops of the space '" +
                        space.name() + "'");
    note(o.common,
         std::to_string(table.entries.size()) + " ops are taken from " + printable(from->id));
  }
  ops.insert(again.begin(), again.end());
  MeasureOptions options = o.measure;
  const auto each = static_cast<int64_t>(ops.size());
  Progress progress(o.common, "measure", each * kPasses);
  options.progress = [&](int64_t done, int64_t, const std::string& key) {
    progress.update(
        done, key.substr(0, key.find(' ')), /*milestone=*/done == 1 || done % each == 0);
  };
  throw_if_stopped("the ops of the space were listed");
  // What was measured is kept, however long the call takes that the stop waits for.
  const SavesOnStop saves;
  MeasuredOps measured = measure_ops(ops, options, place.device);
  const std::map<std::string, Timing> timed = measured.times;
  for (const auto& [key, op] : again) {
    measured.times.erase(key);  // The table keeps the older times.
    std::erase(measured.missing, key);
  }
  if (measured.times.empty())
    throw Interrupted("stopped before any of the " + std::to_string(each) +
                      " ops was timed; nothing is stored");
  table.id = o.name.empty() ? new_run_id("latency") : o.name;
  set_space(table, space);
  table.program = program_text();
  table.created = utc_now();
  table.conditions = std::move(place.conditions);
  table.conditions["batch"] = std::to_string(o.measure.batch);
  table.conditions.insert(measured.conditions.begin(), measured.conditions.end());
  put_drift(measured, table.conditions);
  for (const auto& [key, t] : measured.times)
    table.entries[key] = {t.median_ms, t.low_ms, t.high_ms, t.repeats};
  result.times = measured.times;
  result.missing = measured.missing;
  result.stopped = measured.stopped;
  if (from != nullptr) tell_state(o, *from, again, timed, table.conditions);
  put_truth(o, from, complete, result);
  if (result.stopped)
    table.conditions["stopped"] =
        "by the user, " + std::to_string(result.missing.size()) + " ops have no time";
  return result;
}

/// The table with what else was seen of each op: deviation, memory, energy. Readers that do not
/// know these pass over them.
std::string with_details(const Ops& ops) {
  Json json = Json::parse(to_json(ops.table));
  for (auto& [key, entry] : json["ops"].items()) {
    const auto it = ops.times.find(key);
    if (it == ops.times.end()) continue;
    entry["mad"] = it->second.mad_ms;
    if (it->second.peak_bytes > 0) entry["peak_bytes"] = it->second.peak_bytes;
    if (it->second.energy_mj) entry["energy_mj"] = *it->second.energy_mj;
  }
  return json.dump(1);
}

/// What a stop left: the times are stored, and what is missing is said.
[[noreturn]] void end_stopped(const MeasureArguments& o, const Ops& ops) {
  constexpr size_t kNamed = 5;
  std::string text = "stopped: " + std::to_string(ops.table.entries.size()) + " of " +
                     std::to_string(ops.table.entries.size() + ops.missing.size()) +
                     " ops are timed and stored as '" + ops.table.id + "'";
  if (!ops.missing.empty()) text += "; without a time:";
  for (size_t i = 0; i < std::min(kNamed, ops.missing.size()); ++i) text += "\n  " + ops.missing[i];
  if (ops.missing.size() > kNamed)
    text += "\n  and " + std::to_string(ops.missing.size() - kNamed) + " more";
  // Enough of each was timed to be used.
  if (ops.missing.empty()) throw Interrupted(text + ", with fewer calls than asked for");
  std::vector<std::string> words = {"measure"};
  if (!o.run.empty())
    words.insert(words.end(), {"--run", o.run});
  else
    words.insert(words.end(), {"--space", o.space});
  words.insert(words.end(), {"--continue", ops.table.id});
  // Under the same conditions, wherever these came from.
  const auto condition = [&](const char* key) {
    const auto it = ops.table.conditions.find(key);
    return it == ops.table.conditions.end() ? std::string() : it->second;
  };
  const auto put = [&](const char* flag, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {flag, value});
  };
  const auto put_number = [&](const char* flag, int64_t value, int64_t usual) {
    if (value != usual) put(flag, std::to_string(value));
  };
  if (o.device != "auto") put("--device", o.device);
  for (const char* key : {"threads", "batch"})
    if (const std::string value = condition(key); value != "0")
      put((std::string("--") + key).c_str(), value);
  const MeasureOptions usual;
  put_number("--warmup", o.measure.warmup, usual.warmup);
  put_number("--repeats", o.measure.repeats, usual.repeats);
  if (o.no_pin) words.emplace_back("--no-pin");
  if (o.measure.flush_l2) words.emplace_back("--flush-l2");
  put("--only", o.only);
  put_number("--check", o.check, 0);
  // The table that is stored has the name.
  if (!o.name.empty()) put("--name", unused_table(Store(o.common.db), o.name));
  put("--out", o.out);
  if (o.common.seed_given) put("--seed", std::to_string(o.common.seed));
  throw Interrupted(text + "\nGo on with: " + suggested(words, o.common));
}

/// With the table that is stored already; the check is reported even where that fails.
void keep_check(Store& store, const std::string& id, const LatencyCheck& checked) {
  try {
    auto row = store.latency_table(id);
    if (!row) throw DataError("another process removed it");
    row->table_json = with_check(row->table_json, checked);
    store.add_latency_table(*row);
  } catch (const Error& e) {
    warning("the check is not kept with the latency table " + printable(id) + ": " + e.what());
  }
}

/// What the measuring came to, with the least and the largest network of the space.
MeasureReport report_of(const MeasureArguments& o,
                        const LatencyTable& table,
                        const Space& space,
                        LatencyCheck check) {
  return {table,
          table.predict(space.plan(space.smallest())),
          table.predict(space.plan(space.largest())),
          std::move(check),
          o.trained};
}

/// Of a few ops: no network adds up from them.
int report_few(const MeasureArguments& o, const LatencyTable& table) {
  if (o.common.json)
    return print(json_text({{"schema", "nas-measure/1"},
                            {"table", table.id},
                            {"space", table.space},
                            {"ops", table.entries.size()},
                            {"conditions", table.conditions}})),
           kExitOk;
  print_prose("latency table " + table.id + ": the " + std::to_string(table.entries.size()) +
              " ops of " + o.only);
  print_prose("next, from a table of another device: " +
              suggested({"latency", "calibrate", "--table", "KNOWN", "--ops", table.id}, o.common));
  return kExitOk;
}

/// Refused where its times and new ones cannot stand side by side.
std::optional<LatencyTable> table_to_continue(const MeasureArguments& o,
                                              const Store& store,
                                              const Space& space,
                                              const MeasuringPlace& place) {
  if (o.from.empty()) return std::nullopt;
  LatencyModel model = open_latency_model(store, o.from);
  if (model.calibration())
    warning("latency table " + printable(o.from) +
            " is calibrated; the new one holds times of ops only. Calibrate it anew: nas latency "
            "calibrate");
  LatencyTable table = std::move(model.table());
  if (space_of_table(table, space) == TableSpace::kOther)
    throw ConfigError("latency table " + printable(table.id) + " is of the space '" +
                      printable(table.space) + "', not of '" + space.name() + "'");
  std::map<std::string, std::string> now = place.conditions;
  now["batch"] = std::to_string(o.measure.batch);
  if (const std::string lacks = unsaid(table.conditions, {"device", "threads", "batch", "dtype"});
      !lacks.empty())
    warning("latency table " + printable(o.from) + " does not say the " + lacks +
            " of its times; new ones, measured as is asked for here, will stand beside them");
  for (const char* key : {"device", "threads", "cpu", "gpu", "batch", "dtype"}) {
    const auto was = table.conditions.find(key);
    if (was != table.conditions.end() && now.contains(key) && now.at(key) != was->second)
      throw ConfigError("latency table " + printable(table.id) + " was measured with " + key + " " +
                            printable(was->second) + ", not " + now.at(key),
                        "Times of both would not add up; go on under the same conditions.");
  }
  return table;
}

void add_options(CLI::App& app, MeasureArguments& o) {
  app.add_option("--space", o.space, "Space: a name or a file");
  app.add_option("--run", o.run, "The space of this run: id, name or last");
  app.add_option("--device", o.device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", o.threads, "Compute threads; 0: OMP_NUM_THREADS, else all cores")
      ->check(CLI::Range(0, 4096));
  app.add_option("--batch", o.measure.batch, "Images at once")->check(CLI::Range(1, 100000));
  app.add_option("--warmup", o.measure.warmup, "Calls before the clock runs, in each visit")
      ->check(CLI::Range(0, 1000000));
  app.add_option("--repeats", o.measure.repeats, "Timed calls of each op")
      ->check(CLI::Range(1, 1000000));
  app.add_flag("--no-pin", o.no_pin, "Leave threads where the system puts them");
  app.add_flag(
      "--flush-l2", o.measure.flush_l2, "On a GPU: overwrite its cache before each timed call");
  app.add_option("--continue", o.from, "Measure only what this table lacks: id, last or a file");
  app.add_option("--only",
                 o.only,
                 "Measure only the ops of this file, one a line (nas latency plan --budget N)");
  app.add_option("--check", o.check, "Also time so many whole networks and compare")
      ->check(CLI::Range(2, 100000));
  app.add_option("--name", o.name, "Id of the table (default: made up)");
  app.add_option("--out", o.out, "Also write the table to this file (JSON)");
}

}  // namespace

int run_measure(const std::vector<std::string>& args) {
  MeasureArguments o;
  CLI::App app("Measure a latency table of a space's ops on this machine", "nas measure");
  app.footer(
      "nas measure --space digits\n"
      "nas measure --run last --threads 1 --check 20\n"
      "nas measure --space resnet20-pool --batch 8 --out table.json");
  add_options(app, o);
  add_common(app, o.common, kTakesDb | kTakesSeed);
  if (!parse(app, args)) return kExitOk;
  // Before anything else: what is measured on another device than was meant is worthless.
  const MeasuringPlace place = open_measuring(o.device, o.threads);
  check_output("--out", o.out, {o.from, o.only, o.space, o.common.db});
  if (o.measure.flush_l2 && !place.device.cuda)
    throw ConfigError("--flush-l2 is for GPUs, and the device is " + place.device.str(),
                      "leave it out, or add --device cuda");
  o.name = checked_table_name(o.name);
  o.measure.pin = !o.no_pin;
  o.measure.seed = o.common.seed;
  const auto space = space_of(o);
  Store store(o.common.db);
  if (!o.name.empty() && store.latency_table(o.name))
    throw ConfigError("there is a latency table '" + o.name + "' already", "choose another --name");
  if (o.check > 0 && !o.only.empty())
    throw ConfigError("--check needs times of all ops, and --only measures a few",
                      "leave one of them out");
  const auto from = table_to_continue(o, store, *space, place);
  Ops ops = measure_all(o, *space, place, from ? &*from : nullptr);
  keep_measured(ops.table, store, o.out, [&] { return with_details(ops); });
  const LatencyTable& table = ops.table;
  if (ops.stopped) end_stopped(o, ops);
  if (!o.only.empty()) return report_few(o, table);
  // Last: whatever ends it, the table is there.
  if (o.check > 0)
    note(o.common,
         "latency table '" + table.id + "' is stored; checking it on " + std::to_string(o.check) +
             " whole networks");
  LatencyCheck checked;
  if (o.check > 0) {
    checked = check(o, *space, table, place.device);
    keep_check(store, table.id, checked);
  }
  const MeasureReport report = report_of(o, table, *space, std::move(checked));
  if (o.common.json)
    print(measure_json(report));
  else
    print_measure(report, o.common);
  return kExitOk;
}

}  // namespace nas::cli
