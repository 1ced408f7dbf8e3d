// Support vector regression with an RBF kernel and no insensitive tube (search.md 3.5), solved by
// libsvm; penalties are chosen by a solver that goes from one to the next (smo.hpp), on a kernel
// matrix that is computed once for all folds and penalties. Its labels are brought to 10 .. 100, so
// that the grid of C means the same for shares, percents and milliseconds.
#include <libsvm/svm.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "predictors/cross_validation.hpp"
#include "predictors/gaussian_kernel.hpp"
#include "predictors/linear_algebra.hpp"
#include "predictors/predictor.hpp"
#include "predictors/predictor_state.hpp"
#include "predictors/smo.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kPenalties[] = {1, 2, 5, 10, 20, 50, 100};
constexpr Index kMostVectors = 2500;  ///< libsvm holds 16 bytes for each pair.
constexpr Index kChoiceRows = 400;    ///< C and gamma are chosen on so many.

/// libsvm on a kernel matrix.
class Solver {
 public:
  Solver(const MatrixXd& kernel, const VectorXd& y) : y_(y) {
    const auto n = static_cast<size_t>(y.size());
    nodes_.resize(n * (n + 2));
    for (size_t i = 0; i < n; ++i) {
      svm_node* row = &nodes_[i * (n + 2)];
      row[0] = {0, static_cast<double>(i + 1)};  // Its number, as libsvm asks.
      for (size_t j = 0; j < n; ++j)
        row[j + 1] = {static_cast<int>(j + 1),
                      kernel(static_cast<Index>(i), static_cast<Index>(j))};
      row[n + 1] = {-1, 0};
    }
    svm_set_print_string_function([](const char*) {});
  }

  SvrSolution solve(double penalty) {
    const auto n = static_cast<size_t>(y_.size());
    std::vector<svm_node*> x;
    for (size_t i = 0; i < n; ++i) x.push_back(&nodes_[i * (n + 2)]);
    std::vector<double> y(y_.begin(), y_.end());
    const svm_problem problem{static_cast<int>(n), y.data(), x.data()};
    svm_parameter parameter{};
    parameter.svm_type = EPSILON_SVR;
    parameter.kernel_type = PRECOMPUTED;
    parameter.cache_size = 200;
    parameter.eps = 1e-3;
    parameter.C = penalty;
    parameter.p = 0;
    parameter.shrinking = 1;
    if (const char* why = svm_check_parameter(&problem, &parameter); why != nullptr)
      throw std::runtime_error(std::string("libsvm: ") + why);
    const std::unique_ptr<svm_model, void (*)(svm_model*)> model(
        svm_train(&problem, &parameter), [](svm_model* m) { svm_free_and_destroy_model(&m); });
    SvrSolution solution{VectorXd::Zero(y_.size()), -model->rho[0]};
    for (int k = 0; k < model->l; ++k)
      solution.coefficients[model->sv_indices[k] - 1] = model->sv_coef[0][k];
    return solution;
  }

 private:
  const VectorXd& y_;
  std::vector<svm_node> nodes_;
};

class Svr final : public Predictor {
 public:
  std::string name() const override { return "svr"; }

 protected:
  void learn(const FeatureMatrix& raw, const VectorXd& all, const FitOptions& options) override {
    scale_ = Scaling(raw);
    const std::vector<int> rows = spread_rows(raw.rows(), kMostVectors);
    const auto n = static_cast<Index>(rows.size());
    const MatrixXd x = scale_.apply(raw(rows, Eigen::all));
    const VectorXd truth = all(rows);
    unit_ = std::pow(10, std::floor(std::log10(truth.cwiseAbs().maxCoeff())) - 1);
    const VectorXd y = truth / unit_;
    choose(x, y, truth, options);
    const MatrixXd kernel = (-gamma_ * squared_distances(x, x)).array().exp();
    keep(Solver(kernel, y).solve(penalty_), x);
    chosen_ = {{"C", penalty_},
               {"gamma", gamma_},
               {"rows", static_cast<double>(n)},
               {"vectors", static_cast<double>(coefficients_.size())}};
  }

  VectorXd answer(const FeatureRows& raw, VectorXd* spread) const override {
    const MatrixXd kernel = likeness_(scale_.apply(raw));
    // It has no model of noise: the deviation in cross-validation, the same everywhere.
    if (spread != nullptr) *spread = VectorXd::Constant(raw.rows(), spread_);
    return unit_ * (product(kernel, coefficients_).array() + offset_);
  }

  nlohmann::json state() const override {
    return {{"scaling", scale_.to_json()},
            {"vectors", to_json_rows(vectors_)},
            {"coefficients", to_json_list(coefficients_)},
            {"offset", offset_},
            {"unit", unit_},
            {"gamma", gamma_},
            {"spread", spread_}};
  }
  void restore(const nlohmann::json& json) override {
    scale_ = Scaling(json.at("scaling"));
    vectors_ = rows_from(json.at("vectors"), scale_.columns());
    coefficients_ = vector_from(json.at("coefficients"), vectors_.rows());
    offset_ = number_from(json.at("offset"));
    unit_ = number_from(json.at("unit"));
    gamma_ = number_from(json.at("gamma"));
    spread_ = number_from(json.at("spread"));
    set_likeness();
  }
  Index width() const override { return scale_.columns(); }

 private:
  /// C, and of columns of numbers gamma: one-hot rows lie far enough apart for 1 / features,
  /// columns of deviation 1 with noise in the target want a smoother kernel.
  void choose(const MatrixXd& all,
              const VectorXd& all_y,
              const VectorXd& all_truth,
              const FitOptions& options) {
    const std::vector<int> rows = spread_rows(all.rows(), kChoiceRows);
    const MatrixXd x = all(rows, Eigen::all);
    const VectorXd y = all_y(rows), truth = all_truth(rows);
    const double gamma = 1 / static_cast<double>(x.cols());
    std::vector<double> gammas{gamma}, penalties(std::begin(kPenalties), std::end(kPenalties));
    if (scale_.scales()) gammas = {gamma, gamma / 4, gamma / 16};
    if (options.fixed.contains("gamma")) gammas = {options.fixed.at("gamma")};
    if (options.fixed.contains("C")) penalties = {options.fixed.at("C")};
    cv_mape_ = std::numeric_limits<double>::infinity();
    const MatrixXd distances = squared_distances(x, x);
    for (const double g : gammas) {
      const MatrixXd kernel = (-g * distances).array().exp();
      const std::vector<VectorXd> answers = out_of_folds(kernel, y, options.folds, penalties);
      for (size_t c = 0; c < penalties.size(); ++c) {
        const double error = error_of(truth, unit_ * answers[c]);
        if (!(error < cv_mape_)) continue;
        cv_mape_ = error;
        gamma_ = g;
        penalty_ = penalties[c];
        spread_ = unit_ * rmse(y, answers[c]);
      }
    }
  }
  /// For each penalty (ascending) what the other folds say of each row.
  static std::vector<VectorXd> out_of_folds(const MatrixXd& kernel,
                                            const VectorXd& y,
                                            int folds,
                                            const std::vector<double>& penalties) {
    std::vector<VectorXd> answers(penalties.size(), VectorXd(y.size()));
    for (const Fold& fold : contiguous_folds(y.size(), folds)) {
      std::vector<int> rows(static_cast<size_t>(y.size()));
      std::iota(rows.begin(), rows.end(), 0);
      rows.erase(rows.begin() + fold.begin, rows.begin() + fold.end);
      SmoSolver solver(kernel(rows, rows), y(rows));
      const MatrixXd others = kernel(rows, Eigen::seqN(fold.begin, fold.size()));
      for (size_t c = 0; c < penalties.size(); ++c) {
        const SvrSolution s = solver.solve(penalties[c]);
        answers[c].segment(fold.begin, fold.size()) =
            product_tn(others, s.coefficients).array() + s.offset;
      }
    }
    return answers;
  }
  void keep(const SvrSolution& solution, const MatrixXd& x) {
    std::vector<int> support;
    for (Index i = 0; i < x.rows(); ++i)
      if (solution.coefficients[i] != 0) support.push_back(static_cast<int>(i));
    vectors_ = x(support, Eigen::all);
    set_likeness();
    coefficients_ = solution.coefficients(support);
    offset_ = solution.offset;
  }

  Scaling scale_;
  /// Once vectors and gamma are known.
  void set_likeness() {
    likeness_ = GaussianKernel(vectors_, VectorXd::Constant(vectors_.cols(), std::sqrt(gamma_)));
  }

  MatrixXd vectors_;
  GaussianKernel likeness_;  ///< With them.
  VectorXd coefficients_;
  double offset_ = 0, unit_ = 1, gamma_ = 1, penalty_ = 1, spread_ = 0;
};

}  // namespace

std::unique_ptr<Predictor> make_svr() {
  return std::make_unique<Svr>();
}

}  // namespace nas
