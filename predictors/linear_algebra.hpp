#pragma once
// The dense linear algebra of the models, compiled once: Eigen's kernels take long to compile.
#include <Eigen/Core>

namespace nas {

/// a b, a' b, a b'.
Eigen::MatrixXd product(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);
Eigen::MatrixXd product_tn(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);
Eigen::MatrixXd product_nt(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);
Eigen::VectorXd product(const Eigen::MatrixXd& a, const Eigen::VectorXd& b);
Eigen::VectorXd product_tn(const Eigen::MatrixXd& a, const Eigen::VectorXd& b);

/// Of a symmetric matrix (its lower triangle): eigenvalues in ascending order, eigenvectors as
/// columns.
struct Spectrum {
  Eigen::VectorXd values;
  Eigen::MatrixXd vectors;
};
Spectrum spectrum(const Eigen::MatrixXd& symmetric);

/// Lower factor L of a = L L', its upper triangle 0; false where a is not positive definite.
bool cholesky(const Eigen::MatrixXd& a, Eigen::MatrixXd& l);
/// L^-1 b and L'^-1 b.
Eigen::MatrixXd solve_lower(const Eigen::MatrixXd& l, const Eigen::MatrixXd& b);
Eigen::VectorXd solve_lower(const Eigen::MatrixXd& l, const Eigen::VectorXd& b);
Eigen::VectorXd solve_lower_transposed(const Eigen::MatrixXd& l, const Eigen::VectorXd& b);
/// (L L')^-1
Eigen::MatrixXd inverse_of(const Eigen::MatrixXd& l);

/// |a_i - b_j|^2 of the rows of a and b, by one product.
Eigen::MatrixXd squared_distances(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);
/// Squared length of each row.
Eigen::VectorXd row_norms(const Eigen::MatrixXd& a);
/// Each row less `center`.
Eigen::MatrixXd centred(const Eigen::MatrixXd& a, const Eigen::VectorXd& center);
Eigen::VectorXd column_means(const Eigen::MatrixXd& a);

}  // namespace nas
