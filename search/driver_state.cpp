// State of a search as JSON and as rows of the store.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "search/driver.hpp"
#include "spaces/error.hpp"

namespace nas {

std::string Search::state_json() const {
  nlohmann::json skipped = nlohmann::json::array();
  for (const Archive::Entry& entry : archive_.entries())
    if (entry.state == Archive::State::kSkipped) skipped.push_back(entry.architecture.genes);
  const nlohmann::json state = {{"schema", "nas-search-state/1"},
                                {"generation", generation_},
                                {"stalled", stalled_},
                                {"evaluations", archive_.evaluations()},
                                {"requested", requested_},
                                {"saved", saved_},
                                {"saved_equivalent", saved_equivalent_},
                                {"reference", reference_},
                                {"skipped", skipped},
                                {"algorithm", algorithm_->state_json()}};
  return state.dump();
}

void Search::restore(const std::string& state_json,
                     const std::vector<std::pair<Architecture, Evaluation>>& known) {
  try {
    const auto state = nlohmann::json::parse(state_json);
    if (state.at("schema") != "nas-search-state/1") throw DataError("unknown schema");
    const auto evaluations = state.at("evaluations").get<size_t>();
    if (known.size() < evaluations)
      throw DataError("it counts " + std::to_string(evaluations) + " evaluations, stored are " +
                      std::to_string(known.size()));
    Archive archive(settings_.goal);
    for (size_t i = 0; i < evaluations; ++i) {
      const auto& [key, evaluation] = known[i];
      Archive::Entry entry{key, Archive::State::kEvaluated, evaluation.values, "", {}};
      for (const auto& [name, value] : costs_.of(key)) entry.values[name] = value;
      entry.error = evaluation.error;
      if (!entry.error.empty()) entry.state = Archive::State::kFailed;
      archive.insert(std::move(entry));
    }
    for (const auto& genes : state.at("skipped")) {
      const Architecture key{genes.get<std::vector<int16_t>>()};
      std::string why;
      if (!space_.valid(key, &why)) throw DataError(why);
      archive.insert({key, Archive::State::kSkipped, costs_.of(key), "", {}});
    }
    algorithm_->restore(space_, state.at("algorithm").get<std::string>());
    generation_ = state.at("generation").get<int64_t>();
    stalled_ = state.at("stalled").get<int64_t>();
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
  for (const std::string& metric : evaluator_.metrics()) {
    if (costs_.knows(metric)) continue;
    const auto it = entry.values.find(metric);
    if (it != entry.values.end())
      rows.push_back({run, text, metric, it->second, source, evaluator_.fidelity_json(), "ok", ""});
    else if (!entry.error.empty())
      rows.push_back(
          {run, text, metric, 0, source, evaluator_.fidelity_json(), "failed", entry.error});
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
  for (const EvaluationRow& row : rows) {
    if (row.source != source || row.fidelity_json != fidelity) continue;
    const auto [it, fresh] = index.emplace(row.architecture, known.size());
    if (fresh) known.emplace_back(space_.parse(row.architecture), Evaluation{});
    Evaluation& evaluation = known[it->second].second;
    if (row.status == "ok")
      evaluation.values[row.metric] = row.value;
    else
      evaluation.error = row.error.empty() ? "failed" : row.error;
  }
  return known;
}

}  // namespace nas
