// Times of two measurings stand in one table only if the machine was alike in both, which their own
// drifts cannot tell. An op that both timed can: the sentinel of the first, timed again in the
// passes of the second like any other op. The machine has changed where the ratio of both times is
// further from 1 than 10 % and the noise of both. The noise of a time is half the distance of its
// quartiles, or the drift or the noise that its measuring states where that is more: a first time
// that wavers by 8 % and a second that wavers by 4 % may differ by 22 %. Without a sentinel the
// three ops with the longest times are asked, which the clock and the neighbours move most, and the
// one with the middle ratio answers.
#include "cli/latency/kept/continued.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "cli/report/document.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

constexpr double kAllowed = 0.1;
constexpr size_t kWithoutSentinel = 3;

using Conditions = std::map<std::string, std::string>;

std::string said(const Conditions& conditions, const char* key) {
  const auto it = conditions.find(key);
  return it == conditions.end() ? "" : it->second;
}

/// "3.1 %" as a share; 0 where no number is said.
double share(const std::string& text) {
  const double percent = std::strtod(text.c_str(), nullptr);
  return std::isfinite(percent) && percent > 0 ? percent / 100 : 0;
}

double noise(double low, double median, double high, const Conditions& conditions) {
  return std::max({(high - low) / (2 * median),
                   share(said(conditions, "drift")),
                   share(said(conditions, "noise"))});
}

struct Pair {
  std::string key;
  double before = 0, now = 0, allowed = 0;
  double ratio() const { return now / before; }
};

}  // namespace

std::vector<std::string> timed_again(const LatencyTable& from,
                                     const std::map<std::string, OpCase>& ops) {
  const std::string sentinel = said(from.conditions, "sentinel");
  if (from.entries.contains(sentinel) && ops.contains(sentinel)) return {sentinel};
  std::vector<std::pair<double, std::string>> longest;
  for (const auto& [key, entry] : from.entries)
    if (ops.contains(key)) longest.emplace_back(-entry.median_ms, key);
  std::sort(longest.begin(), longest.end());
  std::vector<std::string> keys;
  for (size_t i = 0; i < std::min(kWithoutSentinel, longest.size()); ++i)
    keys.push_back(longest[i].second);
  return keys;
}

std::string compare_states(const LatencyTable& from,
                           const std::vector<std::string>& again,
                           const std::map<std::string, Timing>& now,
                           Conditions& conditions) {
  std::vector<Pair> pairs;
  for (const std::string& key : again) {
    const auto was = from.entries.find(key);
    const auto is = now.find(key);
    if (was == from.entries.end() || is == now.end()) continue;
    const LatencyEntry& a = was->second;
    const Timing& b = is->second;
    pairs.push_back({key,
                     a.median_ms,
                     b.median_ms,
                     kAllowed + noise(a.low_ms, a.median_ms, a.high_ms, from.conditions) +
                         noise(b.low_ms, b.median_ms, b.high_ms, conditions)});
  }
  if (pairs.empty()) {
    if (!again.empty()) conditions["sentinel_then_now"] = "not timed again";
    return "";
  }
  std::sort(pairs.begin(), pairs.end(), [](const Pair& x, const Pair& y) {
    return x.ratio() < y.ratio();
  });
  const Pair& middle = pairs[pairs.size() / 2];
  const std::string times = format_number(middle.before) + " ms in " + printable(from.id) + ", " +
                            format_number(middle.now) + " ms now";
  conditions["sentinel_then_now"] = times;
  if (std::max(middle.ratio(), 1 / middle.ratio()) - 1 <= middle.allowed) return "";
  const std::string changed = "the machine changed before the rest was measured: `" + middle.key +
                              "` took " + times + ", and at most " +
                              format_number(100 * middle.allowed, 3) + " % between both are noise";
  std::string& unstable = conditions["unstable"];
  unstable += (unstable.empty() ? "" : "; ") + changed;
  return changed;
}

}  // namespace nas::cli
