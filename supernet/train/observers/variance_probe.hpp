#pragma once
// Measures, between epochs, what the present image probabilities do to the variance of the
// classifier's gradient (panda.md 3.3).
#include <vector>

#include "spaces/domain.hpp"
#include "supernet/judge/fixed_batches.hpp"
#include "supernet/train/observers/gradient_variance.hpp"

namespace nas {

class VarianceProbe {
 public:
  /// One fixed path and `images` fixed training images, drawn by `seed`; references outlive it.
  VarianceProbe(const Domain& domain,
                WeightStore& store,
                const RunData& data,
                int64_t images,
                uint64_t seed,
                const Device& device,
                Layout layout);
  /// `q`: probabilities of all training positions, empty for uniform; restricted to the images
  /// here. Batch statistics; weights and buffers stay as they are.
  VarianceReport measure(const std::vector<double>& q, double label_smoothing);

 private:
  const Space& space_;
  WeightStore& store_;
  std::vector<int64_t> positions_;
  FixedBatches batches_;
  Architecture path_;
};

}  // namespace nas
