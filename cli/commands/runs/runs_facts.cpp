// What a list of runs tells of each beyond its row.
#include <nlohmann/json.hpp>

#include "cli/commands/runs/runs.hpp"
#include "cli/search/told_documents.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas::cli {
namespace {

std::optional<int64_t> whole_number(const RunRow& run, const std::string& key) {
  YamlSource source;
  source.text = run.config_yaml;
  try {
    const std::string text = yaml_scalar(source, key).value_or("");
    if (text.empty() || text.size() > 15 ||
        text.find_first_not_of("0123456789") != std::string::npos)
      return std::nullopt;
    return std::stoll(text);
  } catch (const ConfigError&) {
    return std::nullopt;  // Not written by this program.
  }
}

std::string fraction(int64_t done, const std::optional<int64_t>& total) {
  return std::to_string(done) + (total ? "/" + std::to_string(*total) : "");
}

// Best of the front of a finished search, else the most that was found so far.
std::optional<double> best_found(const Store& store, const RunRow& run) {
  if (const auto document = store.document(run.id, "front")) {
    const auto json = nlohmann::json::parse(*document, nullptr, false);
    if (!json.is_object() || !json.contains("best") || !json.contains("front")) return std::nullopt;
    const auto at = json["best"].get<size_t>();
    if (at >= json["front"].size()) return std::nullopt;
    const auto values = json["front"][at].value("values", nlohmann::json::object());
    if (!values.contains("accuracy") || !values["accuracy"].is_number()) return std::nullopt;
    return values["accuracy"].get<double>();
  }
  std::optional<double> best;
  for (const EvaluationRow& row : store.evaluations(run.id))
    if (row.metric == "accuracy" && row.status == "ok" && (!best || row.value > *best))
      best = row.value;
  return best;
}

}  // namespace

size_t values_awaited(const Store& store, const RunRow& run) {
  if (run.command != "search" || run.status != "interrupted") return 0;
  try {
    return answers_awaited(store, run.id);
  } catch (const nlohmann::json::exception&) {
    return 0;  // Not written by this program.
  }
}

RunProgress run_progress(const Store& store, const RunRow& run) {
  RunProgress progress;
  if (run.command == "train") {
    const auto loss = store.last_metric(run.id, "train.loss");
    if (!loss && run.status != "running") return progress;
    progress.done = loss ? loss->step : 0;
    progress.total = whole_number(run, "train.epochs");
    // A tree trains more epochs than its config counts along one branch.
    if (const auto all = store.last_metric(run.id, "split.epochs"))
      progress.total = static_cast<int64_t>(all->value);
    progress.text = "epoch " + fraction(*progress.done, progress.total);
  } else if (run.command == "search") {
    const auto evaluations = store.last_metric(run.id, "evaluations");
    if (!evaluations && run.status != "running") return progress;
    progress.done = evaluations ? static_cast<int64_t>(evaluations->value) : 0;
    progress.total = whole_number(run, "search.evaluations");
    progress.text = fraction(*progress.done, progress.total) + " evaluations";
  }
  return progress;
}

RunAccuracy run_accuracy(const Store& store, const RunRow& run) {
  if (run.command == "search") {
    const auto best = best_found(store, run);
    return {best, best ? "best found" : ""};
  }
  for (const char* name : {"validation.accuracy.mean", "validation.accuracy", "train.accuracy"})
    if (const auto metric = store.last_metric(run.id, name)) return {metric->value, name};
  return {};
}

}  // namespace nas::cli
