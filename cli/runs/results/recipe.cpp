#include "cli/runs/results/recipe.hpp"

#include "cli/report/document.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kRecipe = "recipe";

}  // namespace

Json recipe_json(const Recipe& r) {
  return {{"schema", "nas-recipe/1"},
          {"architecture", r.architecture},
          {"search", r.search},
          {"pick", r.pick},
          {"inherits", r.inherited},
          {"weights", r.weights},
          {"checkpoint_sha256", r.checkpoint}};
}

std::optional<Recipe> recipe_of(const Store& store, const std::string& run) {
  const auto text = store.document(run, kRecipe);
  const Json json = text ? Json::parse(*text, nullptr, false) : Json();
  if (!json.is_object()) return std::nullopt;
  return Recipe{json.value("architecture", ""),
                json.value("search", ""),
                json.value("pick", ""),
                json.value("inherits", ""),
                json.value("weights", ""),
                json.value("checkpoint_sha256", "")};
}

void keep_recipe(Store& store, const std::string& run, const Recipe& recipe) {
  store.set_document(run, kRecipe, json_line(recipe_json(recipe)));
}

}  // namespace nas::cli
