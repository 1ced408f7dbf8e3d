#pragma once
// What rankers are called in tables and documents, and which end of the truth is the good one.
#include <string>
#include <vector>

#include "search/store/store.hpp"
#include "spaces/metric.hpp"

namespace nas::cli {

/// One name for each run, all different from each other and from `taken` (columns and rankers that
/// have names of their own): the run's name, where that is not unique with its id behind it.
/// ConfigError where a run is given twice.
std::vector<std::string> unique_names(const std::vector<RunRow>& runs,
                                      const std::vector<std::string>& taken);

struct TruthDirection {
  Better better = Better::kHigher;
  bool guessed = false;  ///< Neither stated nor told by the column's name.
};
/// `lower`, `higher`: as the user stated; else by the name of the column. ConfigError for names
/// that speak of a direction but do not tell which (`accuracy_drop`).
TruthDirection truth_direction(const std::string& column, bool lower, bool higher);

}  // namespace nas::cli
