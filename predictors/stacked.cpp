// Stacking: each member answers for rows it has not learnt, and a ridge regression finds the
// weights that make most of these answers. The penalty draws towards equal weights that sum to one,
// not towards 0: members agree so closely that the rows say little about single weights.
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "predictors/cross_validation.hpp"
#include "predictors/linear_algebra.hpp"
#include "predictors/predictor.hpp"
#include "predictors/predictor_state.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr const char* kMembers[] = {"ridge", "gp", "svr", "boosted-trees"};
constexpr size_t kUnsure = 1;  ///< The member that knows best where it is unsure: gp.

/// Weights w and offset b of y = P w + b, near equal weights.
struct Mixing {
  VectorXd weights;
  double offset = 0;

  Mixing() = default;
  Mixing(const MatrixXd& answers, const VectorXd& y, double penalty) {
    const Index m = answers.cols();
    const VectorXd equal = VectorXd::Constant(m, 1 / static_cast<double>(m));
    const VectorXd means = column_means(answers);
    const MatrixXd z = centred(answers, means);
    const VectorXd rest = (y - product(z, equal)).array() - y.mean();
    MatrixXd gram = product_tn(z, z), l;
    // Relative to what the members differ by, whatever the unit.
    gram.diagonal().array() += penalty * gram.trace() / static_cast<double>(m) + 1e-300;
    if (!cholesky(gram, l)) throw std::runtime_error("members of the ensemble cannot be weighted");
    weights = equal + solve_lower_transposed(l, solve_lower(l, product_tn(z, rest)));
    offset = y.mean() - means.dot(weights);
  }
  VectorXd of(const MatrixXd& answers) const { return product(answers, weights).array() + offset; }
};

class Stacked final : public Predictor {
 public:
  std::string name() const override { return "stacked"; }

 protected:
  void learn(const FeatureMatrix& x, const VectorXd& y, const FitOptions& options) override {
    FitOptions inner;
    inner.folds = options.folds;
    inner.seed = options.seed;
    inner.spread = false;
    const auto m = static_cast<Index>(std::size(kMembers));
    MatrixXd answers(y.size(), m);
    VectorXd unsure(y.size());
    for (const Fold& fold : contiguous_folds(y.size(), options.folds)) {
      const FeatureMatrix rest = without(x, fold), left_out = x.middleRows(fold.begin, fold.size());
      const VectorXd targets = without(y, fold);
      for (Index k = 0; k < m; ++k) {
        const auto member = make_predictor(kMembers[k]);
        FitOptions few = inner;
        few.folds = static_cast<int>(std::min<Index>(inner.folds, targets.size()));
        member->fit(features(), rest, targets, few);
        const Prediction p = member->predict(left_out);
        answers.col(k).segment(fold.begin, fold.size()) = p.mean;
        if (static_cast<size_t>(k) == kUnsure) unsure.segment(fold.begin, fold.size()) = p.spread;
      }
    }
    choose(answers, y, options.folds);
    const VectorXd out = mixed_out_of_fold(answers, y, options.folds, penalty_);
    cv_mape_ = error_of(y, out);
    // The Gaussian process says where it is unsure, the errors on rows not learnt how much.
    stretch_ = std::sqrt(((y - out).array() / unsure.array().max(1e-300)).square().mean());
    members_.clear();
    for (const char* name : kMembers) {
      members_.push_back(make_predictor(name));
      members_.back()->fit(features(), x, y, inner);
    }
    chosen_ = {{"penalty", penalty_}};
    for (Index k = 0; k < m; ++k)
      chosen_[std::string("weight_") + kMembers[k]] = mixing_.weights[k];
  }

  VectorXd answer(const FeatureRows& x, VectorXd* spread) const override {
    MatrixXd answers(x.rows(), static_cast<Index>(members_.size()));
    for (size_t k = 0; k < members_.size(); ++k) {
      if (spread == nullptr || k != kUnsure) {
        answers.col(static_cast<Index>(k)) = members_[k]->mean(x);
        continue;
      }
      const Prediction p = members_[k]->predict(x);
      answers.col(static_cast<Index>(k)) = p.mean;
      *spread = stretch_ * p.spread;
    }
    return mixing_.of(answers);
  }

  nlohmann::json state() const override {
    nlohmann::json members = nlohmann::json::array();
    for (const auto& member : members_) members.push_back(member->to_json());
    return {{"members", members},
            {"weights", to_json_list(mixing_.weights)},
            {"offset", mixing_.offset},
            {"stretch", stretch_}};
  }
  void restore(const nlohmann::json& json) override {
    members_.clear();
    for (const nlohmann::json& member : json.at("members")) {
      try {
        members_.push_back(predictor_from_json(member, "a member of it"));
      } catch (const DataError& e) {
        throw std::runtime_error(e.what());
      }
      if (members_.back()->features().names.size() != features().names.size())
        throw std::runtime_error("a member has other features");
    }
    if (members_.size() != std::size(kMembers)) throw std::runtime_error("a member is missing");
    mixing_.weights = vector_from(json.at("weights"), static_cast<Index>(members_.size()));
    mixing_.offset = number_from(json.at("offset"));
    stretch_ = number_from(json.at("stretch"));
  }
  Index width() const override {
    return static_cast<Index>(members_.at(0)->features().names.size());
  }

 private:
  static VectorXd mixed_out_of_fold(const MatrixXd& answers,
                                    const VectorXd& y,
                                    int folds,
                                    double penalty) {
    return out_of_fold(answers, y, folds, [&](const auto& p, const auto& t, const auto& left_out) {
      return Mixing(p, t, penalty).of(left_out);
    });
  }
  void choose(const MatrixXd& answers, const VectorXd& y, int folds) {
    double best = std::numeric_limits<double>::infinity();
    for (const double penalty : {1e-4, 1e-3, 1e-2, 1e-1, 1.0}) {
      const double error = error_of(y, mixed_out_of_fold(answers, y, folds, penalty));
      if (!(error < best)) continue;
      best = error;
      penalty_ = penalty;
    }
    mixing_ = Mixing(answers, y, penalty_);
  }

  std::vector<std::unique_ptr<Predictor>> members_;
  Mixing mixing_;
  double penalty_ = 1, stretch_ = 1;
};

}  // namespace

std::unique_ptr<Predictor> make_stacked() {
  return std::make_unique<Stacked>();
}

}  // namespace nas
