#pragma once
// Relaxed plans: all options of some choices at once, mixed by weights that are given when the plan
// runs. What differentiable methods train (DARTS, GDAS, ProxylessNAS, ...).
#include <span>
#include <vector>

#include "spaces/domain.hpp"
#include "spaces/plan.hpp"

namespace nas {

/// For each choice the options that take part in its mixture, in rising order; none where the
/// architecture decides.
struct Relaxation {
  std::vector<std::vector<int16_t>> options;
};

/// The network of `base` with every allowed option of each of `choices` side by side under a
/// WeightedSum; the same choice may stand in several places, in cells for example, and choices may
/// be nested. Rules of the space between choices are left aside. With one-hot weights it computes
/// what the plan of that architecture does, to the last bit, and executes no other option. Costs
/// are those of all options together.
///
/// ConfigError that names the choice where it cannot be mixed: where its options are sizes of one
/// network (widths, depths, kernels cut from a larger one, resolutions) or places in it, and where
/// it is closed in `base`; and where `base` is not in the domain. Choices that are open only under
/// an option that is mixed have the option of `base`, if it is allowed, else the first that is.
Plan relaxed_plan(const Domain& domain, const Architecture& base, std::span<const size_t> choices);

/// The choices that can be mixed, in order.
std::vector<size_t> relaxable_choices(const Domain& domain);

}  // namespace nas
