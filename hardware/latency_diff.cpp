// Two medians differ by more than noise where the ranges of the middle half of both measurements
// lie apart. With one repeat, or an import that knows no spread, any difference does.
#include "hardware/latency_diff.hpp"

#include <algorithm>
#include <cmath>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

std::string kind_of(const std::string& key) {
  return key.substr(0, key.find_first_of(" -"));
}

double median(std::vector<double> values) {
  if (values.empty()) return 1;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : std::sqrt(values[middle - 1] * values[middle]);
}

}  // namespace

LatencyDiff diff_of(const LatencyTable& a, const LatencyTable& b) {
  if (a.grouping != b.grouping)
    throw DataError("table " + printable(a.id) + " is of '" + a.grouping + "', table " +
                    printable(b.id) + " of '" + b.grouping + "': no time can be compared");
  LatencyDiff diff;
  std::map<std::string, std::vector<const LatencyChange*>> by_kind;
  for (const auto& [key, entry] : a.entries) {
    const auto it = b.entries.find(key);
    if (it == b.entries.end()) {
      diff.only_a.push_back(key);
      continue;
    }
    const LatencyEntry& other = it->second;
    diff.both.push_back({key,
                         entry,
                         other,
                         other.median_ms / entry.median_ms,
                         entry.high_ms < other.low_ms || other.high_ms < entry.low_ms});
  }
  for (const auto& [key, entry] : b.entries)
    if (!a.entries.contains(key)) diff.only_b.push_back(key);
  std::stable_sort(diff.both.begin(), diff.both.end(), [](const auto& x, const auto& y) {
    return std::abs(std::log(x.ratio)) > std::abs(std::log(y.ratio));
  });
  std::vector<double> ratios;
  double sum_a = 0, sum_b = 0;
  for (const LatencyChange& change : diff.both) {
    by_kind[kind_of(change.key)].push_back(&change);
    ratios.push_back(change.ratio);
    sum_a += change.a.median_ms;
    sum_b += change.b.median_ms;
  }
  diff.median_ratio = median(ratios);
  diff.total_ratio = sum_a > 0 ? sum_b / sum_a : 1;
  for (const auto& [kind, changes] : by_kind) {
    KindChange row{kind, changes.size()};
    std::vector<double> own;
    double own_a = 0, own_b = 0;
    for (const LatencyChange* change : changes) {
      own.push_back(change->ratio);
      own_a += change->a.median_ms;
      own_b += change->b.median_ms;
      row.beyond += change->beyond ? 1 : 0;
    }
    row.median_ratio = median(own);
    row.total_ratio = own_b / own_a;
    diff.kinds.push_back(row);
  }
  std::map<std::string, std::pair<std::string, std::string>> conditions;
  for (const auto& [name, value] : a.conditions) conditions[name].first = value;
  for (const auto& [name, value] : b.conditions) conditions[name].second = value;
  for (const auto& [name, values] : conditions)
    if (values.first != values.second)
      diff.conditions.push_back({name, values.first, values.second});
  return diff;
}

}  // namespace nas
