#pragma once
// How good predictors are: errors on rows that they have not learnt, and how these fall with more
// rows.
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "predictors/predictor.hpp"

namespace nas {

/// Rows to learn from or to be judged on.
struct PredictorRows {
  FeatureSpace features;
  FeatureMatrix x;
  Eigen::VectorXd y;
  Eigen::VectorXd groups;  ///< Empty, or a value per row: order is also judged inside each group.

  Eigen::Index size() const { return x.rows(); }
  PredictorRows at(std::span<const int> rows) const;
};

/// Errors on a test set; NaN where one is not defined.
struct Errors {
  Eigen::Index n = 0;
  double mape = 0;  ///< Percent.
  double rmse = 0, bias = 0;
  double tau_b = 0, tau_a = 0;
  double tau_within = 0;  ///< Tau-a over pairs of the same group that are tied in neither list.
  double coverage = 0;    ///< Share of truths within two spreads of the mean.
};
Errors errors_of(const PredictorRows& test, const Prediction& predicted);
/// The names of these numbers as documents and tables have them, with their values.
std::vector<std::pair<std::string, double>> named(const Errors& errors);

/// Fits the model of that name; `auto`: ridge below 75 rows, else the one of ridge, svr, gp and, of
/// plain columns, huber with the lowest error in cross-validation (ties go to the first).
std::unique_ptr<Predictor> fit_predictor(const std::string& model,
                                         const PredictorRows& rows,
                                         const FitOptions& options = {});

/// A split into rows to learn from and rows to be judged on.
struct TrainTest {
  std::vector<int> train, test;
};
/// The first `train` rows in the order of splitmix64(1000003 s + i), the rest is the test
/// (search.md 10.1).
TrainTest hashed_split(Eigen::Index n, Eigen::Index train, uint64_t s);
/// Row i (from 0) is a test row iff i % 10 = 9 and is left for validation iff i % 10 = 8
/// (hat_latency.md A4).
TrainTest mod10_split(Eigen::Index n);
/// The first 80 % of the rows, the last 10 %.
TrainTest order_split(Eigen::Index n);
/// Fold k of K: rows with i % K = k are the test.
TrainTest fold_split(Eigen::Index n, int folds, int k);

/// Errors over several splits.
struct Repeated {
  Eigen::Index train = 0;  ///< Rows learnt from (of the first split).
  std::vector<Errors> each;
  std::vector<double> fit_seconds;
  std::string model;  ///< What `auto` took in the first split.
  /// Mean and standard deviation over the splits of a number of named().
  std::pair<double, double> of(const std::string& number) const;
};
/// `progress` is called after each split; it may throw to stop.
Repeated judge(const std::string& model,
               const PredictorRows& rows,
               const std::vector<TrainTest>& splits,
               const FitOptions& options,
               const std::function<void()>& progress = {});

/// Whether more rows would help, from errors at ascending sizes of the training set.
struct Verdict {
  bool known = false;   ///< False with fewer than two sizes.
  bool useful = false;  ///< The error is clearly below that of the training mean.
  bool enough = false;  ///< The last doubling of the rows lowered the RMSE by less than 5 %.
  double gain = 0;      ///< Share by which a doubling lowers the RMSE, at the last two sizes.
  double next = 0;      ///< RMSE to be expected of twice the rows, by that gain.
  std::string text;     ///< For people.
};
/// `constant`: RMSE of the training mean at the last size.
Verdict enough_samples(const std::vector<Repeated>& curve, double constant);

}  // namespace nas
