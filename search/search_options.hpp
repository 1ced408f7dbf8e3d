#pragma once
// What a search configuration file says: sections `search` and `evaluator`.
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "search/driver.hpp"
#include "search/limits.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas {

/// `search`.
struct SearchOptions {
  std::string algorithm = "auto";
  int population = 48;
  Initial initial = Initial::kChoices;
  std::vector<std::string> fix;  ///< Terms of the Restriction that is searched.
  std::optional<int> generations;
  std::optional<int> evaluations;
  /// List of `maximize: METRIC` / `minimize: METRIC`.
  Binder::Raw objectives;
  /// Metrics whose direction is meant although their name says the opposite.
  std::vector<std::string> confirm;
  std::vector<std::string> constraints;
  /// Reference point of the hypervolume, as `METRIC = VALUE` for each objective; empty: derived.
  std::vector<std::string> reference;
  std::string warm_from;  ///< An earlier search to begin from; "": none.
  AlgorithmOptions algorithms;
  bool reuse = true;      ///< Do not measure again what the store has at the same fidelity.
  bool baseline = false;  ///< Also run random search with as many evaluations.
  SearchOptions();
};
void describe(Binder& b, SearchOptions& o);

enum class EvaluatorKind { kSupernet, kTable, kExternal, kTold, kNone };
/// What several rows with one architecture are.
enum class Repeats {
  kRefuse,  ///< A mistake, unless they say the same.
  kMean,    ///< Measurements of it: their mean counts, their spread is kept.
};
/// `evaluator.table`.
struct TableOptions {
  std::string file;
  std::vector<std::string> metrics;  ///< `METRIC` or `METRIC = COLUMN`; empty: every number column.
  std::string key;                   ///< Column of architectures; empty: architecture or arch.
  /// The key counts architectures in the order of Space::enumerate, the first being this; -1: it
  /// holds their texts.
  int64_t index_from = -1;
  Repeats repeats = Repeats::kRefuse;
  bool known_only = false;  ///< The search keeps to networks that have a row.
};
void describe(Binder& b, TableOptions& o);
enum class ExternalLifetime { kBatch, kRun };
/// `evaluator.external`.
struct ExternalOptions {
  std::string command;
  std::string folder;  ///< Where it runs; "": in the folder of this process.
  std::vector<std::string> metrics = {"accuracy"};
  double timeout_s = 600;
  double finish_s = 10;  ///< Longest wait for its end after the last answer.
  ExternalLifetime lifetime = ExternalLifetime::kBatch;
  int workers = 1;  ///< Processes side by side, each with its share of a batch.
};
void describe(Binder& b, ExternalOptions& o);
/// `evaluator.told`: values that come by `nas tell`.
struct ToldOptions {
  std::vector<std::string> metrics = {"accuracy"};
};
void describe(Binder& b, ToldOptions& o);
/// `evaluator`.
struct EvaluatorOptions {
  EvaluatorKind kind = EvaluatorKind::kSupernet;
  std::string run = "last";  ///< Training run of the supernet.
  /// Changes to that run's configuration while it is judged (`evaluate.images=500`).
  std::vector<std::string> set;
  int batch = 8;
  TableOptions table;
  ExternalOptions external;
  ToldOptions told;
  std::string latency_table;  ///< Id, `last` or a file; gives the metric latency_ms.
  /// Values are answers to questions: their scale is seen only in them.
  bool answered() const { return kind == EvaluatorKind::kExternal || kind == EvaluatorKind::kTold; }
  int64_t latency_batch = 1;  ///< Images at once in that table; another number there is refused.
};
void describe(Binder& b, EvaluatorOptions& o);

/// A whole configuration file of `nas search`.
struct SearchConfig {
  Binder::Raw space;  ///< For evaluators other than the supernet, whose run names its space.
  SearchOptions search;
  EvaluatorOptions evaluator;
  uint64_t seed = 0;
};
void describe(Binder& b, SearchConfig& o);

/// Objectives as written; ConfigError with the position in the file.
std::vector<Objective> parse_objectives(const Binder::Raw& raw);
using KnownOf = std::function<KnownValues(const std::string& metric)>;
/// `search.constraints` in the units of the values (see resolve_limit); `known` says of a metric
/// what is known about its values, `notes` gets what is odd but can be meant.
std::vector<Constraint> resolved_limits(const SearchOptions& search,
                                        const KnownOf& known,
                                        std::vector<std::string>& notes);
/// `search.reference` in the units of the values. ConfigError for values that cannot be.
std::map<std::string, double> resolved_reference(const SearchOptions& search, const KnownOf& known);
/// Settings of the driver; ConfigError for values that cannot be. Limits and reference point are
/// those written: see resolved_limits().
SearchSettings to_settings(const SearchOptions& search,
                           const EvaluatorOptions& evaluator,
                           uint64_t seed);

}  // namespace nas
