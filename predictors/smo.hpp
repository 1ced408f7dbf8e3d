#pragma once
// Support vector regression without an insensitive tube, for a row of penalties.
#include <Eigen/Dense>

namespace nas {

/// f(x) = sum_i coefficients_i k(x, row_i) + offset.
struct SvrSolution {
  Eigen::VectorXd coefficients;
  double offset = 0;
};

/// Minimises 1/2 b'Kb - y'b over sum(b) = 0, |b_i| <= C. Each solve() begins where the last ended,
/// so that penalties are best asked for in ascending order.
class SmoSolver {
 public:
  /// Copies both; `kernel` [n, n] is symmetric and positive semidefinite.
  SmoSolver(const Eigen::MatrixXd& kernel, const Eigen::VectorXd& y);
  /// Until no pair of rows violates the optimum by `tolerance` (in units of y), or after so many
  /// steps for each row. `penalty` > 0.
  SvrSolution solve(double penalty, double tolerance = 1e-3, int steps_of_row = 100'000);

 private:
  void step(Eigen::Index up, Eigen::Index down, double penalty);

  Eigen::MatrixXd kernel_;
  Eigen::VectorXd y_, b_, gradient_;  ///< gradient_: Kb - y.
};

}  // namespace nas
