#pragma once
// Two sides of runs compared in one metric: the result that `nas diff` prints.
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "predictors/statistics/two_samples.hpp"
#include "search/store/store.hpp"
#include "spaces/metric.hpp"

namespace nas::cli {

/// A run and the store that holds it: the two sides may lie in different ones.
struct SidedRun {
  const Store* store = nullptr;
  RunRow run;
};
using Side = std::vector<SidedRun>;

/// The least change that passes, in the good direction: -1 % may be lost, +0.01 must be gained.
struct ChangeLimit {
  double value = 0;
  bool relative = false;  ///< Of the base's size; value is the share then.
};

struct CompareOptions {
  double level = 0.95;
  int draws = 1000;  ///< Of halves and of bootstraps.
  uint64_t seed = 0;
  std::optional<ChangeLimit> limit;
  std::set<std::string> ignored;  ///< Of difference_kinds().
  std::string split;              ///< Of the accuracy of trainings; "": the run's own.
};

/// One run's number.
struct RunNumber {
  std::string run, name;
  uint64_t seed = 0;
  double value = std::numeric_limits<double>::quiet_NaN();
  std::string why_not;      ///< Why it has none that compares; "" where it has.
  bool infeasible = false;  ///< It ran to its end and found nothing within its limits.
  bool usable() const { return why_not.empty(); }
};

enum class Verdict {
  kBetter,      ///< The interval lies above no change.
  kSame,        ///< No difference is shown; with a limit: what may be lost is less than that.
  kWorse,       ///< The interval lies below no change; with a limit: below the limit.
  kUndecided,   ///< With a limit only: the interval holds it.
  kInfeasible,  ///< The head finds nothing within its limits where the base does.
  kNoNumbers,   ///< Nothing to compare, see why_not.
};
const char* to_string(Verdict verdict);

struct Comparison {
  std::string metric;
  std::string of;  ///< Of what: `best found`, `mean of 20 architectures that all have judged`.
  Better better = Better::kHigher;
  std::vector<RunNumber> base, head;
  std::optional<Change> change;  ///< In the metric's unit; none: see why_not.
  std::string method;            ///< Where the interval comes from, or why there is none.
  std::string why_not;
  std::optional<double> limit;  ///< As a change in the good direction, in the metric's unit.
  Verdict verdict = Verdict::kNoNumbers;
  std::vector<std::string> notes;
  int seeds_needed =
      0;  ///< Of kUndecided: so many a side would decide, if they spread so; 0: not known.

  size_t runs() const { return base.size() + head.size(); }
  size_t runs_compared() const;  ///< Whose numbers are in `change`; 0 without one.

  double sign() const { return better == Better::kHigher ? 1 : -1; }
  /// In the good direction.
  double gain() const { return change ? sign() * change->change : NAN; }
  double gain_low() const { return change ? (sign() > 0 ? change->low : -change->high) : NAN; }
  double gain_high() const { return change ? (sign() > 0 ? change->high : -change->low) : NAN; }
  /// The same as a share of the base's size; NaN where that is 0.
  double relative(double gain) const { return gain / std::abs(change ? change->base : NAN); }
};

/// Exit codes of a comparison, beside those of every command.
enum DiffExit : int { kDiffInfeasible = 3, kDiffWorse = 4, kDiffUndecided = 5 };
/// The gravest of all: infeasible, worse than the limit, not enough data, fine. Without a limit a
/// difference is told and is no failure.
int exit_code(const std::vector<Comparison>& comparisons, bool limited);

/// `metric`: hypervolume, tau, a metric of architectures (`latency` is latency_ms), or one with its
/// direction before it (minimize:METRIC). ConfigError where the direction is not known.
Comparison compare(const std::string& metric,
                   const Side& base,
                   const Side& head,
                   const CompareOptions& options);
/// What the sides can be compared in when nothing is asked for.
std::vector<std::string> usual_metrics(const Side& base, const Side& head);

}  // namespace nas::cli
