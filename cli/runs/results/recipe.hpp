#pragma once
// Where the architecture of a run that trains one network alone comes from, and its first weights.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "search/store/store.hpp"

namespace nas::cli {

struct Recipe {
  std::string architecture;  ///< As the space writes it.
  std::string search, pick;  ///< The search it was picked from, and how; "" where it was named.
  std::string inherited;     ///< Run whose weights it begins with; "": new ones.
  std::string weights;       ///< Which of that run's sets, where it has several.
  std::string checkpoint;    ///< SHA-256 of the file they come from.
};

nlohmann::ordered_json recipe_json(const Recipe& recipe);
/// Document `recipe` of a run, which `nas train --from-scratch` and `--inherit` keep.
std::optional<Recipe> recipe_of(const Store& store, const std::string& run);
void keep_recipe(Store& store, const std::string& run, const Recipe& recipe);

}  // namespace nas::cli
