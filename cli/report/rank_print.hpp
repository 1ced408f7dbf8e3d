#pragma once
// What goes into and comes out of a ranking beside its numbers.
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "spaces/space.hpp"

namespace nas::cli {

/// One row per architecture: genes, truth and what every ranker says.
nlohmann::ordered_json ranked_rows(
    const Space& space,
    const std::vector<Architecture>& architectures,
    const std::vector<double>& truth,
    const std::vector<std::pair<std::string, std::vector<double>>>& rankers);
/// The document of `nas rank` (schema nas-rank/1) for people, on standard output.
void print_ranking(const nlohmann::ordered_json& document);
/// The rows `architectures` of that document as CSV; ConfigError when the file cannot be written.
void write_table(const std::string& path, const nlohmann::ordered_json& rows);
/// Says of each ranker which end of it was taken for the good one. `negated`: those of which less
/// is better.
void put_directions(nlohmann::ordered_json& document, const std::set<std::string>& negated);
/// `--top`: counts and shares such as 1, 10, 5%; ConfigError for anything else.
void check_top(const std::vector<std::string>& top);

}  // namespace nas::cli
