#pragma once
// How well lists of predictions order architectures of known quality, with intervals, as JSON.
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nas::cli {

struct RankingOptions {
  std::vector<std::string> top;  ///< `10` or `5%`: of the best so many.
  int bootstrap = 1000;          ///< Draws.
  double level = 0.95;           ///< Of the intervals.
  uint64_t seed = 0;
};

class Ranking {
 public:
  /// `truth`: larger is better; must outlive this.
  Ranking(RankingOptions options, const std::vector<double>& truth)
      : o_(std::move(options)), truth_(truth) {}

  /// tau-b, Spearman's rho, precision, best rank and regret of one list. Interrupted when the user
  /// asked to stop.
  nlohmann::ordered_json row(const std::string& name, const std::vector<double>& predicted) const;
  /// tau of b minus tau of a on the same architectures, and what could be told apart.
  nlohmann::ordered_json difference(const std::string& name_a,
                                    const std::vector<double>& a,
                                    const std::string& name_b,
                                    const std::vector<double>& b) const;

 private:
  RankingOptions o_;
  const std::vector<double>& truth_;
};

/// The first `supernets` of the rankers against counting MACs and against the best ranker that
/// needs no training; each further one against the first. `rows`: row() of each.
nlohmann::ordered_json differences(
    const Ranking& ranking,
    const std::vector<std::pair<std::string, std::vector<double>>>& rankers,
    const nlohmann::ordered_json& rows,
    size_t supernets);

}  // namespace nas::cli
