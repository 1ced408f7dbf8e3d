// Sums of two lists are counted into an array over their common divisor where that is small (MACs
// and parameters are multiples of 8 or 16, so it nearly always is), else sorted.
#include "search/exact/sums.hpp"

#include <algorithm>
#include <numeric>

namespace nas::exact {
namespace {

constexpr int64_t kCells = int64_t{1} << 25;  ///< Largest array.

int64_t divisor(const std::vector<int64_t>& value, int64_t g) {
  for (const int64_t v : value)
    if (g != 1 && (g == 0 || (v - value[0]) % g != 0)) g = std::gcd(g, v - value[0]);
  return g;
}

template <class N>
struct Counted {
  int64_t value;
  N ways;
  bool operator<(const Counted& other) const { return value < other.value; }
};

template <class N>
Sums<N> merged(std::vector<Counted<N>>& all) {
  std::sort(all.begin(), all.end());
  Sums<N> sums;
  for (const Counted<N>& each : all) {
    if (!sums.value.empty() && sums.value.back() == each.value) {
      sums.ways.back() += each.ways;
      continue;
    }
    sums.value.push_back(each.value);
    sums.ways.push_back(each.ways);
  }
  return sums;
}

/// Ways that no exact type holds would be wrong without a word.
template <class N>
void require_room(double ways) {
  if constexpr (std::is_same_v<N, uint64_t>)
    if (ways > 1.8e19) throw TooMany("more than 2^64 architectures in one part of the space");
  if constexpr (std::is_same_v<N, Wide>)
    if (ways > 3.4e38) throw TooMany("more than 2^128 architectures in one part of the space");
}

template <class N>
double total(const Sums<N>& sums) {
  double all = 0;
  for (const N ways : sums.ways) all += static_cast<double>(ways);
  return all;
}

/// Whether all sums are multiples of 2^shift, and many of those in their range.
template <class N>
bool on_grid(const Sums<N>& sums, int shift) {
  const int64_t mask = (int64_t{1} << shift) - 1;
  for (const int64_t v : sums.value)
    if ((v & mask) != 0) return false;
  return (sums.value.back() - sums.value.front()) >> shift < 4 * static_cast<int64_t>(sums.size());
}

template <class N>
Sums<N> counted_in_cells(const Sums<N>& x,
                         const Sums<N>& y,
                         int64_t first,
                         int64_t g,
                         int64_t cells,
                         const Rounding& rounding,
                         bool rounds) {
  std::vector<N> at(static_cast<size_t>(cells), N{0});
  const Sums<N>&outer = x.size() < y.size() ? x : y, &inner = x.size() < y.size() ? y : x;
  if (!rounds) {
    std::vector<uint32_t> position;
    for (const int64_t v : inner.value)
      position.push_back(static_cast<uint32_t>((v - inner.value[0]) / g));
    for (size_t i = 0; i < outer.size(); ++i) {
      N* row = at.data() + (outer.value[i] - outer.value[0]) / g;
      const N ways = outer.ways[i];
      for (size_t j = 0; j < inner.size(); ++j) row[position[j]] += ways * inner.ways[j];
    }
  } else {
    const int64_t add = rounding.up ? (int64_t{1} << rounding.shift) - 1 : 0;
    const int64_t base = first >> rounding.shift;
    if (on_grid(inner, rounding.shift)) {
      // What was rounded before moves as a whole.
      const int64_t start = inner.value[0] >> rounding.shift;
      std::vector<N> dense(static_cast<size_t>((inner.value.back() >> rounding.shift) - start + 1),
                           N{0});
      for (size_t j = 0; j < inner.size(); ++j)
        dense[static_cast<size_t>((inner.value[j] >> rounding.shift) - start)] = inner.ways[j];
      for (size_t i = 0; i < outer.size(); ++i) {
        N* row = at.data() + (((outer.value[i] + add) >> rounding.shift) + start - base);
        const N ways = outer.ways[i];
        for (size_t j = 0; j < dense.size(); ++j) row[j] += ways * dense[j];
      }
    } else {
      for (size_t i = 0; i < outer.size(); ++i) {
        const int64_t v = outer.value[i] + add;
        const N ways = outer.ways[i];
        for (size_t j = 0; j < inner.size(); ++j)
          at[static_cast<size_t>(((v + inner.value[j]) >> rounding.shift) - base)] +=
              ways * inner.ways[j];
      }
    }
  }
  Sums<N> sums;
  for (int64_t cell = 0; cell < cells; ++cell)
    if (const N ways = at[static_cast<size_t>(cell)]; ways != N{0}) {
      sums.value.push_back(first + cell * g);
      sums.ways.push_back(ways);
    }
  return sums;
}

}  // namespace

template <class N>
Sums<N> product(const Sums<N>& x, const Sums<N>& y, const Rounding& rounding) {
  if (x.size() == 0 || y.size() == 0) return {};
  require_room<N>(total(x) * total(y));
  const double pairs = static_cast<double>(x.size()) * static_cast<double>(y.size());
  const bool rounds = rounding.shift > 0 && pairs > static_cast<double>(rounding.many);
  const int64_t first = x.value.front() + y.value.front(), last = x.value.back() + y.value.back();
  const int64_t g = rounds ? int64_t{1} << rounding.shift
                           : std::max<int64_t>(1, divisor(y.value, divisor(x.value, 0)));
  const int64_t start = rounds ? rounding.of(first) : first;
  const int64_t cells = ((rounds ? rounding.of(last) : last) - start) / g + 1;
  if (cells <= kCells && (rounds || static_cast<double>(cells) < 8 * pairs + 1024))
    return counted_in_cells(x, y, start, g, cells, rounding, rounds);
  if (pairs > 4 * static_cast<double>(rounding.most))
    throw TooMany("more than " + std::to_string(rounding.most) + " different sums");
  std::vector<Counted<N>> all;
  all.reserve(x.size() * y.size());
  for (size_t i = 0; i < x.size(); ++i)
    for (size_t j = 0; j < y.size(); ++j) {
      const int64_t sum = x.value[i] + y.value[j];
      all.push_back({rounds ? rounding.of(sum) : sum, x.ways[i] * y.ways[j]});
    }
  return merged(all);
}

template <class N>
Lists<N>::Lists(const Terms& terms, size_t metric, const Rounding& rounding)
    : terms_(terms), metric_(metric), rounding_(rounding), lists_(terms.terms().size()) {
  for (size_t t = 0; t < lists_.size(); ++t) {
    const Term& term = terms.terms()[t];
    lists_[t].resize(term.key_count());
    double most = 0;
    for (size_t row = 0; row < term.rows(); ++row) most = std::max(most, pairs(term, row));
    const auto many = static_cast<double>(rounding_.shift < 0 ? 1'000'000 : rounding_.many);
    if (term.parent == kNone && most > many) continue;
    for (size_t key = 0; key < term.key_count(); ++key) lists_[t][key] = of_key(t, key);
  }
  make_cases();
}

/// Sums below a row, as if all differed.
template <class N>
double Lists<N>::pairs(const Term& term, size_t row) const {
  double all = 1;
  for (size_t c = 0; c < term.children.size(); ++c)
    all *=
        static_cast<double>(at(term.children[c], term.keys[row * term.children.size() + c]).size());
  return all;
}

template <class N>
Sums<N> Lists<N>::of_key(size_t t, size_t key) const {
  const Term& term = terms_.terms()[t];
  std::vector<Counted<N>> all;
  for (size_t row = term.first[key]; row < term.first[key + 1]; ++row) {
    Sums<N> below{{0}, {N{1}}};
    for (size_t c = 0; c < term.children.size(); ++c)
      below = product(
          below, at(term.children[c], term.keys[row * term.children.size() + c]), rounding_);
    const int64_t own = terms_.value(term, row, metric_);
    for (size_t i = 0; i < below.size(); ++i) all.push_back({own + below.value[i], below.ways[i]});
  }
  double ways = 0;
  for (const Counted<N>& each : all) ways += static_cast<double>(each.ways);
  require_room<N>(ways);
  Sums<N> sums = merged(all);
  if (rounding_.shift > 0 && sums.size() > rounding_.many) {
    for (Counted<N>& each : all) each.value = rounding_.of(each.value);
    sums = merged(all);
  }
  if (sums.size() > rounding_.most)
    throw TooMany("more than " + std::to_string(rounding_.most) + " different sums");
  return sums;
}

template <class N>
void Lists<N>::make_cases() {
  constexpr size_t kMostCases = 10'000;
  cases_.emplace_back().offset = terms_.units()[metric_].constant;
  for (const size_t root : terms_.roots()) {
    const Term& term = terms_.terms()[root];
    if (at(root, 0).size() > 0 || term.rows() == 0) {
      for (Case<N>& each : cases_) {
        each.lists.push_back(&at(root, 0));
        each.from.emplace_back(root, 0);
      }
      continue;
    }
    if (cases_.size() * term.rows() > kMostCases) throw TooMany("too many cases");
    std::vector<Case<N>> next;
    for (const Case<N>& each : cases_)
      for (size_t row = 0; row < term.rows(); ++row) {
        Case<N>& opened = next.emplace_back(each);
        opened.offset += terms_.value(term, row, metric_);
        opened.rows.emplace_back(root, row);
        for (size_t c = 0; c < term.children.size(); ++c) {
          const uint32_t key = term.keys[row * term.children.size() + c];
          opened.lists.push_back(&at(term.children[c], key));
          opened.from.emplace_back(term.children[c], key);
        }
      }
    cases_ = std::move(next);
  }
}

int64_t common_divisor(std::initializer_list<const std::vector<int64_t>*> lists) {
  int64_t g = 0;
  for (const std::vector<int64_t>* list : lists) g = divisor(*list, g);
  return std::max<int64_t>(1, g);
}

template Sums<double> product(const Sums<double>&, const Sums<double>&, const Rounding&);
template Sums<uint64_t> product(const Sums<uint64_t>&, const Sums<uint64_t>&, const Rounding&);
template Sums<Wide> product(const Sums<Wide>&, const Sums<Wide>&, const Rounding&);
template class Lists<double>;
template class Lists<uint64_t>;
template class Lists<Wide>;

}  // namespace nas::exact
