#pragma once
// DataSampler: which images train next, and what each counts.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "spaces/yaml/yaml_binder.hpp"
#include "supernet/train/step/path.hpp"
#include "supernet/train/strategy_context.hpp"

namespace nas {

class DataSampler {
 public:
  explicit DataSampler(const StrategyContext& context) : context_(context) {}
  virtual ~DataSampler() = default;
  /// Order of training positions (0..train_size-1, repeats allowed) for this epoch. By default a
  /// permutation from the stream `data` of (seed, epoch).
  virtual std::vector<int64_t> order(int64_t epoch);
  /// Loss weight of each image of a batch, or empty for all 1.
  virtual std::vector<double> weights(const std::vector<int64_t>&) { return {}; }
  virtual bool observes() const { return false; }
  /// Whether outcomes need the input of the classifier.
  virtual bool wants_features() const { return false; }
  /// Once for every path of a step, in order.
  virtual void observe(const PathOutcome&) {}
  virtual void end_epoch(int64_t) {}
  /// Probability of each training position in the coming draw; empty: uniform.
  virtual std::vector<double> probabilities() const { return {}; }
  virtual Telemetry telemetry() const { return {}; }
  virtual std::vector<std::string> advice() const { return {}; }
  virtual std::vector<std::string> health() const { return {}; }
  virtual void save(StrategyState&) {}
  virtual void load(const StrategyState&) {}

 protected:
  StrategyContext context_;
};

struct DataSamplerEntry {
  std::string name;
  std::string summary;
  /// `options`: the `data_sampler:` section, whose key `name` is known.
  std::unique_ptr<DataSampler> (*make)(const StrategyContext& context, const YamlSource& options);
  void (*describe)(Binder& b);
};
/// shuffle, importance: one table.
const std::vector<DataSamplerEntry>& data_samplers();
/// ConfigError on an unknown name or wrong options. A bare name stands for `{name: NAME}`.
std::unique_ptr<DataSampler> make_data_sampler(const StrategyContext& context,
                                               const Binder::Raw& section);

// One factory per sampler; the table is in data_sampler.cpp.
DataSamplerEntry importance_images();

}  // namespace nas
