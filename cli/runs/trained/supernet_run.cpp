#include "cli/runs/trained/supernet_run.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/config/train_config.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/run_files.hpp"
#include "cli/runs/run_sets.hpp"
#include "cli/runs/trained/run_data.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/version.hpp"
#include "spaces/base/printable.hpp"
#include "supernet/weights/initial_weights.hpp"
#include "supernet/weights/trained_weights.hpp"

namespace nas::cli {

namespace {

/// They go into model.json and the TorchScript file.
void require_utf8_classes(const Dataset& data) {
  for (const std::string& name : data.class_names())
    if (!is_utf8(name))
      throw ConfigError("the class name \"" + printable(name) + "\" is not UTF-8",
                        "rename the folders of the classes, e.g. with: convmv -f latin1 -t utf8 "
                        "-r --notest FOLDER");
}

}  // namespace

void settle(TrainConfig& config) {
  if (config.train.shards && config.train.memory_format != Layout::kAuto) return;
  const Shape image = open_space(config.space)->input();
  settle(config.train, open_device(config.device).is_cpu(), int64_t{image.h} * image.w);
}

std::unique_ptr<RunParts> open_parts(TrainConfig config) {
  settle(config);
  auto parts = std::make_unique<RunParts>();
  parts->config = std::move(config);
  const TrainConfig& c = parts->config;
  parts->device = open_device(c.device);
  const bool tf32 = c.train.precision == Precision::kTf32;
  if (tf32 && parts->device.is_cpu())
    warning("train.precision: tf32 is arithmetic of GPUs; on the CPU it is fp32");
  set_gpu_arithmetic(parts->device, tf32, c.train.deterministic);
  parts->threads = set_compute_threads(c.threads);
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  if (c.threads > cores)
    warning("threads: " + std::to_string(c.threads) + " on " + std::to_string(cores) +
            " cores wait for each other");
  tune_allocator();
  parts->space = open_space(c.space);
  parts->dataset = open_dataset(c.data);
  require_utf8_classes(*parts->dataset);
  const InputShape image = input_shape(*parts->dataset, c.data);
  const Shape wanted = parts->space->input();
  const Shape given{image.c, image.h, image.w};
  if (!(given == wanted))
    throw ConfigError("the space '" + parts->space->name() + "' takes images of " +
                          to_string(wanted) + ", but the data gives " + to_string(given),
                      "set data.resolution and data.channels, or the space's input, e.g. --set "
                      "data.resolution=" +
                          std::to_string(wanted.h) +
                          " --set data.channels=" + std::to_string(wanted.c));
  const auto classes = static_cast<int>(parts->dataset->class_names().size());
  if (classes != parts->space->classes())
    throw ConfigError("the space '" + parts->space->name() + "' has " +
                          std::to_string(parts->space->classes()) + " classes, but the data has " +
                          std::to_string(classes),
                      "set the space's `classes`: --set space.classes=" + std::to_string(classes));
  parts->splits = make_splits(*parts->dataset, c.data);
  parts->normalisation = normalisation_of(*parts->dataset, parts->splits.train, c.data);
  return parts;
}

Weights make_weights(const RunParts& parts) {
  const bool last = parts.config.train.memory_format == Layout::kChannelsLast;
  return make_weights(parts, {FloatType::kFloat32, parts.device, last});
}

Weights make_weights(const RunParts& parts, const Placement& place) {
  const TrainConfig& c = parts.config;
  return make_weights(WeightsContext{*parts.space, c.seed, place, c.train}, c.weights);
}

std::string initialise_weights(const RunParts& parts,
                               WeightStore& weights,
                               const std::string& path) {
  std::string kind;
  for (const int k : weights.live_sets())
    kind = load_initial_weights(*parts.space, *weights.open(k), path);
  return kind;
}

TrainConfig config_of_run(const Store& store, const RunRow& row, const Common& common) {
  const std::vector<std::string>& sets = run_sets(common.sets);
  TrainConfig config = stored_train_config(row, sets);
  const bool told = std::any_of(sets.begin(), sets.end(), [](const std::string& set) {
    return set.starts_with("data.path=");
  });
  if (!told) config.data.path = place_of_data(store, row.id, config.data.path);
  config.space = space_of_run(store, row);
  return config;
}

std::map<std::string, std::string> recorded_checkpoints(const Store& store,
                                                        const std::string& run) {
  std::map<std::string, std::string> recorded;
  for (const CheckpointRow& c : store.checkpoints(run))
    recorded[std::filesystem::path(c.path).filename().string()] = c.sha256;
  return recorded;
}

void tell_damaged(const Store& store, const std::string& run, const ReadCheckpoint& read) {
  for (const auto& [path, why] : read.damaged) warning("damaged checkpoint: " + why);
  const auto name = [](const std::string& path) {
    return std::filesystem::path(path).filename().string();
  };
  const std::vector<CheckpointRow> rows = store.checkpoints(run);
  const bool listed =
      !rows.empty() && std::any_of(read.damaged.begin(), read.damaged.end(), [&](const auto& d) {
        return name(d.path) == name(rows.back().path);
      });
  const bool missing = !rows.empty() && !listed && name(rows.back().path) > name(read.path);
  if (missing) warning("the newest checkpoint of run " + run + " is missing: " + rows.back().path);
  if (missing || !read.damaged.empty())
    warning("the older " + name(read.path) + " is used instead");
}

SupernetRun open_supernet_run(const Store& store, const std::string& run, const Common& common) {
  const auto row = store.run(run, "train");
  if (!row)
    throw ConfigError("there is no training run '" + run + "' in " + store.path(),
                      runs_are_listed(store.path()) + "; `nas train` makes one");
  if (checkpoints_in(row->directory).empty()) refuse_without_checkpoint(store, *row, common);
  if (row->status != "finished")
    note(common,
         "warning: run " + row->id + " is not finished (" + shown_status(*row) +
             "); its newest checkpoint is used");
  if (!store.owns(*row))
    note(common,
         "note: the files of run " + row->id + " are read from " + row->directory +
             ", not from beside the store");
  SupernetRun result;
  result.row = *row;
  result.parts = open_parts(config_of_run(store, *row, common));
  if (!result.parts->space->has_fingerprint(row->fingerprint))
    throw DataError(
        "run " + row->id + " was trained on another version of the space '" + row->space +
        "' (its fingerprint has changed): bring its file back to what it was (the run's "
        "configuration: " +
        suggested({"runs", "show", row->id}, common) + "), or train anew");
  result.common = common;
  require_same_data(store, row->id, *result.parts);
  result.weights = make_weights(*result.parts).store;
  ReadCheckpoint read = checkpoint_to_judge(store, *row, *result.weights, common);
  open_weights_of(*result.weights, *read.checkpoint, read.path, read.lost);
  result.checkpoint = read.path;
  result.sha256 = read.sha256;
  result.lost = std::move(read.lost);
  return result;
}

namespace {

std::string undamaged(const RunRow& row, const Common& common) {
  return "put an undamaged copy there, or train the run again with its configuration: " +
         suggested_again("train", row.id, common);
}

template <typename F>
ReadCheckpoint read_or_advise(const RunRow& row, const Common& common, const F& read) {
  try {
    return read();
  } catch (const DataError& e) {
    throw DataError(std::string(e.what()) + "\n  " + undamaged(row, common));
  }
}

}  // namespace

ReadCheckpoint newest_checkpoint(const Store& store, const RunRow& row, const Common& common) {
  return read_or_advise(row, common, [&] {
    return read_newest_checkpoint(row.directory, recorded_checkpoints(store, row.id));
  });
}

ReadCheckpoint checkpoint_to_judge(const Store& store,
                                   const RunRow& row,
                                   const WeightStore& weights,
                                   const Common& common) {
  ReadCheckpoint read = read_or_advise(row, common, [&] {
    return read_checkpoint_to_judge(row.directory, recorded_checkpoints(store, row.id));
  });
  tell_damaged(store, row.id, read);
  for (const auto& [set, why] : read.lost)
    warning("the weights of " + weights.set_name(set) + " of run " + row.id +
            " cannot be read, so that its architectures cannot be judged: " + why);
  if (!read.lost.empty()) warning(undamaged(row, common));
  return read;
}

void refuse_without_checkpoint(const Store& store, const RunRow& row, const Common& common) {
  const std::vector<CheckpointRow> rows = store.checkpoints(row.id);
  const std::string what = "run " + row.id + " has no checkpoint in " + row.directory;
  const std::string again =
      "train it again with its configuration: " + suggested_again("train", row.id, common);
  if (row.status == "failed" && rows.empty())
    throw ConfigError(what + ": it failed" + (row.error.empty() ? "" : ": " + row.error),
                      "change what it says and " + again);
  if (row.status != "finished" && rows.empty())
    throw ConfigError(what + " yet",
                      "resume it with: " + suggested({"train", "--resume", row.id}, common));
  throw DataError(what + " any more (" + std::to_string(rows.size()) +
                  (rows.size() == 1 ? " was" : " were") + " written)\n  " +
                  "put that folder back (it belongs beside the store), or " + again);
}

void tell_other_weights(const SupernetRun& run,
                        const std::string& search,
                        const std::string& weights) {
  if (weights.empty() || run.sha256.starts_with(weights)) return;
  warning("search " + search + " judged its architectures with weights " + weights.substr(0, 8) +
          ", run " + run.row.id + " has " + run.sha256.substr(0, 8) +
          " now: what the search said of them need not hold; search again");
}

std::string fidelity_of(const SupernetRun& run, const SubnetScorer& scorer) {
  constexpr size_t kShort = 16;
  auto json = nlohmann::json::parse(scorer.fidelity_json());
  json["checkpoint"] = run.sha256.substr(0, kShort);
  return json.dump();
}

std::string versions_json(const RunParts& parts) {
  nlohmann::ordered_json json;
  for (const auto& [name, value] : build_facts()) json[name] = value;
  for (const auto& [name, value] : libtorch_facts()) json[name] = value;
  json["device"] = parts.device.str();
  json["threads"] = parts.threads;
  return json_line(json);
}

}  // namespace nas::cli
