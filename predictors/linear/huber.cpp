// Robust linear regression for measured costs. Timings have a long tail: a busy minute makes some
// networks slow, and squared errors let these few pull the line. Huber's loss (1964) counts
// residuals beyond 1.345 robust deviations by their size only, which keeps 95 % of the efficiency
// where the noise is normal after all. Solved by reweighted least squares, each step a ridge
// regression.
//
// Of few columns of numbers, products enter as in ridge (products.hpp), and coefficients are not
// negative (columns counted from their least value, so that products grow with both factors): what
// a network gets more of does not make it faster, and a search cannot live off a coefficient that a
// few rows made negative by chance. Where cross-validation without the bound is better by two
// standard errors, the bound is wrong for these columns and is dropped.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "predictors/cross_validation.hpp"
#include "predictors/linear/products.hpp"
#include "predictors/linear_algebra.hpp"
#include "predictors/predictor.hpp"
#include "predictors/predictor_state.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kBend = 1.345;     ///< Deviations where the loss turns from square to size.
constexpr double kNormal = 1.4826;  ///< Of the median absolute residual: the deviation.
constexpr int kRounds = 25;         ///< Of reweighting, at most.
constexpr int kSweeps = 500;        ///< Of coordinate descent, at most.
constexpr Index kBoundRows = 600;   ///< The bound is judged on so many.

VectorXd bound_penalties() {
  VectorXd grid(10);
  grid << .1, .2, .3, .5, .7, 1, 2, 3, 5, 10;
  return grid;
}

struct Line {
  VectorXd weights;
  double offset = 0;
  VectorXd of(const MatrixXd& x) const { return product(x, weights).array() + offset; }
};

double median_size(const VectorXd& v) {
  std::vector<double> sizes;
  for (const double x : v) sizes.push_back(std::abs(x));
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  return *middle;
}

/// The w >= 0 that minimises w'Gw / 2 - t'w, from `w`.
void descend(const MatrixXd& gram, const VectorXd& target, VectorXd& w) {
  w = w.cwiseMax(0);
  VectorXd pull = target - product(gram, w);
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    double moved = 0;
    for (Index j = 0; j < w.size(); ++j) {
      if (!(gram(j, j) > 0)) continue;
      const double step = std::max(w[j] + pull[j] / gram(j, j), 0.0) - w[j];
      if (step == 0) continue;
      w[j] += step;
      pull -= step * gram.col(j);
      moved = std::max(moved, std::abs(step));
    }
    if (moved <= 1e-10 * (1 + w.maxCoeff())) break;
  }
}

/// Weighted ridge regression with a free offset.
void solve(const MatrixXd& x,
           const VectorXd& y,
           const VectorXd& weights,
           double alpha,
           bool monotone,
           Line& line) {
  const double total = weights.sum();
  const VectorXd means = product_tn(x, weights) / total;
  const double y_mean = weights.dot(y) / total;
  const MatrixXd z = centred(x, means);
  const MatrixXd weighted = weights.asDiagonal() * z;
  MatrixXd gram = product_tn(weighted, z);
  const VectorXd target = product_tn(weighted, VectorXd(y.array() - y_mean));
  gram.diagonal().array() += std::max(alpha, 1e-10 * std::max(1.0, gram.diagonal().maxCoeff()));
  if (monotone) {
    descend(gram, target, line.weights);
  } else {
    MatrixXd l;
    if (!cholesky(gram, l)) throw std::runtime_error("its Gram matrix is not positive definite");
    line.weights = solve_lower_transposed(l, solve_lower(l, target));
  }
  line.offset = y_mean - means.dot(line.weights);
}

Line robust_line(const MatrixXd& x, const VectorXd& y, double alpha, bool monotone) {
  Line line{VectorXd::Zero(x.cols()), 0};
  VectorXd weights = VectorXd::Ones(y.size());
  for (int round = 0; round < kRounds; ++round) {
    const VectorXd before = line.weights;
    solve(x, y, weights, alpha, monotone, line);
    const VectorXd off = y - line.of(x);
    const double bend = kBend * kNormal * median_size(off);
    // Half of the rows on the line: nothing is an outlier by their deviation.
    if (!(bend > 1e-12 * y.cwiseAbs().maxCoeff())) break;
    if (round > 0 && (line.weights - before).norm() <= 1e-6 * before.norm()) break;
    weights = (bend / off.array().abs().max(bend)).matrix();
  }
  return line;
}

class Huber final : public Predictor {
 public:
  std::string name() const override { return "huber"; }

 protected:
  void learn(const FeatureMatrix& raw, const VectorXd& y, const FitOptions& options) override {
    scale_ = Scaling(raw);
    const MatrixXd x = scale_.apply(raw);
    const bool few = x.cols() <= kFewColumns && scale_.scales();
    const auto given = options.fixed.find("alpha");
    const VectorXd grid =
        given == options.fixed.end() ? bound_penalties() : VectorXd::Constant(1, given->second);
    const ProductForm form = choose_products(x, y, grid, true, few);
    alpha_ = form.alpha;
    pairs_ = form.pairs;
    share_ = kProductShare;
    least_ = few ? VectorXd(x.colwise().minCoeff().transpose()) : VectorXd::Zero(x.cols());
    const MatrixXd wide = columns(x);
    const auto wanted = options.fixed.find("monotone");
    bool monotone = wanted == options.fixed.end() ? few : wanted->second != 0;
    if (monotone && wanted == options.fixed.end()) monotone = !bound_is_wrong(wide, y, options);
    const VectorXd out = left_out(wide, y, monotone, options.folds);
    cv_mape_ = error_of(y, out);
    spread_ = rmse(y, out);
    line_ = robust_line(wide, y, alpha_, monotone);
    chosen_ = {{"alpha", alpha_},
               {"pairs", static_cast<double>(pairs_.size())},
               {"monotone", monotone ? 1 : 0}};
  }

  VectorXd answer(const FeatureRows& raw, VectorXd* spread) const override {
    // Errors with a long tail have no model of where they are larger.
    if (spread != nullptr) *spread = VectorXd::Constant(raw.rows(), spread_);
    return line_.of(columns(scale_.apply(raw)));
  }

  nlohmann::json state() const override {
    return {{"scaling", scale_.to_json()},
            {"least", to_json_list(least_)},
            {"pairs", pairs_},
            {"pair_share", share_},
            {"weights", to_json_list(line_.weights)},
            {"offset", line_.offset},
            {"spread", spread_}};
  }
  void restore(const nlohmann::json& json) override {
    scale_ = Scaling(json.at("scaling"));
    const Index p = scale_.columns();
    least_ = vector_from(json.at("least"), p);
    pairs_ = json.at("pairs").get<Pairs>();
    for (const auto& [i, j] : pairs_)
      if (i < 0 || j < 0 || i >= p || j >= p)
        throw std::runtime_error("a product is of features that are not there");
    share_ = number_from(json.at("pair_share"));
    line_ = {vector_from(json.at("weights"), p + static_cast<Index>(pairs_.size())),
             number_from(json.at("offset"))};
    spread_ = number_from(json.at("spread"));
  }
  Index width() const override { return scale_.columns(); }

 private:
  /// Columns from their least value, and products.
  MatrixXd columns(const MatrixXd& x) const { return expanded(centred(x, least_), pairs_, share_); }

  VectorXd left_out(const MatrixXd& x, const VectorXd& y, bool monotone, int folds) const {
    return out_of_fold(x, y, folds, [&](const auto& xt, const auto& yt, const auto& xv) {
      return robust_line(xt, yt, alpha_, monotone).of(xv);
    });
  }

  bool bound_is_wrong(const MatrixXd& all, const VectorXd& all_y, const FitOptions& options) const {
    const std::vector<int> rows = spread_rows(all.rows(), kBoundRows);
    const MatrixXd x = all(rows, Eigen::all);
    const VectorXd y = all_y(rows);
    const VectorXd gain = errors_of_rows(y, left_out(x, y, true, options.folds)) -
                          errors_of_rows(y, left_out(x, y, false, options.folds));
    const auto n = static_cast<double>(gain.size());
    const double variance = (gain.array() - gain.mean()).square().sum() / (n - 1);
    return gain.mean() > 2 * std::sqrt(variance / n);
  }

  Scaling scale_;
  VectorXd least_;
  Pairs pairs_;
  double share_ = kProductShare, alpha_ = 1, spread_ = 0;
  Line line_;
};

}  // namespace

std::unique_ptr<Predictor> make_huber() {
  return std::make_unique<Huber>();
}

}  // namespace nas
