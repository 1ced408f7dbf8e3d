// Bounds. Lists of sums that grow too long are kept on a grid (sums.hpp), once with every sum
// rounded down, which counts too many below a limit, and once rounded up, which counts too few.
// What is in between shrinks with the cells.
//
// Exact counts. Meet in the middle (Horowitz and Sahni 1974): each case of lists is folded into
// three (split.hpp); for each sum of the first two the number of partners in the third is looked up
// in its cumulative counts. Over a common divisor these are an array that is read in one direction,
// else a pointer that moves with the sums.
#include "search/exact/distribution.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "search/exact/inside.hpp"
#include "search/exact/split.hpp"

namespace nas::exact {
namespace {

constexpr double kMostSteps = 3e11;
constexpr int64_t kMostCells = int64_t{1} << 27;
/// Far more than what sums of doubles lose; added to and taken from every bound.
constexpr double kRounding = 1e-9;

BigInt big(Wide value) {
  return BigInt(static_cast<uint64_t>(value >> 64)) * BigInt(int64_t{1} << 32) *
             BigInt(int64_t{1} << 32) +
         BigInt(static_cast<uint64_t>(value));
}

// Ways to a sum of at most each limit, and to any.
std::vector<double> ways_up_to(const Lists<double>& lists,
                               std::span<const int64_t> most,
                               double& all) {
  std::vector<double> ways(most.size(), 0.0);
  all = 0;
  for (const Case<double>& one : lists.cases()) {
    const Split<double> parts = split(one, lists.rounding());
    const Sums<double>&inner = *parts.inner.sums, &outer = *parts.looked_up.sums;
    double inner_all = 0;
    for (const double w : inner.ways) inner_all += w;
    std::vector<double> cumulative;
    double sum = 0;
    for (const double w : outer.ways) cumulative.push_back(sum += w);
    all += inner_all * sum;
    for (size_t q = 0; q < most.size(); ++q) {
      size_t end = outer.size();
      for (size_t i = 0; i < inner.size() && end > 0; ++i) {
        const int64_t left = most[q] - one.offset - inner.value[i];
        while (end > 0 && outer.value[end - 1] > left) --end;
        if (end > 0) ways[q] += inner.ways[i] * cumulative[end - 1];
      }
    }
  }
  return ways;
}

/// The lists of a split in multiples of their common divisor, from 0.
template <class N>
class Counter {
 public:
  explicit Counter(const Split<N>& parts)
      : inner_(*parts.inner.sums), far_(*parts.looked_up.sums), outer_(*parts.outer.sums) {
    g_ = common_divisor({&inner_.value, &far_.value, &outer_.value});
    first_ = inner_.value[0] + far_.value[0] + outer_.value[0];
    Wide sum = 0, most = 0;
    for (const N w : inner_.ways) {
      before_.push_back(sum);
      sum += w;
      most = std::max<Wide>(most, w);
    }
    before_.push_back(sum);
    const Wide inner_all = sum;
    sum = 0;
    for (const N w : far_.ways) cumulative_.push_back(sum += w);
    far_all_ = sum;
    const int64_t cells = (far_.value.back() - far_.value[0]) / g_ + 1;
    const int64_t reach = (inner_.value.back() - inner_.value[0]) / g_;
    constexpr double kRoom = 1.8e19;
    // Where a pointer would need more steps than there are cells.
    const double steps =
        static_cast<double>(outer_.size()) * static_cast<double>(inner_.size() + far_.size());
    dense_ = cells <= kMostCells && static_cast<double>(cells) < steps &&
             reach < std::numeric_limits<int32_t>::max() && most < (Wide{1} << 32) &&
             static_cast<double>(inner_all) * static_cast<double>(far_all_) < kRoom;
    if (!dense_) return;
    far_all_ < (Wide{1} << 32) ? fill(small_, cells) : fill(large_, cells);
    for (size_t i = 0; i < inner_.size(); ++i) {
      position_.push_back(static_cast<int32_t>((inner_.value[i] - inner_.value[0]) / g_));
      ways_.push_back(static_cast<uint32_t>(inner_.ways[i]));
    }
  }

  /// Triples of sums that stay at or below `most`.
  BigInt below(int64_t most) const {
    if (dense_) return small_.empty() ? by_cell(large_, most) : by_cell(small_, most);
    BigInt all = 0;
    for (size_t o = 0; o < outer_.size(); ++o)
      all += big(by_pointer(most - outer_.value[o])) * big(outer_.ways[o]);
    return all;
  }

 private:
  template <class T>
  void fill(std::vector<T>& cells, int64_t size) const {
    cells.assign(static_cast<size_t>(size), 0);
    T sum = 0;
    size_t next = 0;
    for (int64_t cell = 0; cell < size; ++cell) {
      if (next < far_.size() && (far_.value[next] - far_.value[0]) / g_ == cell)
        sum = static_cast<T>(sum + static_cast<T>(far_.ways[next++]));
      cells[static_cast<size_t>(cell)] = sum;
    }
  }
  /// By blocks of the inner list, so that what is looked up stays in the cache while the outer list
  /// is gone through.
  template <class T>
  BigInt by_cell(const std::vector<T>& cells, int64_t most) const {
    constexpr size_t kBlock = 4096;
    const auto size = static_cast<int64_t>(cells.size());
    BigInt all = 0;
    std::vector<Wide> sums(outer_.size(), 0);
    for (size_t first = 0; first < position_.size(); first += kBlock) {
      const size_t last = std::min(position_.size(), first + kBlock);
      for (size_t o = 0; o < outer_.size(); ++o) {
        const int64_t left = most - first_ - (outer_.value[o] - outer_.value[0]);
        if (left < 0) break;
        const int64_t room = left / g_;
        if (position_[first] > room) continue;
        // Partners of sums up to `full` all fit, of those from `end` on none.
        const auto at = [&](int64_t p) {
          return static_cast<size_t>(
              std::upper_bound(position_.begin() + static_cast<std::ptrdiff_t>(first),
                               position_.begin() + static_cast<std::ptrdiff_t>(last),
                               p) -
              position_.begin());
        };
        const size_t full = position_[last - 1] <= room - size ? last : at(room - size);
        const size_t end = position_[last - 1] <= room ? last : at(room);
        uint64_t sum = 0;
        const T* cell = cells.data() + room;
        for (size_t i = full; i < end; ++i) sum += uint64_t{ways_[i]} * *(cell - position_[i]);
        sums[o] += (before_[full] - before_[first]) * far_all_ + sum;
      }
    }
    for (size_t o = 0; o < outer_.size(); ++o) all += big(sums[o]) * big(outer_.ways[o]);
    return all;
  }
  Wide by_pointer(int64_t most) const {
    Wide sum = 0;
    size_t end = far_.size();
    for (size_t i = 0; i < inner_.size() && end > 0; ++i) {
      const int64_t left = most - inner_.value[i];
      while (end > 0 && far_.value[end - 1] > left) --end;
      if (end > 0) sum += static_cast<Wide>(inner_.ways[i]) * cumulative_[end - 1];
    }
    return sum;
  }

  const Sums<N>&inner_, &far_, &outer_;
  int64_t g_ = 1, first_ = 0;
  bool dense_ = false;
  Wide far_all_ = 0;
  std::vector<Wide> before_, cumulative_;
  std::vector<int32_t> position_;
  std::vector<uint32_t> ways_, small_;
  std::vector<uint64_t> large_;
};

template <class N>
void count_below(const Lists<N>& lists,
                 const std::vector<int64_t>& most,
                 std::vector<BigInt>& counts) {
  counts.assign(most.size(), 0);
  for (const Case<N>& one : lists.cases()) {
    const Split<N> parts = split(one, lists.rounding());
    if (parts.outer.sums->size() == 0 || parts.inner.sums->size() == 0 ||
        parts.looked_up.sums->size() == 0)
      continue;
    if (parts.steps() > kMostSteps) throw TooMany("too many pairs of sums");
    const Counter<N> counter(parts);
    for (size_t q = 0; q < most.size(); ++q) counts[q] += counter.below(most[q] - one.offset);
  }
}

}  // namespace

std::pair<int64_t, int64_t> Distribution::range() const {
  return {least_sum(terms_, metric_, 1), -least_sum(terms_, metric_, -1)};
}

std::vector<Share> Distribution::shares(std::span<const int64_t> asked, double width) const {
  const auto [first, last] = range();
  std::vector<int64_t> most;
  for (const int64_t at : asked) most.push_back(std::clamp(at, first - 1, last));
  const auto span = static_cast<double>(last - first);
  std::vector<Share> shares(most.size());
  for (int cells = 15; cells <= 19; cells += 2) {
    Rounding rounding;
    rounding.shift = std::max(0, static_cast<int>(std::ceil(std::log2(span + 1))) - cells);
    double all = 0, wide = 0;
    const std::vector<double> too_many =
        ways_up_to(Lists<double>(terms_, metric_, rounding), most, all);
    rounding.up = true;
    const std::vector<double> too_few =
        ways_up_to(Lists<double>(terms_, metric_, rounding), most, all);
    for (size_t q = 0; q < most.size(); ++q) {
      shares[q].low = most[q] >= last ? 1 : std::max(0.0, too_few[q] / all * (1 - kRounding));
      shares[q].high = most[q] < first ? 0 : std::min(1.0, too_many[q] / all * (1 + kRounding));
      wide = std::max(wide, shares[q].width());
    }
    if (wide <= width || rounding.shift == 0) break;
  }
  return shares;
}

BigInt Distribution::count(int64_t low, int64_t high) const {
  if (low > high) return 0;
  const auto [first, last] = range();
  // Both ends of all are counted without a list.
  std::vector<int64_t> most{std::min(high, last)};
  if (low > first) most.insert(most.begin(), low - 1);
  if (most.size() == 1 && high >= last) return terms_.count();
  Rounding exact;
  std::vector<BigInt> counts;
  try {
    count_below(Lists<uint64_t>(terms_, metric_, exact), most, counts);
  } catch (const TooMany&) {
    count_below(Lists<Wide>(terms_, metric_, exact), most, counts);
  }
  return most.size() == 1 ? counts[0] : counts[1] - counts[0];
}

}  // namespace nas::exact
