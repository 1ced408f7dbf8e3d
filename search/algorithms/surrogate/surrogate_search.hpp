#pragma once
// What all searches with a surrogate have in common: first draws, fitting, what the guesses were
// worth, the state and the report.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "search/algorithms/surrogate/inner_search.hpp"

namespace nas {

/// How good predictions were of networks that were measured afterwards (search.md 3.2).
struct Foresight {
  int64_t networks = 0;
  double mape = 0;  ///< Percent.
  double rmse = 0;
  double bias = 0;  ///< Predicted - true.
  double tau = 0;   ///< Kendall's tau-b; NaN where it is not defined.
};

class SurrogateSearch : public SearchAlgorithm {
 public:
  void prepare(const SearchContext& context) override;
  void step(SearchContext& context) override;
  std::string report_json(const SearchContext& context) const override;
  std::string state_json() const override;
  void restore(const Space& space, const std::string& json) override;

 protected:
  explicit SurrogateSearch(std::string name) : name_(std::move(name)) {}
  /// In which form predictors see architectures, and whether free costs are predicted.
  virtual SurrogateForm form() const { return SurrogateForm::kNetwork; }
  virtual bool predicts_free() const { return false; }
  /// Whether it learns with values far on the losing side brought nearer.
  virtual bool fences() const { return false; }
  virtual std::string model(const SearchContext& context) const;
  /// How many are measured in one generation with a surrogate.
  virtual size_t batch(const SearchContext& context) const;
  /// What to measure next; the surrogate is fitted.
  virtual void choose(SearchContext& context, Rng& rng, Proposals& next) = 0;
  /// Whether what `choose` left free is drawn at random.
  virtual bool fills() const { return true; }
  /// The first networks: the best of an earlier run where there is one, then draws.
  virtual void begin(SearchContext& context, Rng& rng, Proposals& first);

  const std::string name_;
  std::optional<Surrogate> surrogate_;
  Foresight last_;         ///< Of the last generation.
  double fit_error_ = 0;   ///< Of the first measured metric, before the last generation.
  int64_t foreseen_ = 0;   ///< Networks measured after a prediction, in all.
  double total_mape_ = 0;  ///< Sum of their absolute errors in percent.

 private:
  std::optional<size_t> watched() const;
  void look_back(const SearchContext& context,
                 const std::vector<Architecture>& asked,
                 const Eigen::VectorXd& told);
};

/// Inner search from the best of the archive.
InnerPool search_from_archive(const SearchContext& context,
                              const Surrogate& surrogate,
                              double optimism,
                              Rng& rng);

/// The optimum of an additive surrogate, proved, against what the inner search finds in it; JSON
/// with `lines`. Null where the surrogate does not add up or the tables would be too large.
nlohmann::ordered_json surrogate_optimum(const SearchContext& context, const Surrogate& surrogate);

}  // namespace nas
