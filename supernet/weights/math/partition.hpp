#pragma once
// Which options of a choice pull the shared weights in the same direction: distances between
// gradients and partitions of options (gradient matching, gradient_matching.md 3.3-3.5). Numbers
// only; no torch.
#include <cstdint>
#include <string>
#include <vector>

#include "spaces/random.hpp"

namespace nas {

enum class GradientMetric {
  kCos,           ///< 1 - <g_i, g_j> / (|g_i| |g_j| + 1e-6) over all shared weights.
  kMse,           ///< |g_i - g_j|^2.
  kPerFilterCos,  ///< Sum of 1 - cos over the output filters of tensors of rank >= 2.
};

/// Symmetric n x n matrix, row-major; the diagonal is what the metric says (nearly 0, not 0; 1 for
/// a zero gradient under kCos).
class DistanceMatrix {
 public:
  explicit DistanceMatrix(size_t n = 0) : n_(n), d_(n * n, 0.0) {}
  size_t size() const { return n_; }
  double& at(size_t i, size_t j) { return d_[i * n_ + j]; }
  double at(size_t i, size_t j) const { return d_[i * n_ + j]; }
  const std::vector<double>& values() const { return d_; }
  /// Sum over pairs i < j.
  double total() const;

 private:
  size_t n_;
  std::vector<double> d_;
};

/// Inner products of the options' gradients: one n x n Gram matrix for kCos and kMse, one for each
/// filter for kPerFilterCos.
DistanceMatrix distances(GradientMetric metric, const std::vector<DistanceMatrix>& grams);

/// Mean of matrices, batch by batch: matrices are averaged, not gradients (3.3). A matrix with a
/// value that is not finite makes the choice unusable: `failed`.
class MeanDistance {
 public:
  explicit MeanDistance(size_t n) : sum_(n) {}
  void add(const DistanceMatrix& d);
  DistanceMatrix mean() const;
  int64_t batches() const { return batches_; }
  bool failed() const { return failed_; }

 private:
  DistanceMatrix sum_;
  int64_t batches_ = 0;
  bool failed_ = false;
};

/// What a partition minimises.
enum class PartitionObjective {
  kWithin,         ///< W: distance left inside the groups (released code).
  kSimilarityCut,  ///< Similarity between groups: pairs across minus the distance across (paper).
  kMeanWithin,     ///< W over the number of pairs inside.
};

struct PartitionOptions {
  PartitionObjective objective = PartitionObjective::kWithin;
  int groups = 2;
  int min_group = 2;   ///< Options that each group has at least; 1 where n <= 3 (partition_for).
  bool exact = false;  ///< Sizes differ by at most one.
};

/// For a choice of n options: a `min_group` of 0 becomes 2, or 1 where n options are too few for
/// groups of 2.
PartitionOptions partition_for(PartitionOptions options, size_t n);

struct Partition {
  std::vector<std::vector<int16_t>> groups;  ///< Ascending inside; the order is that of 3.4.
  double value = 0;                          ///< Of the objective.
  double within = 0;                         ///< W.
  double cut = 0;                            ///< X: distance between groups.
  int64_t pairs_cut = 0;   ///< Pairs in different groups; cut / pairs_cut: mean cut.
  bool exhaustive = true;  ///< false: found by local search.
  double mean_cut() const { return pairs_cut > 0 ? cut / static_cast<double>(pairs_cut) : 0; }
  bool same_groups(const Partition& other) const;
};

/// The best partition: all of them where there are at most `exhaustive_limit`, in the order of 3.4
/// (by size of the first group, then lexicographic), the first strict improvement kept; else a
/// local search from many starts drawn by `seed`. ConfigError when n options cannot be divided so.
Partition best_partition(const DistanceMatrix& d,
                         const PartitionOptions& options,
                         uint64_t seed = 0,
                         int64_t exhaustive_limit = 200'000);
/// Values of a given division.
Partition measured(const DistanceMatrix& d,
                   PartitionObjective objective,
                   std::vector<std::vector<int16_t>> groups);
/// A division drawn uniformly among those that the options allow.
Partition random_partition(size_t n, const PartitionOptions& options, Rng& rng);

/// Which choice is split (3.5).
enum class EdgeRule { kMaxCut, kMinWithin, kMeanCut, kRandom, kFixed };

struct ScoredChoice {
  size_t choice = 0;
  Partition partition;
  bool usable = true;  ///< Its gradients were finite.
};
/// Index into `scored`; ties go to the first. kFixed takes the one whose choice is `fixed`.
/// ConfigError when none is usable, `fixed` is not among them, or the rule needs equal option
/// counts and they differ (kMaxCut, kMinWithin).
size_t choose_edge(const std::vector<ScoredChoice>& scored, EdgeRule rule, size_t fixed, Rng& rng);

}  // namespace nas
