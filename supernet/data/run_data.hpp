#pragma once
// The images of a run.
#include <cstdint>
#include <string>
#include <vector>

#include "supernet/data/dataset.hpp"

namespace nas {

/// Borrowed, and must outlive whoever holds this.
struct RunData {
  const Dataset& dataset;
  const Splits& splits;
  Normalisation normalisation;
  const DataOptions& options;
};

/// At most `images` (0: all) of `indices`, drawn and ordered by the stream (seed, purpose).
std::vector<int64_t> seeded_subset(std::vector<int64_t> indices,
                                   int64_t images,
                                   uint64_t seed,
                                   const std::string& purpose);

}  // namespace nas
