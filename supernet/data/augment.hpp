#pragma once
// One image to normalised floats, with the random changes of training.
#include <array>
#include <cstdint>
#include <vector>

#include "spaces/random.hpp"
#include "supernet/data/dataset.hpp"

namespace nas {

class Augmenter {
 public:
  Augmenter(const Normalisation& normalisation, const DataOptions& options);
  /// `out`: [c, h, w], (pixel/255 - mean) / std. With `rng`: the crop out of the zero-padded raw
  /// image (so the border is black before normalising), then the flip, then cutout (zero after
  /// normalising). Without: no change. Draws the same amount whatever the outcome.
  void apply(const Image& image, Rng* rng, float* out) const;

 private:
  std::vector<std::array<float, 256>> tables_;  ///< Byte to normalised value, per channel.
  int padding_, cutout_;
  bool flip_;
};

}  // namespace nas
