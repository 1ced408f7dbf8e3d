#pragma once
// Whether two sets of numbers differ: differences with confidence intervals.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "spaces/random.hpp"

namespace nas {

/// `head` minus `base`. The ends of the interval are NaN where there is too little to tell.
struct Change {
  double base = 0, head = 0;  ///< Of each side: its mean, share or statistic.
  double change = 0;
  double low = 0, high = 0;
};

/// The value that Student's t with so many degrees of freedom (> 0, may be no whole number) stays
/// below with probability `p`, 0 < p < 1.
double student_quantile(double p, double freedom);
double standard_normal_quantile(double p);

/// Means of independent samples with variances of their own (Welch 1947). At least two on each
/// side, else there is no interval; samples without any spread have one of no width.
Change welch(std::span<const double> base, std::span<const double> head, double level);
/// Mean of the differences of pairs (Student); spans of equal length, at least two pairs.
Change paired(std::span<const double> base, std::span<const double> head, double level);
/// How the difference of two means spreads: of n members a side (or n pairs) its variance is
/// `variance` / n, known with (n - 1) * `freedom` degrees of freedom.
struct Spread {
  double variance = 0, freedom = 1;
};
/// Of independent samples (Welch) and of pairs; NaN where a side has fewer than two members.
Spread welch_spread(std::span<const double> base, std::span<const double> head);
Spread paired_spread(std::span<const double> base, std::span<const double> head);
/// The least n >= 2, members a side or pairs, whose interval reaches less than `gap` (> 0) to
/// either side of the difference; 0: it is more than `most`.
int members_needed(const Spread& spread, double level, double gap, int most);
/// Shares of so many images that were judged rightly: Newcombe's hybrid score interval (1998,
/// method 10). Samples are taken for independent: of the same images it is too wide, never too
/// narrow, where both sides tend to be right on the same ones.
Change shares(double base, double base_images, double head, double head_images, double level);

/// Members of the two sides that are kept: equal numbers stand for one and the same member.
struct Members {
  std::vector<uint32_t> base, head;
};
/// Marks of what is kept, by position.
using Kept = std::vector<char>;
/// A statistic of both sides of what is kept of them.
using Statistic = std::function<std::pair<double, double>(const Kept& base, const Kept& head)>;
/// Any statistic, smooth or not (a hypervolume, a maximum): delete-half jackknife (Shao & Wu 1989)
/// of `draws` random halves. Members of both sides are kept or left out in both.
Change half_samples(
    const Members& members, const Statistic& statistic, double level, int draws, Rng rng);

}  // namespace nas
