#pragma once
// The part of its space that a finished search favours (search/narrow/popular.hpp), and what that
// part would have cost it: the result that `nas space narrow` prints.
#include <memory>
#include <string>
#include <vector>

#include "cli/runs/results/search_record.hpp"
#include "search/narrow/popular.hpp"

namespace nas::cli {

struct Narrowing {
  RunRow run;
  std::unique_ptr<Space> space;
  Domain before, after;  ///< What the search searched, and what is left of it.
  Popular popular;
  size_t judged = 0;  ///< By the search; those that failed or broke its limits say nothing.
  size_t front = 0;   ///< Networks of its front,
  std::vector<std::string> front_outside;  ///< and those of them that are left out.
};

/// Of the networks that search `name` judged and found within its limits. ConfigError where there
/// is no such search, or none of its networks is.
Narrowing narrowing_of(const Store& store, const std::string& name, const PopularOptions& options);

void print_narrowing(const Narrowing& narrowing, bool as_json);

}  // namespace nas::cli
