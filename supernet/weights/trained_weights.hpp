#pragma once
// The weights of a store as a run leaves them: read for judging, counted, hashed, written. No torch
// header here.
#include <cstdint>
#include <map>
#include <string>

#include "supernet/weights/weight_store.hpp"

namespace nas {

/// Reads the weights of a run for judging: those of a store of one set at once, others when asked
/// for. `lost`: sets whose files are damaged, and why (WeightStore::lose). DataError as
/// TrainedSets::load.
void open_weights_of(WeightStore& store,
                     const Checkpoint& checkpoint,
                     const std::string& path,
                     const std::map<int, std::string>& lost = {});

/// SHA-256 over all weights and buffers; of a store of one set, that of its tensors.
std::string weights_sha256(WeightStore& store);

/// Values in the tensors of a set.
struct WeightCount {
  int64_t parameters = 0;
  int64_t statistics = 0;  ///< Running ones.
};
WeightCount count_weights(const WeightSet& set);

/// Copies parameters and statistics between sets of one space. std::logic_error where they differ
/// in names or shapes.
void copy_weights(const WeightSet& from, WeightSet& to);

/// A checkpoint of weights that no training of ours made: those of set 0, and `text`. Returns the
/// SHA-256 of the file.
std::string write_weights(const std::string& path,
                          WeightStore& store,
                          const std::map<std::string, std::string>& text);

}  // namespace nas
