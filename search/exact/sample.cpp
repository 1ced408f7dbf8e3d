// A draw goes the way of a count backwards: a sum of the outer list in proportion to what it leads
// to inside the limits, one of the inner list likewise, one that fits of the third; then each sum
// is traced back to the pairs it was made of, and each list's to the rows below its term, always in
// proportion to the ways. Draws that share a sum of the outer list share the work.
#include <algorithm>
#include <map>

#include "search/exact/distribution.hpp"
#include "search/exact/split.hpp"

namespace nas::exact {
namespace {

/// In [0, n).
Wide below(Wide n, Rng& rng) {
  if (n <= ~uint64_t{0}) return rng.below(static_cast<uint64_t>(n));
  Wide mask = n - 1;
  for (int shift = 1; shift < 128; shift *= 2) mask |= mask >> shift;
  for (;;) {
    const Wide high = rng.next();
    const Wide drawn = ((high << 64) | rng.next()) & mask;
    if (drawn < n) return drawn;
  }
}

class Tracer {
 public:
  Tracer(const Terms& terms, size_t metric, const Lists<Wide>& lists)
      : terms_(terms), metric_(metric), lists_(lists) {}

  /// Sums of the lists of a case, into `parts` by their position.
  void trace(const Folded<Wide>& folded, int64_t sum, Rng& rng, std::vector<int64_t>& parts) const {
    if (folded.list != kNone) {
      parts[folded.list] = sum;
      return;
    }
    if (folded.left == nullptr) return;  // Nothing but 0.
    const Sums<Wide>&x = *folded.left->sums, &y = *folded.right->sums;
    const auto partner = [&](size_t i) -> Wide {
      const auto at = std::lower_bound(y.value.begin(), y.value.end(), sum - x.value[i]);
      if (at == y.value.end() || *at != sum - x.value[i]) return 0;
      return y.ways[static_cast<size_t>(at - y.value.begin())];
    };
    Wide all = 0;
    for (size_t i = 0; i < x.size(); ++i) all += x.ways[i] * partner(i);
    Wide left = below(all, rng);
    for (size_t i = 0; i < x.size(); ++i) {
      const Wide ways = x.ways[i] * partner(i);
      if (left >= ways) {
        left -= ways;
        continue;
      }
      trace(*folded.left, x.value[i], rng, parts);
      trace(*folded.right, sum - x.value[i], rng, parts);
      return;
    }
  }

  /// An architecture below a term's key with that sum.
  void decode(size_t t, uint32_t key, int64_t sum, Rng& rng, Architecture& a) {
    const Term& term = terms_.terms()[t];
    const auto ways = [&](size_t row) -> Wide {
      const Sums<Wide>& below_row = *of_row(t, row).sums;
      const int64_t wanted = sum - terms_.value(term, row, metric_);
      const auto at = std::lower_bound(below_row.value.begin(), below_row.value.end(), wanted);
      if (at == below_row.value.end() || *at != wanted) return 0;
      return below_row.ways[static_cast<size_t>(at - below_row.value.begin())];
    };
    Wide all = 0;
    for (size_t row = term.first[key]; row < term.first[key + 1]; ++row) all += ways(row);
    Wide left = below(all, rng);
    for (size_t row = term.first[key]; row < term.first[key + 1]; ++row) {
      const Wide here = ways(row);
      if (left >= here) {
        left -= here;
        continue;
      }
      terms_.decode(term, row, a);
      std::vector<int64_t> parts(term.children.size());
      trace(of_row(t, row), sum - terms_.value(term, row, metric_), rng, parts);
      for (size_t c = 0; c < term.children.size(); ++c)
        decode(term.children[c], term.keys[row * term.children.size() + c], parts[c], rng, a);
      return;
    }
  }

 private:
  const Folded<Wide>& of_row(size_t t, size_t row) {
    const auto [at, fresh] = rows_.try_emplace({t, row});
    if (!fresh) return at->second;
    const Term& term = terms_.terms()[t];
    Folded<Wide>& folded = at->second;
    folded.own = std::make_unique<Sums<Wide>>(Sums<Wide>{{0}, {Wide{1}}});
    folded.sums = folded.own.get();
    for (size_t c = 0; c < term.children.size(); ++c) {
      Folded<Wide> child;
      child.sums = &lists_.at(term.children[c], term.keys[row * term.children.size() + c]);
      child.list = c;
      Folded<Wide> both;
      both.own = std::make_unique<Sums<Wide>>(product(*folded.sums, *child.sums, Rounding{}));
      both.sums = both.own.get();
      both.left = std::make_unique<Folded<Wide>>(std::move(folded));
      both.right = std::make_unique<Folded<Wide>>(std::move(child));
      folded = std::move(both);
    }
    return folded;
  }

  const Terms& terms_;
  const size_t metric_;
  const Lists<Wide>& lists_;
  std::map<std::pair<size_t, size_t>, Folded<Wide>> rows_;
};

/// One case, and for each sum of its outer list how much it leads to inside the limits.
struct Inside {
  Split<Wide> parts;
  std::vector<Wide> cumulative;
  int64_t low = 0, high = 0;  ///< Without the case's offset.

  /// Positions of the sums of the third list that fit.
  std::pair<size_t, size_t> window(int64_t others) const {
    const std::vector<int64_t>& value = parts.looked_up.sums->value;
    return {static_cast<size_t>(std::lower_bound(value.begin(), value.end(), low - others) -
                                value.begin()),
            static_cast<size_t>(std::upper_bound(value.begin(), value.end(), high - others) -
                                value.begin())};
  }
};

/// Calls f(i, ways) for each inner sum together with sum `o` of the outer list.
template <class F>
void inner_ways(const Inside& inside, const std::vector<Wide>& cumulative, size_t o, const F& f) {
  const Sums<Wide>& inner = *inside.parts.inner.sums;
  const std::vector<int64_t>& value = inside.parts.looked_up.sums->value;
  size_t first = value.size(), end = value.size();
  for (size_t i = 0; i < inner.size(); ++i) {
    const int64_t others = inside.parts.outer.sums->value[o] + inner.value[i];
    while (end > 0 && value[end - 1] > inside.high - others) --end;
    while (first > 0 && value[first - 1] >= inside.low - others) --first;
    const Wide fit = (end > 0 ? cumulative[end - 1] : 0) - (first > 0 ? cumulative[first - 1] : 0);
    if (first < end) f(i, inner.ways[i] * fit);
  }
}

std::vector<Wide> cumulative_of(const Sums<Wide>& sums) {
  std::vector<Wide> cumulative;
  Wide sum = 0;
  for (const Wide ways : sums.ways) cumulative.push_back(sum += ways);
  return cumulative;
}

}  // namespace

std::vector<Architecture> sample_between(
    const Terms& terms, size_t metric, int64_t low, int64_t high, size_t draws, Rng& rng) {
  const Lists<Wide> lists(terms, metric, Rounding{});
  std::vector<Inside> all;
  std::vector<Wide> by_case;
  Wide sum = 0;
  for (const Case<Wide>& one : lists.cases()) {
    Inside& inside = all.emplace_back();
    inside.parts = split(one, lists.rounding());
    inside.low = low - one.offset;
    inside.high = high - one.offset;
    const std::vector<Wide> cumulative = cumulative_of(*inside.parts.looked_up.sums);
    for (size_t o = 0; o < inside.parts.outer.sums->size(); ++o) {
      Wide here = 0;
      inner_ways(inside, cumulative, o, [&](size_t, Wide ways) { here += ways; });
      inside.cumulative.push_back((sum += here * inside.parts.outer.sums->ways[o]));
    }
    by_case.push_back(sum);
  }
  if (sum == 0) return {};
  // Which case and outer sum, then all draws of each together, in the order they were drawn.
  std::map<std::pair<size_t, size_t>, std::vector<size_t>> wanted;
  for (size_t d = 0; d < draws; ++d) {
    const Wide drawn = below(sum, rng);
    const auto c = static_cast<size_t>(std::upper_bound(by_case.begin(), by_case.end(), drawn) -
                                       by_case.begin());
    const std::vector<Wide>& cumulative = all[c].cumulative;
    const auto o = static_cast<size_t>(
        std::upper_bound(cumulative.begin(), cumulative.end(), drawn) - cumulative.begin());
    wanted[{c, o}].push_back(d);
  }
  Tracer tracer(terms, metric, lists);
  std::vector<Architecture> drawn(draws);
  for (const auto& [where, which] : wanted) {
    const Inside& inside = all[where.first];
    const Case<Wide>& one = lists.cases()[where.first];
    const Sums<Wide>& far = *inside.parts.looked_up.sums;
    const std::vector<Wide> cumulative = cumulative_of(far);
    std::vector<Wide> ways;
    std::vector<size_t> position;
    Wide here = 0;
    inner_ways(inside, cumulative, where.second, [&](size_t i, Wide w) {
      ways.push_back(here += w);
      position.push_back(i);
    });
    for (const size_t d : which) {
      const size_t i = position[static_cast<size_t>(
          std::upper_bound(ways.begin(), ways.end(), below(here, rng)) - ways.begin())];
      const int64_t outer = inside.parts.outer.sums->value[where.second];
      const int64_t inner = inside.parts.inner.sums->value[i];
      const auto [first, end] = inside.window(outer + inner);
      const Wide before = first > 0 ? cumulative[first - 1] : 0;
      const Wide at = before + below(cumulative[end - 1] - before, rng);
      const auto k = static_cast<size_t>(
          std::upper_bound(cumulative.begin(), cumulative.end(), at) - cumulative.begin());
      std::vector<int64_t> parts(one.lists.size());
      tracer.trace(inside.parts.outer, outer, rng, parts);
      tracer.trace(inside.parts.inner, inner, rng, parts);
      tracer.trace(inside.parts.looked_up, far.value[k], rng, parts);
      Architecture& a = drawn[d] = terms.blank();
      for (const auto& [term, row] : one.rows) terms.decode(terms.terms()[term], row, a);
      for (size_t l = 0; l < parts.size(); ++l)
        tracer.decode(one.from[l].first, one.from[l].second, parts[l], rng, a);
    }
  }
  return drawn;
}

}  // namespace nas::exact
