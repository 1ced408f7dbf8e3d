// Support vector regression along penalties: the conditions of the optimum, from any beginning.
#include "predictors/smo.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index kRows = 60;

MatrixXd kernel() {
  MatrixXd x(kRows, 3);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = std::sin(0.7 * static_cast<double>(i * i));
  MatrixXd k(kRows, kRows);
  for (Index i = 0; i < kRows; ++i)
    for (Index j = 0; j < kRows; ++j)
      k(i, j) = std::exp(-0.5 * (x.row(i) - x.row(j)).squaredNorm());
  return k;
}

VectorXd values() {
  VectorXd y(kRows);
  for (Index i = 0; i < kRows; ++i) y[i] = 40 + 9 * std::sin(1.3 * static_cast<double>(i));
  return y;
}

double objective(const MatrixXd& k, const VectorXd& y, const VectorXd& b) {
  return 0.5 * b.dot(k * b) - y.dot(b);
}

void expect_optimum(const MatrixXd& k, const VectorXd& y, const SvrSolution& s, double penalty) {
  const VectorXd& b = s.coefficients;
  EXPECT_NEAR(b.sum(), 0, 1e-9);
  EXPECT_LE(b.cwiseAbs().maxCoeff(), penalty);
  const VectorXd left = y - (k * b).array().matrix() - VectorXd::Constant(kRows, s.offset);
  // Rows inside the box lie on f, those at its upper side above, at its lower side below.
  for (Index i = 0; i < kRows; ++i) {
    const double above = b[i] < penalty ? left[i] : 0, below = b[i] > -penalty ? left[i] : 0;
    EXPECT_LE(above, 2e-3) << i;
    EXPECT_GE(below, -2e-3) << i;
  }
}

TEST(SmoSolver, EachPenaltyEndsAtItsOptimum) {
  const MatrixXd k = kernel();
  const VectorXd y = values();
  SmoSolver along(k, y);
  for (const double penalty : {0.1, 1.0, 5.0, 50.0}) {
    const SvrSolution from_last = along.solve(penalty), fresh = SmoSolver(k, y).solve(penalty);
    expect_optimum(k, y, from_last, penalty);
    expect_optimum(k, y, fresh, penalty);
    const double best = objective(k, y, fresh.coefficients);
    EXPECT_NEAR(objective(k, y, from_last.coefficients), best, 1e-3 * std::abs(best));
  }
}

TEST(SmoSolver, ASmallerPenaltyBeginsAnew) {
  const MatrixXd k = kernel();
  const VectorXd y = values();
  SmoSolver solver(k, y);
  solver.solve(50);
  expect_optimum(k, y, solver.solve(0.5), 0.5);
}

// Two rows alike, with other values: the curvature between them is 0.
TEST(SmoSolver, EqualRowsEndAtTheBox) {
  const MatrixXd k = MatrixXd::Ones(2, 2);
  VectorXd y(2);
  y << 1, 3;
  const SvrSolution s = SmoSolver(k, y).solve(2);
  EXPECT_DOUBLE_EQ(s.coefficients[0], -2);
  EXPECT_DOUBLE_EQ(s.coefficients[1], 2);
  EXPECT_DOUBLE_EQ(s.offset, 2);
}

TEST(SmoSolver, OneValueForAllIsTheOffset) {
  const SvrSolution s = SmoSolver(kernel(), VectorXd::Constant(kRows, 7)).solve(10);
  EXPECT_EQ(s.coefficients.cwiseAbs().maxCoeff(), 0);
  EXPECT_DOUBLE_EQ(s.offset, 7);
}

TEST(SmoSolver, SizesMustFit) {
  EXPECT_THROW(SmoSolver(MatrixXd::Ones(2, 2), VectorXd::Ones(3)), std::logic_error);
}

}  // namespace
}  // namespace nas
