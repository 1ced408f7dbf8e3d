#include "hardware/time_unit.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace nas {
namespace {

const std::vector<TimeUnit>& units() {
  static const std::vector<TimeUnit> table = {
      {"s", 1, 1e3}, {"ms", 1, 1}, {"us", 1e3, 1}, {"ns", 1e6, 1}};
  return table;
}

/// Multiply-adds a second in the largest ops of a network, from slow to fast: processors (a
/// microcontroller to a server with many cores); graphics processors go further.
struct Rates {
  double slowest, fastest;
};
constexpr Rates kProcessor{3e7, 3e12};
constexpr double kFastestGraphics = 1e15;
constexpr double kShortest = 0.02, kLongest = 60'000;  // A whole network, in ms.
// Half of the ops of a table take longer anywhere: a call alone does.
constexpr double kShortestOp = 2e-5;
// Smaller pieces of work say nothing of how slow a machine is: the call is most of their time.
constexpr double kTellingMacs = 1e5;

Rates rates_of(std::string_view device) {
  std::string name(device);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  for (const char* word : {"gpu",
                           "cuda",
                           "rtx",
                           "gtx",
                           "titan",
                           "tesla",
                           "v100",
                           "a100",
                           "h100",
                           "h200",
                           "jetson",
                           "tensorrt",
                           "tpu",
                           "npu"})
    if (name.find(word) != std::string::npos) return {kProcessor.slowest, kFastestGraphics};
  return kProcessor;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace

const char* const kTimeUnits = "s, ms, us, ns";

std::optional<TimeUnit> time_unit(std::string_view text) {
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  const auto is = [&name](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* n) { return name == n; });
  };
  if (is({"s", "sec", "second", "seconds"})) return units()[0];
  if (is({"ms", "msec", "millisecond", "milliseconds"})) return units()[1];
  if (is({"us", "usec", "\u00b5s", "\u03bcs", "microsecond", "microseconds"})) return units()[2];
  if (is({"ns", "nsec", "nanosecond", "nanoseconds"})) return units()[3];
  return std::nullopt;
}

Plausibility judge_unit(const std::vector<TimedWork>& times,
                        const TimeUnit& unit,
                        bool whole,
                        std::string_view device) {
  // In large pieces of work the arithmetic is most of the time; in small ones the call is.
  double most = 0;
  for (const TimedWork& each : times) most = std::max(most, each.macs);
  std::vector<double> rates, ms;
  for (const TimedWork& each : times) {
    ms.push_back(each.ms);
    if (each.macs > 0 && each.macs >= most / 10) rates.push_back(each.macs / each.ms * 1e3);
  }
  Plausibility result;
  if (!rates.empty()) result.rate = median(rates);
  if (ms.empty() || (rates.empty() && !whole)) return result;
  const bool by_rate = !rates.empty();
  const double middle = by_rate ? result.rate : median(ms);
  Rates bounds = rates_of(device);
  if (by_rate && !whole && most < kTellingMacs) bounds.slowest = 0;
  if (!whole && median(ms) < kShortestOp) {
    result.odd = "in " + unit.name + " half of these would take less than " +
                 rounded(1e6 * median(ms)) + " ns" +
                 (unit.name == "ms"   ? "; are they in s?"
                  : unit.name == "us" ? "; are they in ms?"
                                      : "");
    return result;
  }
  // `factor`: how many times longer the times are in another unit.
  const auto fits = [&](double factor) {
    return by_rate ? middle / factor >= bounds.slowest && middle / factor <= bounds.fastest
                   : middle * factor >= kShortest && middle * factor <= kLongest;
  };
  if (fits(1)) return result;
  std::string likely;
  for (const TimeUnit& other : units())
    if (other.name != unit.name && fits(other.to_ms(1) / unit.to_ms(1)))
      likely += (likely.empty() ? "" : " or ") + other.name;
  result.odd =
      "in " + unit.name + " " +
      (by_rate
           ? "the largest of these would run at " + rounded(middle) + " multiply-adds a second"
           : "half of these networks would take less than " + rounded(middle) + " ms, half more") +
      (likely.empty() ? "" : "; are they in " + likely + "?");
  return result;
}

}  // namespace nas
