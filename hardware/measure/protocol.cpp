// What is measured in one go is measured in one state of the machine: its clock, its neighbours.
// In passes over everything, each thing meets several states, and its median is that of most of
// them; in random order a slow minute falls on all kinds of ops alike. The sentinel, one thing that
// is timed again and again, tells how much these states differ.
#include "hardware/measure/protocol.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "hardware/quartiles.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

constexpr size_t kSentinelVisits = 60;
constexpr int kSentinelCalls = 3;
constexpr size_t kLeastGap = 4;
constexpr double kLeastJoulesSeconds = 0.05;

std::vector<double> distances(const std::vector<double>& values, double centre) {
  std::vector<double> list;
  for (const double v : values) list.push_back(std::abs(v - centre));
  return list;
}

}  // namespace

std::optional<Timing> timing_of(const Samples& samples) {
  if (samples.ms.empty()) return std::nullopt;
  std::vector<double> ms = samples.ms;
  std::sort(ms.begin(), ms.end());
  Timing t;
  t.median_ms = sorted_quantile(ms, 0.5);
  t.low_ms = sorted_quantile(ms, 0.25);
  t.high_ms = sorted_quantile(ms, 0.75);
  t.mad_ms = median_of(distances(ms, t.median_ms));
  t.repeats = static_cast<int>(ms.size());
  t.peak_bytes = samples.peak_bytes;
  if (samples.joules_calls > 0 && samples.joules_s >= kLeastJoulesSeconds)
    t.energy_mj = 1000 * samples.joules / static_cast<double>(samples.joules_calls);
  return t;
}

Drift drift_of(const std::vector<double>& visits) {
  Drift drift;
  constexpr size_t kParts = 3, kLeast = 9;
  if (visits.size() < kLeast) return drift;
  const double all = median_of(visits);
  if (!(all > 0)) return drift;
  std::vector<double> medians, within;
  for (size_t p = 0; p < kParts; ++p) {
    const std::vector<double> part(
        visits.begin() + static_cast<long>(p * visits.size() / kParts),
        visits.begin() + static_cast<long>((p + 1) * visits.size() / kParts));
    medians.push_back(median_of(part));
    for (const double d : distances(part, medians.back())) within.push_back(d);
  }
  const auto [low, high] = std::minmax_element(medians.begin(), medians.end());
  drift.known = true;
  drift.relative = (*high - *low) / all;
  drift.noise = 1.4826 * median_of(within) / all;
  return drift;
}

Protocol run_protocol(size_t things,
                      size_t sentinel,
                      const ProtocolOptions& options,
                      const std::function<void(size_t, int, Samples&)>& visit) {
  Protocol result;
  result.samples.resize(things);
  if (things == 0) return result;
  const int passes = std::max(1, std::min(kPasses, options.repeats));
  const size_t all = things * static_cast<size_t>(passes);
  const size_t gap = std::max(kLeastGap, all / kSentinelVisits);
  std::vector<size_t> order(things);
  std::iota(order.begin(), order.end(), size_t{0});
  Rng rng(options.seed, "measure/order");
  std::vector<double> sentinels;
  size_t done = 0;
  try {
    for (int pass = 0; pass < passes; ++pass) {
      rng.shuffle(order);
      const int calls = options.repeats * (pass + 1) / passes - options.repeats * pass / passes;
      for (const size_t thing : order) {
        if (done % gap == 0) {
          Samples seen;
          visit(sentinel, kSentinelCalls, seen);
          if (!seen.ms.empty()) sentinels.push_back(median_of(seen.ms));
        }
        visit(thing, calls, result.samples[thing]);
        ++done;
        if (options.progress)
          options.progress(static_cast<int64_t>(done), static_cast<int64_t>(all), thing);
      }
    }
  } catch (const Interrupted&) {
    result.stopped = true;
  }
  result.drift = drift_of(sentinels);
  return result;
}

}  // namespace nas
