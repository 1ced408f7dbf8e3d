#pragma once
// A case of many lists as three: two to look at pair by pair, one to look up.
#include <memory>
#include <vector>

#include "search/exact/sums.hpp"

namespace nas::exact {

/// A list, or the sums of pairs from two others (kept, so that sums can be traced back).
template <class N>
struct Folded {
  const Sums<N>* sums = nullptr;
  size_t list = kNone;  ///< Position among the lists of the case, where it is one of them.
  std::unique_ptr<Folded> left, right;
  std::unique_ptr<Sums<N>> own;
};

/// Sums of a case: offset + one of `outer` + one of `inner` + one of `looked_up`.
template <class N>
struct Split {
  Folded<N> outer, inner, looked_up;
  /// Steps that going through the first two takes.
  double steps() const {
    return static_cast<double>(outer.sums->size()) * static_cast<double>(inner.sums->size());
  }
};

/// The list to look up is as long as may be, since its length costs next to nothing: of the rest
/// each pair of sums is a step.
template <class N>
Split<N> split(const Case<N>& one, const Rounding& rounding);

}  // namespace nas::exact
