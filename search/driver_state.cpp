// State of a search as JSON and as rows of the store.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "search/driver.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

// `checkpoint "a" then, "b" now` for each setting of two fidelities that differs.
std::string difference(const std::string& then, const std::string& now) {
  const auto a = nlohmann::json::parse(then, nullptr, false);
  const auto b = nlohmann::json::parse(now, nullptr, false);
  if (!a.is_object() || !b.is_object()) return then + " then, " + now + " now";
  std::string text;
  const auto add = [&](const std::string& key) {
    const auto value = [&](const nlohmann::json& j) {
      return j.contains(key) ? j[key].dump() : std::string("nothing");
    };
    text += (text.empty() ? "" : "; ") + key + " " + value(a) + " then, " + value(b) + " now";
  };
  for (const auto& [key, value] : a.items())
    if (!b.contains(key) || b[key] != value) add(key);
  for (const auto& [key, value] : b.items())
    if (!a.contains(key)) add(key);
  return text;
}

}  // namespace

std::string Search::state_json() const {
  nlohmann::json state = {{"schema", "nas-search-state/2"},
                          {"generation", generation_},
                          {"evaluations", archive_.evaluations()},
                          {"requested", requested_},
                          {"saved", saved_},
                          {"saved_equivalent", saved_equivalent_},
                          {"skipped", skipped_},
                          {"reused", reused_},
                          {"exhausted", exhausted_},
                          {"reference", reference_},
                          {"source", evaluator_.source()},
                          {"fidelity", evaluator_.fidelity_json()},
                          {"algorithm", algorithm_->state_json()}};
  if (!finished_.empty()) state["finished"] = finished_;
  return state.dump();
}

void Search::restore(const std::string& state_json,
                     const std::vector<std::pair<Architecture, Evaluation>>& known) {
  try {
    const auto state = nlohmann::json::parse(state_json);
    // Version 1 listed what was skipped, and did not say what its values were measured with.
    const bool first = state.at("schema") == "nas-search-state/1";
    if (!first && state.at("schema") != "nas-search-state/2") throw DataError("unknown schema");
    if (!first && (state.at("source") != evaluator_.source() ||
                   state.at("fidelity") != evaluator_.fidelity_json()))
      throw DataError(
          "its values were measured otherwise than they would be now (" +
          difference(state.at("fidelity").get<std::string>(), evaluator_.fidelity_json()) +
          "), for example because its supernet was trained further: values of both "
          "cannot be compared. Start a new search");
    const auto evaluations = state.at("evaluations").get<size_t>();
    if (known.size() < evaluations)
      throw DataError("it counts " + std::to_string(evaluations) +
                      " evaluations, stored at the "
                      "fidelity of today (" +
                      evaluator_.fidelity_json() + ") are " + std::to_string(known.size()) +
                      ". Start a new search");
    Archive archive(settings_.goal);
    for (size_t i = 0; i < evaluations; ++i) {
      const Evaluation& evaluation = known[i].second;
      // Forms that an earlier version took for different networks are one now.
      const Architecture key = domain_.canonical(known[i].first);
      if (archive.find(key) != nullptr) continue;
      Archive::Entry entry{key, Archive::State::kEvaluated, costs_.of(key), "", {}};
      entry.values.insert(evaluation.values.begin(), evaluation.values.end());
      entry.error = evaluation.error;
      if (!entry.error.empty()) entry.state = Archive::State::kFailed;
      archive.insert(std::move(entry));
    }
    algorithm_->restore(space_, state.at("algorithm").get<std::string>());
    generation_ = state.at("generation").get<int64_t>();
    exhausted_ = first ? "" : state.at("exhausted").get<std::string>();
    finished_ = state.value("finished", "");
    skipped_ = first ? state.at("skipped").size() : state.at("skipped").get<size_t>();
    reused_ = first ? 0 : state.at("reused").get<size_t>();
    requested_ = state.at("requested").get<size_t>();
    saved_ = state.at("saved").get<size_t>();
    saved_equivalent_ = state.at("saved_equivalent").get<size_t>();
    reference_ = state.at("reference").get<Point>();
    archive_ = std::move(archive);
    for (size_t i = evaluations; i < known.size(); ++i) know(known[i].first, known[i].second);
  } catch (const std::exception& e) {
    throw DataError(std::string("the stored state of the search cannot be used: ") + e.what());
  }
}

std::vector<EvaluationRow> Search::rows(const std::string& run,
                                        const Archive::Entry& entry,
                                        const std::string& suffix) const {
  std::vector<EvaluationRow> rows;
  const std::string text = space_.text(entry.architecture);
  const std::string source = evaluator_.source() + suffix;
  const std::string fidelity = evaluator_.fidelity_json();
  for (const std::string& metric : evaluator_.metrics()) {
    if (costs_.knows(metric)) continue;
    const auto it = entry.values.find(metric);
    if (it != entry.values.end())
      rows.push_back({run, text, metric, it->second, source, fidelity, "ok", ""});
    else if (!entry.error.empty())
      rows.push_back({run, text, metric, 0, source, fidelity, "failed", entry.error});
  }
  for (const std::string& metric : costs_.metrics())
    if (const auto it = entry.values.find(metric); it != entry.values.end())
      rows.push_back({run,
                      text,
                      metric,
                      it->second,
                      costs_.source(metric),
                      costs_.fidelity_json(metric),
                      "ok",
                      ""});
  return rows;
}

std::vector<std::pair<Architecture, Evaluation>> Search::known_from(
    const std::vector<EvaluationRow>& rows, const std::string& suffix) const {
  const std::string source = evaluator_.source() + suffix;
  const std::string fidelity = evaluator_.fidelity_json();
  std::vector<std::pair<Architecture, Evaluation>> known;
  std::unordered_map<std::string, size_t> index;
  // Where nothing is measured, the costs of an architecture say that it was evaluated; they say not
  // by whom, and a baseline that costs nothing is done anew.
  const bool free = evaluator_.metrics().empty();
  if (free && !suffix.empty()) return known;
  for (const EvaluationRow& row : rows) {
    if (free ? !costs_.knows(row.metric) || row.source != costs_.source(row.metric)
             : row.source != source || row.fidelity_json != fidelity)
      continue;
    const auto [it, fresh] = index.emplace(row.architecture, known.size());
    if (fresh) known.emplace_back(space_.parse(row.architecture), Evaluation{});
    if (free) continue;
    Evaluation& evaluation = known[it->second].second;
    if (row.status == "ok")
      evaluation.values[row.metric] = row.value;
    else
      evaluation.error = row.error.empty() ? "failed" : row.error;
  }
  return known;
}

}  // namespace nas
