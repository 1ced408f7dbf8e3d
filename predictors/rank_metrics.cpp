// Kendall's tau in n log n by counting the exchanges of a merge sort (Knight 1966); with ties both
// forms, a and b. Where the k best end in ties, statistics are expectations over breaking them at
// random, in closed form: an arbitrary order of equal predictions would be an arbitrary result.
#include "predictors/rank_metrics.hpp"

#include "predictors/resampled.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace nas {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void check(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) throw std::invalid_argument("lists of different length");
  const auto bad = [](double v) { return std::isnan(v); };
  if (std::any_of(x.begin(), x.end(), bad) || std::any_of(y.begin(), y.end(), bad))
    throw std::invalid_argument("a value is not a number");
}

int64_t pairs_of(int64_t n) {
  return n * (n - 1) / 2;
}

/// Pairs within runs of equal neighbours.
template <typename Equal>
int64_t tied_pairs(size_t n, const Equal& equal) {
  int64_t tied = 0;
  for (size_t i = 0; i < n;) {
    size_t j = i + 1;
    while (j < n && equal(i, j)) ++j;
    tied += pairs_of(static_cast<int64_t>(j - i));
    i = j;
  }
  return tied;
}

/// Sorts v and counts pairs out of order (Knight 1966).
int64_t inversions(std::vector<double>& v, std::vector<double>& buffer, size_t begin, size_t end) {
  if (end - begin < 2) return 0;
  const size_t middle = begin + (end - begin) / 2;
  int64_t count = inversions(v, buffer, begin, middle) + inversions(v, buffer, middle, end);
  size_t left = begin, right = middle, out = begin;
  while (left < middle && right < end) {
    if (v[right] < v[left]) {
      count += static_cast<int64_t>(middle - left);
      buffer[out++] = v[right++];
    } else {
      buffer[out++] = v[left++];
    }
  }
  out = std::copy(v.begin() + static_cast<int64_t>(left),
                  v.begin() + static_cast<int64_t>(middle),
                  buffer.begin() + static_cast<int64_t>(out)) -
        buffer.begin();
  std::copy(v.begin() + static_cast<int64_t>(right),
            v.begin() + static_cast<int64_t>(end),
            buffer.begin() + static_cast<int64_t>(out));
  std::copy(buffer.begin() + static_cast<int64_t>(begin),
            buffer.begin() + static_cast<int64_t>(end),
            v.begin() + static_cast<int64_t>(begin));
  return count;
}

/// The k largest of `v`, ties at the cut broken at random: those above the cut are in, each of
/// those at it with probability `share`.
struct Top {
  double cut = 0;
  size_t above = 0, tied = 0, taken = 0;  ///< `taken` of the `tied` are in.
  double share() const { return static_cast<double>(taken) / static_cast<double>(tied); }
  double chance(double value) const { return value > cut ? 1 : value == cut ? share() : 0; }
};
Top top_of(std::span<const double> v, size_t k) {
  std::vector<double> copy(v.begin(), v.end());
  const auto at = copy.begin() + static_cast<int64_t>(k - 1);
  std::nth_element(copy.begin(), at, copy.end(), std::greater<>());
  Top top;
  top.cut = *at;
  for (const double value : v) {
    top.above += value > top.cut;
    top.tied += value == top.cut;
  }
  top.taken = k - top.above;
  return top;
}

/// Expectation of f(truth of the truly best among the k best by `predicted`).
template <typename F>
double expected_best(std::span<const double> predicted,
                     std::span<const double> truth,
                     size_t k,
                     const F& f) {
  const Top top = top_of(predicted, k);
  double sure = -std::numeric_limits<double>::infinity();
  std::vector<double> maybe;
  for (size_t i = 0; i < predicted.size(); ++i) {
    if (predicted[i] > top.cut) sure = std::max(sure, truth[i]);
    if (predicted[i] == top.cut) maybe.push_back(truth[i]);
  }
  std::sort(maybe.begin(), maybe.end(), std::greater<>());
  // The i-th best of the tied ones is the best taken when none before it was.
  double sum = 0, none_before = 1;
  for (size_t i = 0; i < maybe.size() && none_before > 0; ++i) {
    const double left = static_cast<double>(maybe.size() - i);
    const double taken = std::min(1.0, static_cast<double>(top.taken) / left);
    if (maybe[i] <= sure) break;
    sum += none_before * taken * f(maybe[i]);
    none_before *= 1 - taken;
  }
  return none_before > 0 ? sum + none_before * f(sure) : sum;
}

}  // namespace

double KendallCounts::tau_a() const {
  return pairs() == 0 ? kNaN
                      : static_cast<double>(concordant - discordant) / static_cast<double>(pairs());
}

double KendallCounts::tau_b() const {
  const auto both = static_cast<double>(concordant + discordant);
  const double x = both + static_cast<double>(ties_x), y = both + static_cast<double>(ties_y);
  if (x == 0 || y == 0) return kNaN;
  return static_cast<double>(concordant - discordant) / (std::sqrt(x) * std::sqrt(y));
}

KendallCounts kendall(std::span<const double> x, std::span<const double> y) {
  check(x, y);
  const size_t n = x.size();
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return x[a] != x[b] ? x[a] < x[b] : y[a] < y[b];
  });
  KendallCounts counts;
  counts.ties_both = tied_pairs(n, [&](size_t i, size_t j) {
    return x[order[i]] == x[order[j]] && y[order[i]] == y[order[j]];
  });
  const int64_t equal_x =
      tied_pairs(n, [&](size_t i, size_t j) { return x[order[i]] == x[order[j]]; });
  std::vector<double> sorted(n), buffer(n);
  for (size_t i = 0; i < n; ++i) sorted[i] = y[order[i]];
  counts.discordant = inversions(sorted, buffer, 0, n);
  const int64_t equal_y = tied_pairs(n, [&](size_t i, size_t j) { return sorted[i] == sorted[j]; });
  counts.ties_x = equal_x - counts.ties_both;
  counts.ties_y = equal_y - counts.ties_both;
  counts.concordant = pairs_of(static_cast<int64_t>(n)) - counts.discordant - counts.ties_x -
                      counts.ties_y - counts.ties_both;
  return counts;
}

std::vector<double> mid_ranks(std::span<const double> x) {
  std::vector<size_t> order(x.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] < x[b]; });
  std::vector<double> ranks(x.size());
  for (size_t i = 0; i < order.size();) {
    size_t j = i + 1;
    while (j < order.size() && x[order[j]] == x[order[i]]) ++j;
    const double rank = 0.5 * static_cast<double>(i + 1 + j);
    for (; i < j; ++i) ranks[order[i]] = rank;
  }
  return ranks;
}

double spearman(std::span<const double> x, std::span<const double> y) {
  check(x, y);
  const std::vector<double> a = mid_ranks(x), b = mid_ranks(y);
  const double mean = 0.5 * static_cast<double>(x.size() + 1);
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean) * (b[i] - mean);
    aa += (a[i] - mean) * (a[i] - mean);
    bb += (b[i] - mean) * (b[i] - mean);
  }
  return aa == 0 || bb == 0 ? kNaN : ab / (std::sqrt(aa) * std::sqrt(bb));
}

double precision_at(std::span<const double> predicted, std::span<const double> truth, size_t k) {
  check(predicted, truth);
  k = std::min(k, predicted.size());
  if (k == 0) return kNaN;
  const Top picked = top_of(predicted, k), best = top_of(truth, k);
  double common = 0;
  for (size_t i = 0; i < predicted.size(); ++i)
    common += picked.chance(predicted[i]) * best.chance(truth[i]);
  return common / static_cast<double>(k);
}

double regret_at(std::span<const double> predicted, std::span<const double> truth, size_t k) {
  check(predicted, truth);
  k = std::min(k, predicted.size());
  if (k == 0) return kNaN;
  const double most = *std::max_element(truth.begin(), truth.end());
  return expected_best(predicted, truth, k, [most](double v) { return most - v; });
}

double best_rank_at(std::span<const double> predicted, std::span<const double> truth, size_t k) {
  check(predicted, truth);
  k = std::min(k, predicted.size());
  if (k == 0) return kNaN;
  return expected_best(predicted, truth, k, [truth](double top) {
    return static_cast<double>(
        1 + std::count_if(truth.begin(), truth.end(), [top](double v) { return v > top; }));
  });
}

Interval bootstrap(size_t n,
                   const std::function<double(std::span<const size_t>)>& statistic,
                   int draws,
                   double level,
                   Rng rng) {
  std::vector<double> values;
  std::vector<size_t> positions(n);
  for (int d = 0; d < draws && n > 0; ++d) {
    for (size_t& p : positions) p = static_cast<size_t>(rng.below(n));
    values.push_back(statistic(positions));
  }
  return central(std::move(values), level);
}

}  // namespace nas
