#pragma once
// How things are timed so that the times can be trusted: many visits in random order, a sentinel
// that tells whether the machine changed meanwhile. No torch here: what a visit does is the
// caller's.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace nas {

/// What was seen of one thing.
struct Samples {
  std::vector<double> ms;  ///< Timed calls, in order.
  double peak_bytes = 0;   ///< Most that tensors took during a call; 0: not known.
  double joules = 0;       ///< Of `joules_calls` calls, which took `joules_s`.
  double joules_s = 0;
  int64_t joules_calls = 0;
};

/// In words of a table.
struct Timing {
  double median_ms = 0;
  double low_ms = 0, high_ms = 0;  ///< Quartiles.
  double mad_ms = 0;               ///< Median absolute deviation from the median.
  int repeats = 0;
  double peak_bytes = 0;            ///< 0: not known.
  std::optional<double> energy_mj;  ///< Millijoules a call, above no baseline.
};
/// nullopt where nothing was timed. Energy is told where at least 50 ms were under its counter,
/// which moves in steps of a millisecond or more.
std::optional<Timing> timing_of(const Samples& samples);

/// Whether the machine stayed the same: from the sentinel's visits.
struct Drift {
  bool known = false;   ///< False with fewer than nine visits.
  double relative = 0;  ///< Largest difference between the medians of the three thirds, a share.
  double noise = 0;     ///< Robust deviation of a visit within its third, a share.
  /// More than its noise, and more than 2 %.
  bool unstable() const { return known && relative > noise && relative > 0.02; }
};
Drift drift_of(const std::vector<double>& visits);

struct ProtocolOptions {
  int warmup = 5;    ///< Calls before the clock runs, in each visit.
  int repeats = 30;  ///< Timed calls of each thing, over all its visits.
  uint64_t seed = 0;
  /// Called after each visit with how many of all are done.
  std::function<void(int64_t done, int64_t all, size_t thing)> progress = {};
};
/// Visits of each thing at most.
constexpr int kPasses = 5;

struct Protocol {
  std::vector<Samples> samples;  ///< By thing.
  Drift drift;
  bool stopped = false;  ///< A visit threw Interrupted; what was timed before is kept.
};

/// `visit(thing, calls, samples)` warms up, then times `calls` calls. All things once, in an order
/// drawn from the seed, then all again in another, kPasses times; thing `sentinel` in between, at
/// most as often as the others together.
Protocol run_protocol(size_t things,
                      size_t sentinel,
                      const ProtocolOptions& options,
                      const std::function<void(size_t thing, int calls, Samples& into)>& visit);

}  // namespace nas
