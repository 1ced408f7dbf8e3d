#pragma once
// A real training run on the digits, small enough for a test.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <map>

#include "supernet/device.hpp"
#include "supernet/judge/fixed_batches.hpp"
#include "supernet/files/tensor_file.hpp"
#include "supernet/samplers/section.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/train/strategy_state.hpp"
#include "supernet/train/trained_sets.hpp"
#include "supernet/train/trainer.hpp"
#include "supernet/weights/store_state.hpp"
#include "supernet/weights/trained_weights.hpp"
#include "supernet/weights/weight_set.hpp"
#include "supernet/weights/weights_section.hpp"
#include "support.hpp"
#include "toys/toys.hpp"

namespace nas::test {

using Metrics = std::map<std::string, double>;

inline const char* const kCells =
    "family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\ninput_channels: 1\nform: supernet\n";

/// So many training images of the digits, resized where `resolution` is given.
inline DataOptions digits(int64_t limit, int resolution = 0) {
  DataOptions o;
  o.limit = limit;
  o.resolution = resolution;
  return o;
}

/// The `weights:` section, among the shipped stores and the toys.
inline Weights weights_of(const WeightsContext& context, const std::string& yaml) {
  Binder::Raw section;
  section.yaml = yaml;
  if (yaml.empty()) return make_weights(context, section);
  const YamlSource source = named_section(section, "kind");
  return entry_named(all_weight_stores(), "kind of weights", source, "kind").make(context, source);
}

/// The `strategy:` section, likewise.
inline std::unique_ptr<Strategy> strategy_of(const StrategyContext& context,
                                             const YamlSource& source) {
  const std::string name = yaml_scalar(source, "name").value();
  const StrategyEntry toy = twice_strategy();
  if (name == toy.name) return std::make_unique<Strategy>(name, toy.make(context, source));
  return make_strategy(name, context, source);
}

/// A training run on the digits, small enough for a test.
struct Trial {
  explicit Trial(const std::string& strategy_yaml,
                 int64_t epochs = 6,
                 const std::string& space_yaml = kCells,
                 int stop_at = -1,
                 const std::function<void(TrainOptions&)>& change = {},
                 int64_t loss_interval = 0,
                 const DataOptions& data = digits(240),
                 const std::string& weights_yaml = "")
      : data_options(data) {
    // Tiny batches gain nothing from threads, and lose much where the machine is busy.
    set_compute_threads(1);
    space = test::space_of(space_yaml);
    dataset = open_dataset(data_options);
    splits = make_splits(*dataset, data_options);
    normalisation = normalisation_of(*dataset, splits.train, data_options);
    options.epochs = epochs;
    options.batch = 48;
    options.validation.every = 0;
    options.optimizer.lr = 0.05;
    options.optimizer.clip_norm = 5;
    options.optimizer.untouched = Untouched::kDecay;
    options.checkpoint.epochs = 0;
    options.gradient_variance.every = 3;
    options.gradient_variance.images = 128;
    if (change) change(options);
    Weights made = weights_of({*space, 0, {}, options}, weights_yaml);
    store = std::move(made.store);
    curriculum = std::move(made.curriculum);
    if (store->sets() == 1) weights = store->open(0);
    YamlSource source;
    source.text = strategy_yaml;
    strategy = strategy_of(
        {*space, 0, epochs, static_cast<int64_t>(splits.train.size()), options.batch, options},
        source);
    folder = std::filesystem::temp_directory_path() /
             ("nas-panda-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    std::filesystem::create_directories(folder);
    TrainHooks hooks;
    hooks.on_epoch = [this](const EpochReport& report) {
      epochs_seen.emplace_back(report.metrics.begin(), report.metrics.end());
    };
    hooks.loss_interval = loss_interval;
    hooks.stop = [this, stop_at] { return ++steps == stop_at; };
    trainer = std::make_unique<Trainer>(
        TrainSetup{.space = *space,
                   .store = *store,
                   .strategy = *strategy,
                   .data = {*dataset, splits, normalisation, data_options},
                   .options = options,
                   .evaluate = EvaluateOptions(),
                   .folder = folder.string(),
                   .identity = {"space", "config", "split"},
                   .hooks = hooks,
                   .curriculum = curriculum.get(),
                   .make_strategy = [this, source](const Stage& stage) {
                     return strategy_of({*space,
                                         0,
                                         stage.epochs,
                                         static_cast<int64_t>(splits.train.size()),
                                         options.batch,
                                         options,
                                         stage.scope,
                                         stage.within},
                                        source);
                   }});
  }
  ~Trial() { std::filesystem::remove_all(folder); }

  DataOptions data_options;
  std::unique_ptr<Space> space;
  std::unique_ptr<Dataset> dataset;
  Splits splits;
  Normalisation normalisation;
  TrainOptions options;
  std::unique_ptr<WeightStore> store;
  std::unique_ptr<Curriculum> curriculum;
  std::shared_ptr<WeightSet> weights;  ///< Of a store of one set.
  std::unique_ptr<Strategy> strategy;
  std::filesystem::path folder;
  std::unique_ptr<Trainer> trainer;
  std::vector<Metrics> epochs_seen;
  int steps = 0;
  static inline int count = 0;
};

inline double metric(const Metrics& m, const std::string& name) {
  const auto it = m.find(name);
  EXPECT_NE(it, m.end()) << name;
  return it == m.end() ? NAN : it->second;
}

/// Of all sets of a store.
inline std::string store_hash(const Trial& run) {
  return weights_sha256(*run.store);
}

/// Stopped after `stop_at` steps and gone on with in another process, as it were.
template <typename Make>
std::string hash_of_resumed(const Make& make, int stop_at) {
  Trial cut(make(stop_at));
  EXPECT_THROW(cut.trainer->run(), Interrupted);
  Trial rest(make(-1));
  std::filesystem::remove_all(rest.folder);
  std::filesystem::copy(cut.folder, rest.folder);
  rest.trainer->resume(
      (rest.folder / std::filesystem::path(cut.trainer->last_checkpoint()).filename()).string());
  rest.trainer->run();
  return store_hash(rest);
}

/// Of parameters and buffers.
inline std::string weights_hash(const Trial& run) {
  std::map<std::string, at::Tensor> all;
  for (const NamedTensor& t : run.weights->parameters()) all[t.name] = t.tensor;
  for (const NamedTensor& t : run.weights->buffers()) all[t.name] = t.tensor;
  return hash_tensors(all);
}

}  // namespace nas::test
