#pragma once
// factorise: finds the tables of additive metrics by asking for their values, and verifies them.
#include <optional>
#include <span>
#include <string>

#include "search/exact/terms.hpp"

namespace nas::exact {

struct Factorised {
  std::optional<Terms> terms;
  std::string why_not;  ///< Where there are none: for people, after "MACs ... cannot be ...: ".
  size_t asked = 0;     ///< Architectures whose metrics were asked for.
  size_t verified = 0;  ///< Of these, those that only checked the tables.
  bool proven = false;  ///< Every architecture of the domain was among them.
};

/// All `metrics` as sums of tables over the choices of `domain`. Found from differences between
/// architectures, so nothing about the family or the metric has to be known; then checked on
/// random architectures, or on all of them where there are at most 4,096, and by the count. A
/// domain of at most `listed` architectures that does not fall apart is one table of all of them.
Factorised factorise(const Domain& domain,
                     std::span<const MetricFunction> metrics,
                     int64_t listed = 100'000);

}  // namespace nas::exact
