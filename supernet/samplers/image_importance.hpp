#pragma once
// Importance sampling of training images by the norm of their gradients (panda.md 3.1, 3.3). No
// torch.
#include <cstdint>
#include <vector>

#include "spaces/random.hpp"
#include "supernet/samplers/path_importance.hpp"

namespace nas {

struct ImageImportanceOptions {
  Unseen unseen = Unseen::kKeepLast;
  Weighting weights = Weighting::kExact;
  double clip = 10;  ///< kClipped: largest weight.
};

class ImageImportance {
 public:
  /// Positions 0..images-1; starts uniform.
  ImageImportance(int64_t images, const ImageImportanceOptions& options);

  /// Folds one image's score in, in order of drawing: g <- r if g is 0, else (g + r) / 2. An exact
  /// 0 is kept as 1e-12, so that "solved" differs from "not seen".
  void record(int64_t position, double score);
  /// q <- tau * g / sum + (1 - tau) / N; forgets the records.
  void end_epoch(double tau);
  /// N draws with replacement from q.
  std::vector<int64_t> draw(Rng rng) const;
  /// Loss weight of each image of a batch; empty for all 1. kClipped: divided by the batch's mean.
  std::vector<double> weights(const std::vector<int64_t>& positions) const;

  const std::vector<double>& q() const { return q_; }
  const std::vector<double>& g() const { return g_; }
  /// 1 / (N sum q^2), 1 when uniform.
  double effective_sample_size() const;

  std::vector<double> save() const;
  void load(const std::vector<double>& state);

 private:
  ImageImportanceOptions options_;
  std::vector<double> g_;     ///< Scores of this epoch; 0: not drawn.
  std::vector<double> last_;  ///< kKeepLast: last known; 0: never seen.
  std::vector<double> q_;
};

}  // namespace nas
