// A resample changes how often a pair occurs, not where it stands: the order is found once, and
// discordant pairs are then counted block by block of that order. Against all earlier blocks one
// table of running sums over the ranks of the predictions tells them, brought up to date once a
// block; pairs inside a block are compared one by one, in a loop that the compiler makes vectors
// of. Predictions of benchmarks have few distinct values, so that this is three times as fast as a
// Fenwick tree, whose steps wait for one another. Where the k best end in
// ties, statistics are expectations over breaking them at random, in closed form: an arbitrary
// order of equal predictions would be an arbitrary result.
#include "predictors/ranking/resampled.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace nas {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

int64_t pairs_of(int64_t n) {
  return n * (n - 1) / 2;
}

/// Rank of each value among the distinct ones, from 0; these ascending.
std::vector<int32_t> dense_ranks(std::span<const double> v, std::vector<double>& distinct) {
  distinct.assign(v.begin(), v.end());
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<int32_t> ranks;
  ranks.reserve(v.size());
  for (const double value : v)
    ranks.push_back(static_cast<int32_t>(std::lower_bound(distinct.begin(), distinct.end(), value) -
                                         distinct.begin()));
  return ranks;
}

}  // namespace

/// The k largest: ranks above `rank` are in, of those at it `taken` of `tied`.
struct Resampled::Cut {
  int32_t rank = 0;
  int64_t tied = 0, taken = 0;
  double share() const { return static_cast<double>(taken) / static_cast<double>(tied); }
  static Cut of(const std::vector<int64_t>& drawn, int64_t k) {
    Cut cut;
    int64_t above = 0;
    for (auto r = static_cast<int32_t>(drawn.size()) - 1; r >= 0; --r) {
      const int64_t here = drawn[static_cast<size_t>(r)];
      if (here > 0 && above + here >= k) return {r, here, k - above};
      above += here;
    }
    return cut;
  }
};

Resampled::Resampled(std::span<const double> predicted, std::span<const double> truth)
    : n_(static_cast<int64_t>(truth.size())) {
  if (predicted.size() != truth.size()) throw std::invalid_argument("lists of different length");
  for (size_t i = 0; i < truth.size(); ++i)
    if (std::isnan(predicted[i]) || std::isnan(truth[i]))
      throw std::invalid_argument("a value is not a number");
  std::vector<double> distinct;
  const std::vector<int32_t> x = dense_ranks(predicted, distinct);
  in_x_.resize(distinct.size());
  const std::vector<int32_t> y = dense_ranks(truth, truth_);
  in_y_.resize(truth_.size());
  order_.resize(truth.size());
  std::iota(order_.begin(), order_.end(), 0);
  const auto at = [](const std::vector<int32_t>& v, int32_t i) {
    return v[static_cast<size_t>(i)];
  };
  std::sort(order_.begin(), order_.end(), [&](int32_t a, int32_t b) {
    return at(y, a) != at(y, b) ? at(y, a) < at(y, b) : at(x, a) < at(x, b);
  });
  for (const int32_t i : order_) {
    x_.push_back(at(x, i));
    y_.push_back(at(y, i));
  }
  first_at_rank_.assign(in_x_.size() + 1, 0);
  for (const int32_t rank : x_) ++first_at_rank_[static_cast<size_t>(rank) + 1];
  std::partial_sum(first_at_rank_.begin(), first_at_rank_.end(), first_at_rank_.begin());
  by_rank_.resize(order_.size());
  std::vector<int32_t> next(first_at_rank_.begin(), first_at_rank_.end() - 1);
  for (size_t i = order_.size(); i-- > 0;)
    by_rank_[static_cast<size_t>(next[static_cast<size_t>(x_[i])]++)] = static_cast<int32_t>(i);
  counts_.assign(order_.size(), 1);
  take(std::vector<int32_t>(order_.size(), 1));
}

void Resampled::take(std::span<const int32_t> counts) {
  std::fill(in_x_.begin(), in_x_.end(), 0);
  std::fill(in_y_.begin(), in_y_.end(), 0);
  n_ = 0;
  for (size_t i = 0; i < order_.size(); ++i) {
    const int32_t count = counts[static_cast<size_t>(order_[i])];
    counts_[i] = count;
    in_x_[static_cast<size_t>(x_[i])] += count;
    in_y_[static_cast<size_t>(y_[i])] += count;
    n_ += count;
  }
}

KendallCounts Resampled::kendall() const {
  KendallCounts result;
  int64_t equal_x = 0, equal_y = 0;
  for (const int64_t drawn : in_x_) equal_x += pairs_of(drawn);
  for (const int64_t drawn : in_y_) equal_y += pairs_of(drawn);
  result.discordant = discordant();
  int64_t in_run = 0;  // Equal in both.
  for (size_t i = 0; i < order_.size(); ++i) {
    if (i > 0 && (y_[i] != y_[i - 1] || x_[i] != x_[i - 1])) {
      result.ties_both += pairs_of(in_run);
      in_run = 0;
    }
    in_run += counts_[i];
  }
  result.ties_both += pairs_of(in_run);
  result.ties_x = equal_x - result.ties_both;
  result.ties_y = equal_y - result.ties_both;
  result.concordant =
      pairs_of(n_) - result.discordant - result.ties_x - result.ties_y - result.ties_both;
  return result;
}

// Pairs of which one has the larger truth and the other the larger prediction. Blocks end where
// the truth changes, so that equal truths are never in two of them; the larger the table, the
// longer they are.
int64_t Resampled::discordant() const {
  const size_t n = order_.size(), ranks = in_x_.size();
  const auto least = static_cast<size_t>(std::sqrt(2.0 * static_cast<double>(ranks)));
  const size_t wanted = std::clamp<size_t>(least, 16, 256);
  std::vector<int32_t> up_to(ranks, 0), here(ranks, 0);  // Drawn at ranks up to one; of the block.
  int64_t result = 0, before = 0;
  for (size_t first = 0; first < n;) {
    size_t end = first, run = first;
    for (; end < n && (end - first < wanted || y_[end] == y_[end - 1]); ++end) {
      if (end > first && y_[end] != y_[end - 1]) run = end;
      const int32_t count = counts_[end], x = x_[end];
      if (count == 0) continue;
      int32_t larger = 0;
      for (size_t j = first; j < run; ++j) larger += x_[j] > x ? counts_[j] : 0;
      result += count * (before - up_to[static_cast<size_t>(x)] + larger);
    }
    for (size_t i = first; i < end; ++i) here[static_cast<size_t>(x_[i])] += counts_[i];
    int32_t sum = 0;
    for (size_t r = 0; r < ranks; ++r) {
      sum += here[r];
      up_to[r] += sum;
      here[r] = 0;
    }
    before += sum;
    first = end;
  }
  return result;
}

double Resampled::spearman() const {
  const auto mid_ranks = [](const std::vector<int64_t>& drawn) {
    std::vector<double> ranks;
    int64_t before = 0;
    for (const int64_t here : drawn) {
      ranks.push_back(0.5 * static_cast<double>(2 * before + here + 1));
      before += here;
    }
    return ranks;
  };
  const std::vector<double> a = mid_ranks(in_x_), b = mid_ranks(in_y_);
  const double mean = 0.5 * static_cast<double>(n_ + 1);
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < order_.size(); ++i) {
    const double w = counts_[i];
    const double da = a[static_cast<size_t>(x_[i])] - mean;
    const double db = b[static_cast<size_t>(y_[i])] - mean;
    ab += w * (da * db);
    aa += w * (da * da);
    bb += w * (db * db);
  }
  if (aa == 0 || bb == 0) return kNaN;
  // Two roots round: full agreement would be 0.9999999999999998.
  if (aa == bb && std::abs(ab) == aa) return ab > 0 ? 1 : -1;
  return std::clamp(ab / (std::sqrt(aa) * std::sqrt(bb)), -1.0, 1.0);
}

double Resampled::precision_at(size_t k) const {
  const int64_t taken = std::min(static_cast<int64_t>(k), n_);
  if (taken == 0) return kNaN;
  const Cut picked = Cut::of(in_x_, taken), best = Cut::of(in_y_, taken);
  // Drawn pairs by (picked for sure or perhaps) x (among the best for sure or perhaps).
  int64_t both = 0, picked_only = 0, best_only = 0, neither = 0;
  const auto begin = std::lower_bound(y_.begin(), y_.end(), best.rank) - y_.begin();
  for (auto i = static_cast<size_t>(begin); i < order_.size(); ++i) {
    if (x_[i] < picked.rank) continue;
    const bool sure_x = x_[i] > picked.rank, sure_y = y_[i] > best.rank;
    (sure_x ? sure_y ? both : picked_only : sure_y ? best_only : neither) += counts_[i];
  }
  const double common = static_cast<double>(both) +
                        static_cast<double>(picked_only) * best.share() +
                        static_cast<double>(best_only) * picked.share() +
                        static_cast<double>(neither) * picked.share() * best.share();
  return common / static_cast<double>(taken);
}

double Resampled::expected_best(size_t k, const std::function<double(int32_t)>& f) const {
  const int64_t taken = std::min(static_cast<int64_t>(k), n_);
  if (taken == 0) return kNaN;
  const Cut picked = Cut::of(in_x_, taken);
  // Few lie above; of each rank from the best truth downwards, the first one found is the best.
  int32_t sure = -1;
  const auto ranks = static_cast<int32_t>(in_x_.size());
  for (int32_t rank = picked.rank + 1; rank < ranks; ++rank) {
    if (in_x_[static_cast<size_t>(rank)] == 0) continue;
    for (const int32_t i : at_rank(rank))
      if (counts_[static_cast<size_t>(i)] > 0) {
        sure = std::max(sure, y_[static_cast<size_t>(i)]);
        break;
      }
  }
  // The j-th best of the tied ones is the best taken when none before it was.
  double sum = 0, none_before = 1;
  int64_t left = picked.tied;
  for (const int32_t at : at_rank(picked.rank)) {
    const auto i = static_cast<size_t>(at);
    if (none_before <= 0 || (counts_[i] > 0 && y_[i] <= sure)) break;
    for (int32_t copy = 0; copy < counts_[i] && none_before > 0; ++copy, --left) {
      const double chance =
          std::min(1.0, static_cast<double>(picked.taken) / static_cast<double>(left));
      sum += none_before * chance * f(y_[i]);
      none_before *= 1 - chance;
    }
  }
  return none_before > 0 ? sum + none_before * f(sure) : sum;
}

double Resampled::regret_at(size_t k) const {
  auto best = static_cast<int32_t>(in_y_.size()) - 1;
  while (best > 0 && in_y_[static_cast<size_t>(best)] == 0) --best;
  const auto value = [this](int32_t rank) { return truth_[static_cast<size_t>(rank)]; };
  return expected_best(k, [&](int32_t rank) { return value(best) - value(rank); });
}

double Resampled::best_rank_at(size_t k) const {
  return expected_best(k, [this](int32_t rank) {
    int64_t better = 0;
    for (auto r = static_cast<size_t>(rank) + 1; r < in_y_.size(); ++r) better += in_y_[r];
    return static_cast<double>(1 + better);
  });
}

std::span<const int32_t> Draws::next() {
  std::fill(counts_.begin(), counts_.end(), 0);
  const size_t n = counts_.size();
  for (size_t i = 0; i < n; ++i) ++counts_[static_cast<size_t>(rng_.below(n))];
  return counts_;
}

Interval central(std::vector<double> values, double level) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  if (values.empty()) return {kNaN, kNaN};
  std::sort(values.begin(), values.end());
  const auto quantile = [&](double q) {
    const double at = q * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(at);
    const size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
  };
  return {quantile((1 - level) / 2), quantile((1 + level) / 2)};
}

}  // namespace nas
