#pragma once
// How the sums of one metric are spread over a domain: shares and counts under a limit, histograms,
// and draws inside limits.
#include <optional>
#include <span>
#include <vector>

#include "search/exact/terms.hpp"

namespace nas::exact {

/// A share of all architectures lies between the two.
struct Share {
  double low = 0, high = 1;
  double middle() const { return (low + high) / 2; }
  double width() const { return high - low; }
};

class Distribution {
 public:
  /// `terms` outlive this.
  Distribution(const Terms& terms, size_t metric) : terms_(terms), metric_(metric) {}

  /// Least and most sum of all.
  std::pair<int64_t, int64_t> range() const;
  /// Share of the architectures with a sum of at most each of `asked` (rising or not). Proven, and
  /// at most `width` wide, where `cells` in steps of 4 up to 2^19 do that.
  std::vector<Share> shares(std::span<const int64_t> asked, double width = 0.001) const;
  /// Exact number with a sum from `low` to `high`. TooMany (sums.hpp) where that would take more
  /// than some minutes.
  BigInt count(int64_t low, int64_t high) const;

 private:
  const Terms& terms_;
  const size_t metric_;
};

/// Draws uniformly among the architectures with a sum from `low` to `high`: none is drawn and
/// thrown away. In large spaces each call costs about as much as a count, however many are drawn.
/// TooMany as count(); nothing where none is inside.
std::vector<Architecture> sample_between(
    const Terms& terms, size_t metric, int64_t low, int64_t high, size_t draws, Rng& rng);

}  // namespace nas::exact
