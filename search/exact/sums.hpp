#pragma once
// How many architectures lead to each sum: lists by term and key, and of the whole domain.
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "search/exact/terms.hpp"

namespace nas::exact {

/// More different sums than can be kept.
class TooMany : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

using Wide = unsigned __int128;

/// Rising sums, and the ways that lead to each. N: double (for bounds), uint64_t or Wide (exact).
template <class N>
struct Sums {
  std::vector<int64_t> value;
  std::vector<N> ways;
  size_t size() const { return value.size(); }
};

/// Sums are kept exactly while they are few. Of many (`many` at most stay exact), each goes to the
/// next multiple of 2^shift below it or, `up`, above it: what is counted then is at most, or at
/// least, that many. shift < 0: always exact, and TooMany above `most`.
struct Rounding {
  int shift = -1;
  bool up = false;
  size_t many = 16'384;
  size_t most = 8'000'000;
  int64_t of(int64_t sum) const {
    return (up ? (sum + ((int64_t{1} << shift) - 1)) >> shift : sum >> shift) *
           (int64_t{1} << shift);
  }
};

/// Of all pairs of one of each.
template <class N>
Sums<N> product(const Sums<N>& x, const Sums<N>& y, const Rounding& rounding);

/// The sums of what a case leaves open: one of each list, added to `offset`. Cases share nothing.
template <class N>
struct Case {
  int64_t offset = 0;
  std::vector<const Sums<N>*> lists;
  std::vector<std::pair<size_t, uint32_t>> from;  ///< Term and key of each list.
  std::vector<std::pair<size_t, size_t>> rows;    ///< Term and row of what is decided.
};

/// Of all differences within each of the (non-empty) lists.
int64_t common_divisor(std::initializer_list<const std::vector<int64_t>*> lists);

/// Lists of all terms for one metric.
template <class N>
class Lists {
 public:
  /// TooMany as `rounding` says, and where ways do not fit into N.
  Lists(const Terms& terms, size_t metric, const Rounding& rounding);
  const Sums<N>& at(size_t term, uint32_t key) const { return lists_[term][key]; }
  /// Roots that would have too many sums stand row by row.
  const std::vector<Case<N>>& cases() const { return cases_; }
  const Rounding& rounding() const { return rounding_; }

 private:
  Sums<N> of_key(size_t term, size_t key) const;
  double pairs(const Term& term, size_t row) const;
  void make_cases();

  const Terms& terms_;
  const size_t metric_;
  const Rounding rounding_;
  std::vector<std::vector<Sums<N>>> lists_;  ///< By term and key; those of opened roots are empty.
  std::vector<Case<N>> cases_;
};

}  // namespace nas::exact
