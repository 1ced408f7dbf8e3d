#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <sstream>

#include "cli/config/config_kinds.hpp"
#include "cli/config/config_path.hpp"
#include "cli/lists.hpp"
#include "cli/report/document.hpp"
#include "cli/torch_services.hpp"
#include "hardware/formats/format.hpp"
#include "predictors/predictor.hpp"
#include "search/algorithms/algorithm.hpp"
#include "spaces/metric.hpp"
#include "spaces/registry.hpp"
#include "supernet/data/dataset.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;

/// The first sentence of the comment that a file begins with.
std::string summary_of(const std::string& file) {
  std::istringstream lines(yaml_file(file).text);
  std::string text;
  for (std::string line; std::getline(lines, line) && line.starts_with("#");) {
    const size_t start = line.find_first_not_of("# ");
    if (start == std::string::npos) break;
    text += (text.empty() ? "" : " ") + line.substr(start);
    const size_t stop = text.find(". ");
    if (stop != std::string::npos) return text.substr(0, stop + 1);
    if (text.ends_with('.')) break;
  }
  return text;
}

std::string file_of(const std::string& config) {
  return (fs::path(config_dir()) / (config + ".yaml")).string();
}

Names spaces() {
  Names names;
  const std::string folder = "spaces/";
  for (const std::string& name : shipped_configs())
    if (name.starts_with(folder))
      names.emplace_back(name.substr(folder.size()), summary_of(file_of(name)));
  return names;
}
Names configs() {
  Names names;
  for (const std::string& name : shipped_configs())
    names.emplace_back(name, summary_of(file_of(name)));
  return names;
}
Names families() {
  Names names;
  for (const SpaceFamily& family : space_families())
    names.emplace_back(family.name, family.summary);
  return names;
}
Names strategies() {
  return torch_services().names("strategies");
}
Names samplers() {
  return torch_services().names("samplers");
}
Names weights() {
  return torch_services().names("weights");
}
Names algorithms() {
  Names names;
  for (const AlgorithmInfo& info : search_algorithms()) names.emplace_back(info.name, info.summary);
  return names;
}
Names predictor_names() {
  Names names{
      {"auto", "ridge below 75 rows, else what cross-validation prefers of ridge, svr, gp"}};
  for (const PredictorInfo& info : predictors()) names.emplace_back(info.name, info.summary);
  return names;
}
Names data() {
  return data_kinds();
}
Names metrics() {
  Names names;
  for (const Metric& metric : known_metrics()) {
    const std::string units = unit_names(metric.name);
    names.emplace_back(metric.name,
                       std::string(metric.summary) + "; " + to_string(metric.better) +
                           (units.empty() ? "" : "; units of limits: " + units));
  }
  return names;
}
Names latency_format_names() {
  Names names;
  for (const LatencyFormat& format : latency_formats())
    names.emplace_back(format.name, format.summary);
  return names;
}
Names kinds() {
  Names names;
  for (const ConfigKind& kind : config_kinds()) names.emplace_back(kind.name, kind.summary);
  return names;
}
Names commands() {
  Names names;
  for (const auto* table : {&torch_services().commands, &light_commands()})
    for (const Command& command : *table) names.emplace_back(command.name, command.summary);
  return names;
}

const std::vector<NameList>& lists() {
  static const std::vector<NameList> table = {
      {"spaces", "Search spaces to name in `space:`", spaces},
      {"families", "Kinds of search spaces (`family:`)", families},
      {"strategies", "Training strategies (`strategy:`)", strategies, true},
      {"samplers",
       "Which paths and which images train (`path_sampler:`, `data_sampler:` in `strategy:`)",
       samplers,
       true},
      {"weights", "Where weights come from (`weights:`)", weights, true},
      {"algorithms", "Search algorithms (`search.algorithm`)", algorithms},
      {"predictors", "Models of nas predict (`--model`)", predictor_names},
      {"latency-formats", "Forms of nas latency import (`--format`)", latency_format_names},
      {"metrics", "What is measured of an architecture (objectives, limits)", metrics},
      {"data", "Kinds of data sets (`data.kind`)", data},
      {"configs", "Shipped configurations (`--config`, `nas config`)", configs},
      {"kinds", "Kinds of configuration (nas config)", kinds, true},
      {"commands", "Commands of nas", commands},
  };
  return table;
}

}  // namespace

Names list_entries(const std::string& list) {
  for (const NameList& l : lists())
    if (l.name == list) return l.entries();
  return {};
}

std::vector<std::string> list_names() {
  std::vector<std::string> names;
  for (const NameList& list : lists()) names.push_back(list.name);
  return names;
}

int run_list(const std::vector<std::string>& args) {
  Common common;
  std::string what, format = "table";
  CLI::App app("Names of spaces, strategies, algorithms and other parts", "nas list");
  app.footer("nas list\nnas list spaces\nnas list strategies --json");
  std::vector<std::string> names;
  std::string all;
  for (const NameList& list : lists()) {
    names.push_back(list.name);
    all += (all.empty() ? "" : ", ") + list.name;
  }
  app.add_option("what", what, all);
  add_format(app, format);
  add_common(app, common, kTakesNothing);
  if (!parse(app, args)) return kExitOk;
  Names found;
  if (what.empty()) {
    for (const NameList& list : lists()) found.emplace_back(list.name, list.summary);
  } else {
    const auto list = std::find_if(
        lists().begin(), lists().end(), [&](const NameList& l) { return l.name == what; });
    if (list == lists().end()) {
      const std::string near = nearest(what, names);
      throw ConfigError("nothing to list under \"" + what + "\"",
                        near.empty() ? "Known: " + all + "." : "Did you mean " + near + "?");
    }
    if (list->torch) need_torch();
    found = list->entries();
  }
  Rows rows{{"name", "summary"}, {}};
  for (const auto& [name, summary] : found) rows.rows.push_back({name, summary});
  nlohmann::ordered_json document{{"schema", "nas-list/1"},
                                  {"list", what.empty() ? "lists" : what}};
  const bool files = what == "configs" || what == "spaces";
  if (files) document["folder"] = config_dir() + (what == "spaces" ? "/spaces" : "");
  print_rows(rows, chosen_format(common, format), document, "entries");
  if (files) note(common, "files NAME.yaml in " + document["folder"].get<std::string>());
  return kExitOk;
}

}  // namespace nas::cli
