// Two sums: staircases. Each element of the shorter set moves the longer one as a whole; the moved
// copies are merged two by two (Nemhauser and Ullmann's sets, merged as a tournament), so that the
// work is the number of pairs times the logarithm of the shorter length, and mostly less because
// dominated points fall out early. One sum, three and more: pairs in bulk, sorted, and swept.
#include "search/exact/dominance.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "search/exact/sums.hpp"

namespace nas::exact {
namespace {

/// A pair of partial solutions.
struct Pair {
  uint32_t x, y;
};

class Pairs {
 public:
  Pairs(const PartSet& x, const PartSet& y) : x_(x), y_(y) {}

  /// By genes, where all sums are equal: what neither decides is -1 in both.
  bool earlier(const Pair& a, const Pair& b) const {
    const auto ax = x_.genes_of(a.x), ay = y_.genes_of(a.y);
    const auto bx = x_.genes_of(b.x), by = y_.genes_of(b.y);
    for (size_t c = 0; c < ax.size(); ++c) {
      const int16_t first = std::max(ax[c], ay[c]), second = std::max(bx[c], by[c]);
      if (first != second) return first < second;
    }
    return false;
  }
  void put(const Pair& pair, PartSet& out) const {
    for (size_t d = 0; d < x_.dims; ++d)
      out.sums.push_back(x_.sums_of(pair.x)[d] + y_.sums_of(pair.y)[d]);
    const auto gx = x_.genes_of(pair.x), gy = y_.genes_of(pair.y);
    for (size_t c = 0; c < gx.size(); ++c) out.genes.push_back(std::max(gx[c], gy[c]));
  }

 private:
  const PartSet &x_, &y_;
};

struct Step {
  int64_t first, second;
  Pair pair;
};
using Staircase = std::vector<Step>;  ///< Rising in the first sum, falling in the second.

Staircase merged(const Staircase& a, const Staircase& b, const Pairs& pairs) {
  Staircase out;
  out.reserve(a.size() + b.size());
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    const auto before = [&](const Step& s, const Step& t) {
      if (s.first != t.first) return s.first < t.first;
      if (s.second != t.second) return s.second < t.second;
      return !pairs.earlier(t.pair, s.pair);
    };
    const bool take_a = j == b.size() || (i < a.size() && before(a[i], b[j]));
    const Step& step = take_a ? a[i++] : b[j++];
    if (out.empty() || step.second < out.back().second) out.push_back(step);
  }
  return out;
}

Staircase moved(const PartSet& x,
                const PartSet& y,
                uint32_t from,
                uint32_t to,
                const Keep& keep,
                const Pairs& p) {
  if (to - from > 1) {
    const uint32_t middle = from + (to - from) / 2;
    return merged(moved(x, y, from, middle, keep, p), moved(x, y, middle, to, keep, p), p);
  }
  Staircase out;
  out.reserve(x.size());
  for (uint32_t i = 0; i < x.size(); ++i) {
    const int64_t sums[2] = {x.sums_of(i)[0] + y.sums_of(from)[0],
                             x.sums_of(i)[1] + y.sums_of(from)[1]};
    if (keep(sums)) out.push_back({sums[0], sums[1], {i, from}});
  }
  return out;
}

/// Positions of those that stay, given rising ones; `at` gives the sums of a position.
template <class At>
std::vector<uint32_t> swept(const std::vector<uint32_t>& rising, size_t dims, const At& at) {
  std::vector<uint32_t> kept;
  std::map<int64_t, int64_t> stairs;  // Second sum and least third sum, falling.
  for (const uint32_t i : rising) {
    const int64_t* sums = at(i);
    if (dims == 1) {
      kept.push_back(i);
      break;
    }
    if (dims == 2) {
      if (!kept.empty() && at(kept.back())[1] <= sums[1]) continue;
    } else if (dims == 3) {
      auto next = stairs.upper_bound(sums[1]);
      if (next != stairs.begin() && std::prev(next)->second <= sums[2]) continue;
      while (next != stairs.end() && next->second >= sums[2]) next = stairs.erase(next);
      stairs[sums[1]] = sums[2];
    } else {
      const bool bettered = std::any_of(kept.begin(), kept.end(), [&](uint32_t k) {
        for (size_t d = 1; d < dims; ++d)
          if (at(k)[d] > sums[d]) return false;
        return true;
      });
      if (bettered) continue;
    }
    kept.push_back(i);
  }
  return kept;
}

}  // namespace

PartSet undominated(const PartSet& all) {
  std::vector<uint32_t> order(all.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](uint32_t i, uint32_t j) {
    const auto a = all.sums_of(i), b = all.sums_of(j);
    for (size_t d = 0; d < all.dims; ++d)
      if (a[d] != b[d]) return a[d] < b[d];
    return std::lexicographical_compare(all.genes_of(i).begin(),
                                        all.genes_of(i).end(),
                                        all.genes_of(j).begin(),
                                        all.genes_of(j).end());
  });
  PartSet out(all.dims, all.genes_each);
  for (const uint32_t i :
       swept(order, all.dims, [&](uint32_t k) { return all.sums.data() + k * all.dims; }))
    out.add(all.sums_of(i), all.genes_of(i));
  return out;
}

PartSet combined(const PartSet& x, const PartSet& y, const Keep& keep, size_t most) {
  PartSet out(x.dims, x.genes_each);
  if (x.size() == 0 || y.size() == 0) return out;
  const Pairs pairs(x, y);
  const auto too_many = [&] {
    return TooMany("more than " + std::to_string(most) + " partial solutions");
  };
  if (x.dims == 2) {
    const PartSet &longer = x.size() < y.size() ? y : x, &shorter = x.size() < y.size() ? x : y;
    const Pairs turned(longer, shorter);
    const Staircase stairs =
        moved(longer, shorter, 0, static_cast<uint32_t>(shorter.size()), keep, turned);
    if (stairs.size() > most) throw too_many();
    for (const Step& step : stairs) turned.put(step.pair, out);
    return out;
  }
  std::vector<int64_t> sums, now(x.dims);
  std::vector<Pair> made;
  const auto sweep = [&] {
    std::vector<uint32_t> order(made.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto at = [&](uint32_t i) { return sums.data() + i * x.dims; };
    std::sort(order.begin(), order.end(), [&](uint32_t i, uint32_t j) {
      for (size_t d = 0; d < x.dims; ++d)
        if (at(i)[d] != at(j)[d]) return at(i)[d] < at(j)[d];
      return pairs.earlier(made[i], made[j]);
    });
    std::vector<int64_t> left_sums;
    std::vector<Pair> left;
    for (const uint32_t i : swept(order, x.dims, at)) {
      left_sums.insert(left_sums.end(), at(i), at(i) + x.dims);
      left.push_back(made[i]);
    }
    sums = std::move(left_sums);
    made = std::move(left);
  };
  size_t room = 1 << 20;
  for (uint32_t i = 0; i < x.size(); ++i)
    for (uint32_t j = 0; j < y.size(); ++j) {
      for (size_t d = 0; d < x.dims; ++d) now[d] = x.sums_of(i)[d] + y.sums_of(j)[d];
      if (!keep(now.data())) continue;
      sums.insert(sums.end(), now.begin(), now.end());
      made.push_back({i, j});
      if (made.size() < room) continue;
      sweep();
      if (made.size() > most) throw too_many();
      room = std::max<size_t>(1 << 20, 2 * made.size());
    }
  sweep();
  if (made.size() > most) throw too_many();
  for (const Pair& pair : made) pairs.put(pair, out);
  return out;
}

}  // namespace nas::exact
