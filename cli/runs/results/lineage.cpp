#include "cli/runs/results/lineage.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "cli/config/stored_config.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/results/provenance.hpp"
#include "cli/runs/results/recipe.hpp"
#include "spaces/base/sha256.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

Json document_of(const Store& store, const std::string& run, const char* kind) {
  const auto text = store.document(run, kind);
  Json json = text ? Json::parse(*text, nullptr, false) : Json();
  return json.is_object() ? json : Json::object();
}

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return file ? text.str() : "";
}

Json need(const std::string& what, const std::string& which, const std::string& hash) {
  return {{"what", what}, {"which", which}, {"hash", hash}};
}

/// Collects steps, those that others need before them.
class Lineage {
 public:
  explicit Lineage(const Store& store) : store_(store) {}

  void add_train(const RunRow& run) {
    if (!seen_.insert(run.id).second) return;
    const std::optional<Recipe> recipe = recipe_of(store_, run.id);
    Json step = common_step(run);
    step["command"] = command_of(run, recipe);
    std::vector<std::string> sets = place_space(run, step);
    if (recipe && !recipe->inherited.empty()) {
      add_parent(recipe->inherited);
      step["inherits"] = recipe->inherited;
      sets.push_back("train.init=''");
    } else if (step["command"] == "split") {
      add_parent(run.parent);
      step["of"] = run.parent;
    }
    if (recipe) step["recipe"] = recipe_json(*recipe);
    step["config"] = config_text(run, sets);
    step["hashes"] = hashes(run);
    step["needs"] = needs_of_train(run, step["command"], recipe);
    steps_.push_back(std::move(step));
  }

  void add_search(const RunRow& run) {
    Json step = common_step(run);
    step["command"] = "search";
    step["of"] = run.parent;
    step["config"] = config_text(run, {});
    step["needs"] = needs_of_search(run);
    const std::optional<std::string> front = store_.document(run.id, "front");
    if (front) step["hashes"] = {{"evaluations", evaluations(*front)}};
    steps_.push_back(std::move(step));
  }

  Json json() const { return {{"schema", "nas-lineage/1"}, {"steps", steps_}}; }

 private:
  void add_parent(const std::string& id) {
    if (const auto parent = store_.run(id, "train"); parent && parent->id == id) add_train(*parent);
  }

  Json common_step(const RunRow& run) const {
    const Json versions = Json::parse(run.versions_json, nullptr, false);
    Json step{{"command", ""},
              {"run", run.id},
              {"name", run.name},
              {"seed", run.seed},
              {"space", run.space},
              {"versions", versions.is_object() ? versions : Json::object()}};
    return step;
  }

  std::string command_of(const RunRow& run, const std::optional<Recipe>& recipe) const {
    if (recipe) return "train";
    if (!run.parent.empty()) return "split";
    const bool trained = store_.document(run.id, "train").has_value();
    const std::string init = yaml_scalar(stored_config(run), "train.init").value_or("");
    return !trained && !init.empty() ? "import" : "train";
  }

  /// A space that was a file goes along, and the configuration then names it beside itself.
  std::vector<std::string> place_space(const RunRow& run, Json& step) const {
    const std::string named = yaml_scalar(stored_config(run), "space").value_or("");
    if (named.find('/') == std::string::npos && fs::path(named).extension() != ".yaml") return {};
    const std::string name = fs::path(named).filename().string();
    std::string text = file_text((fs::path(run.directory) / name).string());
    if (text.empty()) text = file_text(named);
    if (text.empty()) return {};
    step["space_file"] = {{"name", name}, {"text", text}};
    return {"space=./" + name};
  }

  static std::string config_text(const RunRow& run, const std::vector<std::string>& sets) {
    return sets.empty() ? stored_config_text(run) : yaml_text(stored_config(run, sets));
  }

  Json hashes(const RunRow& run) const {
    const Json trained = document_of(store_, run.id, "train");
    const Json data = document_of(store_, run.id, "data");
    Json json{{"space", run.fingerprint}, {"config", sha256_hex(run.config_yaml)}};
    if (!store_.splits(run.id).empty()) json["split"] = store_.splits(run.id).front().hash;
    if (data.contains("contents_sha256")) {
      json["data"] = data["contents_sha256"];
      json["data_every"] = data.value("every", 1);
    }
    if (trained.contains("weights_sha256")) json["weights"] = trained["weights_sha256"];
    const auto checkpoints = store_.checkpoints(run.id);
    if (!checkpoints.empty()) json["checkpoint"] = checkpoints.back().sha256;
    return json;
  }

  Json needs_of_train(const RunRow& run,
                      const std::string& command,
                      const std::optional<Recipe>& recipe) const {
    Json needs = Json::array();
    const YamlSource config = stored_config(run);
    const Json data = document_of(store_, run.id, "data");
    const std::string path = yaml_scalar(config, "data.path").value_or("");
    if (!path.empty()) needs.push_back(need("data", path, data.value("contents_sha256", "")));
    const std::string init = yaml_scalar(config, "train.init").value_or("");
    const bool inherited = recipe && !recipe->inherited.empty();
    if (!init.empty() && !inherited) {
      const std::string kept = first_weights_hash(store_, run);
      needs.push_back(need("weights", init, kept.empty() ? hash_of_file(init) : kept));
    }
    if (command == "split" && !store_.run(run.parent, "train"))
      needs.push_back(need("run", run.parent, ""));
    if (inherited && !store_.run(recipe->inherited, "train"))
      needs.push_back(need("run", recipe->inherited, recipe->checkpoint));
    return needs;
  }

  /// What else it read: latency tables, tables of values, a search that it began with.
  Json needs_of_search(const RunRow& run) const {
    Json needs = Json::array();
    for (const Input& input : provenance_of(store_, run).inputs)
      if (input.what == "table" || input.what == "latency table")
        needs.push_back(need(input.what, input.which, input.hash));
    const YamlSource config = stored_config(run);
    const std::string warm = yaml_scalar(config, "search.warm_from").value_or("");
    if (!warm.empty()) needs.push_back(need("front of the search", warm, ""));
    const std::string program = yaml_scalar(config, "evaluator.external.command").value_or("");
    if (!program.empty() && yaml_scalar(config, "evaluator.kind").value_or("") == "external")
      needs.push_back(need("program", program, ""));
    return needs;
  }

  static Json evaluations(const std::string& front) {
    const Json json = Json::parse(front, nullptr, false);
    return json.is_object() && json.contains("evaluations") ? json["evaluations"] : Json();
  }

  const Store& store_;
  std::set<std::string> seen_;
  Json steps_ = Json::array();
};

}  // namespace

Json lineage_of(const Store& store, const RunRow& train, const std::string& search) {
  Lineage lineage(store);
  lineage.add_train(train);
  if (!search.empty())
    if (const auto run = store.run(search, "search")) lineage.add_search(*run);
  return lineage.json();
}

const Json* step_of(const Json& lineage, const std::string& run) {
  if (!lineage.is_object() || !lineage.contains("steps")) return nullptr;
  for (const Json& step : lineage["steps"])
    if (step.is_object() && step.value("run", "") == run) return &step;
  return nullptr;
}

}  // namespace nas::cli
