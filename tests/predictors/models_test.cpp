// What models say, against their definitions: the numbers that they keep are put into the formulas
// of the method, with loops of the test's own.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "predictors/cross_validation.hpp"
#include "predictors/judge.hpp"
#include "predictors/predictor.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using Json = nlohmann::json;
using List = std::vector<double>;
using Table = std::vector<List>;

/// Rows of a few numeric columns, some of them bits; y is a smooth function with noise.
PredictorRows some_rows(Index n, Index columns, uint64_t seed) {
  Rng rng(seed, "rows");
  PredictorRows rows;
  std::vector<std::string> names;
  for (Index c = 0; c < columns; ++c) names.push_back("x" + std::to_string(c));
  rows.features = feature_space(names);
  rows.x.resize(n, columns);
  rows.y.resize(n);
  for (Index i = 0; i < n; ++i) {
    rows.y[i] = 20;
    for (Index c = 0; c < columns; ++c) {
      rows.x(i, c) = c % 2 == 0 ? static_cast<double>(rng.below(2)) : 10 * rng.uniform();
      rows.y[i] += static_cast<double>(c + 1) * rows.x(i, c);
    }
    rows.y[i] += std::sin(rows.x(i, 1)) + 0.3 * rng.normal();
  }
  return rows;
}

std::unique_ptr<Predictor> fitted(const std::string& model,
                                  const PredictorRows& rows,
                                  const std::map<std::string, double>& fixed = {}) {
  FitOptions options;
  options.fixed = fixed;
  auto p = make_predictor(model);
  p->fit(rows.features, rows.x, rows.y, options);
  return p;
}

List list(const Json& json) {
  return json.get<List>();
}
/// As the model sees them: its own scaling, written out.
Table scaled(const Json& scaling, const FeatureMatrix& x) {
  const List means = list(scaling["means"]), factors = list(scaling["factors"]);
  Table out;
  for (Index i = 0; i < x.rows(); ++i) {
    auto& row = out.emplace_back();
    for (size_t c = 0; c < means.size(); ++c)
      row.push_back((x(i, static_cast<Index>(c)) - means[c]) * factors[c]);
  }
  return out;
}

/// Solves a symmetric positive definite system by elimination.
List solved(Table a, List b) {
  const size_t n = b.size();
  for (size_t k = 0; k < n; ++k)
    for (size_t i = k + 1; i < n; ++i) {
      const double f = a[i][k] / a[k][k];
      for (size_t j = k; j < n; ++j) a[i][j] -= f * a[k][j];
      b[i] -= f * b[k];
    }
  List x(n);
  for (size_t i = n; i-- > 0;) {
    double sum = b[i];
    for (size_t j = i + 1; j < n; ++j) sum -= a[i][j] * x[j];
    x[i] = sum / a[i][i];
  }
  return x;
}

// ---- Ridge.

// At the minimum of |y - Xw - b|^2 + alpha |w|^2 the residuals sum to 0, and each column times them
// is alpha times its weight.
TEST(RidgeModel, ItsGradientIsZero) {
  for (const auto& [n, columns] : std::vector<std::pair<Index, Index>>{{60, 4}, {12, 30}, {40, 41}})
    for (const double alpha : {0.01, 1.0, 100.0}) {
      const PredictorRows rows = some_rows(n, columns, 1);
      const auto p = fitted("ridge", rows, {{"alpha", alpha}, {"pairs", 0}});
      const Json state = p->to_json()["state"];
      const Table x = scaled(state["scaling"], rows.x);
      const List weights = list(state["weights"]);
      const VectorXd residuals = rows.y - p->mean(rows.x);
      EXPECT_NEAR(residuals.sum(), 0, 1e-8);
      for (size_t c = 0; c < weights.size(); ++c) {
        double sum = 0;
        for (size_t i = 0; i < x.size(); ++i) sum += x[i][c] * residuals[static_cast<Index>(i)];
        EXPECT_NEAR(sum, alpha * weights[c], 1e-6) << n << "x" << columns << " " << alpha;
      }
    }
}

// The spread is that of Bayesian regression with the penalty as the prior's precision:
// s^2 (1 + 1/n + z' (Z'Z + alpha)^-1 z).
TEST(RidgeModel, ItsSpreadIsThatOfThePosterior) {
  const PredictorRows rows = some_rows(30, 3, 2), others = some_rows(10, 3, 3);
  const double alpha = 0.7;
  const auto p = fitted("ridge", rows, {{"alpha", alpha}, {"pairs", 0}});
  const Json state = p->to_json()["state"];
  Table z = scaled(state["scaling"], rows.x), probes = scaled(state["scaling"], others.x);
  List means(3, 0);
  for (const List& row : z)
    for (size_t c = 0; c < 3; ++c) means[c] += row[c] / 30;
  Table gram(3, List(3, 0));
  for (List& row : z)
    for (size_t c = 0; c < 3; ++c) row[c] -= means[c];
  for (const List& row : z)
    for (size_t a = 0; a < 3; ++a)
      for (size_t b = 0; b < 3; ++b) gram[a][b] += row[a] * row[b];
  for (size_t a = 0; a < 3; ++a) gram[a][a] += alpha;
  // Degrees of freedom: 1 + tr((Z'Z + alpha)^-1 Z'Z) = 1 + 3 - alpha tr((Z'Z + alpha)^-1).
  double freedom = 4;
  for (size_t a = 0; a < 3; ++a) {
    List unit(3, 0);
    unit[a] = 1;
    freedom -= alpha * solved(gram, unit)[a];
  }
  const double variance = (rows.y - p->mean(rows.x)).squaredNorm() / (30 - freedom);
  const Prediction found = p->predict(others.x);
  for (size_t i = 0; i < probes.size(); ++i) {
    for (size_t c = 0; c < 3; ++c) probes[i][c] -= means[c];
    const List solution = solved(gram, probes[i]);
    double leverage = 0;
    for (size_t c = 0; c < 3; ++c) leverage += probes[i][c] * solution[c];
    EXPECT_NEAR(
        found.spread[static_cast<Index>(i)], std::sqrt(variance * (1 + 1.0 / 30 + leverage)), 1e-9);
  }
}

TEST(RidgeModel, ProductsAreTakenWhereTheyMakeTheTarget) {
  // y = 3 + 2 a b: no sum of columns; with few columns products are columns of their own.
  Rng rng(4, "products");
  PredictorRows rows;
  rows.features = feature_space({"a", "b", "c"});
  rows.x.resize(120, 3);
  rows.y.resize(120);
  for (Index i = 0; i < 120; ++i) {
    for (Index c = 0; c < 3; ++c) rows.x(i, c) = rng.uniform() * 4 - 2;
    rows.y[i] = 30 + 2 * rows.x(i, 0) * rows.x(i, 1);
  }
  const auto p = fitted("ridge", rows);
  EXPECT_GT(p->chosen().at("pairs"), 0);
  // The penalties shrink a product a little; its standard deviation is 2.7.
  EXPECT_LT(rmse(rows.y, p->mean(rows.x)), 0.3);
  EXPECT_GT(rmse(rows.y, fitted("ridge", rows, {{"pairs", 0}})->mean(rows.x)), 1);
  // A sum is left a sum.
  for (Index i = 0; i < 120; ++i) rows.y[i] = 30 + rows.x(i, 0) - rows.x(i, 2);
  EXPECT_EQ(fitted("ridge", rows)->chosen().at("pairs"), 0);
}

// ---- Gaussian process.

struct Process {
  Table rows, kernel;
  List center, targets, roots;
  double signal, noise, linear, mean, sd;
  Json scaling;

  explicit Process(const Json& state)
      : center(list(state["center"])),
        targets(list(state["targets"])),
        roots(list(state["root_weights"])),
        signal(state["signal"]),
        noise(state["noise"]),
        linear(state["linear"]),
        mean(state["target_mean"]),
        sd(state["target_sd"]),
        scaling(state["scaling"]) {
    for (const Json& row : state["rows"]) rows.push_back(list(row));
    for (size_t i = 0; i < rows.size(); ++i) {
      auto& line = kernel.emplace_back();
      for (size_t j = 0; j < rows.size(); ++j)
        line.push_back(of(rows[i], rows[j]) + (i == j ? noise : 0));
    }
  }
  double of(const List& a, const List& b) const {
    double distance = 0, product = 0;
    for (size_t c = 0; c < a.size(); ++c) {
      const double d = roots[c] * (a[c] - b[c]);
      distance += d * d;
      product += (a[c] - center[c]) * (b[c] - center[c]);
    }
    return signal * std::exp(-distance) + linear * product;
  }
};

TEST(GaussianProcessModel, MeansAndSpreadsAreThoseOfThePosterior) {
  const PredictorRows rows = some_rows(25, 5, 5), others = some_rows(12, 5, 6);
  const auto p = fitted("gp", rows);
  const Process gp(p->to_json()["state"]);
  ASSERT_EQ(gp.rows.size(), 25u);
  const Prediction found = p->predict(others.x);
  const Table probes = scaled(gp.scaling, others.x);
  for (size_t i = 0; i < probes.size(); ++i) {
    List k;
    for (const List& row : gp.rows) k.push_back(gp.of(probes[i], row));
    const List weights = solved(gp.kernel, k);
    double mean = 0, left = gp.of(probes[i], probes[i]);
    for (size_t j = 0; j < k.size(); ++j) {
      mean += weights[j] * gp.targets[j];
      left -= weights[j] * k[j];
    }
    const auto at = static_cast<Index>(i);
    EXPECT_NEAR(found.mean[at], gp.mean + gp.sd * mean, 1e-5);
    EXPECT_NEAR(found.spread[at], gp.sd * std::sqrt(std::max(left, 0.0) + gp.noise), 1e-5);
  }
}

TEST(GaussianProcessModel, TheErrorOfLeavingOneOutIsThatOfLeavingItOut) {
  const PredictorRows rows = some_rows(20, 4, 7);
  const auto p = fitted("gp", rows);
  const Process gp(p->to_json()["state"]);
  VectorXd left_out(20);
  for (size_t i = 0; i < 20; ++i) {
    Table kernel;
    List targets, k;
    for (size_t a = 0; a < 20; ++a) {
      if (a == i) continue;
      auto& line = kernel.emplace_back();
      for (size_t b = 0; b < 20; ++b)
        if (b != i) line.push_back(gp.kernel[a][b]);
      targets.push_back(gp.targets[a]);
      k.push_back(gp.kernel[i][a]);
    }
    const List weights = solved(kernel, targets);
    double mean = 0;
    for (size_t j = 0; j < k.size(); ++j) mean += k[j] * weights[j];
    left_out[static_cast<Index>(i)] = gp.mean + gp.sd * mean;
  }
  EXPECT_NEAR(p->cv_mape(), mape(rows.y, left_out), 1e-5);
}

TEST(GaussianProcessModel, EvidenceIsNotHigherBesideIt) {
  // The marginal likelihood with its priors has no place near the chosen numbers where it is much
  // higher; at least the likelihood itself falls where the noise is ten times less or more.
  const PredictorRows rows = some_rows(40, 3, 8);
  const auto p = fitted("gp", rows);
  Json state = p->to_json()["state"];
  const auto likelihood = [](const Process& gp) {
    Table a = gp.kernel;
    double value = 0;
    List half = gp.targets;
    const size_t n = half.size();
    for (size_t k = 0; k < n; ++k) {
      value -= std::log(a[k][k]) / 2 + half[k] * half[k] / a[k][k] / 2;
      for (size_t i = k + 1; i < n; ++i) {
        const double f = a[i][k] / a[k][k];
        for (size_t j = k; j < n; ++j) a[i][j] -= f * a[k][j];
        half[i] -= f * half[k];
      }
    }
    return value;
  };
  const double best = likelihood(Process(state));
  for (const double factor : {0.1, 10.0}) {
    Json other = state;
    other["noise"] = state["noise"].get<double>() * factor;
    EXPECT_LT(likelihood(Process(other)), best) << factor;
  }
}

// ---- Support vectors.

TEST(SvrModel, KeepsTheConditionsOfItsOptimum) {
  for (const double penalty : {1.0, 20.0}) {
    const PredictorRows rows = some_rows(60, 4, 9);
    const auto p = fitted("svr", rows, {{"C", penalty}, {"gamma", 0.25}});
    const Json state = p->to_json()["state"];
    const double unit = state["unit"], gamma = state["gamma"], offset = state["offset"];
    EXPECT_EQ(gamma, 0.25);
    EXPECT_EQ(unit, 1) << "targets of 20 to 90 stay as they are";
    const Table x = scaled(state["scaling"], rows.x);
    Table vectors;
    for (const Json& row : state["vectors"]) vectors.push_back(list(row));
    const List coefficients = list(state["coefficients"]);
    double sum = 0;
    for (const double c : coefficients) {
      EXPECT_LE(std::abs(c), penalty * (1 + 1e-9));
      sum += c;
    }
    EXPECT_NEAR(sum, 0, 1e-6) << "the offset is free";
    const VectorXd told = p->mean(rows.x);
    for (size_t i = 0; i < x.size(); ++i) {
      double value = offset, own = 0;
      for (size_t v = 0; v < vectors.size(); ++v) {
        double distance = 0;
        for (size_t c = 0; c < x[i].size(); ++c) {
          const double d = x[i][c] - vectors[v][c];
          distance += d * d;
        }
        value += coefficients[v] * std::exp(-gamma * distance);
        if (distance == 0) own += coefficients[v];
      }
      const auto at = static_cast<Index>(i);
      EXPECT_NEAR(told[at], unit * value, 1e-8);
      // Whoever is off has all that the penalty allows, to its side.
      const double residual = rows.y[at] / unit - value;
      if (std::abs(residual) > 0.01) {
        EXPECT_NEAR(own, residual > 0 ? penalty : -penalty, 1e-6) << residual;
      }
    }
  }
}

// ---- Trees.

TEST(TreesModel, OneStumpIsTheBestOfAllStumps) {
  Rng rng(10, "stumps");
  for (int round = 0; round < 10; ++round) {
    const Index n = 40, columns = 4;
    PredictorRows rows;
    rows.features = feature_space({"a", "b", "c", "d"});
    rows.x.resize(n, columns);
    rows.y.resize(n);
    for (Index i = 0; i < n; ++i) {
      for (Index c = 0; c < columns; ++c) rows.x(i, c) = static_cast<double>(rng.below(6));
      rows.y[i] = 50 + rng.normal() + (rows.x(i, round % 4) > 2 ? 3 : 0);
    }
    const double lambda = 1.5;
    const auto p = fitted("boosted-trees",
                          rows,
                          {{"rounds", 1},
                           {"depth", 1},
                           {"rate", 1},
                           {"subsample", 1},
                           {"columns", 1},
                           {"lambda", lambda}});
    const double mean = rows.y.mean();
    const double sd = std::sqrt((rows.y.array() - mean).square().mean());
    double best = 0;
    VectorXd expected = VectorXd::Constant(n, mean);
    for (Index c = 0; c < columns; ++c)
      for (int cut = 1; cut < 6; ++cut) {
        double sums[2] = {0, 0}, counts[2] = {0, 0};
        for (Index i = 0; i < n; ++i) {
          const int side = rows.x(i, c) < cut ? 0 : 1;
          sums[side] += (rows.y[i] - mean) / sd;
          ++counts[side];
        }
        if (counts[0] == 0 || counts[1] == 0) continue;
        const double gain =
            sums[0] * sums[0] / (counts[0] + lambda) + sums[1] * sums[1] / (counts[1] + lambda);
        if (gain <= best) continue;
        best = gain;
        for (Index i = 0; i < n; ++i) {
          const int side = rows.x(i, c) < cut ? 0 : 1;
          expected[i] = mean + sd * sums[side] / (counts[side] + lambda);
        }
      }
    EXPECT_LT((p->mean(rows.x) - expected).cwiseAbs().maxCoeff(), 1e-4) << round;
  }
}

TEST(TreesModel, FilesOfTreesAreAnsweredNodeByNode) {
  const PredictorRows rows = some_rows(20, 2, 11);
  Json json = fitted("boosted-trees", rows, {{"rounds", 2}})->to_json();
  // Two trees: x0 < 0.5 ? (x1 < 3 ? 1 : 2) : 4, and a leaf of 10.
  json["state"]["roots"] = {0, 5};
  json["state"]["feature"] = {0, 1, -1, -1, -1, -1};
  json["state"]["left"] = {1, 3, -1, -1, -1, -1};
  json["state"]["value"] = {0.5, 3, 4, 1, 2, 10};
  json["state"]["target_mean"] = 100;
  json["state"]["target_sd"] = 2;
  const auto p = predictor_from_json(json, "f");
  FeatureMatrix x(4, 2);
  x << 0, 2.9, 0, 3, 1, 0, 0.5, 9;
  EXPECT_EQ(p->mean(x), Eigen::Vector4d(100 + 2 * 11, 100 + 2 * 12, 100 + 2 * 14, 100 + 2 * 14));
  const auto refused = [&](const char* key, const Json& value) {
    Json wrong = json;
    wrong["state"][key] = value;
    try {
      predictor_from_json(wrong, "f");
    } catch (const DataError& e) {
      return std::string(e.what());
    }
    return std::string("read");
  };
  using testing::HasSubstr;
  EXPECT_THAT(refused("left", {0, 3, -1, -1, -1, -1}), HasSubstr("leads nowhere")) << "a ring";
  EXPECT_THAT(refused("left", {1, 5, -1, -1, -1, -1}), HasSubstr("leads nowhere"));
  EXPECT_THAT(refused("feature", {0, 2, -1, -1, -1, -1}), HasSubstr("leads nowhere"));
  EXPECT_THAT(refused("roots", Json::array({0, 6})), HasSubstr("a tree has no root"));
  EXPECT_THAT(refused("roots", Json::array({-1})), HasSubstr("a tree has no root"));
  EXPECT_THAT(refused("roots", Json::array({0})), HasSubstr("its trees are not whole"));
  EXPECT_THAT(refused("value", {1, 2, 3}), HasSubstr("its trees are not whole"));
}

// ---- Stacks.

TEST(StackedModel, IsItsMembersWeighted) {
  const PredictorRows rows = some_rows(40, 3, 12), others = some_rows(9, 3, 13);
  const auto p = fitted("stacked", rows);
  const Json state = p->to_json()["state"];
  const List weights = list(state["weights"]);
  VectorXd expected = VectorXd::Constant(9, state["offset"].get<double>());
  size_t k = 0;
  for (const Json& member : state["members"])
    expected += weights[k++] * predictor_from_json(member, "member")->mean(others.x);
  EXPECT_EQ(k, 4u);
  EXPECT_LT((p->mean(others.x) - expected).cwiseAbs().maxCoeff(), 1e-9);
  EXPECT_EQ(p->chosen().at("weight_ridge"), weights[0]);
}

// ---- Logarithms, judging.

TEST(Transforms, TheLogarithmIsLearntAndTakenBack) {
  PredictorRows rows = some_rows(50, 3, 14);
  const PredictorRows others = some_rows(8, 3, 15);
  PredictorRows logs = rows;
  logs.y = rows.y.array().log();
  FitOptions options;
  options.fixed = {{"alpha", 1}, {"pairs", 0}};
  auto plain = make_predictor("ridge"), log = make_predictor("ridge");
  plain->fit(logs.features, logs.x, logs.y, options);
  options.transform = TargetTransform::kLog;
  log->fit(rows.features, rows.x, rows.y, options);
  const Prediction a = plain->predict(others.x), b = log->predict(others.x);
  for (Index i = 0; i < 8; ++i) {
    EXPECT_NEAR(b.mean[i], std::exp(a.mean[i]), 1e-9);
    EXPECT_NEAR(b.spread[i], a.spread[i] * std::exp(a.mean[i]), 1e-9) << "to first order";
  }
}

TEST(Judging, SplitsHaveEveryRowAtMostOnce) {
  for (const Index n : {5, 10, 11, 100, 1003}) {
    const auto whole = [&](const TrainTest& split, bool all) {
      std::set<int> seen;
      for (const auto* part : {&split.train, &split.test})
        for (const int i : *part) {
          EXPECT_TRUE(seen.insert(i).second);
          EXPECT_LT(i, n);
        }
      EXPECT_TRUE(!all || seen.size() == static_cast<size_t>(n));
    };
    whole(hashed_split(n, n / 2, 3), true);
    whole(mod10_split(n), false);
    whole(order_split(n), false);
    std::set<int> tested;
    for (int k = 0; k < 4; ++k) {
      const TrainTest split = fold_split(n, 4, k);
      whole(split, true);
      tested.insert(split.test.begin(), split.test.end());
    }
    EXPECT_EQ(tested.size(), static_cast<size_t>(n)) << "every row is a test row once";
  }
}

TEST(Judging, SpreadsThatAreUnknownHaveNoCoverage) {
  const PredictorRows rows = some_rows(30, 3, 16);
  FitOptions options;
  options.spread = false;
  auto p = make_predictor("boosted-trees");
  p->fit(rows.features, rows.x, rows.y, options);
  const Errors e = errors_of(rows, p->predict(rows.x));
  EXPECT_TRUE(std::isnan(e.coverage));
  EXPECT_TRUE(std::isfinite(e.rmse));
  const Errors none = errors_of(rows.at({}), {VectorXd(0), VectorXd(0)});
  EXPECT_EQ(none.n, 0);
  for (const auto& [name, value] : named(none)) EXPECT_TRUE(std::isnan(value)) << name;
}

TEST(Judging, MeansAndDeviationsOverSplits) {
  Repeated r;
  for (const double v : {1.0, 2.0, 6.0}) {
    r.each.push_back({});
    r.each.back().rmse = v;
  }
  EXPECT_DOUBLE_EQ(r.of("rmse").first, 3);
  EXPECT_DOUBLE_EQ(r.of("rmse").second, std::sqrt(14.0 / 3)) << "of the splits that there are";
  r.each[1].rmse = NAN;
  EXPECT_TRUE(std::isnan(r.of("rmse").first));
  EXPECT_TRUE(std::isnan(r.of("rmse").second));
}

}  // namespace
}  // namespace nas
