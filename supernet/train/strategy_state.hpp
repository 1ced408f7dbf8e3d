#pragma once
// What the parts of a strategy know of a run, and what they keep in a checkpoint.
#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "spaces/domain.hpp"
#include "supernet/train/train_options.hpp"

namespace nas {

/// State of a strategy for checkpoints: tensors, and text for the rest.
struct StrategyState {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> text;
  void put_lines(const std::string& key, const std::vector<std::string>& lines);
  void put_doubles(const std::string& key, const std::vector<double>& values);
  // Reading: DataError names what is missing or malformed (a checkpoint of another version).
  const std::string& string_at(const std::string& key) const;
  int64_t integer_at(const std::string& key) const;
  std::vector<std::string> lines_at(const std::string& key) const;  ///< Each ended by a line feed.
  const at::Tensor& tensor_at(const std::string& key) const;
  std::vector<double> doubles_at(const std::string& key, size_t size) const;
};

/// What a strategy may know of a run.
struct StrategyContext {
  const Space& space;
  uint64_t seed;
  int64_t epochs;      ///< That this strategy trains: of the run, or of one leaf.
  int64_t train_size;  ///< Images in the training split; positions 0..train_size-1.
  int64_t batch_size;
  /// The rest of the `train:` section, for what a method asks of it.
  TrainOptions train = {};
  /// Put before the names of random streams where a run has several strategies (leaves of a tree).
  std::string scope = {};

  std::string stream(const std::string& purpose) const { return scope + purpose; }
  /// The part of the space that this strategy trains.
  Restriction within = {};
  Domain domain() const { return {space, within}; }
};

using Telemetry = std::vector<std::pair<std::string, double>>;

}  // namespace nas
