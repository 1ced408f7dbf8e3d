#pragma once
// Distances between rows of zeros and ones, many at a time.
#include <Eigen/Core>

namespace nas {

/// sum_c w_c (a_ic - b_jc)^2 of all rows of a and b, w the squares of `root_weights`. Where a and b
/// hold nothing but 0 and 1 by table look-ups, else by one product of scaled rows.
Eigen::MatrixXd weighted_distances(const Eigen::MatrixXd& a,
                                   const Eigen::MatrixXd& b,
                                   const Eigen::VectorXd& root_weights);

}  // namespace nas
