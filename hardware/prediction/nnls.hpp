#pragma once
// Least squares with weights that cannot be negative: what is added cannot make a network faster.
#include <Eigen/Core>

namespace nas {

/// The x >= 0 that minimises |A x - b| (Lawson and Hanson 1974, algorithm NNLS). Columns of zeros
/// get 0. std::invalid_argument for sizes that do not fit and values that are not finite.
Eigen::VectorXd nnls(const Eigen::MatrixXd& a, const Eigen::VectorXd& b);

}  // namespace nas
