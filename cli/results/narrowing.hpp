#pragma once
// The part of its space that a finished search favours (search/narrow/popular.hpp), and what that
// part would have cost it: what `nas space narrow` prints.
#include <memory>
#include <string>
#include <vector>

#include "search/narrow/popular.hpp"
#include "search/store/store.hpp"

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

/// JSON: schema nas-space-narrow/1.
void print_narrowing(const Narrowing& narrowing, bool as_json);

}  // namespace nas::cli
