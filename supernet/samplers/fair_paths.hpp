#pragma once
// Strictly fair sets of paths, shared by FairNAS and SUMNAS (panda.md 3.5).
#include <string>
#include <vector>

#include "spaces/random.hpp"
#include "supernet/train/strategy.hpp"

namespace nas {

/// When the permutations are drawn anew. `epoch` is what a released program does by a defect: all
/// steps of an epoch then train the same few paths.
enum class FairRedraw { kStep, kEpoch };
void describe_redraw(Binder& b, FairRedraw& redraw);

class FairPaths {
 public:
  /// ConfigError when no strictly fair set is valid in this space.
  FairPaths(const Space& space, uint64_t seed, FairRedraw redraw);
  /// For every choice an independent permutation of its options; path k takes the k-th entry of
  /// each, so that every option of a choice is used equally often (with fewer options than paths:
  /// floor or ceil times; a choice that others close in some paths is used in the rest).
  /// ConfigError when no such set is valid in this space.
  const std::vector<Architecture>& next();
  void begin_epoch() { current_.clear(); }

  void save(StrategyState& state) const;
  void load(const StrategyState& state);

 private:
  std::vector<int64_t> column(size_t options);
  std::vector<Architecture> draw();
  std::vector<Architecture> draw_valid();

  const Space& space_;
  FairRedraw redraw_;
  Rng rng_;
  size_t paths_ = 1;
  std::vector<Architecture> current_;
};

}  // namespace nas
