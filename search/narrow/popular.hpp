#pragma once
// The part of a space that a search has come to favour: PopDB (arXiv 2202.12954; search.md 3.3).
#include <cstddef>
#include <span>
#include <vector>

#include "search/narrow/hdbscan.hpp"
#include "spaces/domain.hpp"

namespace nas {

struct PopularOptions {
  HdbscanOptions clusters;  ///< Of networks, by the number of choices in which two differ.
  /// Options that fewer of the networks in clusters have are left out, where there are enough to
  /// tell: of n networks 3 / n may well have what none shows (the rule of three, at 95 %).
  double least_share = 0.01;
  size_t most = 20'000;  ///< Of more networks so many are looked at, evenly spread.
};

/// One option of an open choice among the networks in clusters in which the choice is active.
struct OptionShare {
  size_t choice = 0;
  int16_t option = 0;
  size_t count = 0, of = 0;
  bool kept = true;
  double share() const { return static_cast<double>(count) / static_cast<double>(of); }
};

struct Popular {
  size_t networks = 0;             ///< Different ones that were looked at.
  size_t clusters = 0, noise = 0;  ///< Without clusters nothing is noise.
  bool scattered = false;          ///< Clusters held less than half, and were given up.
  size_t too_few = 0;  ///< Choices that keep all options: too few networks tell of them.
  std::vector<OptionShare> shares;  ///< Of all choices that are active in at least one.
  Restriction part;                 ///< Within the domain's own.
};

/// Of the networks that a search has judged, those in clusters say which options of each choice
/// are worth having; where less than half lie in any, all say so. A choice that is active in none
/// of them keeps its options. `networks` are inside `domain`; repeats count once.
Popular popular_part(const Domain& domain,
                     std::span<const Architecture> networks,
                     const PopularOptions& options = {});

}  // namespace nas
