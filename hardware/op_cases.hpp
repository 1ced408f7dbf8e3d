#pragma once
// The distinct ops of a space: what a latency table has to hold.
#include <map>
#include <memory>
#include <string>

#include "spaces/space.hpp"

namespace nas {

/// One op where it stands: node `node` of a network of the space.
struct OpCase {
  std::shared_ptr<const Plan> plan;
  size_t node = 0;
  const Op& op() const { return plan->nodes[node].op; }
};

/// Every distinct op of the space by nas::signature, without those that cost nothing: all
/// architectures where there are at most `most`; else (`complete` is then false) the smallest, the
/// largest, every option of every choice in `kOfEachOption` networks, and random ones until
/// `most` / 10 in a row show nothing new.
std::map<std::string, OpCase> distinct_ops(const Space& space,
                                           bool& complete,
                                           int64_t most = 20000);

}  // namespace nas
