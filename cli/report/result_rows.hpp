#pragma once
// The stored values of a run as a table of architectures. Values of different fidelity (split,
// weights, batch-norm treatment ...) are never put into one row, nor folded by the order in which
// they were stored.
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/report/document.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

/// One way in which values of a run came about.
struct Fidelity {
  std::string source;  ///< supernet, table, external ...; of a baseline without its mark.
  nlohmann::ordered_json json;
  std::string split;         ///< "" where values have none.
  size_t architectures = 0;  ///< With a value.
  size_t failed = 0;         ///< Architectures without one.
  bool own = false;          ///< As the run judges now: its split, treatment and newest weights.
  bool shown = false;
  std::string apart;         ///< What tells it from another of equal text: `batch 7`.
  std::string text() const;  ///< `validation split, 359 images, recalibrated on 200, weights ...`
};

struct Entry {
  std::string architecture;
  size_t fidelity = 0;  ///< Position in Results::fidelities.
  std::map<std::string, double> values;
};

struct Results {
  std::vector<Fidelity> fidelities;
  std::vector<Entry> entries;        ///< Of the fidelities shown; in order of their texts.
  std::vector<std::string> metrics;  ///< Qualities in order of appearance, then costs.
  std::vector<std::string> ours;  ///< Metrics whose unit and range are those of the metric table.
  std::string own;                ///< How the run would judge now, in words.
  std::vector<std::string> problems;  ///< What could not be had (costs of a changed space).
};

/// Which values are wanted.
struct Selection {
  std::string source;                 ///< Exact source; empty: any.
  std::vector<std::string> splits;    ///< Empty: the run's own.
  std::vector<std::string> fidelity;  ///< `all`, or KEY=VALUE of the stored fidelity.
};

/// Without a selection the fidelity that is the run's own (for a search, that of its supernet),
/// else the one nearest to it. With several splits, the nearest of each; with `all`, every one.
/// ConfigError for a selection that fits nothing, with what there is.
Results collect_results(const Store& store, const RunRow& run, const Selection& selection);

/// True when the row's fidelity and source are selected.
bool selected(const EvaluationRow& row, const Selection& selection);
std::string split_of(const std::string& fidelity_json);

/// A value of a metric as a cell: counts and bytes are whole numbers, also in files.
nlohmann::ordered_json metric_cell(const std::string& metric, double value);
/// A row for each step, a column for each of `metrics` (empty: all; then `clock` says whether the
/// time at which an epoch ended is one).
Rows history_rows(const Store& store,
                  const RunRow& run,
                  const std::vector<std::string>& metrics,
                  bool clock);

/// Gives every entry macs, params and what else of `metrics` is a free cost, computed from the
/// architecture where it is not stored.
void add_free_costs(Results& results, const RunRow& run, const std::vector<std::string>& metrics);

}  // namespace nas::cli
