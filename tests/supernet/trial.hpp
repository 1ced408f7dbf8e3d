#pragma once
// A real training run on the digits, small enough for a test.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <map>

#include "supernet/device.hpp"
#include "supernet/files/tensor_file.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/train/trainer.hpp"
#include "supernet/weights/weight_store.hpp"
#include "support.hpp"

namespace nas::test {

using Metrics = std::map<std::string, double>;

inline const char* const kCells =
    "family: nasbench201\nwidth: 4\ncells: 1\nresolution: 8\ninput_channels: 1\nform: supernet\n";

/// A training run on the digits, small enough for a test.
struct Trial {
  explicit Trial(const std::string& strategy_yaml,
                 int64_t epochs = 6,
                 const std::string& space_yaml = kCells,
                 int stop_at = -1,
                 const std::function<void(TrainOptions&)>& change = {},
                 int64_t loss_interval = 0,
                 const DataOptions& data = {.limit = 240})
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
    store = make_single_store(*space, 0);
    weights = store->open(0);
    YamlSource source;
    source.text = strategy_yaml;
    strategy = make_strategy(
        yaml_scalar(source, "name").value(),
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
    trainer = std::make_unique<Trainer>(*space,
                                        *store,
                                        *strategy,
                                        RunData{*dataset, splits, normalisation, data_options},
                                        options,
                                        EvaluateOptions{},
                                        0,
                                        c10::Device(c10::kCPU),
                                        folder.string(),
                                        RunIdentity{"space", "config", "split"},
                                        hooks);
  }
  ~Trial() { std::filesystem::remove_all(folder); }

  DataOptions data_options;
  std::unique_ptr<Space> space;
  std::unique_ptr<Dataset> dataset;
  Splits splits;
  Normalisation normalisation;
  TrainOptions options;
  std::unique_ptr<WeightStore> store;
  std::shared_ptr<WeightSet> weights;
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

/// Of parameters and buffers.
inline std::string weights_hash(const Trial& run) {
  std::map<std::string, at::Tensor> all;
  for (const NamedTensor& t : run.weights->parameters()) all[t.name] = t.tensor;
  for (const NamedTensor& t : run.weights->buffers()) all[t.name] = t.tensor;
  return hash_tensors(all);
}

}  // namespace nas::test
