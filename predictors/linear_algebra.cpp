// Cholesky where a matrix is a kernel or a Gram matrix with something on its diagonal, an
// eigenbasis where many ridges of one matrix are compared: then each costs a product instead of a
// factorisation.
#include "predictors/linear_algebra.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>

namespace nas {

using Eigen::MatrixXd;
using Eigen::VectorXd;

MatrixXd product(const MatrixXd& a, const MatrixXd& b) {
  return a * b;
}
MatrixXd product_tn(const MatrixXd& a, const MatrixXd& b) {
  return a.transpose() * b;
}
MatrixXd product_nt(const MatrixXd& a, const MatrixXd& b) {
  return a * b.transpose();
}
VectorXd product(const MatrixXd& a, const VectorXd& b) {
  return a * b;
}
VectorXd product_tn(const MatrixXd& a, const VectorXd& b) {
  return a.transpose() * b;
}

Spectrum spectrum(const MatrixXd& symmetric) {
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(symmetric);
  return {solver.eigenvalues(), solver.eigenvectors()};
}

bool cholesky(const MatrixXd& a, MatrixXd& l) {
  const Eigen::LLT<MatrixXd> llt(a);
  if (llt.info() != Eigen::Success) return false;
  l = llt.matrixL();
  return true;
}

MatrixXd solve_lower(const MatrixXd& l, const MatrixXd& b) {
  MatrixXd x = b;
  l.triangularView<Eigen::Lower>().solveInPlace(x);
  return x;
}
VectorXd solve_lower(const MatrixXd& l, const VectorXd& b) {
  VectorXd x = b;
  l.triangularView<Eigen::Lower>().solveInPlace(x);
  return x;
}
VectorXd solve_lower_transposed(const MatrixXd& l, const VectorXd& b) {
  VectorXd x = b;
  l.transpose().triangularView<Eigen::Upper>().solveInPlace(x);
  return x;
}
MatrixXd inverse_of(const MatrixXd& l) {
  const MatrixXd root = solve_lower(l, MatrixXd(MatrixXd::Identity(l.rows(), l.cols())));
  MatrixXd inverse = MatrixXd::Zero(l.rows(), l.cols());
  inverse.selfadjointView<Eigen::Lower>().rankUpdate(root.transpose());
  inverse.triangularView<Eigen::StrictlyUpper>() = inverse.transpose();
  return inverse;
}

MatrixXd squared_distances(const MatrixXd& a, const MatrixXd& b) {
  MatrixXd d = -2 * product_nt(a, b);
  d.colwise() += row_norms(a);
  d.rowwise() += row_norms(b).transpose();
  return d.cwiseMax(0);
}
VectorXd row_norms(const MatrixXd& a) {
  return a.rowwise().squaredNorm();
}
MatrixXd centred(const MatrixXd& a, const VectorXd& center) {
  return a.rowwise() - center.transpose();
}
VectorXd column_means(const MatrixXd& a) {
  return a.colwise().mean().transpose();
}

}  // namespace nas
