// nas measure: a latency table of this machine, op by op.
#include <CLI/CLI.hpp>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/machine.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/latency.hpp"
#include "cli/runs/own_architecture.hpp"
#include "cli/runs/run_files.hpp"
#include "cli/runs/run_name.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/version.hpp"
#include "hardware/measure/measure.hpp"
#include "predictors/ranking/rank_metrics.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/registry.hpp"
#include "supernet/device.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  Common common;
  std::string space, run, device = "cpu", name, out;
  std::string trained;  ///< The supernet that `run` is or was searched in.
  MeasureOptions measure{.stop = stop_requested};
  int threads = 0;
  int check = 0;
};

std::unique_ptr<Space> space_of(Options& o) {
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

struct CheckResult {
  std::vector<double> predicted, measured;
  double mean_error = 0;  ///< Mean of |predicted - measured| / measured.
  double scale = 1;       ///< Sum of measured over sum of predicted.
};

/// Whole networks against the sums of their ops. Stopped: Interrupted, as some of the networks are
/// not those that were asked for; the table is stored before.
CheckResult check(const Options& o,
                  const Space& space,
                  const LatencyTable& table,
                  const Device& device) {
  CheckResult result;
  Rng rng(o.common.seed, "measure/check");
  Progress progress(o.common, "check", o.check);
  double predicted = 0, measured = 0;
  for (int i = 0; i < o.check; ++i) try {
      const Architecture a = space.sample(rng);
      result.predicted.push_back(table.predict(space.plan(a)));
      result.measured.push_back(time_network(space, a, o.measure, device).median_ms);
      result.mean_error += std::abs(result.predicted.back() - result.measured.back()) /
                           result.measured.back() / o.check;
      predicted += result.predicted.back();
      measured += result.measured.back();
      progress.update(i + 1, "");
    } catch (const Interrupted&) {
      throw Interrupted("the check was stopped after " + std::to_string(i) + " of " +
                        std::to_string(o.check) +
                        " networks, so nothing is said about the error of the sums; the table '" +
                        table.id + "' is complete and stored");
    }
  result.scale = measured / predicted;
  return result;
}

LatencyTable measure_all(const Options& o, const Space& space, const Device& device, int threads) {
  bool complete = false;
  const std::map<std::string, OpCase> ops = distinct_ops(space, complete);
  LatencyTable table;
  table.id = o.name.empty() ? new_run_id("latency") : o.name;
  table.space = space.name();
  table.created = utc_now();
  table.conditions = {{"device", device.str()},
                      {"threads", std::to_string(threads)},
                      {"batch", std::to_string(o.measure.batch)},
                      {"dtype", "float32"},
                      {"warmup", std::to_string(o.measure.warmup)},
                      {"repeats", std::to_string(o.measure.repeats)},
                      {"ops_complete", complete ? "yes" : "of sampled architectures"}};
  for (const auto& [key, value] : build_facts()) table.conditions[key] = value;
  table.conditions["cpu"] = cpu_facts().model;
  table.conditions["system"] = operating_system();
  Progress progress(o.common, "measure", static_cast<int64_t>(ops.size()));
  int64_t done = 0;
  for (const auto& [key, op] : ops) try {
      table.entries[key] = time_op(op, o.measure, device);
      progress.update(++done, std::string(op_name(op.op())));
    } catch (const Interrupted&) {
      throw Interrupted("stopped after " + std::to_string(done) + " of " +
                        std::to_string(ops.size()) + " ops; nothing was stored");
    }
  return table;
}

void report(const Options& o,
            const LatencyTable& table,
            const Space& space,
            const CheckResult& checked) {
  double spread = 0;
  for (const auto& [key, e] : table.entries)
    if (e.median_ms > 0)
      spread += (e.high_ms - e.low_ms) / e.median_ms / static_cast<double>(table.entries.size());
  const std::string each =
      table.batch() == 1 ? "" : " for " + std::to_string(table.batch()) + " images at once";
  const double small = table.predict(space.plan(space.smallest()));
  const double large = table.predict(space.plan(space.largest()));
  const bool has_check = !checked.measured.empty();
  const double rho = has_check ? spearman(checked.predicted, checked.measured) : 0;
  if (o.common.json) {
    Json json{{"schema", "nas-measure/1"},
              {"table", table.id},
              {"space", table.space},
              {"ops", table.entries.size()},
              {"conditions", table.conditions},
              {"relative_spread", spread},
              {"smallest_ms", small},
              {"largest_ms", large}};
    if (has_check)
      json["check"] = {{"networks", checked.measured.size()},
                       {"spearman", rho},
                       {"mean_relative_error", checked.mean_error},
                       {"measured_over_predicted", checked.scale}};
    return print(json_text(json));
  }
  Table text({"latency table " + table.id, table.space});
  text.row({"ops", std::to_string(table.entries.size())});
  for (const char* key : {"device", "threads", "batch", "repeats"})
    text.row({key, table.conditions.at(key)});
  text.row({"mean spread (quartiles / median)", format_number(100 * spread, 3) + " %"});
  text.row({"smallest architecture", format_number(small) + " ms" + each});
  text.row({"largest architecture", format_number(large) + " ms" + each});
  if (has_check) {
    text.row({"networks checked", std::to_string(checked.measured.size())});
    text.row({"Spearman, predicted to measured", format_number(rho, 3)});
    text.row({"mean error of the sum", format_number(100 * checked.mean_error, 3) + " %"});
  }
  print(text.text());
  // A search needs a supernet: that of the run, where it is one.
  std::vector<std::string> words = {"search", "--run", o.trained.empty() ? "RUN" : o.trained};
  words.insert(words.end(), {"--latency-table", table.id});
  if (table.batch() != 1)
    words.insert(words.end(), {"--latency-batch", std::to_string(table.batch())});
  words.insert(words.end(),
               {"--constraint", "latency_ms <= " + format_number(0.5 * (small + large), 2)});
  print_prose((o.trained.empty() ? "in a search of this space: " : "next: ") +
              suggested(words, o.common));
}

}  // namespace

int run_measure(const std::vector<std::string>& args) {
  Options o;
  CLI::App app("Measure a latency table of a space's ops on this machine", "nas measure");
  app.footer(
      "nas measure --space digits\n"
      "nas measure --run last --threads 1 --check 20\n"
      "nas measure --space resnet20-pool --batch 8 --out table.json");
  app.add_option("--space", o.space, "Space: a name or a file");
  app.add_option("--run", o.run, "The space of this run: id, name or last");
  app.add_option("--device", o.device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", o.threads, "Compute threads; 0: OMP_NUM_THREADS, else all cores")
      ->check(CLI::Range(0, 4096));
  app.add_option("--batch", o.measure.batch, "Images at once")->check(CLI::Range(1, 100000));
  app.add_option("--warmup", o.measure.warmup, "Calls before the clock runs")
      ->check(CLI::Range(0, 1000000));
  app.add_option("--repeats", o.measure.repeats, "Timed calls of each op")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--check", o.check, "Also time so many whole networks and compare")
      ->check(CLI::Range(2, 100000));
  app.add_option("--name", o.name, "Id of the table (default: made up)");
  app.add_option("--out", o.out, "Also write the table to this file (JSON)");
  add_common(app, o.common, kTakesDb | kTakesSeed);
  if (!parse(app, args)) return kExitOk;
  o.name = checked_name(o.name);
  const auto space = space_of(o);
  const Device device = open_device(o.device);
  // Networks run in fp32, by the fastest algorithms there are: those of inference.
  set_gpu_arithmetic(device, /*tf32=*/false, /*deterministic=*/false);
  const int threads = set_compute_threads(o.threads);
  Store store(o.common.db);
  if (!o.name.empty() && store.latency_table(o.name))
    throw ConfigError("there is a latency table '" + o.name + "' already", "choose another --name");
  const LatencyTable table = measure_all(o, *space, device, threads);
  store.add_latency_table({table.id,
                           table.space,
                           table.conditions.at("device"),
                           Json(table.conditions).dump(),
                           to_json(table),
                           table.created});
  if (!o.out.empty()) {
    try {
      write_whole_file(o.out, to_json(table) + "\n");
    } catch (const DataError& e) {
      throw DataError(std::string(e.what()) + " (the table is in the store as " + table.id + ")");
    }
  }
  // Last: whatever ends it, the table is there.
  if (o.check > 0)
    note(o.common,
         "latency table '" + table.id + "' is stored; checking it on " + std::to_string(o.check) +
             " whole networks");
  const CheckResult checked = o.check > 0 ? check(o, *space, table, device) : CheckResult{};
  report(o, table, *space, checked);
  return kExitOk;
}

}  // namespace nas::cli
