#pragma once
// The rows of `nas predict`: architectures or plain columns, from tables or from a run of the
// store.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "predictors/judge.hpp"
#include "spaces/space.hpp"

namespace CLI {
class App;
}

namespace nas::cli {

/// Where rows come from, as the user says it.
struct RowOptions {
  std::vector<std::string> data;              ///< Tables.
  std::string run;                            ///< A run of the store instead.
  std::vector<std::string> splits, fidelity;  ///< Which values of the run.
  std::string space, key;
  int64_t index_from = -1;
  std::string target;
  std::vector<std::string> features;  ///< Plain columns; empty: all of numbers.
  std::string within;                 ///< Order is also judged among rows equal in this.
};
void add_rows(CLI::App& app, RowOptions& o);

struct PredictRows {
  PredictorRows rows;
  std::string target;               ///< Its name.
  std::string origin;               ///< Files or run, for people.
  std::vector<std::string> labels;  ///< Of each row: the architecture's text, or file:line.
  std::unique_ptr<Space> space;     ///< Null for plain columns.
  std::string run;                  ///< Id; "" for tables.
  /// Under what the target was measured: what all tables say alike above their headers.
  std::map<std::string, std::string> conditions;
  int64_t without_target = 0;  ///< Rows left out.
};
/// Reads them, in the order of the file (of a run: by text), each network once. `fitted` not null:
/// the columns it was fitted on; rows without target stay, with NaN, and without the name of a
/// target no table needs one. ConfigError and DataError
/// (file:line:column) say what cannot be used.
PredictRows read_rows(const RowOptions& o, const Common& common, const Predictor* fitted = nullptr);

}  // namespace nas::cli
