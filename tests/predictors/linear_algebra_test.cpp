// What all models stand on: products, factors and distances against plain loops, the minimiser
// against minima that are known, scaling and numbers in and out of JSON.
#include "predictors/linear_algebra.hpp"
#include "predictors/gaussian_kernel.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "predictors/cross_validation.hpp"
#include "predictors/minimise.hpp"
#include "predictors/predictor_state.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using testing::HasSubstr;

MatrixXd random_matrix(Rng& rng, Index rows, Index cols) {
  MatrixXd m(rows, cols);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = rng.normal();
  return m;
}
double off(const MatrixXd& a, const MatrixXd& b) {
  EXPECT_EQ(a.rows(), b.rows());
  EXPECT_EQ(a.cols(), b.cols());
  return a.size() == 0 ? 0 : (a - b).cwiseAbs().maxCoeff();
}
/// Entry by entry.
MatrixXd slow_product(const MatrixXd& a, const MatrixXd& b) {
  MatrixXd out = MatrixXd::Zero(a.rows(), b.cols());
  for (Index i = 0; i < a.rows(); ++i)
    for (Index j = 0; j < b.cols(); ++j)
      for (Index k = 0; k < a.cols(); ++k) out(i, j) += a(i, k) * b(k, j);
  return out;
}
MatrixXd turned(const MatrixXd& a) {
  MatrixXd t(a.cols(), a.rows());
  for (Index i = 0; i < a.rows(); ++i)
    for (Index j = 0; j < a.cols(); ++j) t(j, i) = a(i, j);
  return t;
}

TEST(LinearAlgebra, ProductsAreThoseOfLoops) {
  Rng rng(1, "products");
  for (int i = 0; i < 20; ++i) {
    const auto n = static_cast<Index>(1 + rng.below(20)), m = static_cast<Index>(1 + rng.below(20)),
               k = static_cast<Index>(1 + rng.below(20));
    const MatrixXd a = random_matrix(rng, n, k), b = random_matrix(rng, k, m);
    EXPECT_LT(off(product(a, b), slow_product(a, b)), 1e-12);
    EXPECT_LT(off(product_tn(turned(a), b), slow_product(a, b)), 1e-12);
    EXPECT_LT(off(product_nt(a, turned(b)), slow_product(a, b)), 1e-12);
    const VectorXd v = random_matrix(rng, k, 1);
    EXPECT_LT(off(product(a, v), slow_product(a, v)), 1e-12);
    EXPECT_LT(off(product_tn(turned(a), v), slow_product(a, v)), 1e-12);
    double norm = 0;
    for (Index c = 0; c < k; ++c) norm += a(0, c) * a(0, c);
    EXPECT_NEAR(row_norms(a)[0], norm, 1e-12);
    EXPECT_LT(centred(a, column_means(a)).colwise().sum().cwiseAbs().maxCoeff(), 1e-12);
  }
}

TEST(LinearAlgebra, FactorsAndSolutionsMultiplyBack) {
  Rng rng(2, "factors");
  for (int i = 0; i < 20; ++i) {
    const auto n = static_cast<Index>(1 + rng.below(15));
    const MatrixXd root = random_matrix(rng, n, n);
    MatrixXd a = slow_product(root, turned(root));
    for (Index d = 0; d < n; ++d) a(d, d) += 0.5;
    MatrixXd l;
    ASSERT_TRUE(cholesky(a, l));
    EXPECT_LT(off(slow_product(l, turned(l)), a), 1e-10);
    for (Index r = 0; r < n; ++r)
      for (Index c = r + 1; c < n; ++c) EXPECT_EQ(l(r, c), 0);
    const MatrixXd b = random_matrix(rng, n, 3);
    EXPECT_LT(off(slow_product(l, solve_lower(l, b)), b), 1e-9);
    const VectorXd v = random_matrix(rng, n, 1);
    EXPECT_LT(off(slow_product(l, solve_lower(l, v)), v), 1e-9);
    EXPECT_LT(off(slow_product(turned(l), solve_lower_transposed(l, v)), v), 1e-9);
    EXPECT_LT(off(slow_product(inverse_of(l), a), MatrixXd::Identity(n, n)), 1e-8);
  }
  MatrixXd l;
  MatrixXd indefinite(2, 2);
  indefinite << 1, 2, 2, 1;
  EXPECT_FALSE(cholesky(indefinite, l));
  EXPECT_FALSE(cholesky(-MatrixXd::Identity(3, 3), l));
}

TEST(LinearAlgebra, SpectraRiseAndMultiplyBack) {
  Rng rng(3, "spectra");
  for (int i = 0; i < 20; ++i) {
    const auto n = static_cast<Index>(1 + rng.below(12));
    const MatrixXd root = random_matrix(rng, n, n);
    const MatrixXd a = root + turned(root);
    const Spectrum s = spectrum(a);
    for (Index k = 1; k < n; ++k) EXPECT_LE(s.values[k - 1], s.values[k]);
    EXPECT_LT(off(slow_product(turned(s.vectors), s.vectors), MatrixXd::Identity(n, n)), 1e-10);
    MatrixXd scaled = s.vectors;
    for (Index k = 0; k < n; ++k) scaled.col(k) *= s.values[k];
    EXPECT_LT(off(slow_product(scaled, turned(s.vectors)), a), 1e-10);
    double trace = 0;
    for (Index k = 0; k < n; ++k) trace += a(k, k);
    EXPECT_NEAR(s.values.sum(), trace, 1e-10);
  }
}

TEST(LinearAlgebra, DistancesAreThoseOfRows) {
  Rng rng(4, "distances");
  for (int i = 0; i < 20; ++i) {
    const auto k = static_cast<Index>(1 + rng.below(90));
    const bool bits = i % 2 == 0;
    MatrixXd a = random_matrix(rng, 6, k), b = random_matrix(rng, 4, k);
    if (bits)
      for (MatrixXd* m : {&a, &b})
        for (Index e = 0; e < m->size(); ++e) m->data()[e] = m->data()[e] > 0 ? 1 : 0;
    VectorXd roots(k);
    for (Index c = 0; c < k; ++c) roots[c] = rng.uniform();
    for (Index r = 0; r < 6; ++r)
      for (Index s = 0; s < 4; ++s) {
        double plain = 0, weighted = 0;
        for (Index c = 0; c < k; ++c) {
          const double d = a(r, c) - b(s, c);
          plain += d * d;
          weighted += roots[c] * roots[c] * d * d;
        }
        EXPECT_NEAR(squared_distances(a, b)(r, s), plain, 1e-10);
        EXPECT_NEAR(GaussianKernel(b, roots)(a)(r, s), std::exp(-weighted), 1e-12);
      }
    EXPECT_GE(squared_distances(a, a).minCoeff(), 0) << "rounding makes none negative";
  }
}

// ---- The minimiser.

TEST(Minimise, FindsTheMinimumOfAnyBowl) {
  Rng rng(5, "bowls");
  for (int i = 0; i < 30; ++i) {
    const auto n = static_cast<Index>(1 + rng.below(8));
    const MatrixXd root = random_matrix(rng, n, n);
    MatrixXd a = slow_product(root, turned(root));
    for (Index d = 0; d < n; ++d) a(d, d) += 0.3;
    const VectorXd at = random_matrix(rng, n, 1);
    const auto bowl = [&](const VectorXd& x, VectorXd& g) {
      const VectorXd d = x - at;
      g = slow_product(a, d);
      return 7 + d.dot(g) / 2;
    };
    const Minimum found = minimise(bowl, VectorXd::Zero(n), 500, 1e-14);
    EXPECT_NEAR(found.value, 7, 1e-6);
    EXPECT_LT(off(found.x, at), 1e-2);
  }
}

TEST(Minimise, FollowsTheValleyOfRosenbrock) {
  const auto valley = [](const VectorXd& x, VectorXd& g) {
    const double a = 1 - x[0], b = x[1] - x[0] * x[0];
    g.resize(2);
    g << -2 * a - 400 * x[0] * b, 200 * b;
    return a * a + 100 * b * b;
  };
  const Minimum found = minimise(valley, Eigen::Vector2d(-1.2, 1), 500, 1e-14);
  EXPECT_NEAR(found.x[0], 1, 1e-4);
  EXPECT_NEAR(found.x[1], 1, 1e-4);
  EXPECT_LT(found.steps, 200);
}

TEST(Minimise, StaysWhereTheFunctionIsDefined) {
  // x - log x, undefined at 0 and below: its minimum is 1.
  int outside = 0;
  const auto f = [&](const VectorXd& x, VectorXd& g) {
    g.resize(1);
    if (x[0] <= 0) {
      ++outside;
      g[0] = 0;
      return std::numeric_limits<double>::infinity();
    }
    g[0] = 1 - 1 / x[0];
    return x[0] - std::log(x[0]);
  };
  const Minimum found = minimise(f, VectorXd::Constant(1, 5), 100, 1e-12);
  EXPECT_NEAR(found.x[0], 1, 1e-4);
  EXPECT_GT(found.x[0], 0);
  EXPECT_LE(outside, 20);
}

TEST(Minimise, NeverRisesAndEndsWhenTold) {
  std::vector<double> values;
  const auto f = [&](const VectorXd& x, VectorXd& g) {
    g = 4 * x.array().cube();
    return x.array().pow(4).sum();
  };
  const VectorXd start = VectorXd::Constant(3, 2);
  double before = 48;
  for (int steps = 0; steps < 30; ++steps) {
    const Minimum at = minimise(f, start, steps, 0);
    EXPECT_LE(at.steps, steps);
    EXPECT_LE(at.value, before);
    before = at.value;
  }
  EXPECT_EQ(minimise(f, start, 0).x, start);
  EXPECT_EQ(minimise(f, VectorXd::Zero(3), 10).steps, 0) << "it is at the minimum";
  EXPECT_LT(minimise(f, start, 100, 1).steps, minimise(f, start, 100, 1e-9).steps);
}

// ---- Scaling, folds, numbers in files.

TEST(Scaling, OneHotColumnsStayAndOthersGetOneDeviation) {
  MatrixXd x(4, 4);
  x << 0, 10, 5, 1, 1, 20, 5, 1, 1, 30, 5, 1, 0, 40, 5, 1;
  const Scaling scaling(x);
  EXPECT_TRUE(scaling.scales());
  const MatrixXd scaled = scaling.apply(x);
  EXPECT_EQ(scaled.col(0), x.col(0));
  EXPECT_EQ(scaled.col(3), x.col(3)) << "a constant 1 is a bit";
  EXPECT_EQ(scaled.col(2), VectorXd::Zero(4)) << "a constant says nothing";
  EXPECT_NEAR(scaled.col(1).mean(), 0, 1e-15);
  EXPECT_NEAR(scaled.col(1).array().square().mean(), 1, 1e-15);
  EXPECT_NEAR(scaled(3, 1), 15 / std::sqrt(125.0), 1e-12);
  // New rows by the old numbers, from a file too.
  MatrixXd more(1, 4);
  more << 0.5, 25, 7, 2;
  const Scaling again(nlohmann::json::parse(scaling.to_json().dump()));
  EXPECT_EQ(again.apply(more), scaling.apply(more));
  EXPECT_EQ(again.columns(), 4);
  EXPECT_NEAR(scaling.apply(more)(0, 1), 0, 1e-15);
  EXPECT_FALSE(Scaling(MatrixXd::Identity(3, 3)).scales());
}

TEST(Scaling, ConstantsOfAnySizeAreConstants) {
  // 0.1 + 0.2 is not 0.3: what rounding leaves is no deviation.
  MatrixXd x = MatrixXd::Constant(1000, 1, 0.1 + 0.2);
  EXPECT_EQ(Scaling(x).apply(x), MatrixXd::Zero(1000, 1));
  x = MatrixXd::Constant(7, 1, 1e300);
  EXPECT_TRUE(Scaling(x).apply(x).allFinite());
}

TEST(Folds, HaveEveryRowOnce) {
  for (Index n = 1; n < 40; ++n)
    for (int folds = 1; folds <= 12; ++folds) {
      const auto all = contiguous_folds(n, folds);
      ASSERT_EQ(all.size(), static_cast<size_t>(folds));
      Index at = 0, least = n, most = 0;
      for (const Fold& fold : all) {
        EXPECT_EQ(fold.begin, at);
        at = fold.end;
        least = std::min(least, fold.size());
        most = std::max(most, fold.size());
      }
      EXPECT_EQ(at, n);
      EXPECT_LE(most - least, 1);
    }
  MatrixXd x(5, 1);
  x << 0, 1, 2, 3, 4;
  EXPECT_EQ(without(x, {1, 3}), (MatrixXd(3, 1) << 0, 3, 4).finished());
  EXPECT_EQ(without(x, {0, 5}).rows(), 0);
  // A model that answers with the mean of what it learnt.
  const VectorXd y = x.col(0);
  const VectorXd out =
      out_of_fold(x, y, 5, [](const MatrixXd&, const VectorXd& t, const MatrixXd& left) {
        return VectorXd(VectorXd::Constant(left.rows(), t.mean()));
      });
  EXPECT_LT(off(out, (VectorXd(5) << 2.5, 2.25, 2, 1.75, 1.5).finished()), 1e-12);
}

TEST(Folds, ErrorsOfNothingAndOfZeros) {
  const VectorXd none(0), y = Eigen::Vector3d(2, -4, 8), p = Eigen::Vector3d(3, -4, 6);
  for (const double e : {mape(none, none), rmse(none, none), bias(none, none)})
    EXPECT_TRUE(std::isnan(e));
  EXPECT_NEAR(mape(y, p), 100 * (0.5 + 0 + 0.25) / 3, 1e-12);
  EXPECT_NEAR(rmse(y, p), std::sqrt(5.0 / 3), 1e-12);
  EXPECT_NEAR(bias(y, p), -1.0 / 3, 1e-12);
  EXPECT_NEAR(relative_errors(y, p).mean(), mape(y, p), 1e-12);
  const VectorXd zeros = Eigen::Vector3d(0, 3, 3);
  EXPECT_TRUE(std::isnan(mape(zeros, p)));
  EXPECT_NEAR(relative_errors(zeros, Eigen::Vector3d(1, 3, 5))[0], 50, 1e-12);
}

TEST(PredictorState, RowsAreSpreadOverTheList) {
  EXPECT_THAT(spread_rows(3, 10), testing::ElementsAre(0, 1, 2));
  EXPECT_THAT(spread_rows(10, 5), testing::ElementsAre(0, 2, 4, 6, 8));
  EXPECT_TRUE(spread_rows(0, 5).empty());
  for (const Index n : {7, 100, 12345})
    for (const Index most : {1, 3, 50}) {
      const std::vector<int> rows = spread_rows(n, most);
      ASSERT_EQ(rows.size(), static_cast<size_t>(std::min(n, most)));
      EXPECT_EQ(rows.front(), 0);
      EXPECT_LT(rows.back(), n);
      for (size_t i = 1; i < rows.size(); ++i)
        EXPECT_NEAR(
            rows[i] - rows[i - 1], static_cast<double>(n) / static_cast<double>(rows.size()), 1);
    }
  EXPECT_EQ(spread_rows(Index{3'000'000}, 2000).back(), 2998500) << "without an overflow";
}

TEST(PredictorState, NumbersGoThroughJsonExactly) {
  Rng rng(6, "json");
  const MatrixXd m = random_matrix(rng, 5, 3) * 1e-7;
  const auto again = [](const nlohmann::json& json) { return nlohmann::json::parse(json.dump()); };
  EXPECT_EQ(rows_from(again(to_json_rows(m)), 3), m);
  EXPECT_EQ(vector_from(again(to_json_list(m.col(0)))), m.col(0));
  const MatrixXd symmetric = slow_product(m, turned(m));
  const MatrixXd mirrored = (symmetric + turned(symmetric)) / 2;
  EXPECT_EQ(packed(mirrored).size(), 15);
  EXPECT_EQ(unpacked(packed(mirrored), 5), mirrored);
  MatrixXd small(2, 2);
  small << 1, 2, 2, 3;
  EXPECT_EQ(packed(small), Eigen::Vector3d(1, 2, 3));
}

TEST(PredictorState, WhatIsNoStateIsTold) {
  const auto said = [](const auto& f) -> std::string {
    try {
      f();
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "read";
  };
  using nlohmann::json;
  for (const char* text : {"null", "\"1\"", "true", "[1]", "{}", "1e999"}) {
    const json value = json::parse(text, nullptr, false);
    if (value.is_discarded()) continue;
    EXPECT_THAT(said([&] { number_from(value); }), HasSubstr("is no finite number")) << text;
  }
  EXPECT_EQ(said([] { vector_from(json::parse("[1, 2]"), 3); }), "a list of 3 numbers is missing");
  EXPECT_EQ(said([] { vector_from(json::parse("{}")); }), "a list of numbers is missing");
  EXPECT_EQ(said([] { vector_from(json::parse("[1, null]")); }), "'null' is no finite number");
  EXPECT_EQ(said([] { rows_from(json::parse("1"), 2); }), "a list of rows is missing");
  EXPECT_EQ(said([] { rows_from(json::parse("[[1, 2], [3]]"), 2); }),
            "a list of 2 numbers is missing");
  EXPECT_EQ(said([] { Scaling(json::parse(R"({"means": [1], "factors": []})")); }),
            "a list of 1 numbers is missing");
}

}  // namespace
}  // namespace nas
