#include "cli/latency/networks.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <set>

#include "cli/latency/model.hpp"
#include "cli/latency/rows.hpp"
#include "cli/latency/shared.hpp"
#include "cli/report/document.hpp"
#include "cli/torch_services.hpp"
#include "hardware/dtype.hpp"
#include "hardware/prediction/calibration.hpp"
#include "hardware/prediction/choose.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/text/architecture_list.hpp"
#include "supernet/device_name.hpp"

namespace nas::cli {
namespace {

using Conditions = std::map<std::string, std::string>;

std::string found(const Conditions& conditions, const std::string& key) {
  const auto it = conditions.find(key);
  return it == conditions.end() ? "" : it->second;
}

// ---- Here

/// Times of other machines do not stand beside those measured now.
void require_conditions(const NetworkOptions& o, const MeasuredRows& rows, const Conditions& now) {
  for (const char* key : {"device", "threads", "dtype", "cpu", "gpu"}) {
    const std::string before = found(rows.conditions, key), here = found(now, key);
    if (std::string_view(key) == "device" && same_device(before, here)) continue;
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

/// ConfigError for the table of a phone, say: its networks are not measured here.
void require_here(const NetworkOptions& o, const Space& space, const LatencyTable& table) {
  const std::string device = found(table.conditions, "device");
  if (!o.device.empty() || device.empty() || device_name_problem(device).empty()) return;
  throw ConfigError(
      "table " + printable(table.id) + " is of another device (" + printable(device) +
          "), whose networks cannot be measured here",
      "Measure them there: `nas latency export-work " + space_argument(space) + " --networks " +
          (o.archs.empty() ? std::to_string(o.measure) : shell_word(o.archs)) + " --batch " +
          std::to_string(table.batch()) +
          " --out work.jsonl` writes what to time, `nas latency import-results ANSWERS --rows "
          "networks.csv` takes the answers, and --rows networks.csv names them here. If this "
          "machine is meant, say so: --device cpu.");
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
  if (const std::string dtype = found(table.conditions, "dtype");
      !dtype.empty() && dtype_named(dtype) != "float32")
    throw ConfigError("table " + printable(table.id) + " holds times in " + printable(dtype) +
                          ", and networks are measured in float32 here",
                      "Measure them where the table was made, and name the file with --rows.");
  MeasureOptions options = o.options;
  options.batch = table.batch();
  options.seed = common.seed;
  require_here(o, space, table);
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
      rows.places.emplace_back();
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
    rows = read_measured_rows(o, space, table);
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

std::vector<std::string> words_of(const NetworkOptions& o) {
  std::vector<std::string> words;
  if (!o.archs.empty())
    words = {"--archs", o.archs};
  else if (o.measure > 0)
    words = {"--measure", std::to_string(o.measure)};
  const auto put = [&](const char* flag, const std::string& value) {
    words.insert(words.end(), {flag, value});
  };
  if (!o.device.empty()) put("--device", o.device);
  if (o.threads > 0) put("--threads", std::to_string(o.threads));
  if (o.options.warmup != MeasureOptions{}.warmup)
    put("--warmup", std::to_string(o.options.warmup));
  if (o.options.repeats != MeasureOptions{}.repeats)
    put("--repeats", std::to_string(o.options.repeats));
  if (o.trust_unit) words.emplace_back("--trust-unit");
  return words;
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
