#include "hardware/time_unit.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "hardware/quartiles.hpp"

namespace nas {
namespace {

const std::vector<TimeUnit>& units() {
  static const std::vector<TimeUnit> table = {
      {"s", 1, 1e3}, {"ms", 1, 1}, {"us", 1e3, 1}, {"ns", 1e6, 1}};
  return table;
}

/// What devices of a kind can do at all, with room on both sides: multiply-adds a second in the
/// largest ops of a network, numbers moved a second, and what the call of an op may cost. Far below
/// the slowest runtime and far above the fastest chip of the kind, so that what lies beyond is no
/// device but a unit.
struct Bounds {
  double slowest, fastest;              ///< Multiply-adds a second.
  double slowest_moves, fastest_moves;  ///< Numbers a second.
  double longest_call;                  ///< ms.
};
/// From an 8-bit controller without a multiplier for floats to one with a vector unit.
constexpr Bounds kController{1e5, 2e10, 1e5, 1e10, 10};
/// Not named: a microcontroller to a server with many cores.
constexpr Bounds kAny{3e7, 3e12, 5e6, 1e13, 3};
/// Phones, boards that run Linux, servers: a call of an op there takes microseconds.
constexpr Bounds kProcessor{1e8, 3e12, 1e8, 1e13, 1};
constexpr Bounds kGraphics{1e8, 1e15, 1e8, 1e14, 1};
constexpr double kShortest = 0.02, kLongest = 60'000;  // A whole network, in ms.
// Half of the ops of a table take longer anywhere: a call alone does.
constexpr double kShortestOp = 2e-5;
// Smaller pieces of work say nothing of how slow a machine is: the call is most of their time.
constexpr double kTellingMacs = 1e5;

Bounds bounds_of(std::string_view device) {
  std::string name(device);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  const auto has = [&name](std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(), [&](const char* word) {
      return name.find(word) != std::string::npos;
    });
  };
  if (has({"mcu",
           "stm32",
           "nucleo",
           "esp32",
           "arduino",
           "cortex-m",
           "cortexm",
           "microcontroller",
           "rp2040",
           "nrf5",
           "atmega"}))
    return kController;
  if (has({"gpu",
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
           "npu"}))
    return kGraphics;
  if (has({"cpu",
           "xeon",
           "epyc",
           "ryzen",
           "intel",
           "amd",
           "laptop",
           "desktop",
           "server",
           "phone",
           "pixel",
           "galaxy",
           "snapdragon",
           "raspberry",
           "cortex-a",
           "cortexa"}))
    return kProcessor;
  return kAny;
}

}  // namespace

const char* const kTimeUnits = "s, ms, us, ns";

std::string three_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

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

namespace {

std::string likely_text(const std::string& likely) {
  return likely.empty() ? "" : "; are they in " + likely + "?";
}

/// Of ops: half of them beyond what the device can do, by calls, multiply-adds and numbers moved
/// together. Says more than the rate of the largest where all are small.
std::string beyond_device(const std::vector<TimedWork>& times,
                          const TimeUnit& unit,
                          const Bounds& bounds) {
  std::vector<double> over, under;
  for (const TimedWork& t : times) {
    if (t.elements <= 0) continue;
    const double longest =
        bounds.longest_call + 1e3 * (t.macs / bounds.slowest + t.elements / bounds.slowest_moves);
    const double shortest =
        1e3 * std::max(t.macs / bounds.fastest, t.elements / bounds.fastest_moves);
    over.push_back(t.ms / longest);
    under.push_back(shortest / t.ms);
  }
  if (over.size() < 3) return "";
  for (const bool slow : {true, false}) {
    const double middle = median_of(slow ? over : under);
    if (middle <= 1) continue;
    std::string likely;
    for (const TimeUnit& other : units()) {
      const double factor = other.to_ms(1) / unit.to_ms(1);
      const double low = median_of(under) / factor, high = median_of(over) * factor;
      if (other.name != unit.name && low <= 1 && high <= 1)
        likely += (likely.empty() ? "" : " or ") + other.name;
    }
    return "in " + unit.name + " half of these would take " +
           (slow ? "more than " + three_digits(middle) + " times what the slowest"
                 : "less than 1/" + three_digits(middle) + " of what the fastest") +
           " device of this kind needs for their sizes" + likely_text(likely);
  }
  return "";
}

}  // namespace

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
  if (!rates.empty()) result.rate = median_of(rates);
  if (ms.empty()) return result;
  if (rates.empty() && !whole) {
    result.odd = beyond_device(times, unit, bounds_of(device));
    return result;
  }
  const bool by_rate = !rates.empty();
  const double middle = by_rate ? result.rate : median_of(ms);
  Bounds bounds = bounds_of(device);
  if (by_rate && !whole && most < kTellingMacs) bounds.slowest = 0;
  // Of a small network the calls are most, on any device.
  if (whole) bounds.slowest = std::min(bounds.slowest, kAny.slowest);
  if (!whole && median_of(ms) < kShortestOp) {
    result.odd = "in " + unit.name + " half of these would take less than " +
                 three_digits(1e6 * median_of(ms)) + " ns" +
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
  if (fits(1)) {
    if (!whole) result.odd = beyond_device(times, unit, bounds_of(device));
    return result;
  }
  std::string likely;
  for (const TimeUnit& other : units())
    if (other.name != unit.name && fits(other.to_ms(1) / unit.to_ms(1)))
      likely += (likely.empty() ? "" : " or ") + other.name;
  result.odd = "in " + unit.name + " " +
               (by_rate ? "the largest of these would run at " + three_digits(middle) +
                              " multiply-adds a second"
                        : "half of these networks would take less than " + three_digits(middle) +
                              " ms, half more") +
               likely_text(likely);
  return result;
}

}  // namespace nas
