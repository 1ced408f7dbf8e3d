#pragma once
// Calibration: what whole networks take, from the sum of their ops. Ops that are timed alone pay
// for being called, find their data in the cache and do not wait for one another, so that the error
// of a sum grows with the number of ops instead of averaging out (search.md 5.4).
#include <cstdint>
#include <span>
#include <vector>

namespace nas {

/// A whole network: what the table says of its ops, and how long it took.
struct MeasuredNetwork {
  double sum_ms = 0;  ///< Sum of the table's times.
  double ops = 0;     ///< Ops that take time (the blocks of search.md 5.4).
  double measured_ms = 0;
};

/// latency = a + b * sum + c * ops, in ms.
struct Calibration {
  double a = 0, b = 1, c = 0;
  /// Standard deviation of a new measurement, as a share of the prediction: the root mean square of
  /// the held-out relative errors.
  double spread = 0;
  int64_t networks = 0;  ///< Learnt from.

  double mean(double sum_ms, double ops) const { return a + b * sum_ms + c * ops; }
  bool operator==(const Calibration&) const = default;
};

/// Fewest networks that a calibration is learnt from: twice its coefficients.
constexpr int kLeastCalibration = 6;

/// Least squares of relative errors. Monotone: a, b >= 0 and b * least_op_ms + c >= 0, so that no
/// op takes less than no time; `least_op_ms` is the shortest time in the table. c itself may be
/// negative: what every op paid for being timed alone. DataError where fewer than kLeastCalibration
/// networks are given or a number is not positive.
Calibration fit_calibration(std::span<const MeasuredNetwork> networks, double least_op_ms);

/// Networks, by position in ascending order, whose times no calibration can have together with the
/// others': beyond eight times the usual deviation and a factor of three from what the calibration
/// of the others says, where one that takes it in as well does not fit both. Such a time is a
/// mistake (another unit in one row, the machine was halted), and one of it would make the spread
/// useless. Never more than half. Fewer than four networks: none.
std::vector<size_t> far_off(std::span<const MeasuredNetwork> networks, double least_op_ms);

/// What each network would take by a calibration of all others; sets `spread` of `calibration`,
/// which was fitted on them all.
std::vector<double> held_out(std::span<const MeasuredNetwork> networks,
                             double least_op_ms,
                             Calibration& calibration);

/// Networks that a calibration keeps although the others foretell them badly: beyond five robust
/// deviations of the held-out errors, and a tenth. Each counts in the spread.
struct Widening {
  std::vector<size_t> rows;  ///< Farthest first.
  double without = 0;        ///< The spread without them.
};
/// Nothing where they widen the spread by less than a fifth. `held`: of held_out().
Widening widened_by(std::span<const MeasuredNetwork> networks, std::span<const double> held);

}  // namespace nas
