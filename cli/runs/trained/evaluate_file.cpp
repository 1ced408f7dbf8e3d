// A file says with its lineage which data it was made for, how they were prepared and split; they
// are opened again and compared by their hashes, as those of a run are.
#include "cli/runs/trained/evaluate_file.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/config/train_config.hpp"
#include "cli/report/document.hpp"
#include "cli/report/training/scores.hpp"
#include "cli/runs/results/lineage.hpp"
#include "cli/runs/run_sets.hpp"
#include "cli/terminal/suggest.hpp"
#include "spaces/base/printable.hpp"
#include "supernet/data/contents.hpp"
#include "supernet/data/sources/sources.hpp"
#include "supernet/device.hpp"
#include "supernet/export/evaluate_exported.hpp"
#include "supernet/export/exported_text.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

/// The file that runs, and what it says.
ExportedText runnable(const std::string& file) {
  ExportedText text = read_exported_text(file);
  if (text.format == "torchscript" || text.format == "onnx") return text;
  for (const char* name : {"model.ts", "model.onnx"})
    if (const fs::path beside = fs::path(text.path).parent_path() / name; fs::exists(beside))
      return read_exported_text(beside.string());
  throw ConfigError(text.path + " holds no network that runs (" + text.format + ")",
                    "name its model.ts or model.onnx: `nas export` writes them with --format "
                    "torchscript,onnx");
}

/// Whose data, seeds and sizes of batches are meant.
TrainConfig config_of(const Json& about, const std::string& path, const Common& common) {
  const Json* step =
      about.contains("lineage") ? step_of(about["lineage"], about.value("run", "")) : nullptr;
  if (step == nullptr)
    throw ConfigError(path +
                          " does not say which data it was made for: it was exported by a "
                          "version before 0.2",
                      "export it again, or judge it in its run: nas evaluate --run " +
                          about.value("run", std::string("RUN")));
  YamlSource source;
  source.text = step->value("config", "");
  source.file = "configuration in " + path;
  source.sets = run_sets(common.sets);
  return read_yaml_as<TrainConfig>(source);
}

const Task& task_named(const std::string& name, const std::string& path) {
  for (const Task* task : tasks())
    if (task->name() == name) return *task;
  throw DataError(path + ": its task '" + printable(name) + "' is none that this version knows");
}

/// DataError where they are other data than those of its training.
void require_same(const Json& hashes,
                  const Dataset& data,
                  const Splits& splits,
                  const std::string& path,
                  const std::string& folder) {
  const std::string to_do =
      folder.empty() ? "" : "; name where they lie with --set data.path=FOLDER";
  const std::string what = path + " was made for other data than " +
                           (folder.empty() ? "these" : "those in " + printable(folder));
  if (const std::string hash = hashes.value("split", ""); !hash.empty() && hash != splits.hash)
    throw DataError(what + ": images, classes or splits differ (hash " + splits.hash.substr(0, 12) +
                    ", made for " + hash.substr(0, 12) + ")" + to_do);
  const std::string hash = hashes.value("data", "");
  if (hash.empty()) return;
  const Contents now = contents_of(data, splits, hashes.value("data_every", int64_t{1}));
  if (now.hash != hash)
    throw DataError(what + ": the contents of the images differ (hash " + now.hash.substr(0, 12) +
                    ", made for " + hash.substr(0, 12) + ")" + to_do);
}

void require_there(const std::string& folder, const std::string& path) {
  if (folder.empty() || is_shard_pattern(folder) || fs::exists(folder)) return;
  throw ConfigError(
      "the data that " + path + " was made for are not in " + printable(folder) + " any more",
      "say where they are: --set data.path=FOLDER");
}

Normalisation normalisation_in(const Json& about) {
  return {about.at("input").at("mean").get<std::vector<float>>(),
          about.at("input").at("std").get<std::vector<float>>()};
}

/// Where its run is judged with other statistics than the file has.
void tell_statistics(const Json& norms, const EvaluateOptions& options, const Common& common) {
  const bool measured = norms.at("treatment") == "recalibrated";
  const bool by_batch = norms.value("of_each_batch_in_supernet", 0) > 0;
  if (!measured || (options.recalibrate.enabled && !by_batch)) return;
  note(common,
       "note: the file's batch norms have fixed statistics, measured on " +
           norms.at("images").dump() + " training images; inside the supernet it is judged with " +
           (by_batch ? "those of each batch" : "the running ones") +
           ", so that `nas evaluate --run` says another number");
}

void print_score(const Json& about,
                 const ExportedText& file,
                 const Task& task,
                 const Score& score,
                 const EvaluateOptions& options,
                 const Common& common) {
  const std::string architecture = about.value("architecture", "");
  if (common.json) {
    Json entry{{"architecture", architecture}};
    for (const auto& [metric, value] : score.values) entry[metric] = value;
    entry["macs"] = about.value("macs", int64_t{0});
    entry["params"] = about.value("params", int64_t{0});
    return print(json_text(Json{{"schema", "nas-evaluate/1"},
                                {"file", file.path},
                                {"format", file.format},
                                {"run", about.value("run", "")},
                                {"split", options.split},
                                {"images", score.samples},
                                {"evaluations", Json::array({entry})}}));
  }
  std::vector<std::string> header = {"architecture"}, row = {architecture};
  for (const char* metric : task.metrics()) {
    header.push_back(metric_heading(metric));
    row.push_back(metric_in_table(metric, score.value(metric)));
  }
  header.insert(header.end(), {"MACs", "params"});
  row.push_back(format_count(about.value("macs", 0.0)));
  row.push_back(format_count(about.value("params", 0.0)));
  Table table(header);
  table.row(row);
  print(table.text());
  print_prose(file.path + " (" + file.format + ", run " + about.value("run", "") + "), " +
              options.split + " split, " + std::to_string(score.samples) + " images; not stored");
}

}  // namespace

int evaluate_file(const std::string& file, const std::string& split, const Common& common) {
  if (!fs::exists(file))
    throw ConfigError("there is no file " + printable(file),
                      "networks of a run: " + suggested({"evaluate", "--run", file}, common));
  const ExportedText text = runnable(file);
  const Json about = Json::parse(text.json);
  try {
    TrainConfig config = config_of(about, text.path, common);
    if (!split.empty()) config.evaluate.split = split;
    const Task& task = task_named(about.value("task", ""), text.path);
    set_compute_threads(config.threads);
    require_there(config.data.path, text.path);
    const auto dataset = open_dataset(config.data);
    const Splits splits = make_splits(*dataset, config.data);
    const Json& step = *step_of(about["lineage"], about["run"].get<std::string>());
    require_same(
        step.value("hashes", Json::object()), *dataset, splits, text.path, config.data.path);
    tell_statistics(about.at("batch_norm"), config.evaluate, common);
    const RunData data{*dataset, splits, normalisation_in(about), config.data};
    const Score score = evaluate_exported(text.path, task, data, config.evaluate);
    print_score(about, text, task, score, config.evaluate, common);
  } catch (const Json::exception&) {
    throw DataError(text.path + ": what it says of itself is damaged");
  }
  return kExitOk;
}

}  // namespace nas::cli
