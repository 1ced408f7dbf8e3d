#pragma once
// The distinct ops (or kernels, or blocks) of a space: what a latency table has to hold.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hardware/grouping.hpp"
#include "spaces/domain.hpp"
#include "spaces/error.hpp"

namespace nas {

/// One op, or piece of another grouping, where it stands: its nodes in a network of the space.
struct OpCase {
  std::shared_ptr<const Plan> plan;
  size_t node = 0;             ///< The first of `nodes`.
  std::vector<int32_t> nodes;  ///< All that the piece covers.
  Architecture architecture;   ///< Of `plan`; inside the domain.
  int64_t networks = 0;        ///< Of SpaceOps::looked_at, those that have it.
  int64_t uses = 0;            ///< How often it stands in those.
  const Op& op() const { return plan->nodes[node].op; }
};

struct SpaceOps {
  enum class How {
    kListed,   ///< All architectures were gone through.
    kScopes,   ///< Every combination of choices that act together: see op_cases.cpp.
    kSampled,  ///< Forced options and random networks: some may be missing.
  };
  std::map<std::string, OpCase> ops;  ///< By key of the grouping.
  How how = How::kSampled;
  int64_t built = 0;  ///< Networks gone through to find them.
  /// Networks that `networks` and `uses` of the ops count: all where they are listed, else random
  /// ones, uniform over the domain, which also checked the list.
  int64_t looked_at = 0;
  bool exact() const { return how != How::kSampled; }
};

struct OpsOptions {
  int64_t listed = 20'000;  ///< Domains of at most so many architectures are gone through.
  int64_t built = 500'000;  ///< Most networks built for combinations of choices.
  int64_t checked = 1'000;  ///< Random networks of each of two laws that check the list.
};

/// Every distinct piece of the domain's networks that costs something.
SpaceOps ops_of(const Domain& domain,
                const Grouping& grouping = op_grouping(),
                const OpsOptions& options = {});

/// Whether all of them are blocks that once-for-all's tables have keys for.
bool all_blocks(const SpaceOps& ops);
/// What is said where they are not.
ConfigError no_blocks(const Space& space);

/// The options that bring `key` about: of the piece's architecture active choices (with their
/// options) that, put into the domain's largest architecture, still give a network that has it, and
/// none of which can be left out. Empty: the largest one has it anyway.
std::vector<std::pair<size_t, int16_t>> options_behind(const Domain& domain,
                                                       const Grouping& grouping,
                                                       const std::string& key,
                                                       const OpCase& op);

/// The ops of a space by nas::signature; `complete`: whether they are all (SpaceOps::exact).
/// `most`: OpsOptions::listed.
std::map<std::string, OpCase> distinct_ops(const Domain& domain,
                                           bool& complete,
                                           int64_t most = 20000);

}  // namespace nas
