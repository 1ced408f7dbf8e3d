// Ridge regression with an unpenalised intercept. One eigendecomposition of the Gram matrix (of the
// columns or of the rows, whichever are fewer) gives the solutions for a whole grid of penalties,
// so that a fold of the cross-validation costs one decomposition and one matrix product instead of
// a solve for each penalty.
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "predictors/cross_validation.hpp"
#include "predictors/linear_algebra.hpp"
#include "predictors/predictor.hpp"
#include "predictors/predictor_state.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// .1, .2, .., 10 (search.md 3.5).
VectorXd penalties() {
  constexpr int kSteps = 100;
  VectorXd grid(kSteps);
  for (int i = 0; i < kSteps; ++i) grid[i] = 0.1 * (i + 1);
  return grid;
}

/// Solutions of (Z'Z + alpha I) w = Z'(y - mean y), Z the centred rows, for any alpha.
class RidgePath {
 public:
  RidgePath(const FeatureMatrix& x, const VectorXd& y)
      : means_(column_means(x)), y_mean_(y.mean()), z_(centred(x, means_)) {
    const VectorXd rest = y.array() - y_mean_;
    dual_ = x.rows() < x.cols();
    Spectrum s = spectrum(dual_ ? product_nt(z_, z_) : product_tn(z_, z_));
    values_ = s.values.cwiseMax(0);
    vectors_ = std::move(s.vectors);
    target_ = product_tn(vectors_, dual_ ? rest : product_tn(z_, rest));
  }
  /// [rows of x, alphas]
  MatrixXd predict(const FeatureMatrix& x, const VectorXd& alphas) const {
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
  FeatureMatrix z_;
  bool dual_ = false;
  VectorXd values_, target_;
  MatrixXd vectors_;
};

class Ridge final : public Predictor {
 public:
  std::string name() const override { return "ridge"; }

 protected:
  void learn(const FeatureMatrix& raw, const VectorXd& y, const FitOptions& options) override {
    scale_ = Scaling(raw);
    const FeatureMatrix x = scale_.apply(raw);
    alpha_ = options.fixed.contains("alpha") ? options.fixed.at("alpha") : 0;
    choose(x, y, options);
    const RidgePath path(x, y);
    means_ = column_means(x);
    weights_ = path.weights(alpha_);
    y_mean_ = y.mean();
    const MatrixXd z = centred(x, means_);
    const VectorXd residuals = (y - product(z, weights_)).array() - y_mean_;
    n_ = static_cast<double>(y.size());
    variance_ = residuals.squaredNorm() / std::max(n_ - path.degrees_of_freedom(alpha_), 1.0);
    inverse_root_from(product_tn(z, z));
    chosen_ = {{"alpha", alpha_}};
  }

  VectorXd answer(const FeatureMatrix& raw, VectorXd* spread) const override {
    const MatrixXd z = centred(scale_.apply(raw), means_);
    // The posterior of Bayesian linear regression whose prior precision is the penalty.
    if (spread != nullptr) {
      const VectorXd leverage = row_norms(product(z, inverse_root_));
      *spread = (variance_ * (leverage.array() + 1 + 1 / n_)).sqrt();
    }
    return product(z, weights_).array() + y_mean_;
  }

  nlohmann::json state() const override {
    return {{"scaling", scale_.to_json()}, {"means", to_json_list(means_)},
            {"weights", to_json_list(weights_)}, {"target_mean", y_mean_},
            {"variance", variance_}, {"rows", n_}, {"alpha", alpha_},
            {"gram", to_json_list(gram_)}};
  }
  void restore(const nlohmann::json& json) override {
    scale_ = Scaling(json.at("scaling"));
    means_ = vector_from(json.at("means"));
    weights_ = vector_from(json.at("weights"), means_.size());
    y_mean_ = number_from(json.at("target_mean"));
    variance_ = number_from(json.at("variance"));
    n_ = number_from(json.at("rows"));
    alpha_ = number_from(json.at("alpha"));
    const VectorXd packed = vector_from(json.at("gram"), means_.size() * (means_.size() + 1) / 2);
    inverse_root_from(unpacked(packed, means_.size()));
  }
  Index width() const override { return means_.size(); }

 private:
  void choose(const FeatureMatrix& x, const VectorXd& y, const FitOptions& options) {
    const bool given = options.fixed.contains("alpha");
    const VectorXd grid = given ? VectorXd::Constant(1, alpha_) : penalties();
    MatrixXd out(y.size(), grid.size());
    for (const Fold& fold : contiguous_folds(y.size(), options.folds))
      out.middleRows(fold.begin, fold.size()) =
          RidgePath(without(x, fold), without(y, fold))
              .predict(x.middleRows(fold.begin, fold.size()), grid);
    Index best = 0;
    VectorXd errors(grid.size());
    for (Index j = 0; j < grid.size(); ++j) {
      errors[j] = error_of(y, out.col(j));
      if (errors[j] < errors[best]) best = j;
    }
    alpha_ = grid[best];
    cv_mape_ = errors[best];
  }
  void inverse_root_from(const MatrixXd& gram) {
    gram_ = packed(gram);
    const Index p = gram.rows();
    MatrixXd l;
    if (!cholesky(gram + alpha_ * MatrixXd::Identity(p, p), l))
      throw std::runtime_error("its Gram matrix is not positive definite");
    inverse_root_ = solve_lower(l, MatrixXd(MatrixXd::Identity(p, p))).transpose();
  }

  Scaling scale_;
  VectorXd means_, weights_;
  double y_mean_ = 0, variance_ = 0, n_ = 1, alpha_ = 1;
  VectorXd gram_;  ///< Lower triangle of Z'Z.
  MatrixXd inverse_root_;
};

}  // namespace

std::unique_ptr<Predictor> make_ridge() {
  return std::make_unique<Ridge>();
}

}  // namespace nas
