// Judging a network again with the same weights and settings gives the same number, so what another
// search of the same supernet has paid for is taken over; whether settings agree is asked of the
// search, which knows its fidelity.
#include "cli/runs/search_reuse.hpp"

#include <unordered_map>

#include "spaces/error.hpp"

namespace nas::cli {

void know_stored(Search& search,
                 const Store& store,
                 const std::string& supernet,
                 const std::string& own) {
  for (const RunRow& run : store.runs()) {
    if (run.id == own || (run.id != supernet && run.parent != supernet)) continue;
    for (auto& [a, evaluation] : search.known_from(store.evaluations(run.id)))
      search.know(a, std::move(evaluation), /*elsewhere=*/true);
  }
}

RunRow warm_run(const Store& store, const std::string& name) {
  const auto found = store.run(name, "search");
  if (!found)
    throw ConfigError("search.warm_from: there is no search '" + name + "' in " + store.path(),
                      "`nas runs --command search` lists them.");
  return *found;
}

std::vector<WarmRow> warm_rows(const Store& store, const Space& space, const std::string& run) {
  if (run.empty()) return {};
  const RunRow row = warm_run(store, run);
  if (!space.has_fingerprint(row.fingerprint))
    throw ConfigError("search.warm_from: search " + row.id + " was one of " + row.space +
                          ", another space than " + space.name(),
                      "Name a search of this space.");
  std::vector<WarmRow> rows;
  std::unordered_map<std::string, size_t> index;
  for (const EvaluationRow& e : store.evaluations(row.id)) {
    if (e.status != "ok") continue;
    const auto [at, fresh] = index.emplace(e.architecture, rows.size());
    if (fresh) rows.push_back({space.parse(e.architecture), {}});
    rows[at->second].values[e.metric] = e.value;
  }
  return rows;
}

}  // namespace nas::cli
