// nas import: a finished training run from published weights, so that search, evaluate and export
// work on them.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>

#include "cli/report/document.hpp"
#include "cli/results/imported.hpp"
#include "cli/runs/results/provenance.hpp"
#include "cli/runs/run_files.hpp"
#include "cli/runs/run_name.hpp"
#include "cli/runs/trained/run_data.hpp"
#include "cli/runs/trained/supernet_run.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/validators.hpp"
#include "spaces/base/stop.hpp"
#include "supernet/files/checkpoint_files.hpp"
#include "supernet/weights/trained_weights.hpp"

namespace nas::cli {
namespace {

struct ImportArguments {
  Common common;
  std::string weights, name;
};

struct Imported {
  RunRow row;
  std::unique_ptr<RunParts> parts;
  std::unique_ptr<WeightStore> weights;
  std::string kind, sha256;
};

/// Everything is read and checked before the store hears of it.
Imported read(const ImportArguments& o) {
  if (o.common.config.empty() && o.common.sets.empty())
    throw ConfigError("nas import needs --config FILE, which says the space and the data",
                      "try --config ofa/import (nas list configs names more)");
  if (o.weights.empty()) throw ConfigError("nas import needs --weights FILE");
  // Before the data set is read, which may take minutes.
  if (const std::string why = unreadable(o.weights); !why.empty())
    throw ConfigError("--weights " + why);
  TrainConfig config = read_yaml_as<TrainConfig>(yaml_file(o.common.config, o.common.sets));
  if (o.common.seed_given) config.seed = o.common.seed;
  const bool typed =
      std::any_of(o.common.sets.begin(), o.common.sets.end(), [](const std::string& set) {
        return set.starts_with("data.path=") || set.starts_with("data=");
      });
  config.data.path = absolute_place(config.data.path, typed ? "" : o.common.config);
  config.space = absolute_space(config.space);
  config.train.init = std::filesystem::absolute(o.weights).string();
  if (weights_kind(config.weights) != "single")
    throw ConfigError("published weights are one set, but the configuration's `weights` says " +
                          weights_kind(config.weights),
                      "leave `weights` out; `nas split --apply` divides them afterwards");
  settle(config);
  Imported run;
  run.row.config_yaml = write_yaml([&](Binder& b) { describe(b, config); });
  run.row.space_yaml = config.space.yaml;
  run.row.seed = config.seed;
  run.parts = open_parts(std::move(config));
  run.weights = make_weights(*run.parts).store;
  run.kind = initialise_weights(*run.parts, *run.weights, o.weights);
  run.row.id = new_run_id("train");
  run.row.command = "train";
  run.row.name = o.name;
  run.row.status = "running";
  run.row.space = run.parts->space->name();
  run.row.fingerprint = run.parts->space->fingerprint();
  run.row.versions_json = versions_json(*run.parts);
  return run;
}

void record(Imported& run, const ImportArguments& o, const Contents& contents) {
  throw_if_stopped("reading the weights; nothing was stored");
  const SavesOnStop saves;
  Store store(o.common.db);
  tell_taken_name(store, o.name);
  run.row.directory = store.folder_of(run.row.id);
  const RunLock lock(run.row.directory, run.row.id);
  record_owner(store, run.row);
  keep_space_file(run.parts->config.space, run.row.directory);
  store.add_run(run.row);
  record_data(store, run.row.id, *run.parts, contents);
  const std::string path = checkpoint_path(run.row.directory, 0);
  try {
    run.sha256 = write_weights(path,
                               *run.weights,
                               {{"strategy", "imported"},
                                {"fingerprint", run.row.fingerprint},
                                {"config_hash", config_hash_of(run.row.config_yaml)},
                                {"split_hash", run.parts->splits.hash}});
    store.add_checkpoint({run.row.id, path, run.sha256, 0, 0, utc_now()});
    keep_provenance(store, run.row);
    store.finish_run(run.row.id, "finished");
  } catch (const std::exception& e) {
    record_failure(store, run.row.id, e);
    throw;
  }
}

}  // namespace

int run_import(const std::vector<std::string>& args) {
  ImportArguments o;
  CLI::App app("Make a run from published weights, without training", "nas import");
  app.footer(
      "nas import --config ofa/import --weights ofa_mbv3_d234_e346_k357_w1.0 "
      "--name ofa\n"
      "nas search --run ofa --constraint 'macs <= 300M'");
  app.add_option("--weights",
                 o.weights,
                 "Once-for-all checkpoint (.pth, read without executing anything) or a checkpoint "
                 "of nas (.safetensors)");
  app.add_option("--name", o.name, "A name to find the run by");
  add_common(app, o.common, kTakesDb | kTakesConfig | kTakesSets | kTakesSeed);
  if (!parse(app, args)) return kExitOk;
  o.name = checked_name(o.name);
  Imported run = read(o);
  const Contents contents = contents_of(*run.parts->dataset, run.parts->splits);
  tell_data(*run.parts, contents, o.common);
  record(run, o, contents);
  const ImportResult result{run.row.id,
                            run.row.name,
                            run.row.space,
                            run.row.directory,
                            o.weights,
                            run.kind,
                            count_weights(*run.weights->open(0)).parameters,
                            run.sha256};
  if (o.common.json) return print(json_text(import_json(result))), kExitOk;
  print_import(result);
  // Where its data lie is kept with the run.
  print_prose("next: " +
              suggested({"evaluate", "--run", run.row.id, "--sample", "5"}, o.common.db));
  return kExitOk;
}

}  // namespace nas::cli
