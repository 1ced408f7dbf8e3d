// Partitions are small (3 to 7 options in the published spaces), so they are enumerated: exact, and
// in the published order, which decides ties. Larger ones grow like Bell numbers; there a local
// search (single moves and swaps to a local optimum, from many starts) takes over. It has no bound,
// but found the enumerated optimum on every random matrix tried (tests), and says that it was used.
#include "supernet/weights/math/partition.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr double kTiny = 1e-6;

double cosine_distance(double dot, double square_a, double square_b) {
  return 1 - dot / (std::sqrt(square_a) * std::sqrt(square_b) + kTiny);
}

/// Group of each option, with W, X and the pairs of each kind.
struct Sums {
  double within = 0, cut = 0;
  int64_t pairs_within = 0, pairs_cut = 0;
};

Sums sums_of(const DistanceMatrix& d, const std::vector<int>& group) {
  Sums s;
  for (size_t i = 0; i < d.size(); ++i)
    for (size_t j = i + 1; j < d.size(); ++j) {
      const bool together = group[i] == group[j];
      (together ? s.within : s.cut) += d.at(i, j);
      ++(together ? s.pairs_within : s.pairs_cut);
    }
  return s;
}

double value_of(PartitionObjective objective, const Sums& s) {
  switch (objective) {
    case PartitionObjective::kWithin:
      return s.within;
    case PartitionObjective::kSimilarityCut:
      return static_cast<double>(s.pairs_cut) - s.cut;
    case PartitionObjective::kMeanWithin:
      return s.pairs_within > 0 ? s.within / static_cast<double>(s.pairs_within) : 0;
  }
  throw std::logic_error("unknown partition objective");
}

/// Least and greatest size of a group.
struct Sizes {
  int least, most;
};

Sizes sizes_of(int n, const PartitionOptions& o) {
  const int groups = o.groups;
  const int least = o.exact ? n / groups : o.min_group;
  const int most = o.exact ? (n + groups - 1) / groups : n - least * (groups - 1);
  if (groups < 2 || least < 1 || least * groups > n)
    throw ConfigError("the " + std::to_string(n) + " options of a choice cannot be divided into " +
                          std::to_string(groups) + " groups of at least " +
                          std::to_string(std::max(least, o.min_group)),
                      "lower groups or min_group");
  return {least, most};
}

Partition make_partition(const DistanceMatrix& d,
                         PartitionObjective objective,
                         const std::vector<int>& group,
                         int groups) {
  Partition p;
  p.groups.resize(static_cast<size_t>(groups));
  for (size_t i = 0; i < group.size(); ++i)
    p.groups[static_cast<size_t>(group[i])].push_back(static_cast<int16_t>(i));
  const Sums s = sums_of(d, group);
  p.value = value_of(objective, s);
  p.within = s.within;
  p.cut = s.cut;
  p.pairs_cut = s.pairs_cut;
  return p;
}

/// Calls f(group of each option) for all bipartitions {U, complement}, |U| from `least` to
/// floor(n/2), subsets of a size in lexicographic order.
void each_bipartition(int n, Sizes sizes, const std::function<void(const std::vector<int>&)>& f) {
  for (int size = sizes.least; size <= n / 2; ++size) {
    if (n - size > sizes.most) continue;
    std::vector<int> picks(static_cast<size_t>(size));
    std::iota(picks.begin(), picks.end(), 0);
    for (;;) {
      std::vector<int> group(static_cast<size_t>(n), 1);
      for (const int i : picks) group[static_cast<size_t>(i)] = 0;
      f(group);
      int k = size - 1;
      while (k >= 0 && picks[static_cast<size_t>(k)] == n - size + k) --k;
      if (k < 0) break;
      ++picks[static_cast<size_t>(k)];
      for (int j = k + 1; j < size; ++j)
        picks[static_cast<size_t>(j)] = picks[static_cast<size_t>(j - 1)] + 1;
    }
  }
}

/// The same for any number of groups: option i joins an earlier group or opens the next (restricted
/// growth strings), so that no division comes twice.
void each_division(int n,
                   int groups,
                   Sizes sizes,
                   const std::function<void(const std::vector<int>&)>& f) {
  std::vector<int> group(static_cast<size_t>(n), 0), count(static_cast<size_t>(groups), 0);
  const std::function<void(int, int)> place = [&](int i, int open) {
    int missing = 0;
    for (int g = 0; g < groups; ++g)
      missing += std::max(0, sizes.least - count[static_cast<size_t>(g)]);
    if (missing > n - i) return;
    if (i == n) {
      f(group);
      return;
    }
    for (int g = 0; g <= std::min(open, groups - 1); ++g) {
      int& members = count[static_cast<size_t>(g)];
      if (members == sizes.most) continue;
      ++members;
      group[static_cast<size_t>(i)] = g;
      place(i + 1, std::max(open, g + 1));
      --members;
    }
  };
  place(0, 0);
}

/// groups^n / groups!, an upper bound on the divisions (halved already for two groups).
double divisions_at_most(int n, int groups) {
  double bound = 1;
  for (int i = 0; i < n; ++i) bound *= groups;
  for (int g = 2; g <= groups; ++g) bound /= g;
  return bound;
}

/// Sizes within bounds, options in random order.
std::vector<int> random_start(int n, int groups, Sizes sizes, Rng& rng) {
  const std::vector<int64_t> order = rng.permutation(n);
  std::vector<int> count(static_cast<size_t>(groups), sizes.least);
  for (int left = n - sizes.least * groups; left > 0;) {
    const auto g = static_cast<size_t>(rng.below(static_cast<uint64_t>(groups)));
    if (count[g] == sizes.most) continue;
    ++count[g];
    --left;
  }
  std::vector<int> group(static_cast<size_t>(n));
  size_t next = 0;
  for (int g = 0; g < groups; ++g)
    for (int k = 0; k < count[static_cast<size_t>(g)]; ++k)
      group[static_cast<size_t>(order[next++])] = g;
  return group;
}

class LocalSearch {
 public:
  LocalSearch(const DistanceMatrix& d, const PartitionOptions& o, Sizes sizes)
      : d_(d), options_(o), sizes_(sizes) {}

  double improve(std::vector<int>& group) const {
    double value = of(group);
    while (step(group, value)) {
    }
    return value;
  }

 private:
  double of(const std::vector<int>& group) const {
    return value_of(options_.objective, sums_of(d_, group));
  }
  bool fits(const std::vector<int>& group) const {
    std::vector<int> count(static_cast<size_t>(options_.groups), 0);
    for (const int g : group) ++count[static_cast<size_t>(g)];
    return std::all_of(
        count.begin(), count.end(), [&](int c) { return c >= sizes_.least && c <= sizes_.most; });
  }
  /// The best single move or swap, where it improves.
  bool step(std::vector<int>& group, double& value) const {
    std::vector<int> best;
    double least = value - 1e-12 * std::max(1.0, std::abs(value));
    const auto look = [&](const std::vector<int>& other) {
      if (!fits(other)) return;
      if (const double v = of(other); v < least) {
        least = v;
        best = other;
      }
    };
    for (size_t i = 0; i < group.size(); ++i) {
      for (int g = 0; g < options_.groups; ++g) {
        std::vector<int> moved = group;
        moved[i] = g;
        if (g != group[i]) look(moved);
      }
      for (size_t j = i + 1; j < group.size(); ++j) {
        if (group[i] == group[j]) continue;
        std::vector<int> swapped = group;
        std::swap(swapped[i], swapped[j]);
        look(swapped);
      }
    }
    if (best.empty()) return false;
    group = std::move(best);
    value = least;
    return true;
  }

  const DistanceMatrix& d_;
  const PartitionOptions& options_;
  Sizes sizes_;
};

/// Groups in order of their first option, so that equal divisions look equal.
void order_groups(Partition& p) {
  std::sort(p.groups.begin(), p.groups.end(), [](const auto& a, const auto& b) {
    return a.front() < b.front();
  });
}

}  // namespace

double DistanceMatrix::total() const {
  double sum = 0;
  for (size_t i = 0; i < n_; ++i)
    for (size_t j = i + 1; j < n_; ++j) sum += at(i, j);
  return sum;
}

DistanceMatrix distances(GradientMetric metric, const std::vector<DistanceMatrix>& grams) {
  if (grams.empty()) throw std::logic_error("distances of no gradients");
  const size_t n = grams.front().size();
  DistanceMatrix d(n);
  for (const DistanceMatrix& gram : grams)
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j)
        d.at(i, j) += metric == GradientMetric::kMse
                          ? gram.at(i, i) + gram.at(j, j) - 2 * gram.at(i, j)
                          : cosine_distance(gram.at(i, j), gram.at(i, i), gram.at(j, j));
  return d;
}

void MeanDistance::add(const DistanceMatrix& d) {
  for (size_t i = 0; i < d.size(); ++i)
    for (size_t j = 0; j < d.size(); ++j) {
      failed_ |= !std::isfinite(d.at(i, j));
      sum_.at(i, j) += d.at(i, j);
    }
  ++batches_;
}

DistanceMatrix MeanDistance::mean() const {
  DistanceMatrix d(sum_.size());
  for (size_t i = 0; i < d.size(); ++i)
    for (size_t j = 0; j < d.size(); ++j)
      d.at(i, j) = sum_.at(i, j) / static_cast<double>(std::max<int64_t>(batches_, 1));
  return d;
}

bool Partition::same_groups(const Partition& other) const {
  Partition a = *this, b = other;
  order_groups(a);
  order_groups(b);
  return a.groups == b.groups;
}

Partition measured(const DistanceMatrix& d,
                   PartitionObjective objective,
                   std::vector<std::vector<int16_t>> groups) {
  std::vector<int> group(d.size(), 0);
  for (size_t g = 0; g < groups.size(); ++g)
    for (const int16_t o : groups[g]) group[static_cast<size_t>(o)] = static_cast<int>(g);
  return make_partition(d, objective, group, static_cast<int>(groups.size()));
}

PartitionOptions partition_for(PartitionOptions options, size_t n) {
  if (options.min_group == 0)
    options.min_group = n < 2 * static_cast<size_t>(options.groups) ? 1 : 2;
  return options;
}

Partition best_partition(const DistanceMatrix& d,
                         const PartitionOptions& options,
                         uint64_t seed,
                         int64_t exhaustive_limit) {
  const auto n = static_cast<int>(d.size());
  const Sizes sizes = sizes_of(n, options);
  std::vector<int> best;
  double least = std::numeric_limits<double>::infinity();
  const auto look = [&](const std::vector<int>& group) {
    const double value = value_of(options.objective, sums_of(d, group));
    if (!(value < least)) return;
    least = value;
    best = group;
  };
  const bool all = divisions_at_most(n, options.groups) <= static_cast<double>(exhaustive_limit);
  if (all && options.groups == 2) {
    each_bipartition(n, sizes, look);
  } else if (all) {
    each_division(n, options.groups, sizes, look);
  } else {
    constexpr int kStarts = 40;
    Rng rng(seed, "partition");
    const LocalSearch search(d, options, sizes);
    for (int s = 0; s < kStarts; ++s) {
      std::vector<int> group = random_start(n, options.groups, sizes, rng);
      search.improve(group);
      look(group);
    }
  }
  if (best.empty()) throw DataError("distances between options are not numbers");
  Partition p = make_partition(d, options.objective, best, options.groups);
  p.exhaustive = all;
  return p;
}

Partition random_partition(size_t n, const PartitionOptions& options, Rng& rng) {
  const Sizes sizes = sizes_of(static_cast<int>(n), options);
  constexpr double kMost = 200'000;
  const DistanceMatrix none(n);
  if (divisions_at_most(static_cast<int>(n), options.groups) > kMost) {
    Partition p = make_partition(none,
                                 options.objective,
                                 random_start(static_cast<int>(n), options.groups, sizes, rng),
                                 options.groups);
    order_groups(p);
    return p;
  }
  std::vector<std::vector<int>> all;
  each_division(static_cast<int>(n), options.groups, sizes, [&](const std::vector<int>& group) {
    all.push_back(group);
  });
  return make_partition(
      none, options.objective, all[static_cast<size_t>(rng.below(all.size()))], options.groups);
}

size_t choose_edge(const std::vector<ScoredChoice>& scored, EdgeRule rule, size_t fixed, Rng& rng) {
  std::vector<size_t> usable;
  for (size_t i = 0; i < scored.size(); ++i)
    if (scored[i].usable) usable.push_back(i);
  if (usable.empty())
    throw DataError("no choice can be split: gradients of all of them are not finite");
  if (rule == EdgeRule::kRandom) return usable[static_cast<size_t>(rng.below(usable.size()))];
  if (rule == EdgeRule::kFixed) {
    for (const size_t i : usable)
      if (scored[i].choice == fixed) return i;
    throw ConfigError("the choice that is to be split is split already, or cannot be split");
  }
  const auto options = [&](size_t i) {
    size_t n = 0;
    for (const auto& g : scored[i].partition.groups) n += g.size();
    return n;
  };
  if (rule != EdgeRule::kMeanCut)
    for (const size_t i : usable)
      if (options(i) != options(usable.front()))
        throw ConfigError("choices with different numbers of options (" +
                              std::to_string(options(usable.front())) + " and " +
                              std::to_string(options(i)) +
                              ") cannot be compared by sums of distances",
                          "set split.edge to mean_cut");
  const auto score = [&](size_t i) {
    const Partition& p = scored[i].partition;
    switch (rule) {
      case EdgeRule::kMinWithin:
        return -p.within;
      case EdgeRule::kMeanCut:
        return p.mean_cut();
      default:
        return p.cut;
    }
  };
  size_t best = usable.front();
  for (const size_t i : usable)
    if (score(i) > score(best)) best = i;
  return best;
}

}  // namespace nas
