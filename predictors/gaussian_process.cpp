// Gaussian process with kernel
//   signal exp(-sum_c w_c (x_c - x'_c)^2) + linear x.x' + noise [x = x'],
// where all columns of one choice share a weight. Accuracy and latency are nearly additive over the
// choices, which the linear part says with few rows; the first part holds what is left. All
// hyper-parameters maximise the marginal likelihood, with its exact gradient, under broad priors
// on their logarithms: weights of single choices are drawn towards a common one, so that 50 rows do
// not decide about 45 weights on their own.
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "predictors/cross_validation.hpp"
#include "predictors/gaussian_kernel.hpp"
#include "predictors/linear_algebra.hpp"
#include "predictors/minimise.hpp"
#include "predictors/predictor.hpp"
#include "predictors/predictor_state.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index kMostRows = 2000;  ///< The factor of n rows costs n^3.
constexpr Index kHyperRows = 256;  ///< Hyper-parameters are found on so many,
constexpr Index kFewRows = 128;    ///< and where they begin on so many.
constexpr double kBroad = 3;       ///< Deviation of the priors, in logarithms.
constexpr double kTogether = 1;    ///< That of the weights around their mean.

/// The kernel's numbers.
struct Kernel {
  double signal = 1, noise = 1e-2, linear = 0;
  VectorXd root_weights;  ///< One for each column.

  MatrixXd scaled(const MatrixXd& x) const { return x * root_weights.asDiagonal(); }
};

/// Minus the logarithm of evidence times prior, of the logarithms of signal, noise, linear and the
/// weights: one for each group, or one for all.
class Evidence {
 public:
  Evidence(const MatrixXd& x, const VectorXd& t, const std::vector<int>& groups, bool separate)
      : x_(x), t_(t), groups_(groups), separate_(separate), lin_(product_nt(x, x)) {
    squares_ = x.cwiseProduct(x);
    const double mean_distance =
        2 * (row_norms(x).mean() - column_means(x).squaredNorm());  // Of two rows.
    prior_ = VectorXd::Zero(4);
    prior_ << 0, std::log(1e-2), -std::log(std::max(mean_distance, 1e-12)),
        std::log(0.3 / std::max(mean_distance, 1e-12));
  }
  VectorXd start() const { return prior_; }

  Kernel kernel(const VectorXd& theta) const {
    Kernel k{std::exp(theta[0]), std::exp(theta[1]), std::exp(theta[2]), VectorXd(x_.cols())};
    for (Index c = 0; c < x_.cols(); ++c) k.root_weights[c] = std::exp(theta[at(c)] / 2);
    return k;
  }

  double operator()(const VectorXd& theta, VectorXd& gradient) const {
    const Kernel k = kernel(theta);
    const MatrixXd scaled = k.scaled(x_);
    const MatrixXd r = k.signal * (-squared_distances(scaled, scaled)).array().exp();
    MatrixXd full = r + k.linear * lin_;
    full.diagonal().array() += k.noise;
    MatrixXd l;
    if (!full.allFinite() || !cholesky(full, l)) return std::numeric_limits<double>::infinity();
    const VectorXd half = solve_lower(l, t_);
    const VectorXd a = solve_lower_transposed(l, half);
    double value = half.squaredNorm() / 2 + l.diagonal().array().log().sum();
    MatrixXd slack = inverse_of(l);
    slack -= a * a.transpose();  // The derivative of the value is tr(slack dK) / 2.
    const MatrixXd b = slack.cwiseProduct(r);
    gradient.setZero(theta.size());
    gradient[0] = b.sum() / 2;
    gradient[1] = k.noise * slack.trace() / 2;
    gradient[2] = k.linear * slack.cwiseProduct(lin_).sum() / 2;
    // sum_ij b_ij (x_ic - x_jc)^2 for each column c, by one product.
    const VectorXd row_sums = b.rowwise().sum();
    const VectorXd spread = 2 * product_tn(squares_, row_sums) -
                            2 * x_.cwiseProduct(product(b, x_)).colwise().sum().transpose();
    for (Index c = 0; c < x_.cols(); ++c)
      gradient[at(c)] -= k.root_weights[c] * k.root_weights[c] * spread[c] / 2;
    add_priors(theta, value, gradient);
    return value;
  }

 private:
  Index at(Index column) const {
    return 3 + (separate_ ? groups_[static_cast<size_t>(column)] : 0);
  }
  void add_priors(const VectorXd& theta, double& value, VectorXd& gradient) const {
    const auto add = [&](double distance, double deviation, Index i) {
      value += distance * distance / (2 * deviation * deviation);
      gradient[i] += distance / (deviation * deviation);
    };
    for (Index i = 0; i < 3; ++i) add(theta[i] - prior_[i], kBroad, i);
    const Index weights = theta.size() - 3;
    const double mean = theta.tail(weights).mean();
    for (Index i = 3; i < theta.size(); ++i) add(theta[i] - mean, kTogether, i);
    const double off = mean - prior_[3];
    value += off * off / (2 * kBroad * kBroad);
    gradient.tail(weights).array() += off / (kBroad * kBroad) / static_cast<double>(weights);
  }

  MatrixXd x_;
  VectorXd t_;
  std::vector<int> groups_;
  bool separate_;
  MatrixXd lin_, squares_;
  VectorXd prior_;
};

class GaussianProcess final : public Predictor {
 public:
  std::string name() const override { return "gp"; }

 protected:
  void learn(const FeatureMatrix& raw, const VectorXd& all, const FitOptions& options) override {
    scale_ = Scaling(raw);
    const std::vector<int> rows = spread_rows(raw.rows(), kMostRows);
    const MatrixXd x = scale_.apply(raw(rows, Eigen::all));
    const VectorXd y = all(rows);
    center_ = column_means(x);
    scaled_rows_ = x;
    target_mean_ = y.mean();
    target_sd_ = std::sqrt((y.array() - target_mean_).square().mean());
    targets_ = (y.array() - target_mean_) / target_sd_;
    rows_ = centred(scaled_rows_, center_);
    find_kernel(options);
    condition();
    chosen_ = {{"signal", kernel_.signal},
               {"noise_sd", std::sqrt(kernel_.noise) * target_sd_},
               {"linear", kernel_.linear},
               {"rows", static_cast<double>(rows_.rows())}};
    leave_one_out(y);
  }

  VectorXd answer(const FeatureRows& raw, VectorXd* spread) const override {
    const MatrixXd scaled = scale_.apply(raw), x = centred(scaled, center_);
    MatrixXd k = likeness_(scaled);
    k *= kernel_.signal;
    const VectorXd mean =
        (product(k, weights_) + product(x, linear_weights_)).array() * target_sd_ + target_mean_;
    if (spread == nullptr) return mean;
    k += kernel_.linear * product_nt(x, rows_);
    const MatrixXd half = solve_lower(factor_, MatrixXd(k.transpose()));
    const VectorXd prior = kernel_.signal + kernel_.linear * row_norms(x).array();
    const VectorXd left = prior - half.colwise().squaredNorm().transpose();
    *spread = target_sd_ * (left.array().max(0) + kernel_.noise).sqrt();
    return mean;
  }

  nlohmann::json state() const override {
    return {{"scaling", scale_.to_json()},
            {"center", to_json_list(center_)},
            {"rows", to_json_rows(scaled_rows_)},
            {"targets", to_json_list(targets_)},
            {"target_mean", target_mean_},
            {"target_sd", target_sd_},
            {"signal", kernel_.signal},
            {"noise", kernel_.noise},
            {"linear", kernel_.linear},
            {"root_weights", to_json_list(kernel_.root_weights)}};
  }
  void restore(const nlohmann::json& json) override {
    scale_ = Scaling(json.at("scaling"));
    center_ = vector_from(json.at("center"), scale_.columns());
    scaled_rows_ = rows_from(json.at("rows"), scale_.columns());
    targets_ = vector_from(json.at("targets"), scaled_rows_.rows());
    target_mean_ = number_from(json.at("target_mean"));
    target_sd_ = number_from(json.at("target_sd"));
    kernel_ = {number_from(json.at("signal")),
               number_from(json.at("noise")),
               number_from(json.at("linear")),
               vector_from(json.at("root_weights"), scale_.columns())};
    condition();
  }
  Index width() const override { return scale_.columns(); }

 private:
  void find_kernel(const FitOptions& options) {
    constexpr double kTolerance = 1e-2;  // Of a logarithm of evidence: nothing is told by less.
    const auto evidence = [&](Index most, bool separate) {
      const std::vector<int> rows = spread_rows(rows_.rows(), most);
      return Evidence(rows_(rows, Eigen::all), targets_(rows), features().groups(), separate);
    };
    const bool separate = !options.fixed.contains("separate") || options.fixed.at("separate") != 0;
    const std::vector<int> groups = features().groups();
    const int count = *std::max_element(groups.begin(), groups.end()) + 1;
    // From a smooth, a rough and a not linear beginning: the likelihood may have several ends.
    const Evidence common = evidence(separate ? kFewRows : kHyperRows, /*separate=*/false);
    std::vector<VectorXd> ends;
    for (const auto& [roughness, linear] : {std::pair{-1.0, 0.0}, {2.0, 0.0}, {-1.0, -6.0}}) {
      VectorXd start = common.start();
      start[2] += linear;
      start[3] += roughness;
      ends.push_back(minimise(common, start, 40, kTolerance).x);
    }
    const bool each = separate && count > 1;
    const Evidence fine = each ? evidence(kHyperRows, /*separate=*/true) : common;
    Minimum best{{}, std::numeric_limits<double>::infinity(), 0};
    for (const VectorXd& end : ends) {
      VectorXd start = end;
      if (each) {
        start.resize(3 + count);
        start << end.head(3), VectorXd::Constant(count, end[3]);
      }
      VectorXd unused;
      const double value = fine(start, unused);
      if (value < best.value) best = {start, value, 0};
    }
    if (best.x.size() == 0) throw std::runtime_error("no kernel fits the rows");
    // The linear part explains so much that separate weights of the other have nothing to gain:
    // they are tried from where it explains nothing, too.
    if (each) {
      VectorXd other = best.x;
      other[0] = std::max(other[0], 0.0) + 1;
      other[2] -= 6;
      other.tail(count).setConstant(fine.start()[3] - 2);
      const Minimum a = minimise(fine, best.x, 50, kTolerance);
      const Minimum b = minimise(fine, other, 50, kTolerance);
      best = b.value < a.value ? b : a;
    }
    kernel_ = fine.kernel(best.x);
  }

  void condition() {
    rows_ = centred(scaled_rows_, center_);
    likeness_ = GaussianKernel(scaled_rows_, kernel_.root_weights);
    MatrixXd k = kernel_.signal * likeness_(scaled_rows_);
    k += kernel_.linear * product_nt(rows_, rows_);
    k.diagonal().array() += kernel_.noise;
    // Rows that repeat with hardly any noise leave no definite matrix.
    for (double more = 1e-10; !cholesky(k, factor_); more *= 10) {
      if (!(more < 1)) throw std::runtime_error("its kernel matrix is not positive definite");
      k.diagonal().array() += more;
    }
    weights_ = solve_lower_transposed(factor_, solve_lower(factor_, targets_));
    linear_weights_ = kernel_.linear * product_tn(rows_, weights_);
  }

  // What is said of each row by the others under the same hyper-parameters: a closed form.
  void leave_one_out(const VectorXd& y) {
    const MatrixXd inverse = inverse_of(factor_);
    const VectorXd left_out =
        y.array() - target_sd_ * weights_.array() / inverse.diagonal().array();
    cv_mape_ = error_of(y, left_out);
  }

  Scaling scale_;
  VectorXd center_;
  MatrixXd scaled_rows_, rows_;  ///< Scaled; and centred.
  GaussianKernel likeness_;      ///< With them.
  VectorXd targets_;             ///< Standardised.
  double target_mean_ = 0, target_sd_ = 1;
  Kernel kernel_;
  MatrixXd factor_;
  VectorXd weights_, linear_weights_;
};

}  // namespace

std::unique_ptr<Predictor> make_gaussian_process() {
  return std::make_unique<GaussianProcess>();
}

}  // namespace nas
