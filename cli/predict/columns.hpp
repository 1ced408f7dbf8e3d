#pragma once
// Columns of predictions beside a column of truth, as rankers of nas rank.
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/report/rank_names.hpp"
#include "search/search_options.hpp"
#include "spaces/space.hpp"

namespace nas::cli {

/// Named lists over the same networks, larger is better in all.
using Rankers = std::vector<std::pair<std::string, std::vector<double>>>;

struct PredictedColumns {
  Rankers rankers;
  /// Of them, those whose table has less for better: their numbers are negated here.
  std::set<std::string> negated;
  std::vector<bool> complete;  ///< Of each network: all columns have a value.
};

/// The numbers of `negated` rankers as their tables have them.
Rankers as_written(Rankers rankers, const std::set<std::string>& negated);

/// Which end of a predicted column is the good one: that of accuracies, errors and losses is known
/// by their name; costs and names that say nothing go with the truth (beside an accuracy the larger
/// network is taken for the better one, as counting MACs does). nullopt for names that speak of a
/// direction but do not tell which (`acc_drop`).
std::optional<Better> direction_of(const std::string& column, Better truth);

/// Columns `names` (COLUMN, maximize:COLUMN or minimize:COLUMN; empty: all of numbers but
/// `truth_column` and those whose direction cannot be told, which is said) of a table of
/// architectures. ConfigError or DataError as TableEvaluator has them.
PredictedColumns predicted_columns(const Space& space,
                                   const TableOptions& table,
                                   const std::vector<std::string>& names,
                                   const std::vector<Architecture>& architectures,
                                   bool each_form,
                                   const std::string& truth_column,
                                   Better truth);

/// Rows of one CSV file, whatever they stand for. Where a column names architectures, a row that
/// stands twice counts once, and with other values it is an error.
struct PlainRows {
  std::vector<double> truth;       ///< As the table has it.
  std::vector<std::string> names;  ///< Of the rows: their architecture, else their line.
  std::string column;
  TruthDirection direction;
  PredictedColumns predicted;
  int64_t without_value = 0;  ///< Rows left out: one of the columns holds no value there.
  int64_t repeated = 0;       ///< Rows left out: they stand before.
};
PlainRows plain_rows(const std::string& file,
                     const std::string& truth,
                     const std::vector<std::string>& names,
                     bool lower,
                     bool higher);

}  // namespace nas::cli
