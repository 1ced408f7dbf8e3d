#pragma once
// Where a search starts from: architectures drawn inside the limits on free costs.
#include "search/costs.hpp"

namespace nas {

/// What "uniform" means for the architectures a search starts from.
enum class Initial {
  kChoices,        ///< Every active choice uniform: small and large networks alike.
  kArchitectures,  ///< Every architecture alike; where depth is a choice, nearly all are deep.
};

/// Walks `a` to the limits by changes that help, keeping what it can; false where no way was found
/// (then `a` is of no use). Nothing is done to an architecture that meets them.
bool walk_to_limits(const CostLimits& limits, Architecture& a, Rng& rng);

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
  bool repair(Architecture& a, Rng& rng) const { return walk_to_limits(limits_, a, rng); }

 private:
  Architecture draw_free(Rng& rng) const;
  double violation(const Architecture& a) const;
  double log_options(const Architecture& a) const;
  void mix(Architecture& a, Rng& rng) const;

  const CostLimits& limits_;
  const Domain& domain_;
  Initial initial_;
  Architecture witness_;
  bool rare_ = false;  ///< Hardly any free draw meets the limits.
};

}  // namespace nas
