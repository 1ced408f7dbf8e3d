#pragma once
// Importance sampling of paths: option probabilities that follow gradient norms (panda.md 3.1,
// 3.3). Knows choices and numbers only; no torch.
#include <string>
#include <utility>
#include <vector>

#include "spaces/domain.hpp"
#include "spaces/random.hpp"

namespace nas {

enum class ImportanceScope {
  kGlobal,       ///< One score and probability per option *type*: choices with equal option lists
                 ///< share a vector (as released).
  kPerDecision,  ///< One vector per choice.
};
/// What an option (or image) that was not seen in an epoch counts.
enum class Unseen { kZero, kKeepLast };
/// Options without weights have no gradient: score 0 (as released), or their uniform share.
enum class NonParam { kZero, kUniform };
enum class Weighting {
  kNone,     ///< Biased, as released.
  kExact,    ///< 1 / (N q) resp. prod 1 / (M p): unbiased.
  kClipped,  ///< min(w, clip), rescaled to mean 1.
};

struct PathImportanceOptions {
  ImportanceScope scope = ImportanceScope::kPerDecision;
  Unseen unseen = Unseen::kKeepLast;
  NonParam nonparam = NonParam::kUniform;
  Weighting weights = Weighting::kExact;
  double clip = 20;   ///< kClipped: largest weight.
  double floor = -1;  ///< Least probability of any option; negative: see max_weight.
  /// kExact with no floor named: the floor is what keeps every path's weight at or below this.
  double max_weight = 20;
};

/// Score of each choice's chosen option in one path, and whether it has weights at all.
struct PathScores {
  std::vector<double> score;
  std::vector<bool> parametric;
};

class PathImportance {
 public:
  /// Starts uniform. ConfigError when `floor` lets exact weights grow above max_weight.
  /// Within a part of the space a choice draws among its allowed options only, by their
  /// probabilities divided by their sum.
  PathImportance(const Domain& domain, const PathImportanceOptions& options);

  /// Every active choice by its probabilities, redrawn until valid.
  void draw(Rng& rng, Architecture& a) const;
  /// u(a) / p(a) over the active choices, as `weights` says. Mean 1 under p.
  double weight(const Architecture& a) const;
  /// Folds the scores of one path into c: c <- (c + s) / 2 where s is not 0. For the global scope s
  /// is the sum over the choices with that option divided by their number, dead ones included.
  void observe(const Architecture& a, const PathScores& scores);
  /// p <- tau * scores / sum + (1 - tau) / M, floor applied; forgets c. `rng` estimates the mean
  /// weight where it is not 1 by construction (clipping, or validity beyond single choices).
  void end_epoch(double tau, Rng rng);

  struct Group {
    std::string name;  ///< The choice (`+N` like it), or `type` where all choices are alike.
    std::vector<std::string> options;
    std::vector<size_t> choices;
    double floor = 0;
    std::vector<double> c, last;  ///< Scores of this epoch, and the last known ones.
    std::vector<int> kind;        ///< kUnknown, kParamFree, kParametric.
    std::vector<double> p, cumulative;
  };
  const std::vector<Group>& groups() const { return groups_; }
  /// Share of its even probability that the floor leaves every option (1: importance does nothing).
  double even_share_kept() const;
  const std::vector<double>& p(size_t choice) const { return groups_[group_of_[choice]].p; }

  /// All numbers that a resumed run needs, in a fixed order.
  std::vector<double> save() const;
  /// std::out_of_range when the length is another space's.
  void load(const std::vector<double>& state);

  static constexpr int kUnknown = 0, kParamFree = 1, kParametric = 2;

 private:
  std::vector<double> scores_of(const Group& group) const;
  double raw_weight(const Architecture& a) const;
  double mean_weight(Rng rng) const;

  void refresh();

  Domain domain_;
  const Space& space_;
  PathImportanceOptions options_;
  std::vector<Group> groups_;
  std::vector<size_t> group_of_;
  /// Of choices whose options are restricted: probability of each, 0 where it is not allowed.
  std::vector<std::vector<double>> own_, own_cumulative_;
  double scale_ = 1;  ///< Makes the mean weight 1.
};

/// p >= floor everywhere: entries below are raised, the others shrink in proportion. `floor` is at
/// most 1 / size.
void apply_floor(std::vector<double>& p, double floor);

}  // namespace nas
