// Lines that outliers do not pull and that do not fall, and products of columns (products.hpp).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "predictors/cross_validation.hpp"
#include "predictors/linear/products.hpp"
#include "predictors/predictor.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

struct Data {
  FeatureMatrix x;
  VectorXd y;
};

/// Three columns; `law` of them plus normal noise.
template <typename Law>
Data data(Index n, double noise, uint64_t seed, const Law& law) {
  Rng rng(seed, "huber");
  Data d{FeatureMatrix(n, 3), VectorXd(n)};
  for (Index i = 0; i < n; ++i) {
    for (Index c = 0; c < 3; ++c) d.x(i, c) = 1 + static_cast<double>(rng.below(6));
    d.y[i] = law(d.x(i, 0), d.x(i, 1), d.x(i, 2)) + noise * rng.normal();
  }
  return d;
}

std::unique_ptr<Predictor> fitted(const std::string& model,
                                  const Data& d,
                                  const std::map<std::string, double>& fixed = {}) {
  auto p = make_predictor(model);
  FitOptions options;
  options.fixed = fixed;
  p->fit(feature_space({"a", "b", "c"}), d.x, d.y, options);
  return p;
}

double sum(double a, double b, double) {
  return 20 + 3 * a + b;
}

// Each tenth row was measured in a busy minute.
TEST(Huber, OutliersDoNotPullTheLine) {
  Data d = data(120, 0.2, 1, sum);
  const Data clean = data(200, 0, 2, sum);
  for (Index i = 0; i < d.y.size(); i += 10) d.y[i] *= 3;
  const double robust = mape(clean.y, fitted("huber", d)->mean(clean.x));
  EXPECT_LT(robust, 1);
  EXPECT_GT(mape(clean.y, fitted("ridge", d)->mean(clean.x)), 5 * robust);
}

// Column c does nothing, and few noisy rows would make some coefficients negative.
TEST(Huber, OfColumnsOfNumbersItNeverFalls) {
  bool free_falls = false;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Data d = data(20, 6, seed, sum);
    const auto bound = fitted("huber", d, {{"monotone", 1}});
    const auto free = fitted("huber", d, {{"monotone", 0}});
    for (Index i = 0; i < d.x.rows(); ++i)
      for (Index c = 0; c < 3; ++c) {
        FeatureMatrix rows(2, 3);
        rows.row(0) = d.x.row(i);
        rows.row(1) = d.x.row(i);
        rows(1, c) += 1;
        const VectorXd told = bound->mean(rows), other = free->mean(rows);
        EXPECT_GE(told[1], told[0] - 1e-9) << seed;
        free_falls = free_falls || other[1] < other[0] - 1e-3;
      }
  }
  EXPECT_TRUE(free_falls);
}

TEST(Huber, TheBoundIsDroppedWhereItIsWrong) {
  const auto falls = [](double a, double b, double) { return 40 - 3 * a + b; };
  const auto p = fitted("huber", data(60, 0.2, 3, falls));
  EXPECT_EQ(p->chosen().at("monotone"), 0);
  const Data clean = data(100, 0, 4, falls);
  EXPECT_LT(mape(clean.y, p->mean(clean.x)), 1);
  EXPECT_EQ(fitted("huber", data(60, 0.2, 3, sum))->chosen().at("monotone"), 1);
}

// As layers multiply what each costs: one column with the two others.
TEST(Products, AreTakenWhereTheyTell) {
  const auto layers = [](double a, double b, double c) { return 5 + a * (2 * b + c); };
  const Data d = data(300, 0.5, 5, layers), clean = data(200, 0, 6, layers);
  const double plain = mape(clean.y, fitted("ridge", d, {{"pairs", 0}})->mean(clean.x));
  for (const char* model : {"ridge", "huber"}) {
    const auto p = fitted(model, d);
    EXPECT_GE(p->chosen().at("pairs"), 2) << model;
    EXPECT_LT(mape(clean.y, p->mean(clean.x)), plain / 2) << model;
  }
  // Fewer than two rows a coefficient: not tried.
  const Data few = data(9, 0.5, 7, layers);
  EXPECT_EQ(fitted("ridge", few)->chosen().at("pairs"), 0);
}

// Files of version 0.1 hold products in full.
TEST(Products, OldFilesOfRidgeSayTheSame) {
  const Data d = data(60, 0.5, 5, [](double a, double b, double c) { return 5 + a * (b + c); });
  const auto p = fitted("ridge", d);
  nlohmann::json json = p->to_json();
  nlohmann::json& state = json["state"];
  ASSERT_EQ(state["pair_share"], kProductShare);
  state.erase("pair_share");
  for (size_t k = 3; k < state["weights"].size(); ++k) {
    state["weights"][k] = kProductShare * state["weights"][k].get<double>();
    state["means"][k] = state["means"][k].get<double>() / kProductShare;
  }
  const auto old = predictor_from_json(json, "old.json");
  EXPECT_LT((old->mean(d.x) - p->mean(d.x)).cwiseAbs().maxCoeff(), 1e-9);
}

}  // namespace
}  // namespace nas
