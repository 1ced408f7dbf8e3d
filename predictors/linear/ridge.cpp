// Ridge regression with an unpenalised intercept. One eigendecomposition of the Gram matrix (of the
// columns or of the rows, whichever are fewer) gives the solutions for a whole grid of penalties,
// so that a fold of the cross-validation costs one decomposition and one matrix product instead of
// a solve for each penalty.
//
// Products of features enter in one of two forms. Of few columns of numbers as columns
// (products.hpp), where generalised cross-validation chooses form and penalty. Of many one-hot
// columns: all pairs, through the kernel x.x' + share * sum_{i<j} x_i x_j x'_i x'_j, whose solution
// is a quadratic form; it is taken only when cross-validation prefers it by two standard errors of
// the difference: with few rows the best of many forms is mostly luck.
#include <algorithm>
#include <cmath>
#include <limits>
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

constexpr Index kChoiceRows = 250;  ///< The quadratic form is chosen on so many rows.
constexpr Index kMostRows = 2500;   ///< And solved on so many: the factor of n rows costs n^3.
constexpr double kShares[] = {.01, .03, .1};

/// .1, .2, .., 10 (search.md 3.5).
VectorXd penalties() {
  constexpr int kSteps = 100;
  VectorXd grid(kSteps);
  for (int i = 0; i < kSteps; ++i) grid[i] = 0.1 * (i + 1);
  return grid;
}
/// For kernels: 0.03 .. 10.
VectorXd wide_penalties() {
  VectorXd grid(9);
  grid << .03, .06, .1, .2, .5, 1, 2, 5, 10;
  return grid;
}

/// Solutions of (Z'Z + alpha I) w = Z'(y - mean y), Z the centred rows, for any alpha.
class RidgePath {
 public:
  RidgePath(const MatrixXd& x, const VectorXd& y)
      : means_(column_means(x)), y_mean_(y.mean()), z_(centred(x, means_)) {
    const VectorXd rest = y.array() - y_mean_;
    dual_ = x.rows() < x.cols();
    Spectrum s = spectrum(dual_ ? product_nt(z_, z_) : product_tn(z_, z_));
    values_ = s.values.cwiseMax(0);
    vectors_ = std::move(s.vectors);
    target_ = product_tn(vectors_, dual_ ? rest : product_tn(z_, rest));
  }
  /// [rows of x, alphas]
  MatrixXd predict(const MatrixXd& x, const VectorXd& alphas) const {
    const MatrixXd z = centred(x, means_);
    const MatrixXd basis = product(dual_ ? product_nt(z, z_) : z, vectors_);
    MatrixXd shrunk(values_.size(), alphas.size());
    for (Index j = 0; j < alphas.size(); ++j)
      shrunk.col(j) = target_.array() / (values_.array() + alphas[j]);
    return product(basis, shrunk).array() + y_mean_;
  }
  VectorXd weights(double alpha) const {
    const VectorXd shrunk = target_.array() / (values_.array() + alpha);
    const VectorXd w = product(vectors_, shrunk);
    return dual_ ? product_tn(z_, w) : w;
  }
  /// Trace of the hat matrix, the intercept included.
  double degrees_of_freedom(double alpha) const {
    return 1 + (values_.array() / (values_.array() + alpha)).sum();
  }

 private:
  VectorXd means_;
  double y_mean_;
  MatrixXd z_;
  bool dual_ = false;
  VectorXd values_, target_;
  MatrixXd vectors_;
};

/// x.x' + share * sum_{i<j} x_i x_j x'_i x'_j of all rows of a and b.
MatrixXd pair_kernel(const MatrixXd& a, const MatrixXd& b, double share) {
  const MatrixXd linear = product_nt(a, b);
  const MatrixXd squares = product_nt(a.cwiseProduct(a), b.cwiseProduct(b));
  return linear.array() + share / 2 * (linear.array().square() - squares.array());
}

/// Kernel ridge on a kernel matrix: f(x) = sum_n a_n k(x, x_n) + b, for any alpha. The kernel is
/// centred, which is the free intercept.
class KernelPath {
 public:
  KernelPath(const MatrixXd& k, const VectorXd& y) : means_(column_means(k)), y_mean_(y.mean()) {
    MatrixXd centre = k;
    centre.rowwise() -= means_.transpose();
    centre.colwise() -= means_;
    centre.array() += means_.mean();
    Spectrum s = spectrum(centre);
    values_ = s.values.cwiseMax(0);
    vectors_ = std::move(s.vectors);
    target_ = product_tn(vectors_, VectorXd(y.array() - y_mean_));
  }
  VectorXd coefficients(double alpha) const {
    return product(vectors_, VectorXd(target_.array() / (values_.array() + alpha)));
  }
  double offset(const VectorXd& a) const { return y_mean_ - a.dot(means_); }
  MatrixXd predict(const MatrixXd& k, const VectorXd& alphas) const {
    MatrixXd out(k.rows(), alphas.size());
    for (Index j = 0; j < alphas.size(); ++j) {
      const VectorXd a = coefficients(alphas[j]);
      out.col(j) = product(k, a).array() + offset(a);
    }
    return out;
  }

 private:
  VectorXd means_;
  double y_mean_;
  VectorXd values_, target_;
  MatrixXd vectors_;
};

/// What cross-validation says of a form at its best penalty.
struct Tried {
  double alpha = 0, error = std::numeric_limits<double>::infinity();
  VectorXd rows;      ///< Error of each row.
  double spread = 0;  ///< Root of the mean squared error.
  Pairs pairs;        ///< Products as columns.
  double share = 0;   ///< Of the quadratic form.
};

class Ridge final : public Predictor {
 public:
  std::string name() const override { return "ridge"; }

 protected:
  void learn(const FeatureMatrix& raw, const VectorXd& y, const FitOptions& options) override {
    scale_ = Scaling(raw);
    const MatrixXd x = scale_.apply(raw);
    const bool given = options.fixed.contains("alpha");
    const VectorXd grid = given ? VectorXd::Constant(1, options.fixed.at("alpha")) : penalties();
    const bool wanted = options.fixed.contains("pairs") && options.fixed.at("pairs") != 0;
    const bool open = !given && !options.fixed.contains("pairs");
    Tried best;
    if (x.cols() <= kFewColumns && scale_.scales()) {
      const ProductForm form = choose_products(x, y, grid, !wanted, wanted || open);
      best = try_columns(x, y, form.pairs, VectorXd::Constant(1, form.alpha), options.folds);
    } else {
      best = try_columns(x, y, {}, grid, options.folds);
      if (wanted || open) {
        Tried other = best_quadratic(x, y, given ? grid : wide_penalties(), options.folds);
        if (wanted || clearly_better(other, best)) best = std::move(other);
      }
    }
    alpha_ = best.alpha;
    pairs_ = best.pairs;
    pair_share_ = kProductShare;
    cv_mape_ = best.error;
    quadratic_.resize(0, 0);
    if (best.share > 0)
      solve_quadratic(x, y, best);
    else
      solve_columns(expanded(x, pairs_, pair_share_), y);
    chosen_ = {{"alpha", alpha_},
               {"pairs",
                best.share > 0 ? static_cast<double>(x.cols() * (x.cols() - 1) / 2)
                               : static_cast<double>(pairs_.size())}};
  }

  VectorXd answer(const FeatureRows& raw, VectorXd* spread) const override {
    const MatrixXd x = scale_.apply(raw);
    if (quadratic_.size() > 0) {
      if (spread != nullptr) *spread = VectorXd::Constant(x.rows(), std::sqrt(variance_));
      const VectorXd pairs = x.cwiseProduct(product(x, quadratic_)).rowwise().sum();
      return (product(x, weights_) + pairs).array() + y_mean_;
    }
    const MatrixXd z = centred(expanded(x, pairs_, pair_share_), means_);
    // The posterior of Bayesian linear regression whose prior precision is the penalty.
    if (spread != nullptr) {
      const VectorXd leverage = row_norms(product(z, inverse_root_));
      *spread = (variance_ * (leverage.array() + 1 + 1 / n_)).sqrt();
    }
    return product(z, weights_).array() + y_mean_;
  }

  nlohmann::json state() const override {
    nlohmann::json json{{"scaling", scale_.to_json()},
                        {"weights", to_json_list(weights_)},
                        {"offset", y_mean_},
                        {"variance", variance_},
                        {"rows", n_},
                        {"alpha", alpha_},
                        {"pairs", pairs_}};
    if (!pairs_.empty()) json["pair_share"] = pair_share_;
    if (quadratic_.size() > 0)
      json["quadratic"] = to_json_list(packed(quadratic_));
    else {
      json["means"] = to_json_list(means_);
      json["gram"] = to_json_list(gram_);
    }
    return json;
  }
  void restore(const nlohmann::json& json) override {
    scale_ = Scaling(json.at("scaling"));
    const Index p = scale_.columns();
    pairs_ = json.at("pairs").get<Pairs>();
    for (const auto& [i, j] : pairs_)
      if (i < 0 || j < 0 || i >= p || j >= p)
        throw std::runtime_error("a product is of features that are not there");
    // Files of version 0.1 have products in full.
    pair_share_ = json.contains("pair_share") ? number_from(json.at("pair_share")) : 1;
    const Index columns = p + static_cast<Index>(pairs_.size());
    weights_ = vector_from(json.at("weights"), columns);
    y_mean_ = number_from(json.at("offset"));
    variance_ = number_from(json.at("variance"));
    n_ = number_from(json.at("rows"));
    alpha_ = number_from(json.at("alpha"));
    if (json.contains("quadratic")) {
      quadratic_ = unpacked(vector_from(json.at("quadratic"), p * (p + 1) / 2), p);
      return;
    }
    means_ = vector_from(json.at("means"), columns);
    inverse_root_from(unpacked(vector_from(json.at("gram"), columns * (columns + 1) / 2), columns));
  }
  Index width() const override { return scale_.columns(); }

 private:
  /// `out`: predictions for each penalty.
  Tried best_of(const MatrixXd& out, const VectorXd& y, const VectorXd& grid) const {
    Tried best;
    for (Index j = 0; j < grid.size(); ++j) {
      VectorXd rows = errors_of_rows(y, out.col(j));
      const double error = rows.mean();
      if (!(error < best.error)) continue;
      best.alpha = grid[j];
      best.error = error;
      best.rows = std::move(rows);
      best.spread = rmse(y, out.col(j));
    }
    if (best.rows.size() == 0) throw std::runtime_error("ridge: no penalty gives finite values");
    return best;
  }
  Tried try_columns(
      const MatrixXd& x, const VectorXd& y, Pairs pairs, const VectorXd& grid, int folds) const {
    const MatrixXd wide = expanded(x, pairs, kProductShare);
    MatrixXd out(y.size(), grid.size());
    for (const Fold& fold : contiguous_folds(y.size(), folds))
      out.middleRows(fold.begin, fold.size()) =
          RidgePath(without(wide, fold), without(y, fold))
              .predict(wide.middleRows(fold.begin, fold.size()), grid);
    Tried tried = best_of(out, y, grid);
    tried.pairs = std::move(pairs);
    return tried;
  }
  Tried best_quadratic(const MatrixXd& all,
                       const VectorXd& all_y,
                       const VectorXd& grid,
                       int folds) const {
    const std::vector<int> rows = spread_rows(all.rows(), kChoiceRows);
    const MatrixXd x = all(rows, Eigen::all);
    const VectorXd y = all_y(rows);
    Tried best;
    for (const double share : kShares) {
      const MatrixXd k = pair_kernel(x, x, share);
      MatrixXd out(y.size(), grid.size());
      for (const Fold& fold : contiguous_folds(y.size(), folds)) {
        const MatrixXd columns = without(MatrixXd(without(k, fold).transpose()), fold);
        const MatrixXd left_out =
            without(MatrixXd(k.middleCols(fold.begin, fold.size())), fold).transpose();
        out.middleRows(fold.begin, fold.size()) =
            KernelPath(columns, without(y, fold)).predict(left_out, grid);
      }
      Tried tried = best_of(out, y, grid);
      tried.share = share;
      if (tried.error < best.error) best = std::move(tried);
    }
    return best;
  }
  static bool clearly_better(const Tried& other, const Tried& linear) {
    if (!(other.error < linear.error)) return false;
    if (other.rows.size() != linear.rows.size()) return true;  // Judged on some of the rows only.
    const VectorXd gain = linear.rows - other.rows;
    const double n = static_cast<double>(gain.size());
    const double variance = (gain.array() - gain.mean()).square().sum() / (n - 1);
    return gain.mean() > 2 * std::sqrt(variance / n);
  }

  void solve_columns(const MatrixXd& x, const VectorXd& y) {
    const RidgePath path(x, y);
    means_ = column_means(x);
    weights_ = path.weights(alpha_);
    y_mean_ = y.mean();
    const MatrixXd z = centred(x, means_);
    const VectorXd residuals = (y - product(z, weights_)).array() - y_mean_;
    n_ = static_cast<double>(y.size());
    variance_ = residuals.squaredNorm() / std::max(n_ - path.degrees_of_freedom(alpha_), 1.0);
    inverse_root_from(product_tn(z, z));
  }
  void solve_quadratic(const MatrixXd& all, const VectorXd& all_y, const Tried& best) {
    const std::vector<int> rows = spread_rows(all.rows(), kMostRows);
    const MatrixXd x = all(rows, Eigen::all);
    const VectorXd y = all_y(rows);
    const KernelPath path(pair_kernel(x, x, best.share), y);
    const VectorXd a = path.coefficients(alpha_);
    weights_ = product_tn(x, a);
    quadratic_ = best.share / 2 * product_tn(x, MatrixXd(a.asDiagonal() * x));
    quadratic_.diagonal().setZero();
    y_mean_ = path.offset(a);
    n_ = static_cast<double>(y.size());
    // Its posterior would need all rows at hand: the deviation in cross-validation instead.
    variance_ = best.spread * best.spread;
  }
  void inverse_root_from(const MatrixXd& gram) {
    gram_ = packed(gram);
    const Index p = gram.rows();
    const MatrixXd identity = MatrixXd::Identity(p, p);
    MatrixXd l;
    // Without a penalty, columns that depend on each other leave no inverse.
    const double least = 1e-10 * std::max(1.0, gram.diagonal().maxCoeff());
    if (!cholesky(gram + std::max(alpha_, least) * identity, l))
      throw std::runtime_error("its Gram matrix is not positive definite");
    inverse_root_ = solve_lower(l, identity).transpose();
  }

  Scaling scale_;
  VectorXd means_, weights_;
  Pairs pairs_;
  double pair_share_ = kProductShare;
  MatrixXd quadratic_;  ///< f(x) = offset + weights.x + x' quadratic x; empty: linear in columns.
  double y_mean_ = 0, variance_ = 0, n_ = 1, alpha_ = 1;
  VectorXd gram_;  ///< Lower triangle of Z'Z.
  MatrixXd inverse_root_;
};

}  // namespace

std::unique_ptr<Predictor> make_ridge() {
  return std::make_unique<Ridge>();
}

}  // namespace nas
