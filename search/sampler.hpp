#pragma once
// Where a search starts from: architectures drawn inside the limits on free costs.
#include "search/costs.hpp"

namespace nas {

/// What "uniform" means for the architectures a search starts from.
enum class Initial {
  kChoices,        ///< Every active choice uniform: small and large networks alike.
  kArchitectures,  ///< Every architecture alike; where depth is a choice, nearly all are deep.
};

class ArchitectureSampler {
 public:
  /// `witness` meets the limits, which outlive this. `seed` names the streams it draws from to find
  /// out how rare architectures inside the limits are.
  ArchitectureSampler(const CostLimits& limits,
                      Initial initial,
                      Architecture witness,
                      uint64_t seed);
  /// Meets the limits. ConfigError where the space's own rules leave hardly anything valid.
  Architecture draw(Rng& rng) const;
  /// Walks `a` to the limits, keeping what it can; false where no way was found (then `a` is no
  /// better than before).
  bool repair(Architecture& a, Rng& rng) const;

 private:
  Architecture draw_free(Rng& rng) const;
  double violation(const Architecture& a) const;
  double log_options(const Architecture& a) const;
  void mix(Architecture& a, Rng& rng) const;

  const CostLimits& limits_;
  const Space& space_;
  Initial initial_;
  Architecture witness_;
  bool rare_ = false;  ///< Hardly any free draw meets the limits.
};

}  // namespace nas
