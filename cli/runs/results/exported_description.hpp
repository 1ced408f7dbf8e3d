#pragma once
// What an exported file says of its network, read strictly: the file may come from anywhere.
#include <cstdint>
#include <string>
#include <vector>

#include "supernet/export/exported_text.hpp"

namespace nas::cli {

struct ExportedDescription {
  std::string run, architecture, task;
  int64_t macs = 0, params = 0;
  /// Of the input, a value for each channel; what divides is above 0.
  std::vector<float> mean, std;
  std::string treatment;  ///< Of its batch norms: recalibrated, running, batch.
  int64_t calibration_images = 0;
  int64_t norms_of_each_batch = 0;    ///< Inside the supernet.
  std::string config;                 ///< Of its training, YAML.
  std::string split_hash, data_hash;  ///< "" where they were not kept.
  int64_t data_every = 1;             ///< So many images apart were hashed.
};

/// DataError with the file and the key for a value that is missing, of another type or out of its
/// range; ConfigError where the file does not say which data it was made for (an export of a
/// version before 0.2).
ExportedDescription description_of(const ExportedText& file);

}  // namespace nas::cli
