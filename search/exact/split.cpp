#include "search/exact/split.hpp"

#include <algorithm>

namespace nas::exact {
namespace {

template <class N>
Folded<N> fold(Folded<N> x, Folded<N> y, const Rounding& rounding) {
  Folded<N> both;
  both.own = std::make_unique<Sums<N>>(product(*x.sums, *y.sums, rounding));
  both.sums = both.own.get();
  both.left = std::make_unique<Folded<N>>(std::move(x));
  both.right = std::make_unique<Folded<N>>(std::move(y));
  return both;
}

template <class N>
Folded<N> one_way() {
  Folded<N> none;
  none.own = std::make_unique<Sums<N>>(Sums<N>{{0}, {N{1}}});
  none.sums = none.own.get();
  return none;
}

// Parts of one shape have sums in common, so that together they have far fewer than pairs: those
// that share most are joined first. Without this the number of sums grows several times.
template <class N>
void join_alike(std::vector<Folded<N>>& lists, const Rounding& rounding) {
  constexpr size_t kJoined = 2048, kPairs = 16 * kJoined, kFew = 4;
  constexpr double kNever = 2;
  Rounding exact;
  exact.most = rounding.most;
  const auto shared = [&](const Folded<N>& x, const Folded<N>& y) {
    const size_t pairs = x.sums->size() * y.sums->size();
    if (pairs > kPairs) return kNever;
    const size_t sums = product(*x.sums, *y.sums, exact).size();
    return sums > kJoined ? kNever : static_cast<double>(sums) / static_cast<double>(pairs);
  };
  // shares[i][j]: of lists i and j < i.
  std::vector<std::vector<double>> shares(lists.size());
  for (size_t i = 0; i < lists.size(); ++i)
    for (size_t j = 0; j < i; ++j) shares[i].push_back(shared(lists[i], lists[j]));
  while (lists.size() > kFew) {
    size_t first = 0, second = 0;
    double least = kNever;
    for (size_t i = 0; i < lists.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        if (shares[i][j] < least) {
          least = shares[i][j];
          first = i;
          second = j;
        }
    if (least == kNever) break;
    Folded<N> x = std::move(lists[first]), y = std::move(lists[second]);
    const auto drop = [&](size_t at) {
      lists.erase(lists.begin() + static_cast<std::ptrdiff_t>(at));
      shares.erase(shares.begin() + static_cast<std::ptrdiff_t>(at));
      for (size_t i = at; i < shares.size(); ++i)
        shares[i].erase(shares[i].begin() + static_cast<std::ptrdiff_t>(at));
    };
    drop(first);
    drop(second);
    lists.push_back(fold(std::move(x), std::move(y), exact));
    shares.emplace_back();
    for (size_t j = 0; j + 1 < lists.size(); ++j)
      shares.back().push_back(shared(lists.back(), lists[j]));
  }
}

}  // namespace

template <class N>
Split<N> split(const Case<N>& one, const Rounding& rounding) {
  std::vector<Folded<N>> lists;
  for (size_t i = 0; i < one.lists.size(); ++i) {
    Folded<N>& list = lists.emplace_back();
    list.sums = one.lists[i];
    list.list = i;
  }
  join_alike(lists, rounding);
  // Rising, so that the longest are taken first. Rounded ones are cut short anyway.
  const auto by_length = [&lists] {
    std::stable_sort(lists.begin(), lists.end(), [](const Folded<N>& x, const Folded<N>& y) {
      return x.sums->size() < y.sums->size();
    });
  };
  by_length();
  const bool exact = rounding.shift < 0;
  const double most = static_cast<double>(exact ? rounding.most : 64 * rounding.many);
  const auto take = [&](double room) {
    if (lists.empty()) return one_way<N>();
    Folded<N> taken = std::move(lists.back());
    lists.pop_back();
    while (!lists.empty()) {
      // The longest that still fits.
      size_t at = lists.size();
      while (at > 0 && static_cast<double>(taken.sums->size()) *
                               static_cast<double>(lists[at - 1].sums->size()) >
                           room)
        --at;
      if (at == 0) break;
      Folded<N> next = std::move(lists[at - 1]);
      lists.erase(lists.begin() + static_cast<std::ptrdiff_t>(at) - 1);
      taken = fold(std::move(taken), std::move(next), rounding);
    }
    return taken;
  };
  Split<N> found;
  if (exact) {
    found.looked_up = take(most);
    found.inner = take(most);
    found.outer = take(most);
    if (!lists.empty()) throw TooMany("more than three lists of " + std::to_string(rounding.most));
    return found;
  }
  while (lists.size() > 2) {
    Folded<N> x = std::move(lists[0]), y = std::move(lists[1]);
    lists.erase(lists.begin(), lists.begin() + 2);
    lists.push_back(fold(std::move(x), std::move(y), rounding));
    by_length();
  }
  found.outer = one_way<N>();
  found.inner = lists.empty() ? one_way<N>() : std::move(lists[0]);
  found.looked_up = lists.size() < 2 ? one_way<N>() : std::move(lists[1]);
  return found;
}

template Split<double> split(const Case<double>&, const Rounding&);
template Split<uint64_t> split(const Case<uint64_t>&, const Rounding&);
template Split<Wide> split(const Case<Wide>&, const Rounding&);

}  // namespace nas::exact
