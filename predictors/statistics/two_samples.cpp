// Few seeds a side are the rule. Of the tests for that case Welch's keeps its level with unequal
// variances, and has most power among those that do (Colas, Sigaud, Oudeyer 2019, "A hitchhiker's
// guide to statistical comparisons of reinforcement learning algorithms"); a bootstrap of three or
// five numbers is much too narrow. Where both sides ran with the same seeds, pairs take out what a
// seed does to both.
//
// One run a side has no spread of its own over seeds. What it has: the images it was judged on
// (a score interval: Wald's is wrong near 1 and for few images), and its members. Hypervolumes and
// maxima hang on extreme members, where the bootstrap with replacement is inconsistent (Bickel,
// Goetze, van Zwet 1997); deleting halves is consistent (Shao, Wu 1989), and on the safe side,
// since a statistic of half of the members spreads more. The coverage of all four is simulated in
// tests/predictors/statistics/two_samples_test.cpp.
#include "predictors/statistics/two_samples.hpp"

#include <algorithm>
#include <array>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

namespace nas {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Moments {
  double mean = 0, variance = 0;  ///< Variance of a member, n - 1 below; NaN for one.
};

Moments moments(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  Moments m;
  for (const double v : values) m.mean += v / n;
  for (const double v : values) m.variance += (v - m.mean) * (v - m.mean);
  m.variance = values.size() < 2 ? kNaN : m.variance / (n - 1);
  // Equal values whose mean is rounded have no spread.
  if (std::all_of(values.begin(), values.end(), [&](double v) { return v == values[0]; })) {
    m.mean = values[0];
    if (values.size() > 1) m.variance = 0;
  }
  return m;
}

/// Wilson's score interval of a share.
std::pair<double, double> wilson(double p, double n, double z) {
  const double middle = p + z * z / (2 * n);
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  const double scale = 1 + z * z / n;
  return {(middle - half) / scale, (middle + half) / scale};
}

/// Keeps a random half of the positions; of an odd number sometimes one more.
void keep_half(std::vector<uint32_t>& members, std::vector<char>& kept, Rng& rng) {
  rng.shuffle(members);
  const size_t half = (members.size() + (rng.uniform() < 0.5 ? 1 : 0)) / 2;
  for (size_t i = 0; i < members.size(); ++i) kept[members[i]] = i < half ? 1 : 0;
}

}  // namespace

double student_quantile(double p, double freedom) {
  return boost::math::quantile(boost::math::students_t(freedom), p);
}

double standard_normal_quantile(double p) {
  return boost::math::quantile(boost::math::normal(), p);
}

Change welch(std::span<const double> base, std::span<const double> head, double level) {
  if (base.empty() || head.empty()) throw std::invalid_argument("a side without values");
  const Moments b = moments(base), h = moments(head);
  Change c{b.mean, h.mean, h.mean - b.mean, kNaN, kNaN};
  const auto nb = static_cast<double>(base.size()), nh = static_cast<double>(head.size());
  const double sb = b.variance / nb, sh = h.variance / nh;
  const double s = sb + sh;
  if (std::isnan(s)) return c;
  double half = 0;
  if (s > 0) {
    const double freedom = s * s / (sb * sb / (nb - 1) + sh * sh / (nh - 1));
    half = student_quantile((1 + level) / 2, freedom) * std::sqrt(s);
  }
  c.low = c.change - half;
  c.high = c.change + half;
  return c;
}

Change paired(std::span<const double> base, std::span<const double> head, double level) {
  if (base.empty() || base.size() != head.size()) throw std::invalid_argument("no pairs");
  std::vector<double> differences;
  for (size_t i = 0; i < base.size(); ++i) differences.push_back(head[i] - base[i]);
  const Moments d = moments(differences);
  Change c{moments(base).mean, moments(head).mean, d.mean, kNaN, kNaN};
  if (std::isnan(d.variance)) return c;
  const auto n = static_cast<double>(differences.size());
  const double half =
      d.variance > 0 ? student_quantile((1 + level) / 2, n - 1) * std::sqrt(d.variance / n) : 0;
  c.low = c.change - half;
  c.high = c.change + half;
  return c;
}

Spread welch_spread(std::span<const double> base, std::span<const double> head) {
  const double b = moments(base).variance, h = moments(head).variance, sum = b + h;
  return {sum, sum > 0 ? sum * sum / (b * b + h * h) : 2};
}

Spread paired_spread(std::span<const double> base, std::span<const double> head) {
  if (base.size() != head.size()) throw std::invalid_argument("no pairs");
  std::vector<double> differences;
  for (size_t i = 0; i < base.size(); ++i) differences.push_back(head[i] - base[i]);
  return {moments(differences).variance, 1};
}

// Not by the width of the interval at hand alone: Student's quantile falls from 12.7 of two pairs
// to 2.1 of fifteen, which divides the number by up to 40.
int members_needed(const Spread& spread, double level, double gap, int most) {
  if (!(gap > 0) || !std::isfinite(spread.variance)) return 0;
  for (int n = 2; n <= most; ++n)
    if (student_quantile((1 + level) / 2, (n - 1) * spread.freedom) *
            std::sqrt(spread.variance / n) <
        gap)
      return n;
  return 0;
}

Change shares(double base, double base_images, double head, double head_images, double level) {
  if (!(base_images > 0) || !(head_images > 0) || !(base >= 0 && base <= 1) ||
      !(head >= 0 && head <= 1))
    throw std::invalid_argument("not a share of images");
  const double z = standard_normal_quantile((1 + level) / 2);
  const auto [bl, bu] = wilson(base, base_images, z);
  const auto [hl, hu] = wilson(head, head_images, z);
  const auto root = [](double a, double b) { return std::sqrt(a * a + b * b); };
  Change c{base, head, head - base, 0, 0};
  c.low = c.change - root(head - hl, bu - base);
  c.high = c.change + root(hu - head, base - bl);
  return c;
}

Change half_samples(
    const Members& members, const Statistic& statistic, double level, int draws, Rng rng) {
  // Members of both sides, of the base alone, of the head alone: a half of each.
  std::map<uint32_t, int> sides;
  for (const uint32_t m : members.base) sides[m] |= 1;
  for (const uint32_t m : members.head) sides[m] |= 2;
  std::array<std::vector<uint32_t>, 4> strata;
  std::map<uint32_t, uint32_t> place;
  for (const auto& [member, side] : sides) {
    const auto at = static_cast<uint32_t>(place.size());
    place[member] = at;
    strata[static_cast<size_t>(side)].push_back(at);
  }
  const auto places = [&](std::vector<uint32_t> list) {
    for (uint32_t& m : list) m = place.at(m);
    return list;
  };
  const std::vector<uint32_t> of_base = places(members.base), of_head = places(members.head);
  const auto marks = [](const std::vector<uint32_t>& list, const std::vector<char>& all) {
    Kept kept;
    kept.reserve(list.size());
    for (const uint32_t at : list) kept.push_back(all[at]);
    return kept;
  };
  std::vector<char> all(place.size(), 1);
  const auto [base, head] = statistic(marks(of_base, all), marks(of_head, all));
  Change c{base, head, head - base, kNaN, kNaN};
  if (members.base.size() < 2 || members.head.size() < 2) return c;
  std::vector<double> values;
  for (int d = 0; d < draws; ++d) {
    for (std::vector<uint32_t>& stratum : strata) keep_half(stratum, all, rng);
    const auto [b, h] = statistic(marks(of_base, all), marks(of_head, all));
    values.push_back(h - b);
  }
  const double half =
      standard_normal_quantile((1 + level) / 2) * std::sqrt(moments(values).variance);
  c.low = c.change - half;
  c.high = c.change + half;
  return c;
}

}  // namespace nas
