// Non-negative least squares against all subsets of columns, which is exact for few of them.
#include "hardware/prediction/nnls.hpp"

#include <gtest/gtest.h>

#include <Eigen/QR>
#include <limits>
#include <stdexcept>

#include "spaces/random.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

VectorXd list(std::initializer_list<double> values) {
  VectorXd v(static_cast<Index>(values.size()));
  std::copy(values.begin(), values.end(), v.data());
  return v;
}

double least_error(const MatrixXd& a, const VectorXd& b) {
  double best = b.norm();
  for (int mask = 1; mask < 1 << a.cols(); ++mask) {
    std::vector<Index> columns;
    for (Index j = 0; j < a.cols(); ++j)
      if ((mask >> j) & 1) columns.push_back(j);
    const MatrixXd part = a(Eigen::all, columns);
    const VectorXd x = part.colPivHouseholderQr().solve(b);
    if (x.minCoeff() >= 0) best = std::min(best, (part * x - b).norm());
  }
  return best;
}

TEST(Nnls, IsTheBestOfAllSubsets) {
  Rng rng(3, "nnls");
  for (int trial = 0; trial < 300; ++trial) {
    const auto rows = static_cast<Index>(3 + rng.below(8));
    const auto columns = static_cast<Index>(1 + rng.below(5));
    MatrixXd a(rows, columns);
    VectorXd b(rows);
    for (double& v : a.reshaped()) v = rng.normal();
    for (double& v : b) v = rng.normal();
    // Sizes of columns differ as milliseconds and counts do.
    for (Index j = 0; j < columns; ++j) a.col(j) *= std::pow(10, static_cast<double>(j) - 2);
    const VectorXd x = nnls(a, b);
    EXPECT_GE(x.minCoeff(), 0);
    EXPECT_NEAR((a * x - b).norm(), least_error(a, b), 1e-9) << trial;
  }
}

TEST(Nnls, FindsWhatMadeTheNumbers) {
  MatrixXd a(4, 3);
  a << 1, 2, 0, 1, 5, 1, 1, 1, 7, 1, 9, 4;
  const VectorXd truth = list({0.5, 2, 0});
  EXPECT_TRUE(nnls(a, a * truth).isApprox(truth, 1e-10));
  // The free solution would have a negative weight: it is 0, and the others are fitted anew.
  EXPECT_EQ(nnls(a, a * list({1, 1, -0.5}))[2], 0);
}

TEST(Nnls, EqualAndEmptyColumns) {
  MatrixXd a(3, 3);
  a << 1, 1, 0, 2, 2, 0, 3, 3, 0;
  const VectorXd b = list({2, 4, 6});
  const VectorXd x = nnls(a, b);
  EXPECT_NEAR(x[0] + x[1], 2, 1e-9);
  EXPECT_EQ(x[2], 0);
  EXPECT_EQ(nnls(a, -b).norm(), 0);
}

TEST(Nnls, RefusesWhatCannotBe) {
  EXPECT_THROW(nnls(MatrixXd(3, 2), VectorXd(2)), std::invalid_argument);
  const MatrixXd broken = MatrixXd::Constant(2, 1, std::numeric_limits<double>::quiet_NaN());
  EXPECT_THROW(nnls(broken, VectorXd::Ones(2)), std::invalid_argument);
}

}  // namespace
}  // namespace nas
