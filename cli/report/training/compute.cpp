#include "cli/report/training/compute.hpp"

#include <cmath>
#include <optional>

#include "cli/config/stored_config.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/own_architecture.hpp"
#include "cli/terminal/suggest.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kEqual = 0.05;

std::string weights_of(const RunRow& run) {
  try {
    const YamlSource source = stored_config(run);
    if (const auto kind = yaml_scalar(source, "weights"); kind && !kind->empty()) return *kind;
    return yaml_scalar(source, "weights.kind").value_or("single");
  } catch (const ConfigError&) {
    return "";  // Not written by this program.
  }
}

std::string split_hash(const Store& store, const std::string& run) {
  const std::vector<SplitRow> rows = store.splits(run);
  return rows.empty() ? "" : rows.front().hash;
}

/// The finished plain run nearest in compute.
std::optional<RunRow> nearest_plain(const Store& store, const RunRow& run, double macs) {
  std::optional<RunRow> best;
  double least = kEqual;
  const std::string hash = split_hash(store, run.id);
  for (const RunRow& other : store.runs()) {
    if (other.command != "train" || other.status != "finished" || other.id == run.id ||
        other.fingerprint != run.fingerprint || weights_of(other) != "single" ||
        split_hash(store, other.id) != hash || is_stand_alone(other))
      continue;
    const double off = std::abs(compute_of(store, other.id).all_macs() / macs - 1);
    if (off > least) continue;
    least = off;
    best = other;
  }
  return best;
}

}  // namespace

Compute compute_of(const Store& store, const std::string& run) {
  Compute c;
  const auto sum = [&](const char* name) {
    double total = 0;
    for (const MetricRow& row : store.metrics(run, name)) total += row.value;
    return total;
  };
  const auto last = [&](const char* name) {
    const auto row = store.last_metric(run, name);
    return row ? row->value : 0;
  };
  if (const auto row = store.last_metric(run, "train.macs")) c.epochs = row->step;
  c.passes = sum("train.paths");
  c.macs = last("train.macs");
  c.validation_macs = sum("train.validation_macs");
  c.scoring_passes = last("split.scoring_passes");
  c.scoring_macs = last("split.scoring_macs");
  c.seconds = sum("time.seconds");
  c.scoring_seconds = sum("time.scoring_seconds");
  return c;
}

Json compute_json(const Compute& c) {
  if (c.epochs == 0) return nullptr;
  return {{"epochs", c.epochs},
          {"passes", c.passes},
          {"macs", c.macs},
          {"validation_macs", c.validation_macs},
          {"scoring_passes", c.scoring_passes},
          {"scoring_macs", c.scoring_macs},
          {"seconds", c.seconds},
          {"scoring_seconds", c.scoring_seconds}};
}

std::vector<std::pair<std::string, std::string>> compute_lines(const Compute& c) {
  std::vector<std::pair<std::string, std::string>> lines;
  if (c.epochs == 0) return lines;
  const auto both = [](double passes, double macs) {
    return format_count(passes) + " passes, " + format_count(macs) + " multiply-adds";
  };
  lines.emplace_back("training (forward-backward)", both(c.passes, c.macs));
  if (c.scoring_passes > 0)
    lines.emplace_back("scoring of choices (the same)",
                       both(c.scoring_passes, c.scoring_macs) + " (" +
                           format_number(100 * c.scoring_macs / c.macs, 3) + " % of training)");
  if (c.validation_macs > 0)
    lines.emplace_back("judging of paths (forward)",
                       format_count(c.validation_macs) + " multiply-adds");
  lines.emplace_back(
      "time of all epochs",
      format_seconds(c.seconds) +
          (c.scoring_seconds > 0 ? ", and " + format_seconds(c.scoring_seconds) + " of scoring"
                                 : ""));
  return lines;
}

Json equal_compute(const Store& store, const std::vector<std::string>& runs, const Common& common) {
  Json list = Json::array();
  for (const std::string& id : runs) {
    const auto run = store.run(id, "train");
    if (!run || weights_of(*run) == "single" || weights_of(*run).empty()) continue;
    const Compute c = compute_of(store, id);
    if (c.epochs == 0 || !(c.macs > 0)) continue;
    Json entry{{"run", id}, {"weights", weights_of(*run)}, {"macs", c.all_macs()}};
    if (const auto plain = nearest_plain(store, *run, c.all_macs())) {
      const double macs = compute_of(store, plain->id).all_macs();
      entry["baseline"] = plain->id;
      entry["ranked"] = std::find(runs.begin(), runs.end(), plain->id) != runs.end();
      entry["baseline_name"] = plain->name;
      entry["baseline_macs"] = macs;
      entry["ratio"] = macs / c.all_macs();
    } else {
      const double epochs = c.all_macs() / (c.macs / static_cast<double>(c.epochs));
      char budget[32];
      std::snprintf(budget, sizeof budget, "%.0f", c.all_macs());
      entry["baseline"] = nullptr;
      entry["epochs"] = std::ceil(epochs);
      entry["make"] =
          suggested_again("train", id, common) +
          " --set weights=single --set train.epochs=" + format_number(std::ceil(epochs), 9) +
          " --set train.budget.macs=" + budget;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

std::string equal_compute_text(const Json& baselines) {
  std::string text;
  for (const Json& b : baselines) {
    if (!text.empty()) text += "\n";
    const std::string run = "run " + b["run"].get<std::string>() + " (" +
                            b["weights"].get<std::string>() + ", " +
                            format_count(b["macs"].get<double>()) + " multiply-adds with scoring)";
    if (b["baseline"].is_null()) {
      text += run +
              ": the store has no one-shot run of equal compute (within 5 %), without which a "
              "better ranking may be more training; this makes one: " +
              b["make"].get<std::string>();
      continue;
    }
    const auto name = b["baseline_name"].get<std::string>();
    text += run + ": the one-shot run of equal compute is " + b["baseline"].get<std::string>() +
            (name.empty() ? "" : " (" + name + ")") + ", " +
            format_count(b["baseline_macs"].get<double>()) + " multiply-adds, " +
            format_number(b["ratio"].get<double>(), 4) + " of it";
    if (!b.value("ranked", false))
      text += "; rank both: --run " + b["run"].get<std::string>() + " --run " +
              b["baseline"].get<std::string>();
  }
  return text;
}

}  // namespace nas::cli
