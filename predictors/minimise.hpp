#pragma once
// Minimum of a smooth function of a few variables.
#include <Eigen/Core>
#include <functional>

namespace nas {

/// Value at x, and its gradient; infinite where the function is not defined.
using SmoothFunction = std::function<double(const Eigen::VectorXd& x, Eigen::VectorXd& gradient)>;

struct Minimum {
  Eigen::VectorXd x;
  double value = 0;
  int steps = 0;
};
/// L-BFGS from `start`, at most `steps` steps or until a step gains less than `tolerance`.
Minimum minimise(const SmoothFunction& f,
                 const Eigen::VectorXd& start,
                 int steps,
                 double tolerance = 1e-5);

}  // namespace nas
