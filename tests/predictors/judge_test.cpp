// Errors, splits and the verdict on the number of samples.
#include "predictors/judge.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "predictors/cross_validation.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using testing::ElementsAre;

TEST(Judge, ErrorsAreThoseOfTheOracle) {
  PredictorRows test;
  test.y = Eigen::Vector3d(75, 76, 77);
  test.x.resize(3, 0);
  const Prediction p{Eigen::Vector3d(75.3, 75.6, 77.7), Eigen::Vector3d(.2, .1, .5)};
  const Errors e = errors_of(test, p);
  EXPECT_NEAR(e.mape, .611802233, 1e-9);
  EXPECT_NEAR(e.rmse, .496655481, 1e-9);
  EXPECT_NEAR(e.bias, .2, 1e-12);
  EXPECT_NEAR(e.tau_b, 1, 1e-12);
  EXPECT_NEAR(e.coverage, 2. / 3, 1e-12);
  EXPECT_TRUE(std::isnan(e.tau_within));
}

TEST(Judge, OrderWithinGroupsLooksAtPairsOfOneGroup) {
  PredictorRows test;
  test.y.resize(5);
  test.y << 1, 2, 11, 12, 13;
  test.x.resize(5, 0);
  test.groups.resize(5);
  test.groups << 0, 0, 1, 1, 1;
  Prediction p;
  p.mean.resize(5);
  p.mean << 2, 1, 11, 12, 13;  // One of four pairs is the wrong way round.
  p.spread = Eigen::VectorXd::Ones(5);
  EXPECT_DOUBLE_EQ(errors_of(test, p).tau_within, .5);
}

TEST(Judge, RelativeErrorsOfTargetsWithAZeroStayFinite) {
  const Eigen::Vector3d y(0, 1, 3), p(1, 1, 3);
  EXPECT_TRUE(std::isnan(mape(y, p)));
  EXPECT_NEAR(relative_errors(y, p).mean(), 25, 1e-12);
}

TEST(Judge, SplitsAreTheStandardOnes) {
  const TrainTest hashed = hashed_split(1045, 8, 0);
  EXPECT_THAT(hashed.train, ElementsAre(558, 992, 196, 1035, 963, 472, 976, 295));
  EXPECT_EQ(hashed.test.size(), 1037u);
  EXPECT_THAT(hashed_split(1045, 8, 1).train, ElementsAre(650, 497, 238, 434, 377, 748, 806, 724));
  const TrainTest mod10 = mod10_split(20);
  EXPECT_THAT(mod10.test, ElementsAre(9, 19));
  EXPECT_EQ(mod10.train.size(), 16u);
  const TrainTest order = order_split(2000);
  EXPECT_EQ(order.train.size(), 1600u);
  EXPECT_EQ(order.test.front(), 1800);
  EXPECT_THAT(fold_split(5, 2, 1).test, ElementsAre(1, 3));
}

TEST(Judge, FoldsAreContiguousAndTheFirstOnesLarger) {
  std::vector<Eigen::Index> sizes;
  for (const Fold& f : contiguous_folds(12, 5)) sizes.push_back(f.size());
  EXPECT_THAT(sizes, ElementsAre(3, 3, 2, 2, 2));
}

Repeated point(Eigen::Index train, double rmse) {
  Repeated r;
  r.train = train;
  r.each.push_back({});
  r.each.back().rmse = rmse;
  return r;
}

TEST(Verdict, TellsWhetherTwiceTheRowsHelp) {
  const Verdict more = enough_samples({point(50, 2), point(100, 1)}, 10);
  EXPECT_TRUE(more.useful);
  EXPECT_FALSE(more.enough);
  EXPECT_DOUBLE_EQ(more.gain, .5);
  EXPECT_DOUBLE_EQ(more.next, .5);
  const Verdict enough = enough_samples({point(100, 1), point(400, .95)}, 10);
  EXPECT_TRUE(enough.enough);
  EXPECT_NEAR(enough.gain, 1 - std::sqrt(.95), 1e-12);
  // A flat curve at the error of the mean is no sign of enough.
  const Verdict useless = enough_samples({point(100, 10), point(200, 9.9)}, 10);
  EXPECT_FALSE(useless.useful);
  EXPECT_FALSE(useless.enough);
  EXPECT_FALSE(enough_samples({point(100, 1)}, 10).known);
}

PredictorRows line(Eigen::Index n) {
  PredictorRows rows;
  rows.features = feature_space({"a", "b"});
  rows.x.resize(n, 2);
  rows.y.resize(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    rows.x(i, 0) = static_cast<double>(i * 7 % 23);
    rows.x(i, 1) = static_cast<double>(i * 5 % 17);
    rows.y[i] = 10 + rows.x(i, 0) + 2 * rows.x(i, 1);
  }
  return rows;
}

TEST(Judge, FewRowsAreLearntByRidge) {
  EXPECT_EQ(fit_predictor("auto", line(74))->name(), "ridge");
  FitOptions options;
  options.fixed = {{"alpha", 1}};
  EXPECT_THROW(fit_predictor("auto", line(74), options), ConfigError);
  const Repeated r = judge("ridge", line(40), {fold_split(40, 2, 0), fold_split(40, 2, 1)}, {});
  EXPECT_EQ(r.each.size(), 2u);
  EXPECT_EQ(r.train, 20);
  EXPECT_LT(r.of("rmse").first, 1);
}

}  // namespace
}  // namespace nas
