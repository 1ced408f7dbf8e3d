// Relative errors are what is minimised: networks of a space differ tenfold in time, and MAPE is
// what is judged by. Weights are from Huber's function: on a machine that others use as well some
// networks are measured while it is busy, and a squared error would follow these.
//
// Where each op is taken as (its time - the least time of all), whose weight is b, and a count,
// whose weight is b * least + c, "no op takes less than no time" is that both are not negative:
// the bounds of search.md 5.4 (a, b, c >= 0) less strict, and still non-negative least squares.
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
  return result;
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

}  // namespace nas
