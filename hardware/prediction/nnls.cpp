// Lawson and Hanson's active set method: exact in finitely many steps, and for the handful of
// columns here faster than any iteration that has to be stopped. Columns are scaled to length 1
// first, so that one tolerance fits milliseconds and counts.
#include "hardware/prediction/nnls.hpp"

#include <Eigen/QR>
#include <limits>
#include <stdexcept>
#include <vector>

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Least squares over the columns in `free`, 0 elsewhere.
VectorXd solve_free(const MatrixXd& a, const VectorXd& b, const std::vector<char>& free) {
  std::vector<Index> columns;
  for (Index j = 0; j < a.cols(); ++j)
    if (free[static_cast<size_t>(j)] != 0) columns.push_back(j);
  const MatrixXd part = a(Eigen::all, columns);
  const VectorXd solution = part.colPivHouseholderQr().solve(b);
  VectorXd x = VectorXd::Zero(a.cols());
  for (size_t i = 0; i < columns.size(); ++i) x[columns[i]] = solution[static_cast<Index>(i)];
  return x;
}

}  // namespace

VectorXd nnls(const MatrixXd& raw, const VectorXd& b) {
  if (raw.rows() != b.size() || raw.cols() == 0 || raw.rows() == 0)
    throw std::invalid_argument("nnls: sizes do not fit");
  if (!raw.allFinite() || !b.allFinite()) throw std::invalid_argument("nnls: not finite");
  const Index n = raw.cols();
  VectorXd length = raw.colwise().norm().transpose();
  std::vector<char> free(static_cast<size_t>(n), 0), never(static_cast<size_t>(n), 0);
  MatrixXd a = raw;
  for (Index j = 0; j < n; ++j) {
    never[static_cast<size_t>(j)] = !(length[j] > 0);
    if (length[j] > 0) a.col(j) /= length[j];
  }
  const double least = 1e-12 * (1 + b.norm());
  VectorXd x = VectorXd::Zero(n);
  for (Index step = 0; step < 30 * n; ++step) {
    const VectorXd gradient = a.transpose() * (b - a * x);
    Index best = -1;
    for (Index j = 0; j < n; ++j)
      if (free[static_cast<size_t>(j)] == 0 && never[static_cast<size_t>(j)] == 0 &&
          gradient[j] > least && (best < 0 || gradient[j] > gradient[best]))
        best = j;
    if (best < 0) break;
    free[static_cast<size_t>(best)] = 1;
    VectorXd s = solve_free(a, b, free);
    // A column that rounding alone let in goes out at once, or it would come in for ever.
    if (s[best] <= 0) {
      free[static_cast<size_t>(best)] = 0;
      never[static_cast<size_t>(best)] = 1;
      continue;
    }
    for (;;) {
      double part = 1;
      for (Index j = 0; j < n; ++j)
        if (free[static_cast<size_t>(j)] != 0 && s[j] <= 0 && x[j] - s[j] > 0)
          part = std::min(part, x[j] / (x[j] - s[j]));
      bool all_positive = true;
      for (Index j = 0; j < n; ++j)
        all_positive = all_positive && (free[static_cast<size_t>(j)] == 0 || s[j] > 0);
      if (all_positive) break;
      x += part * (s - x);
      bool any = false;
      for (Index j = 0; j < n; ++j) {
        if (free[static_cast<size_t>(j)] != 0 && (x[j] <= 1e-15 || (s[j] <= 0 && part >= 1))) {
          free[static_cast<size_t>(j)] = 0;
          x[j] = 0;
        }
        any = any || free[static_cast<size_t>(j)] != 0;
      }
      s = any ? solve_free(a, b, free) : VectorXd(VectorXd::Zero(n));
      if (!any) break;
    }
    x = s;
  }
  for (Index j = 0; j < n; ++j)
    if (length[j] > 0) x[j] /= length[j];
  return x;
}

}  // namespace nas
