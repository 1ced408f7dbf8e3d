#pragma once
// What a search believes of networks that nobody has paid for: free costs exactly, measured metrics
// by predictors that learn from the archive.
#include <Eigen/Core>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "predictors/predictor.hpp"
#include "search/algorithms/algorithm.hpp"
#include "search/exact/terms.hpp"

namespace nas {

/// What predictors see of an architecture.
enum class SurrogateForm {
  kNetwork,  ///< One-hot, closed choices all zero: equal networks are equal (search.md 2.4).
  kGenome,   ///< As LINAS was released: closed choices show some option, which says nothing.
};

/// Guesses of all metrics of the goal for some architectures, in the metrics' own units.
struct Guess {
  std::vector<Eigen::VectorXd> mean;    ///< By metric of Surrogate::metrics().
  std::vector<Eigen::VectorXd> spread;  ///< Standard deviations; empty where not asked for.
};

class Surrogate {
 public:
  struct Metric {
    std::string name;
    bool free = false;  ///< Known exactly.
  };
  /// `predict_free`: free costs are predicted too, as LINAS was released. The context outlives it.
  explicit Surrogate(const SearchContext& context,
                     SurrogateForm form = SurrogateForm::kNetwork,
                     bool predict_free = false);

  /// Metrics of objectives and limits, each once.
  const std::vector<Metric>& metrics() const { return metrics_; }
  /// Learns what the archive holds. `model`: a predictor's name, or auto (search.md 3.5: ridge
  /// below 75 rows, then the best of ridge, svr and gp by cross-validation). False while there are
  /// too few rows to learn from.
  bool fit(const std::string& model);
  /// For metrics of an earlier run: what is measured now is a + b * its prediction + a remainder
  /// that is learnt (search.md 3.3). Metrics without enough rows there are left as they are.
  void transfer_from(const std::vector<WarmRow>& rows);
  /// Objectives are learnt with values far on the losing side brought nearer, so that a few broken
  /// networks do not spoil what is said of the rest.
  void fence_losers() { fences_ = true; }
  /// Name of the predictor of a metric that is predicted; "" where all rows were equal.
  std::string model_of(size_t metric) const;
  /// Root of the mean squared error of the fit on its own rows.
  double fit_error(size_t metric) const { return fits_[metric].error; }

  /// `architectures` are canonical.
  Guess guess(std::span<const Architecture> architectures, bool spreads) const;
  /// Scores by a guess; objectives are better by `optimism` standard deviations.
  std::vector<ScoredPoint> scores(const Guess& guess, double optimism = 0) const;
  std::vector<ScoredPoint> scores(std::span<const Architecture> architectures,
                                  double optimism = 0) const;
  /// Position of the metric of an objective or limit of the goal.
  size_t metric_index(const std::string& name) const;

  /// Whether every prediction adds up over a network (ridge on one-hot features, in its own unit).
  bool additive() const;
  /// All metrics as functions of one architecture, for exact tables.
  std::vector<exact::MetricFunction> functions() const;

 private:
  struct Fit {
    std::unique_ptr<Predictor> model;  ///< Null: `constant` for all.
    double constant = 0;
    double error = 0;
    std::unique_ptr<Predictor> before;  ///< Of an earlier run.
    double offset = 0, slope = 0;       ///< Of what `before` says.
  };
  FeatureMatrix features(std::span<const Architecture> architectures) const;
  void fit_metric(Fit& fit,
                  const FeatureMatrix& x,
                  const Eigen::VectorXd& y,
                  const std::string& model);
  Eigen::VectorXd free_costs(size_t metric, std::span<const Architecture> architectures) const;

  const SearchContext& context_;
  SurrogateForm form_;
  std::vector<Metric> metrics_;
  std::vector<Fit> fits_;  ///< By metric; unused for free ones.
  bool fences_ = false;
  /// Free costs, quickly: sums of tables, or functions where there are none.
  std::optional<exact::Terms> tables_;
  std::vector<std::function<double(const Architecture&)>> functions_;
};

/// The best of `names` (joined by commas) by cross-validation; ties to the first.
std::unique_ptr<Predictor> best_predictor(const std::string& names,
                                          const FeatureSpace& features,
                                          const FeatureMatrix& x,
                                          const Eigen::VectorXd& y,
                                          const FitOptions& options);

}  // namespace nas
