#include "cli/supernet_run.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/run_sets.hpp"
#include "cli/train_config.hpp"
#include "cli/version.hpp"
#include "supernet/checkpoint.hpp"
#include "supernet/device.hpp"
#include "supernet/export.hpp"
#include "supernet/trainer.hpp"

namespace nas::cli {

std::unique_ptr<RunParts> open_parts(TrainConfig config) {
  auto parts = std::make_unique<RunParts>();
  parts->config = std::move(config);
  const TrainConfig& c = parts->config;
  parts->device = open_device(c.device);
  parts->threads = set_compute_threads(c.threads);
  tune_allocator();
  parts->space = open_space(c.space);
  parts->dataset = open_dataset(c.data);
  const InputShape image = input_shape(*parts->dataset, c.data);
  const Shape wanted = parts->space->input();
  const Shape given{image.c, image.h, image.w, false};
  if (!(given == wanted))
    throw ConfigError("the space '" + parts->space->name() + "' takes images of " +
                          to_string(wanted) + ", but the data gives " + to_string(given),
                      "set data.resolution and data.channels, or the space's input");
  const auto classes = static_cast<int>(parts->dataset->class_names().size());
  if (classes != parts->space->classes())
    throw ConfigError("the space '" + parts->space->name() + "' has " +
                          std::to_string(parts->space->classes()) + " classes, but the data has " +
                          std::to_string(classes),
                      "set the space's `classes`");
  parts->splits = make_splits(*parts->dataset, c.data);
  parts->normalisation = normalisation_of(*parts->dataset, parts->splits.train, c.data);
  return parts;
}

SupernetRun open_supernet_run(const Store& store, const std::string& run, const Common& common) {
  const auto row = store.run(run, "train");
  if (!row)
    throw ConfigError("there is no training run '" + run + "' in " + store.path(),
                      "`nas runs` lists them; `nas train` makes one");
  const std::vector<std::string> files = checkpoints_in(row->directory);
  if (files.empty())
    throw ConfigError("run " + row->id + " has no checkpoint in " + row->directory,
                      "resume it with: nas train --resume " + row->id + db_flag(common));
  if (row->status != "finished")
    note(common,
         "warning: run " + row->id + " is not finished (" + shown_status(*row) +
             "); its newest checkpoint is used");
  SupernetRun result;
  result.row = *row;
  result.parts = open_parts(stored_train_config(*row, run_sets(common.sets)));
  if (!result.parts->space->has_fingerprint(row->fingerprint))
    throw DataError("run " + row->id + " was trained on another version of the space '" +
                    row->space +
                    "' (its fingerprint has changed): bring its file back to what it was (the run's "
                    "configuration: nas runs show " +
                    row->id + "), or train anew");
  result.checkpoint = files.front();
  result.weights =
      make_shared_store(*result.parts->space,
                        result.parts->config.seed,
                        at::kFloat,
                        result.parts->device,
                        result.parts->config.train.memory_format == Layout::kChannelsLast);
  load_model(*result.weights, read_checkpoint(result.checkpoint), result.checkpoint);
  for (const CheckpointRow& c : store.checkpoints(row->id))
    if (c.path == result.checkpoint) result.sha256 = c.sha256;
  // A run that was killed before the store heard of its newest file.
  if (result.sha256.empty()) result.sha256 = file_sha256(result.checkpoint);
  return result;
}

std::string fidelity_of(const SupernetRun& run, const SubnetScorer& scorer) {
  constexpr size_t kShort = 16;
  auto json = nlohmann::json::parse(scorer.fidelity_json());
  json["checkpoint"] = run.sha256.substr(0, kShort);
  return json.dump();
}

std::string run_folder(const std::string& db, const std::string& id) {
  const auto parent = std::filesystem::absolute(db).parent_path();
  return (parent / "nas-runs" / id).string();
}

std::string versions_json(const RunParts& parts) {
  nlohmann::ordered_json json;
  for (const auto& [name, value] : build_facts()) json[name] = value;
  for (const auto& [name, value] :
       torch_facts().value_or(std::vector<std::pair<std::string, std::string>>{}))
    json[name] = value;
  json["device"] = parts.device.str();
  json["threads"] = parts.threads;
  return json.dump();
}

}  // namespace nas::cli
