#include "cli/runs/results/provenance.hpp"

#include <fstream>
#include <set>
#include <sstream>

#include "cli/config/stored_config.hpp"
#include "cli/report/document.hpp"
#include "spaces/base/sha256.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kProvenance = "provenance";

/// Configurations are written by this program, a key on a line.
std::string recipe_of(const std::string& yaml) {
  std::istringstream lines(yaml);
  std::string text;
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("seed:") && !line.starts_with("  run:") &&
        !line.starts_with("  warm_from:"))
      text += line + "\n";
  return sha256_hex(text);
}

std::string config_value(const RunRow& run, const std::string& key) {
  try {
    return yaml_scalar(stored_config(run), key).value_or("");
  } catch (const ConfigError&) {
    return "";  // Not written by this program.
  }
}

/// The last checkpoint of the training whose weights judge.
void add_weights(const Store& store, const RunRow& run, std::vector<Input>& inputs) {
  if (run.parent.empty()) return;
  const std::vector<CheckpointRow> checkpoints = store.checkpoints(run.parent);
  if (!checkpoints.empty())
    inputs.push_back({"weights", "run " + run.parent, checkpoints.back().sha256});
}

/// What evaluations say of themselves: tables and programs.
void add_evaluated(const Store& store, const RunRow& run, std::vector<Input>& inputs) {
  std::set<std::string> seen;
  for (const EvaluationRow& row : store.evaluations(run.id)) {
    if (row.source == "plan" || !seen.insert(row.fidelity_json).second) continue;
    const Json f = Json::parse(row.fidelity_json, nullptr, false);
    if (!f.is_object()) continue;
    const auto text = [&](const char* key) {
      return f.contains(key) && f[key].is_string() ? f[key].get<std::string>() : std::string();
    };
    if (!text("sha256").empty()) inputs.push_back({"table", text("file"), text("sha256")});
    if (row.source != "latency_table") continue;
    Input table{"latency table", text("table"), ""};
    const std::string asked = config_value(run, "evaluator.latency_table");
    if (std::ifstream file(asked); !asked.empty() && file) {
      std::ostringstream content;
      content << file.rdbuf();
      table.hash = sha256_hex(content.str());
    } else if (const auto stored = store.latency_table(table.which)) {
      table.hash = sha256_hex(stored->table_json);
    }
    inputs.push_back(std::move(table));
  }
}

Json kept_document(const Store& store, const std::string& run) {
  const auto kept = store.document(run, kProvenance);
  Json json = kept ? Json::parse(*kept, nullptr, false) : Json();
  return json.is_object() ? json : Json();
}

/// The file whose weights a training began with. It may be another one later: what it was when the
/// run first kept its provenance stays.
void add_first_weights(const Store& store, const RunRow& run, std::vector<Input>& inputs) {
  const std::string file = config_value(run, "train.init");
  if (run.command != "train" || file.empty()) return;
  std::string hash = first_weights_hash(store, run);
  inputs.push_back({"weights", file, hash.empty() ? hash_of_file(file) : hash});
}

Provenance made(const Store& store, const RunRow& run) {
  Provenance p{sha256_hex(run.config_yaml), recipe_of(run.config_yaml), {}};
  p.inputs.push_back({"space", run.space, run.fingerprint});
  const std::vector<SplitRow> splits = store.splits(run.id);
  if (const auto text = store.document(run.id, "data"))
    if (const Json data = Json::parse(*text, nullptr, false); data.is_object())
      p.inputs.push_back(
          {"data", config_value(run, "data.kind"), data.value("contents_sha256", "")});
  if (!splits.empty()) p.inputs.push_back({"split", "", splits.front().hash});
  add_weights(store, run, p.inputs);
  add_evaluated(store, run, p.inputs);
  return p;
}

}  // namespace

std::string hash_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return file ? sha256_hex(text.str()) : "";
}

std::string first_weights_hash(const Store& store, const RunRow& run) {
  const std::string file = config_value(run, "train.init");
  const Json json = kept_document(store, run.id);
  if (!file.empty() && json.is_object() && json.contains("inputs"))
    for (const Json& input : json["inputs"])
      if (input.value("what", "") == "weights" && input.value("which", "") == file)
        return input.value("hash", "");
  return "";
}

Provenance provenance_of(const Store& store, const RunRow& run) {
  const Json json = kept_document(store, run.id);
  // Of another configuration: the run was resumed with changes.
  if (!json.is_object() || json.value("config", "") != sha256_hex(run.config_yaml))
    return made(store, run);
  Provenance p{json["config"].get<std::string>(), json.value("recipe", ""), {}};
  for (const Json& input : json.value("inputs", Json::array()))
    p.inputs.push_back(
        {input.value("what", ""), input.value("which", ""), input.value("hash", "")});
  return p;
}

Json provenance_json(const Provenance& p) {
  Json json{{"schema", "nas-provenance/1"},
            {"config", p.config},
            {"recipe", p.recipe},
            {"inputs", Json::array()}};
  for (const Input& input : p.inputs)
    json["inputs"].push_back({{"what", input.what}, {"which", input.which}, {"hash", input.hash}});
  return json;
}

void keep_provenance(Store& store, const RunRow& run) {
  Provenance p = made(store, run);
  add_first_weights(store, run, p.inputs);
  store.set_document(run.id, kProvenance, json_line(provenance_json(p)));
}

}  // namespace nas::cli
