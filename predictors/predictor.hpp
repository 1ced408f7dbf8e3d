#pragma once
// Predictor: a cheap guess of a costly value, with how far off it may be (search.md 3.5). One file
// per model; fitting is deterministic by seed and runs on one thread.
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "predictors/features.hpp"

namespace nas {

/// Guesses, one for each row.
struct Prediction {
  Eigen::VectorXd mean;
  /// Standard deviation of a new measurement around it, its noise included.
  Eigen::VectorXd spread;
};

/// In which form the target is learnt; predictions are always in its own unit.
enum class TargetTransform {
  kNone,
  kLog,   ///< Its logarithm: errors count relative to the value. All values must be above 0.
  kAuto,  ///< Whichever has the lower error in cross-validation.
};

struct FitOptions {
  int folds = 5;  ///< Of the cross-validation that chooses hyper-parameters and judges.
  uint64_t seed = 0;
  TargetTransform transform = TargetTransform::kNone;
  /// False: the spread is not asked for. Models that would learn it by cross-validation alone
  /// (boosted-trees) leave that out, and their spread and cv_mape() are NaN.
  bool spread = true;
  /// Hyper-parameters that are given instead of chosen (`alpha` of ridge, ...); a name that the
  /// model does not have is a ConfigError.
  std::map<std::string, double> fixed;
};

class Predictor {
 public:
  virtual ~Predictor() = default;
  /// Name in predictors().
  virtual std::string name() const = 0;

  /// Learns from measured rows: x is [n, features.names.size()], y has n values. ConfigError for
  /// unknown names in `options.fixed`; DataError where x or y are not finite, fewer rows are given
  /// than folds (or than 4), or all targets are equal.
  void fit(FeatureSpace features,
           const FeatureMatrix& x,
           const Eigen::VectorXd& y,
           const FitOptions& options = {});
  /// Means and spreads of all rows at once. DataError where x has other columns or is not finite;
  /// std::logic_error before fit().
  Prediction predict(const FeatureMatrix& x) const;
  /// The means alone, faster where many are wanted (the inner loop of a search).
  Eigen::VectorXd mean(const FeatureMatrix& x) const;

  bool fitted() const { return fitted_; }
  const FeatureSpace& features() const { return features_; }
  /// DataError where `features` are not those it was fitted on.
  void require(const FeatureSpace& features) const;
  int64_t rows() const { return rows_; }
  /// What it predicts, as its rows called it (`latency_ms`): its unit, for whoever uses it. "":
  /// nobody said.
  const std::string& target() const { return target_; }
  void set_target(std::string name) { target_ = std::move(name); }
  /// Under what the target was measured (device, threads, batch, dtype ...), where its rows say so:
  /// what a measurement that is held against a prediction has to have in common with it.
  const std::map<std::string, std::string>& conditions() const { return conditions_; }
  void set_conditions(std::map<std::string, std::string> c) { conditions_ = std::move(c); }
  /// Marks the rows that it learnt from, so that whoever judges it later can be told. Kept by
  /// save().
  void set_learnt(const FeatureMatrix& x);
  /// How many rows of `x` are among them (one in four billion by chance); 0 where nobody marked.
  size_t learnt(const FeatureMatrix& x) const;
  TargetTransform transform() const { return transform_; }
  /// Chosen or given hyper-parameters by name, for people and documents.
  const std::map<std::string, double>& chosen() const { return chosen_; }
  /// Mean absolute percentage error of the cross-validation that chose them; NaN where the model
  /// needs none.
  double cv_mape() const { return cv_mape_; }

  /// All that predict() needs: version, kind, feature names, fingerprint, parameters.
  nlohmann::json to_json() const;
  void save(const std::string& file) const;

 protected:
  /// x and y are checked and y is transformed. Sets chosen_ and cv_mape_.
  virtual void learn(const FeatureMatrix& x,
                     const Eigen::VectorXd& y,
                     const FitOptions& options) = 0;
  /// Columns it was fitted on, as its state says.
  virtual Eigen::Index width() const = 0;
  /// `spread` null: not wanted.
  virtual Eigen::VectorXd answer(const FeatureRows& x, Eigen::VectorXd* spread) const = 0;
  virtual nlohmann::json state() const = 0;
  /// std::exception of any kind where the JSON is no state of this model.
  virtual void restore(const nlohmann::json& state) = 0;

  /// relative_errors() in the target's own unit, of values in the form that is learnt, and their
  /// mean.
  Eigen::VectorXd errors_of_rows(const Eigen::VectorXd& truth,
                                 const Eigen::VectorXd& predicted) const;
  double error_of(const Eigen::VectorXd& truth, const Eigen::VectorXd& predicted) const {
    return errors_of_rows(truth, predicted).mean();
  }

  std::map<std::string, double> chosen_;
  double cv_mape_ = 0;

 private:
  friend std::unique_ptr<Predictor> predictor_from_json(const nlohmann::json&, const std::string&);
  void check_rows(const FeatureMatrix& x) const;
  /// answer() of any number of rows.
  Eigen::VectorXd answers(const FeatureMatrix& x, Eigen::VectorXd* spread) const;
  void learn_transformed(const FeatureMatrix& x,
                         const Eigen::VectorXd& y,
                         const FitOptions& options,
                         TargetTransform transform);

  bool fitted_ = false;
  FeatureSpace features_;
  int64_t rows_ = 0;
  std::string target_;
  std::map<std::string, std::string> conditions_;
  std::vector<uint32_t> learnt_;  ///< Hashes of rows, rising.
  TargetTransform transform_ = TargetTransform::kNone;
};

/// The one table of predictors.
struct PredictorInfo {
  std::string name;
  std::string summary;  ///< One line.
  std::unique_ptr<Predictor> (*make)();
  std::vector<std::string> parameters;  ///< Names that FitOptions::fixed may hold.
};
const std::vector<PredictorInfo>& predictors();
/// ConfigError with the nearest name when there is none.
const PredictorInfo& predictor_info(const std::string& name);
std::unique_ptr<Predictor> make_predictor(const std::string& name);

/// A predictor as save() wrote it; `origin` is named in errors. DataError for what is damaged, of a
/// newer version or of a model that this build lacks.
std::unique_ptr<Predictor> predictor_from_json(const nlohmann::json& json,
                                               const std::string& origin);
std::unique_ptr<Predictor> load_predictor(const std::string& file);

std::unique_ptr<Predictor> make_ridge();
std::unique_ptr<Predictor> make_gaussian_process();
std::unique_ptr<Predictor> make_svr();
std::unique_ptr<Predictor> make_boosted_trees();
std::unique_ptr<Predictor> make_huber();
std::unique_ptr<Predictor> make_stacked();

}  // namespace nas
