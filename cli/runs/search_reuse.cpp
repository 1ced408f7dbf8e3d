#include "cli/runs/search_reuse.hpp"

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

}  // namespace nas::cli
