// What all models share: checks, the form of the target, the table.
#include "predictors/predictor.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "predictors/cross_validation.hpp"
#include "predictors/mlp.hpp"
#include "spaces/error.hpp"
#include "spaces/random.hpp"

namespace nas {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

constexpr Index kFewest = 4;  ///< Rows that any model needs.

[[noreturn]] void refuse(const std::string& what) {
  throw DataError("a predictor cannot be fitted: " + what);
}

// The place of the first number that is none, or an empty text.
std::string first_bad(const FeatureMatrix& x, const std::vector<std::string>& names) {
  for (Index i = 0; i < x.rows(); ++i)
    for (Index c = 0; c < x.cols(); ++c)
      if (!std::isfinite(x(i, c)))
        return "row " + std::to_string(i + 1) + ", feature '" + names[static_cast<size_t>(c)] +
               "': not a finite number";
  return "";
}

void check_targets(const VectorXd& y, const FitOptions& options) {
  for (Index i = 0; i < y.size(); ++i)
    if (!std::isfinite(y[i])) refuse("target of row " + std::to_string(i + 1) + " is not finite");
  if (options.folds < 2) refuse("at least 2 folds are needed");
  const Index least = std::max<Index>(kFewest, options.folds);
  if (y.size() < least)
    refuse(std::to_string(y.size()) + (y.size() == 1 ? " row is" : " rows are") +
           " too few; at least " + std::to_string(least) + " are needed for " +
           std::to_string(options.folds) + " folds");
  if (y.minCoeff() == y.maxCoeff())
    refuse("all " + std::to_string(y.size()) + " targets are equal; there is nothing to learn");
  if (options.transform != TargetTransform::kLog) return;
  for (Index i = 0; i < y.size(); ++i)
    if (y[i] <= 0)
      refuse("target of row " + std::to_string(i + 1) +
             " is not above 0, so that it has no logarithm");
}

void check_fixed(const PredictorInfo& info, const FitOptions& options) {
  for (const auto& [name, value] : options.fixed) {
    if (std::find(info.parameters.begin(), info.parameters.end(), name) == info.parameters.end()) {
      std::string known;
      for (const std::string& each : info.parameters) known += (known.empty() ? "" : ", ") + each;
      const std::string near = nearest(name, info.parameters);
      throw ConfigError(info.name + " has no parameter '" + name + "'; it has: " + known,
                        near.empty() ? "" : "Did you mean '" + near + "'?");
    }
    if (!std::isfinite(value) || value < 0)
      throw ConfigError(info.name + ": " + name + " must be a number of 0 or more");
  }
}

}  // namespace

const std::vector<PredictorInfo>& predictors() {
  static const std::vector<PredictorInfo> table = {
      {"ridge",
       "Linear regression with an L2 penalty; products of features where they help",
       make_ridge,
       {"alpha", "pairs"}},
      {"gp",
       "Gaussian process; knows best how far off it may be",
       make_gaussian_process,
       {"separate"}},
      {"svr", "Support vector regression with an RBF kernel", make_svr, {"C", "gamma"}},
      {"boosted-trees",
       "Gradient-boosted regression trees",
       make_boosted_trees,
       {"rounds", "depth", "rate", "subsample", "columns", "lambda"}},
      {"huber",
       "Linear regression that outliers do not pull; of columns of numbers never falling",
       make_huber,
       {"alpha", "monotone"}},
      {"mlp",
       "Committee of neural networks (once-for-all's: three layers of 400 units)",
       make_mlp,
       {"width", "epochs", "rate", "decay"}},
      {"stacked",
       "Ridge, gp, svr and trees, weighted by their errors on rows not learnt",
       make_stacked,
       {}},
  };
  return table;
}

const PredictorInfo& predictor_info(const std::string& name) {
  std::vector<std::string> names;
  std::string known;
  for (const PredictorInfo& info : predictors()) {
    if (info.name == name) return info;
    names.push_back(info.name);
    known += (known.empty() ? "" : ", ") + info.name;
  }
  const std::string near = nearest(name, names);
  throw ConfigError("there is no predictor '" + name + "'; known: " + known,
                    near.empty() ? "" : "Did you mean '" + near + "'?");
}

std::unique_ptr<Predictor> make_predictor(const std::string& name) {
  return predictor_info(name).make();
}

void Predictor::fit(FeatureSpace features,
                    const FeatureMatrix& x,
                    const VectorXd& y,
                    const FitOptions& options) {
  if (static_cast<size_t>(x.cols()) != features.names.size() || x.rows() != y.size())
    throw std::logic_error("Predictor::fit: features, rows and targets do not fit together");
  check_fixed(predictor_info(name()), options);
  if (const std::string bad = first_bad(x, features.names); !bad.empty()) refuse(bad);
  check_targets(y, options);
  fitted_ = false;
  features_ = std::move(features);
  rows_ = y.size();
  if (options.transform != TargetTransform::kAuto) {
    learn_transformed(x, y, options, options.transform);
  } else {
    learn_transformed(x, y, options, TargetTransform::kNone);
    if (y.minCoeff() > 0) {
      // Errors of the two forms are compared in the target's own unit, on rows not learnt from.
      const auto error_with = [&](TargetTransform transform) {
        FitOptions inner = options;
        inner.transform = transform;
        inner.spread = false;
        return relative_errors(y,
                               out_of_fold(x,
                                           y,
                                           options.folds,
                                           [&](const auto& xt, const auto& yt, const auto& xv) {
                                             const auto model = make_predictor(name());
                                             model->fit(features_, xt, yt, inner);
                                             return model->mean(xv);
                                           }))
            .mean();
      };
      if (error_with(TargetTransform::kLog) < error_with(TargetTransform::kNone))
        learn_transformed(x, y, options, TargetTransform::kLog);
    }
  }
  fitted_ = true;
}

void Predictor::learn_transformed(const FeatureMatrix& x,
                                  const VectorXd& y,
                                  const FitOptions& options,
                                  TargetTransform transform) {
  chosen_.clear();
  cv_mape_ = NAN;
  transform_ = transform;
  try {
    learn(x, transform == TargetTransform::kLog ? VectorXd(y.array().log()) : y, options);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    refuse(e.what());
  }
}

VectorXd Predictor::errors_of_rows(const VectorXd& truth, const VectorXd& predicted) const {
  if (transform_ != TargetTransform::kLog) return relative_errors(truth, predicted);
  return relative_errors(truth.array().exp(), predicted.array().exp());
}

void Predictor::check_rows(const FeatureMatrix& x) const {
  if (!fitted_) throw std::logic_error("Predictor::predict before fit");
  if (static_cast<size_t>(x.cols()) != features_.names.size())
    throw DataError("the " + name() + " predictor was fitted on " +
                    std::to_string(features_.names.size()) + " features, the rows have " +
                    std::to_string(x.cols()));
  if (!x.allFinite()) throw DataError("a row to predict: " + first_bad(x, features_.names));
}

// A block's kernel values stay in the cache; of all rows together they would fill memory first.
VectorXd Predictor::answers(const FeatureMatrix& x, VectorXd* spread) const {
  constexpr Eigen::Index kBlock = 128;
  if (x.rows() <= kBlock) return answer(x, spread);
  VectorXd means(x.rows()), part;
  if (spread != nullptr) spread->resize(x.rows());
  for (Eigen::Index begin = 0; begin < x.rows(); begin += kBlock) {
    const Eigen::Index size = std::min(kBlock, x.rows() - begin);
    means.segment(begin, size) =
        answer(x.middleRows(begin, size), spread == nullptr ? nullptr : &part);
    if (spread != nullptr) spread->segment(begin, size) = part;
  }
  return means;
}

Prediction Predictor::predict(const FeatureMatrix& x) const {
  check_rows(x);
  Prediction p;
  p.mean = answers(x, &p.spread);
  if (transform_ == TargetTransform::kLog) {
    p.mean = p.mean.array().exp();
    p.spread = p.spread.array() * p.mean.array();
  }
  return p;
}

VectorXd Predictor::mean(const FeatureMatrix& x) const {
  check_rows(x);
  const VectorXd mean = answers(x, nullptr);
  return transform_ == TargetTransform::kLog ? VectorXd(mean.array().exp()) : mean;
}

namespace {
uint32_t mark_of(const FeatureMatrix& x, Eigen::Index row) {
  uint64_t hash = 0;
  for (Eigen::Index c = 0; c < x.cols(); ++c)
    hash = splitmix64(hash ^ std::bit_cast<uint64_t>(x(row, c) + 0.0));  // -0 is 0.
  return static_cast<uint32_t>(hash >> 32);
}
}  // namespace

void Predictor::set_learnt(const FeatureMatrix& x) {
  learnt_.clear();
  for (Eigen::Index i = 0; i < x.rows(); ++i) learnt_.push_back(mark_of(x, i));
  std::sort(learnt_.begin(), learnt_.end());
  learnt_.erase(std::unique(learnt_.begin(), learnt_.end()), learnt_.end());
}

size_t Predictor::learnt(const FeatureMatrix& x) const {
  size_t count = 0;
  for (Eigen::Index i = 0; i < x.rows() && !learnt_.empty(); ++i)
    count += std::binary_search(learnt_.begin(), learnt_.end(), mark_of(x, i)) ? 1 : 0;
  return count;
}

void Predictor::require(const FeatureSpace& features) const {
  if (const std::string why = other_features(features_, features); !why.empty())
    throw DataError("the " + name() + " predictor cannot be used here: " + why);
}

}  // namespace nas
