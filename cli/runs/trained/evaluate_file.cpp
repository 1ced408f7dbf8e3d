// A file says with its lineage which data it was made for, how they were prepared and split; they
// are opened again and compared by their hashes, as those of a run are.
#include "cli/runs/trained/evaluate_file.hpp"

#include <algorithm>
#include <filesystem>

#include "cli/config/train_config.hpp"
#include "cli/runs/results/exported_description.hpp"
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
TrainConfig config_of(const ExportedDescription& about,
                      const std::string& path,
                      const Common& common) {
  YamlSource source;
  source.text = about.config;
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
void require_same(const ExportedDescription& about,
                  const Dataset& data,
                  const Splits& splits,
                  const std::string& path,
                  const std::string& folder) {
  const std::string to_do =
      folder.empty() ? "" : "; name where they lie with --set data.path=FOLDER";
  const std::string what = path + " was made for other data than " +
                           (folder.empty() ? "these" : "those in " + printable(folder));
  const auto differ = [&](const char* of, const std::string& now, const std::string& then) {
    throw DataError(what + ": " + of + " (hash " + now.substr(0, 12) + ", made for " +
                    printable(then.substr(0, 12)) + ")" + to_do);
  };
  if (!about.split_hash.empty() && about.split_hash != splits.hash)
    differ("images, classes or splits differ", splits.hash, about.split_hash);
  if (about.data_hash.empty()) return;
  const Contents now = contents_of(data, splits, about.data_every);
  if (now.hash != about.data_hash)
    differ("the contents of the images differ", now.hash, about.data_hash);
}

void require_there(const std::string& folder, const std::string& path) {
  if (folder.empty() || is_shard_pattern(folder) || fs::exists(folder)) return;
  throw ConfigError(
      "the data that " + path + " was made for are not in " + printable(folder) + " any more",
      "say where they are: --set data.path=FOLDER");
}

/// Where its run is judged with other statistics than the file has.
void tell_statistics(const ExportedDescription& about,
                     const EvaluateOptions& options,
                     const Common& common) {
  const bool by_batch = about.norms_of_each_batch > 0;
  if (about.treatment != "recalibrated" || (options.recalibrate.enabled && !by_batch)) return;
  note(common,
       "note: the file's batch norms have fixed statistics, measured on " +
           std::to_string(about.calibration_images) +
           " training images; inside the supernet it is judged with " +
           (by_batch ? "those of each batch" : "the running ones") +
           ", so that `nas evaluate --run` says another number");
}

EvaluationResult result_of(const ExportedDescription& about,
                           const ExportedText& file,
                           const Score& score,
                           const std::string& split) {
  EvaluationResult result;
  result.run = about.run;
  result.split = split;
  result.images = score.samples;
  result.file = file.path;
  result.file_format = file.format;
  JudgedNetwork network;
  network.architecture = about.architecture;
  network.macs = about.macs;
  network.params = about.params;
  for (const auto& [metric, value] : score.values) {
    result.metrics.emplace_back(metric);
    network.scores.push_back(value);
  }
  result.networks.push_back(std::move(network));
  return result;
}

}  // namespace

EvaluationResult evaluate_file(const std::string& file,
                               const std::string& split,
                               const Common& common) {
  if (!fs::exists(file))
    throw ConfigError("there is no file " + printable(file),
                      "networks of a run: " + suggested({"evaluate", "--run", file}, common));
  const ExportedText text = runnable(file);
  const ExportedDescription about = description_of(text);
  TrainConfig config = config_of(about, text.path, common);
  if (!split.empty()) config.evaluate.split = split;
  const Task& task = task_named(about.task, text.path);
  set_compute_threads(config.threads);
  require_there(config.data.path, text.path);
  const auto dataset = open_dataset(config.data);
  const Splits splits = make_splits(*dataset, config.data);
  require_same(about, *dataset, splits, text.path, config.data.path);
  if (const int channels = input_shape(*dataset, config.data).c;
      about.mean.size() != static_cast<size_t>(channels))
    throw DataError(text.path + ": input.mean is of " + std::to_string(about.mean.size()) +
                    " channels, and its data have " + std::to_string(channels));
  tell_statistics(about, config.evaluate, common);
  const RunData data{*dataset, splits, {about.mean, about.std}, config.data};
  const Score score = evaluate_exported(text.path, task, data, config.evaluate);
  return result_of(about, text, score, config.evaluate.split);
}

}  // namespace nas::cli
