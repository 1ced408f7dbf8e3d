#pragma once
// What `nas search` found, as the stored document and for people.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "search/driver.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

/// Exit code of a search that ran to its end and found nothing within the limits.
constexpr int kExitNothingFeasible = 3;

/// Document `nas-search/1`: front, best, knee, hypervolume, counts. `Search` may have no feasible
/// result: then `front` is empty and `nearest_miss` tells the closest.
nlohmann::ordered_json search_document(const Search& search, const Space& space, const RunRow& run);

/// One entry of the front: index, architecture and all values.
nlohmann::ordered_json entry_json(const Archive::Entry& entry, const Space& space);

/// The same for people: the front as a picture (on a terminal) and a table, then counts and what to
/// do next.
void print_search(const nlohmann::ordered_json& document,
                  const Search& search,
                  const RunRow& run,
                  const Common& common);

}  // namespace nas::cli
