#pragma once
// What latency_ms is computed from: a table, one that was calibrated on whole networks, or a
// predictor of whole networks.
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "hardware/prediction/latency_model.hpp"
#include "search/costs.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

/// `name`: id of a stored table, `last`, or a JSON file. ConfigError when there is none, for the
/// file of a predictor, and for a table that this program did not write and whose times can hardly
/// be in the unit that it says, unless it says `"trust_unit": true`. Warns of a file that hides a
/// stored table of its name.
LatencyModel open_latency_model(const Store& store, const std::string& name);

/// How commands take `space`: `given` (what the user typed) where it is said, else the name of a
/// space that ships, else a word that stands for its file.
std::string space_argument(const Space& space, const std::string& given = {});

/// A table with the text that it was read from, which may say more (document `check`, memory).
struct NamedLatency {
  LatencyModel model;
  std::string text;
};
/// The same where the store may be missing: it is opened only for what is no file.
NamedLatency named_latency(const std::string& name, const std::string& db);

/// Whether `name` is a file that `nas predict fit` wrote.
bool is_predictor_file(const std::string& name);
/// Under what the rows were measured that the predictor learnt from; {} where they did not say.
std::map<std::string, std::string> predictor_conditions(const std::string& file);
/// Gives `costs` the metric latency_ms, with its spread, of a predictor whose target are
/// milliseconds for `batch` images at once. DataError for one of another space, ConfigError for one
/// of another batch. Returns what
/// latency_ms means.
nlohmann::ordered_json use_latency_predictor(CostModel& costs,
                                             const std::string& file,
                                             int64_t batch);

}  // namespace nas::cli
