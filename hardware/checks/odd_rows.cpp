// The rule. Rows are compared within a kind (the operator; depthwise convolutions apart), by the
// work w = numbers moved + share * multiply-adds, in logarithms; the share (1/64 for a graphics
// processor to 8 for a controller without a vector unit) is the one by which the rows agree best.
// What a row should take is the median
// of what its 8 nearest neighbours in w take, each carried over to its w along the slope of the
// kind (Theil and Sen: the median slope of all pairs, which 29 % of wrong rows do not move; between
// 0, all call, and 1, all work; of at most 80 of them, so that a long table costs its sorting and
// no more). Rows of operators that are none here are compared with nothing. Neighbours and not one
// line, as times are flat where the call is most of them and steep where the work is. Of a kind
// with fewer than 5 rows all kinds are taken.
//
// A row is of another unit where it is off by 6 robust deviations of its kind, and at least by the
// factor 50 (100 beside other kinds, 300 between networks of unknown work), at most by 300: units
// are a thousand apart, and what else makes an op slow (a fallback kernel, a cold cache, a form the
// library is bad at) stays within some tens on all tables seen. At most: where half of the rows are
// wrong the deviation itself is a thousand. Below that, from the factor 8 on (30 beside other
// kinds), it is odd: worth a note, no error.
#include "hardware/checks/odd_rows.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "hardware/formats/key_check.hpp"
#include "hardware/kernel_key.hpp"
#include "hardware/quartiles.hpp"
#include "spaces/base/printable.hpp"

namespace nas {
namespace {

constexpr size_t kNeighbours = 8, kFewest = 5, kPairs = 80;
constexpr double kDeviations = 6, kOdd = 8, kOddBesideOthers = 30, kUnit = 50, kUnitOfOthers = 100,
                 kUnitOfUnknown = 300, kMost = 300;

/// `conv2d`, `conv2d depthwise`, `relu`, `expanded_conv`.
std::string kind_of(const std::string& key) {
  std::string kind = key.substr(0, key.find_first_of(" -"));
  const size_t groups = key.find(" g=");
  if (groups != key.npos && key.compare(groups, 5, " g=1 ") != 0 && !key.ends_with(" g=1"))
    kind += " depthwise";
  return kind;
}

struct Point {
  double work = 0, time = 0;  ///< Logarithms.
  size_t at = 0;
};

std::vector<Point> sorted_points(const std::vector<TimedWork>& times,
                                 const std::vector<size_t>& rows,
                                 double share) {
  std::vector<Point> points;
  for (const size_t i : rows) {
    const double work = times[i].elements + share * times[i].macs;
    points.push_back({work > 0 ? std::log(work) : 0, std::log(times[i].ms), i});
  }
  std::stable_sort(
      points.begin(), points.end(), [](const Point& a, const Point& b) { return a.work < b.work; });
  return points;
}

/// Theil and Sen's, of at most kPairs points.
double slope_of(const std::vector<Point>& points) {
  const size_t step = (points.size() + kPairs - 1) / kPairs;
  std::vector<double> slopes;
  for (size_t i = 0; i < points.size(); i += step)
    for (size_t j = i + step; j < points.size(); j += step)
      if (const double apart = points[j].work - points[i].work; apart > 0.2)
        slopes.push_back((points[j].time - points[i].time) / apart);
  return slopes.empty() ? 0 : std::clamp(median_of(std::move(slopes)), 0.0, 1.0);
}

/// What the nearest of `points` take, carried over to `work`; `own`: a row that is not asked.
double told(const std::vector<Point>& points, double work, double slope, size_t own) {
  auto up = std::lower_bound(
      points.begin(), points.end(), work, [](const Point& p, double w) { return p.work < w; });
  auto down = up;
  std::vector<double> near;
  while (near.size() < kNeighbours && (up != points.end() || down != points.begin())) {
    const bool above = down == points.begin() ||
                       (up != points.end() && up->work - work <= work - std::prev(down)->work);
    const Point& p = above ? *up++ : *--down;
    if (p.at != own) near.push_back(p.time + slope * (work - p.work));
  }
  return median_of(std::move(near));
}

/// Rows that others are compared with, sorted by work. Many kinds may share one: its slope is found
/// once.
struct Among {
  std::vector<Point> points;
  double slope = slope_of(points);
};

std::vector<double> off_from(const std::vector<Point>& rows, const Among& among) {
  std::vector<double> off;
  for (const Point& row : rows)
    off.push_back(row.time - told(among.points, row.work, among.slope, row.at));
  return off;
}

struct Bounds {
  double odd, unit;  ///< Logarithms of factors.
};

void judge_kind(const std::vector<Point>& rows,
                const Among& among,
                double least,
                std::vector<OddRow>& found) {
  const std::vector<double> off = off_from(rows, among);
  std::vector<double> sizes;
  const double middle = rows.size() >= kFewest ? median_of(off) : 0;
  for (const double o : off) sizes.push_back(std::abs(o - middle));
  const double wide = rows.size() >= kFewest ? kDeviations * 1.4826 * median_of(sizes) : 0;
  const Bounds bounds{std::max(std::log(least > kUnit ? kOddBesideOthers : kOdd), wide),
                      std::clamp(wide, std::log(least), std::log(kMost))};
  for (size_t i = 0; i < rows.size(); ++i) {
    if (std::abs(off[i]) <= std::min(bounds.odd, bounds.unit)) continue;
    const double ms = std::exp(rows[i].time);
    found.push_back({rows[i].at,
                     std::exp(rows[i].time - off[i]),
                     std::exp(off[i]),
                     std::abs(off[i]) > bounds.unit,
                     ms});
  }
}

std::map<std::string, std::vector<size_t>> by_kind(const std::vector<TimedWork>& times) {
  std::map<std::string, std::vector<size_t>> kinds;
  for (size_t i = 0; i < times.size(); ++i)
    if (times[i].ms > 0 && std::isfinite(times[i].ms) &&
        (times[i].key.empty() || known_operator(times[i].key)))
      kinds[kind_of(times[i].key)].push_back(i);
  return kinds;
}

std::vector<size_t> all_of(const std::map<std::string, std::vector<size_t>>& kinds) {
  std::vector<size_t> all;
  for (const auto& [kind, rows] : kinds) all.insert(all.end(), rows.begin(), rows.end());
  std::sort(all.begin(), all.end());
  return all;
}

/// How much a multiply-add counts beside a number moved: see the head of this file. Judged on some
/// of the rows.
double share_of(const std::vector<TimedWork>& times,
                const std::map<std::string, std::vector<size_t>>& kinds) {
  constexpr size_t kJudged = 60;
  double best = 1. / 8, least = HUGE_VAL;
  for (const double share : {1. / 8, 1., 8., 1. / 64}) {
    double sum = 0;
    for (const auto& [kind, rows] : kinds) {
      if (rows.size() < kFewest || times[rows.front()].macs <= 0) continue;
      std::vector<size_t> some;
      for (size_t i = 0; i < rows.size(); i += 1 + rows.size() / kJudged) some.push_back(rows[i]);
      const Among among{sorted_points(times, some, share)};
      std::vector<double> sizes;
      for (const double off : off_from(among.points, among)) sizes.push_back(std::abs(off));
      sum += static_cast<double>(sizes.size()) * median_of(sizes);
    }
    if (!(sum < .95 * least)) continue;  // 1/8 where they hardly differ.
    least = sum;
    best = share;
  }
  return best;
}

}  // namespace

TimedWork work_of(const std::string& key, double ms, int64_t batch, std::string place) {
  const auto images = static_cast<double>(batch);
  return {ms, macs_of_key(key) * images, elements_of_key(key) * images, key, std::move(place)};
}

std::vector<TimedWork> work_of(const LatencyTable& table) {
  std::vector<TimedWork> work;
  for (const auto& [key, entry] : table.entries)
    work.push_back(work_of(key, entry.median_ms, table.batch()));
  return work;
}

std::vector<OddRow> odd_rows(const std::vector<TimedWork>& times, bool whole) {
  std::vector<OddRow> found;
  if (times.size() < kFewest) return found;
  const bool known = std::any_of(
      times.begin(), times.end(), [](const TimedWork& t) { return t.macs > 0 || t.elements > 0; });
  if (whole) {
    std::vector<size_t> all(times.size());
    std::iota(all.begin(), all.end(), size_t{0});
    const Among networks{sorted_points(times, all, 1)};
    judge_kind(networks.points, networks, known ? kUnit : kUnitOfUnknown, found);
  } else {
    const auto kinds = by_kind(times);
    const std::vector<size_t> all = all_of(kinds);
    if (all.size() < kFewest) return found;
    const double share = share_of(times, kinds);
    const Among others{sorted_points(times, all, share)};
    for (const auto& [kind, rows] : kinds) {
      if (rows.size() >= kFewest) {
        const Among own{sorted_points(times, rows, share)};
        judge_kind(own.points, own, known ? kUnit : kUnitOfUnknown, found);
      } else {
        judge_kind(sorted_points(times, rows, share),
                   others,
                   known ? kUnitOfOthers : kUnitOfUnknown,
                   found);
      }
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const OddRow& a, const OddRow& b) {
    return std::abs(std::log(a.factor)) > std::abs(std::log(b.factor));
  });
  return found;
}

std::string odd_row_text(const OddRow& row, const TimedWork& time, const TimeUnit& unit) {
  const double value = row.ms / unit.to_ms(1), usual = row.expected / unit.to_ms(1);
  std::string text = time.place.empty() ? "" : printable(time.place) + ": ";
  text += time.key.empty() ? "this row" : "\"" + printable(time.key) + "\"";
  text += " takes " + three_digits(value) + " " + unit.name + ", ";
  text += row.factor > 1 ? three_digits(row.factor) + " times"
                         : "1/" + three_digits(1 / row.factor) + " of";
  text +=
      " what others like it take for as much work (" + three_digits(usual) + " " + unit.name + ")";
  if (!row.unit) return text;
  std::string likely;
  for (const char* name : {"s", "ms", "us", "ns"}) {
    const double other = row.factor * time_unit(name)->to_ms(1) / unit.to_ms(1);
    if (name != unit.name && other < 30 && other > 1.0 / 30) likely = name;
  }
  return text + (likely.empty() ? "" : "; is it in " + likely + "?");
}

double ratio_to_known(const std::vector<TimedWork>& rows, const std::vector<TimedWork>& known) {
  if (rows.empty() || known.size() < 3) return 0;
  const auto kinds = by_kind(known);
  const std::vector<size_t> all = all_of(kinds);
  if (all.size() < 3) return 0;
  const double share = share_of(known, kinds);
  const Among others{sorted_points(known, all, share)};
  std::vector<double> off;
  for (const auto& [kind, list] : by_kind(rows)) {
    const auto it = kinds.find(kind);
    const bool own = it != kinds.end() && it->second.size() >= 3;
    std::optional<Among> like;
    if (own) like = Among{sorted_points(known, it->second, share)};
    std::vector<Point> points = sorted_points(rows, list, share);
    for (Point& point : points) point.at = known.size();  // None of them.
    for (const double each : off_from(points, own ? *like : others)) off.push_back(each);
  }
  return off.empty() ? 0 : std::exp(median_of(std::move(off)));
}

}  // namespace nas
