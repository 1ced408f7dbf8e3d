#pragma once
// The numbers of runs in one metric, and what two single runs say about their difference.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/runs/results/comparison.hpp"

namespace nas::cli {

struct Numbers {
  std::string of;  ///< Of what they are, for people.
  Better better = Better::kHigher;
  std::vector<RunNumber> base, head;  ///< In the order of the sides.
  std::vector<std::string> notes;
  /// The difference of two runs (positions in the sides), and where its interval comes from.
  std::function<std::pair<Change, std::string>(size_t base, size_t head)> single;
};

/// Of searches: hypervolume, or `metric` of the best architecture. `better`: as stated by the user.
Numbers search_numbers(const std::string& metric,
                       std::optional<Better> better,
                       const Side& base,
                       const Side& head,
                       const CompareOptions& options);
/// Kendall's tau-b of rankings (nas rank) over the architectures that all runs have ranked.
Numbers tau_numbers(const Side& base, const Side& head, const CompareOptions& options);
/// Of trainings: the mean of `metric` over the architectures that all of them have judged.
Numbers training_numbers(const std::string& metric,
                         std::optional<Better> better,
                         const Side& base,
                         const Side& head,
                         const CompareOptions& options);

/// A number without value yet.
RunNumber number_of(const SidedRun& run);
/// `better` as stated, else by the run's objectives and the metric's name. ConfigError where none
/// of them tells.
Better direction_of(const std::string& metric, std::optional<Better> better, const RunRow& run);

inline constexpr const char* kHypervolume = "hypervolume";

}  // namespace nas::cli
