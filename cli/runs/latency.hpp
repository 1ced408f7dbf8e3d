#pragma once
// Latency tables for a search: found in the store or in a file, and checked to fit.
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.hpp"
#include "cli/latency/model.hpp"
#include "hardware/latency_table.hpp"
#include "search/costs.hpp"
#include "search/search_options.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

/// Document of a run: {"networks": [{"architecture", "by", "predicted_ms", "measured_ms", ...}]}.
inline constexpr const char* kLatencyCheck = "latency-check";

/// Gives `costs` the metric latency_ms of `evaluator.latency_table`; nothing where none is named.
/// ConfigError for a table of another space or of another batch than was asked for, DataError for
/// one without times for some op of the space. Returns what latency_ms means, for the search's
/// document: table, batch, device, threads; null without a table. Warns of a table whose machine
/// drifted while it was measured. Where the prediction has a spread, latency_ms_spread is a metric,
/// too, and quantiles that the goal names (`latency_ms@p95`). The file of a predictor stands for a
/// table.
nlohmann::ordered_json add_latency(CostModel& costs,
                                   const EvaluatorOptions& evaluator,
                                   const Goal& goal,
                                   const Store& store,
                                   const std::string& space = {});

/// The same for a table that is open. `db`: the store, for what users are told to run; `space`: how
/// they name the space (a file), "" where only its name is known.
nlohmann::ordered_json use_latency(CostModel& costs,
                                   LatencyModel model,
                                   int64_t batch,
                                   const std::string& db,
                                   const std::string& space = {});

/// Says, where the store knows of what the search `search` was made, that its latency table or
/// predictor `table` is not what it read any more (the file was replaced, or the id is of another
/// table), with both hashes; "" where it is, or where nothing tells.
std::string replaced_since(const Store& store, const std::string& search, const std::string& table);

/// The same in words: "of 8 images at once on cpu, 1 thread (table laptop)".
std::string latency_text(const nlohmann::ordered_json& latency);

}  // namespace nas::cli
