// Sequential minimal optimisation with pairs chosen by second-order information (Fan, Chen, Lin,
// JMLR 2005), like libsvm's, but on one variable a row where libsvm has two (without a tube the two
// sides of a row never differ), with the whole kernel in memory, and from the solution of the last
// penalty: a larger box still holds it. For cross-validation, which solves a hundred neighbouring
// problems of some hundred rows.
#include "predictors/smo.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace nas {

using Eigen::Index;
using Eigen::VectorXd;

SmoSolver::SmoSolver(const Eigen::MatrixXd& kernel, const VectorXd& y)
    : kernel_(kernel), y_(y), b_(VectorXd::Zero(y.size())), gradient_(-y) {
  if (kernel_.rows() != y_.size() || kernel_.cols() != y_.size())
    throw std::logic_error("a kernel of another size than the values");
}

/// The best step from b along e_up - e_down inside the box.
void SmoSolver::step(Index up, Index down, double penalty) {
  const double curvature =
      std::max(kernel_(up, up) + kernel_(down, down) - 2 * kernel_(up, down), 1e-12);
  const double best = (gradient_[down] - gradient_[up]) / curvature;
  const double size = std::min({best, penalty - b_[up], b_[down] + penalty});
  b_[up] = std::min(b_[up] + size, penalty);
  b_[down] = std::max(b_[down] - size, -penalty);
  gradient_ += size * (kernel_.col(up) - kernel_.col(down));
}

SvrSolution SmoSolver::solve(double penalty, double tolerance, int steps_of_row) {
  const Index n = y_.size();
  if (b_.cwiseAbs().maxCoeff() > penalty) {  // Of a larger penalty: not inside this box.
    b_.setZero();
    gradient_ = -y_;
  }
  constexpr double kNone = std::numeric_limits<double>::infinity();
  double lowest = 0, highest = 0;
  const VectorXd diagonal = kernel_.diagonal();
  for (int64_t left = int64_t{steps_of_row} * n;; --left) {
    Index up = -1;
    lowest = kNone;
    highest = -kNone;
    for (Index i = 0; i < n; ++i) {
      if (b_[i] < penalty && gradient_[i] < lowest) {
        lowest = gradient_[i];
        up = i;
      }
      if (b_[i] > -penalty) highest = std::max(highest, gradient_[i]);
    }
    if (up < 0 || highest - lowest < tolerance || left <= 0) break;
    const double* const row = &kernel_(0, up);
    const double own = diagonal[up];
    Index down = -1;
    double most = 0;
    for (Index j = 0; j < n; ++j) {
      const double gap = gradient_[j] - lowest;
      if (gap <= 0 || b_[j] <= -penalty) continue;
      const double gain = gap * gap / std::max(own + diagonal[j] - 2 * row[j], 1e-12);
      if (gain > most) {
        most = gain;
        down = j;
      }
    }
    if (down < 0) break;
    step(up, down, penalty);
  }
  // Rows inside the box say what the offset is; without any it lies between the others.
  double sum = 0;
  int64_t inside = 0;
  for (Index i = 0; i < n; ++i)
    if (std::abs(b_[i]) < penalty) {
      sum -= gradient_[i];
      ++inside;
    }
  const double offset = inside > 0 ? sum / static_cast<double>(inside) : -(lowest + highest) / 2;
  return {b_, offset};
}

}  // namespace nas
