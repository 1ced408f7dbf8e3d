// Ridge regression against numbers worked out elsewhere (search.md 8, oracles 5, 7 and 8).
#include <gtest/gtest.h>

#include "networks.hpp"
#include "predictors/cross_validation.hpp"
#include "predictors/predictor.hpp"
#include "predictors/ranking/rank_metrics.hpp"

namespace nas {
namespace {

using testing_networks::Rows;

Rows small_rows() {
  Rows rows;
  rows.x.resize(5, 3);
  rows.x << 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1;
  rows.y.resize(5);
  rows.y << 1, 2, 3, 2.5, 4.5;
  return rows;
}

std::unique_ptr<Predictor> fitted(const Rows& rows, double alpha) {
  auto ridge = make_predictor("ridge");
  FitOptions options;
  options.fixed = {{"alpha", alpha}};
  std::vector<std::string> names;
  for (Eigen::Index i = 0; i < rows.x.cols(); ++i) names.push_back("f" + std::to_string(i));
  ridge->fit(feature_space(names), rows.x, rows.y, options);
  return ridge;
}

/// Intercept and weights, read off predictions.
std::vector<double> coefficients(const Predictor& p, Eigen::Index n) {
  FeatureMatrix probes = FeatureMatrix::Zero(n + 1, n);
  probes.bottomRows(n).setIdentity();
  const Eigen::VectorXd at = p.mean(probes);
  std::vector<double> list{at[0]};
  for (Eigen::Index i = 1; i <= n; ++i) list.push_back(at[i] - at[0]);
  return list;
}

TEST(Ridge, InterceptIsNotPenalised) {
  const struct {
    double alpha, b, w[3], at_101;
  } cases[] = {{.1, .957894737, {.152882206, 1.263157895, 2.057644110}, 3.168421053},
               {1, 2, {-.366666667, .6, .966666667}, 2.6},
               {10, 2.510309278, {-.135738832, .108247423, .197594502}, 2.572164948}};
  for (const auto& c : cases) {
    const auto p = fitted(small_rows(), c.alpha);
    const auto found = coefficients(*p, 3);
    EXPECT_NEAR(found[0], c.b, 1e-9);
    for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(found[i + 1], c.w[i], 1e-9);
    FeatureMatrix row(1, 3);
    row << 1, 0, 1;
    EXPECT_NEAR(p->mean(row)[0], c.at_101, 1e-9);
  }
}

// 100 rows of 135 columns: solved through the rows.
TEST(Ridge, PredictsAccuraciesOfNetworksAsPublished) {
  const Rows all = testing_networks::read_networks(NAS_SOURCE_DIR "/tests/search/s1_networks.txt");
  const auto order = testing_networks::split_order(0, 1045);
  EXPECT_EQ(std::vector<int>(order.begin(), order.begin() + 8),
            (std::vector<int>{558, 992, 196, 1035, 963, 472, 976, 295}));
  const Rows train = take(all, order, 0, 100), test = take(all, order, 100, 1045);
  const auto p = fitted(train, 1);
  const auto found = coefficients(*p, 135);
  const double expected[] = {74.539199473, -.078309061, .069025058, .009284003};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(found[i], expected[i], 1e-8);
  const Eigen::VectorXd guess = p->mean(test.x);
  EXPECT_NEAR(mape(test.y, guess), .298324758, 1e-8);
  EXPECT_NEAR(rmse(test.y, guess), .289383331, 1e-8);
  EXPECT_NEAR(kendall({guess.data(), static_cast<size_t>(guess.size())},
                      {test.y.data(), static_cast<size_t>(test.y.size())})
                  .tau_b(),
              .893338024,
              1e-8);
  FitOptions options;
  options.fixed = {{"pairs", 0}};
  const auto chosen = make_predictor("ridge");
  chosen->fit(testing_networks::ofa_features(), train.x, train.y, options);
  EXPECT_NEAR(chosen->chosen().at("alpha"), 3.5, 1e-12);
  EXPECT_NEAR(chosen->cv_mape(), .269187614, 1e-8);
}

}  // namespace
}  // namespace nas
