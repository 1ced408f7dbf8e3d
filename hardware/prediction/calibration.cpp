// Relative errors are what is minimised: networks of a space differ tenfold in time, and MAPE is
// what is judged by. Weights are from Huber's function: on a machine that others use as well some
// networks are measured while it is busy, and a squared error would follow these.
//
// Where each op is taken as (its time - the least time of all), whose weight is b, and a count,
// whose weight is b * least + c, "no op takes less than no time" is that both are not negative:
// the bounds of search.md 5.4 (a, b, c >= 0) less strict, and still non-negative least squares.
//
// Huber's weights hold against times that are some ten percent off, not against one that is a
// thousand times too short: its row of relative errors is a thousand times the others', and the
// line goes through it (a leverage point). So such rows are found before the fit. The core is what
// lies around the median of log(time / sum), which half of all rows cannot move. What lies outside
// need not be wrong: where a network costs 0.2 ms for being called, the smallest takes many times
// its sum. Hence each of these, the nearest first, is tried with the core: it belongs to it where
// one line fits both. Eight deviations and a factor of three: by eight of a normal law one row in
// 10^15 is lost, and where nearly all deviation is rounding, no row that is merely odd.
#include "hardware/prediction/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "hardware/prediction/nnls.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kRounds = 20;
constexpr double kHuber = 1.345;  ///< 95 % efficient for normal errors (Huber 1981).

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// What is nothing beside the time of a mean network is what is left of two equal numbers.
void drop_rounding(std::span<const MeasuredNetwork> networks, Calibration& c) {
  double ms = 0, ops = 0;
  for (const MeasuredNetwork& m : networks) {
    ms += m.measured_ms;
    ops += m.ops;
  }
  if (std::abs(c.c) * ops < 1e-10 * ms) c.c = 0;
  if (c.a * static_cast<double>(networks.size()) < 1e-10 * ms) c.a = 0;
}

Calibration solve(std::span<const MeasuredNetwork> networks, double least) {
  const auto n = static_cast<Index>(networks.size());
  MatrixXd x(n, 3);
  for (Index i = 0; i < n; ++i) {
    const MeasuredNetwork& m = networks[static_cast<size_t>(i)];
    x.row(i) << 1 / m.measured_ms, (m.sum_ms - least * m.ops) / m.measured_ms,
        m.ops / m.measured_ms;
  }
  VectorXd weights = VectorXd::Ones(n), found = VectorXd::Zero(3);
  for (int round = 0; round < kRounds; ++round) {
    const VectorXd next = nnls(weights.asDiagonal() * x, weights);
    const bool same = (next - found).norm() <= 1e-10 * (1 + next.norm());
    found = next;
    if (same && round > 0) break;
    const VectorXd error = (x * found).array() - 1;
    std::vector<double> sizes;
    for (const double e : error) sizes.push_back(std::abs(e));
    const double scale = 1.4826 * median(sizes);
    if (!(scale > 1e-9)) break;
    for (Index i = 0; i < n; ++i)
      weights[i] = std::sqrt(std::min(1.0, kHuber * scale / std::max(std::abs(error[i]), 1e-300)));
  }
  Calibration result;
  result.a = found[0];
  result.b = found[1];
  result.c = found[2] - found[1] * least;
  result.networks = n;
  drop_rounding(networks, result);
  return result;
}

// ---- Rows that are far off

constexpr double kDeviations = 8, kFactor = 3;            ///< Beyond both a row is far off.
constexpr double kCoreDeviations = 3, kCoreFactor = 1.5;  ///< Within one it needs no trial.

/// Median of |values - their median| as the standard deviation of a normal law.
double deviation(const std::vector<double>& values) {
  const double middle = median(values);
  std::vector<double> sizes;
  for (const double v : values) sizes.push_back(std::abs(v - middle));
  return 1.4826 * median(sizes);
}

/// As log of a ratio.
double allowed(double deviation) {
  return std::max(std::log(kFactor), kDeviations * deviation);
}

double off(const Calibration& c, const MeasuredNetwork& m) {
  return std::log(m.measured_ms / std::max(c.mean(m.sum_ms, m.ops), 1e-300));
}

/// How far a calibration is off where it was learnt.
double usual(const Calibration& c, std::span<const MeasuredNetwork> networks) {
  std::vector<double> sizes;
  for (const MeasuredNetwork& m : networks) sizes.push_back(std::abs(off(c, m)));
  return 1.4826 * median(sizes);
}

void check(std::span<const MeasuredNetwork> networks, double least) {
  if (networks.size() < kLeastCalibration)
    throw DataError("a calibration needs at least " + std::to_string(kLeastCalibration) +
                    " measured networks, here are " + std::to_string(networks.size()));
  const auto good = [](double v) { return std::isfinite(v) && v > 0; };
  if (!std::isfinite(least) || least < 0) throw DataError("the table's least time is no time");
  for (const MeasuredNetwork& m : networks)
    if (!good(m.sum_ms) || !good(m.ops) || !good(m.measured_ms))
      throw DataError("a calibration is learnt from times greater than 0");
}

}  // namespace

Calibration fit_calibration(std::span<const MeasuredNetwork> networks, double least_op_ms) {
  check(networks, least_op_ms);
  Calibration result = solve(networks, least_op_ms);
  if (result.b <= 0 && result.c <= 0 && result.a <= 0)
    throw DataError("the measured networks have nothing in common with the table's sums");
  return result;
}

std::vector<size_t> far_off(std::span<const MeasuredNetwork> networks, double least_op_ms) {
  if (networks.size() < 4) return {};
  std::vector<double> ratios;
  for (const MeasuredNetwork& m : networks) ratios.push_back(std::log(m.measured_ms / m.sum_ms));
  const double middle = median(ratios);
  const double bound = std::max(std::log(kCoreFactor), kCoreDeviations * deviation(ratios));
  std::vector<MeasuredNetwork> core;
  std::vector<size_t> outside;
  for (size_t i = 0; i < networks.size(); ++i)
    if (std::abs(ratios[i] - middle) <= bound)
      core.push_back(networks[i]);
    else
      outside.push_back(i);
  if (outside.empty()) return {};
  std::stable_sort(outside.begin(), outside.end(), [&](size_t i, size_t j) {
    return std::abs(ratios[i] - middle) < std::abs(ratios[j] - middle);
  });
  Calibration fit = solve(core, least_op_ms);
  std::vector<size_t> far;
  for (const size_t i : outside) {
    core.push_back(networks[i]);
    const double before = usual(fit, std::span(core).first(core.size() - 1));
    const Calibration both = solve(core, least_op_ms);
    const double after = usual(both, std::span(core).first(core.size() - 1));
    if (std::abs(off(both, networks[i])) <= allowed(after) &&
        after <= 2 * before + std::log1p(0.05)) {
      fit = both;
    } else {
      core.pop_back();
      far.push_back(i);
    }
  }
  std::sort(far.begin(), far.end());
  return far;
}

std::vector<double> held_out(std::span<const MeasuredNetwork> networks,
                             double least_op_ms,
                             Calibration& calibration) {
  check(networks, least_op_ms);
  std::vector<double> told;
  double squares = 0;
  for (size_t i = 0; i < networks.size(); ++i) {
    std::vector<MeasuredNetwork> others(networks.begin(), networks.end());
    others.erase(others.begin() + static_cast<long>(i));
    const Calibration without = solve(others, least_op_ms);
    told.push_back(without.mean(networks[i].sum_ms, networks[i].ops));
    // Of the prediction, which is what a spread will be taken of.
    const double error = (networks[i].measured_ms - told.back()) / std::max(told.back(), 1e-12);
    squares += error * error;
  }
  calibration.spread = std::sqrt(squares / static_cast<double>(networks.size()));
  return told;
}

Widening widened_by(std::span<const MeasuredNetwork> networks, std::span<const double> held) {
  constexpr double kOdd = 5, kLeastOdd = 0.1, kWider = 1.2;
  std::vector<double> errors, sizes;
  double all = 0, rest = 0;
  for (size_t i = 0; i < networks.size(); ++i) {
    errors.push_back((networks[i].measured_ms - held[i]) / std::max(held[i], 1e-12));
    sizes.push_back(std::abs(errors.back()));
    all += errors.back() * errors.back();
  }
  Widening result;
  if (networks.size() < kLeastCalibration) return result;
  const double bound = std::max(kLeastOdd, kOdd * 1.4826 * median(sizes));
  for (size_t i = 0; i < networks.size(); ++i)
    if (sizes[i] > bound)
      result.rows.push_back(i);
    else
      rest += errors[i] * errors[i];
  const auto n = static_cast<double>(networks.size());
  const double kept = n - static_cast<double>(result.rows.size());
  result.without = std::sqrt(rest / std::max(kept, 1.0));
  if (result.rows.empty() || std::sqrt(all / n) < kWider * result.without) return {};
  std::stable_sort(result.rows.begin(), result.rows.end(), [&](size_t i, size_t j) {
    return sizes[i] > sizes[j];
  });
  return result;
}

}  // namespace nas
