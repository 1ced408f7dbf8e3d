#pragma once
// What `nas predict` found, and how it is told.
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/report/document.hpp"
#include "predictors/judge.hpp"

namespace nas::cli {

/// What it learnt from or was judged on.
struct PredictHead {
  std::string data, target;
  Eigen::Index rows = 0;
  size_t features = 0;
  std::string space;  ///< "" of plain columns.
};

/// A fitted predictor.
struct PredictorFacts {
  explicit PredictorFacts(const Predictor& p);
  std::string model, space;
  bool logarithm = false;  ///< Of the target was learnt.
  Eigen::Index rows = 0;
  size_t features = 0;
  std::map<std::string, std::string> conditions;
  std::vector<std::pair<std::string, double>> chosen;  ///< Hyper-parameters.
};

/// Errors of a model after learning from so many rows.
struct JudgedModel {
  std::string model;
  Eigen::Index train = 0;
  Repeated errors;
  bool one_set = false;  ///< Of one test set: plain numbers, without deviation.
  std::optional<double> fit_seconds;
};

struct FitResult {
  PredictHead head;
  PredictorFacts predictor;
  std::string out;
  int folds = 0;
  std::optional<JudgedModel> held_out;  ///< Where the rows are enough for folds.
};
/// Schema nas-predict-fit/1.
nlohmann::ordered_json fit_json(const FitResult& result);
void print_fit(const FitResult& result);

struct PredictedRow {
  std::string label;  ///< Architecture, or file:line.
  double mean = 0, spread = 0;
  double truth = 0;  ///< NaN where it is not known.
};
/// Of a fitted predictor, or of models that were fitted to be judged.
struct PredictEvalResult {
  PredictHead head;
  std::vector<JudgedModel> judged;
  std::string split;  ///< How rows were divided; "" of a fitted predictor.
  size_t splits = 0, test_rows = 0;
  std::optional<PredictorFacts> predictor;
  std::vector<PredictedRow> predictions;  ///< Of the predictor.
  std::string label() const { return head.space.empty() ? "row" : "architecture"; }
};
/// Schema nas-predict-eval/1.
nlohmann::ordered_json predict_eval_json(const PredictEvalResult& result);
void print_predict_eval(const PredictEvalResult& result);
/// For CSV and JSON lines: what a fitted predictor predicts; without one a row for each model, its
/// errors as NAME and NAME_sd.
Rows predict_eval_rows(const PredictEvalResult& result);

/// Errors of one model at ascending sizes of the training set.
struct LearningCurve {
  std::string model;
  std::vector<JudgedModel> points;
  Verdict verdict;
};
struct CurveResult {
  PredictHead head;
  int repeats = 0;
  double constant = 0;  ///< RMSE of predicting the mean.
  std::vector<LearningCurve> curves;
};
/// Schema nas-predict-curve/1.
nlohmann::ordered_json curve_json(const CurveResult& result);
void print_curve(const CurveResult& result);
/// A row for each model and size of the training set.
Rows curve_rows(const CurveResult& result);

}  // namespace nas::cli
