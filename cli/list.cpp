#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "cli/config_kinds.hpp"
#include "cli/document.hpp"
#include "cli/lists.hpp"
#include "search/algorithm.hpp"
#include "spaces/metric.hpp"
#include "spaces/registry.hpp"
#include "supernet/data/dataset.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;

// YAML files below a folder of the shipped configs: path without the extension, first comment line.
Names files_of(const std::string& folder, bool recursive) {
  Names names;
  const fs::path root = fs::path(config_dir()) / folder;
  const auto add = [&](const fs::directory_entry& entry) {
    if (entry.path().extension() != ".yaml") return;
    const std::string text = yaml_file(entry.path().string()).text;
    std::string summary = text.substr(0, text.find('\n'));
    const size_t start = summary.find_first_not_of("# ");
    summary = summary.rfind("#", 0) == 0 && start != std::string::npos ? summary.substr(start) : "";
    const std::string path = fs::relative(entry.path(), root).string();
    names.emplace_back(recursive ? path : entry.path().stem().string(), summary);
  };
  std::error_code error;
  if (recursive) {
    for (const auto& entry : fs::recursive_directory_iterator(root, error)) add(entry);
  } else {
    for (const auto& entry : fs::directory_iterator(root, error)) add(entry);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Names spaces() {
  return files_of("spaces", false);
}
Names configs() {
  return files_of("", true);
}
Names families() {
  Names names;
  for (const SpaceFamily& family : space_families())
    names.emplace_back(family.name, family.summary);
  return names;
}
Names algorithms() {
  Names names;
  for (const AlgorithmInfo& info : search_algorithms()) names.emplace_back(info.name, info.summary);
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
Names kinds() {
  Names names;
  for (const ConfigKind& kind : config_kinds()) names.emplace_back(kind.name, kind.summary);
  return names;
}
Names commands() {
  Names names;
  for (const auto* table : {&torch_commands(), &light_commands()})
    for (const Command& command : *table) names.emplace_back(command.name, command.summary);
  return names;
}

const std::vector<NameList>& lists() {
  static const std::vector<NameList> table = {
      {"spaces", "Search spaces to name in `space:`", spaces},
      {"families", "Kinds of search spaces (`family:`)", families},
      {"strategies", "Training strategies (`strategy:`)", strategy_names, true},
      {"algorithms", "Search algorithms (`search.algorithm`)", algorithms},
      {"metrics", "What is measured of an architecture (objectives, limits)", metrics},
      {"data", "Kinds of data sets (`data.kind`)", data},
      {"configs", "Shipped configuration files", configs},
      {"kinds", "Kinds of configuration (nas config)", kinds, true},
      {"commands", "Commands of nas", commands},
  };
  return table;
}

}  // namespace

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
  add_common(app, common);
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
  print_rows(rows,
             chosen_format(common, format),
             {{"schema", "nas-list/1"}, {"list", what.empty() ? "lists" : what}},
             "entries");
  return kExitOk;
}

}  // namespace nas::cli
