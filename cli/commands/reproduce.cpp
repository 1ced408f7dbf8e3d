// nas reproduce: the commands that made an exported network, from what the file itself says.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/results/reproduction.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

Json pairs(const std::vector<std::pair<std::string, std::string>>& list) {
  Json json = Json::object();
  for (const auto& [name, value] : list) json[name] = value;
  return json;
}

int print_commands(const ExportedText& file, const Common& common) {
  const Reproduction r = reproduction_of(file);
  if (!common.json) {
    print(reproduction_script(file, r));
    return kExitOk;
  }
  const Json about = Json::parse(file.json);
  const auto text = [&about](const char* key) {
    return about.contains(key) && about[key].is_string() ? about[key].get<std::string>() : "";
  };
  Json commands = Json::array();
  for (const Reproduction::Command& command : r.commands) commands.push_back(command.line);
  print(json_text(Json{{"schema", "nas-reproduce/1"},
                       {"file", file.path},
                       {"format", file.format},
                       {"architecture", text("architecture")},
                       {"tensors_sha256", text("tensors_sha256")},
                       {"made_with", pairs(r.made_with)},
                       {"missing", r.missing},
                       {"variables", pairs(r.variables)},
                       {"files", pairs(r.files)},
                       {"commands", commands}}));
  return kExitOk;
}

/// 1 where the networks differ.
int print_comparison(const ExportedText& here, const ExportedText& there, const Common& common) {
  const std::vector<ComparedFact> facts = compare_exported(here, there);
  const bool same = std::all_of(facts.begin(), facts.end(), [](const ComparedFact& fact) {
    return !fact.decides || fact.same();
  });
  if (common.json) {
    Json list = Json::array();
    for (const ComparedFact& f : facts)
      list.push_back({{"what", f.what}, {"here", f.here}, {"there", f.there}, {"same", f.same()}});
    print(json_text(Json{{"schema", "nas-reproduce-compare/1"},
                         {"here", here.path},
                         {"there", there.path},
                         {"same_network", same},
                         {"facts", list}}));
    return same ? kExitOk : kExitFailed;
  }
  const auto shown = [](const std::string& value) {
    constexpr size_t kMost = 24;
    return value.empty()          ? std::string("-")
           : value.size() > kMost ? printable(value.substr(0, 16)) + "..."
                                  : printable(value);
  };
  Table table({"what", "here", "there", ""});
  for (const ComparedFact& f : facts)
    table.row({f.what, shown(f.here), shown(f.there), f.same() ? "same" : "differs"});
  print(table.text());
  const bool norms = std::any_of(facts.begin(), facts.end(), [](const ComparedFact& fact) {
    return fact.what.starts_with("batch norms") && !fact.same();
  });
  print_prose(same ? "the same network, to the last bit of its tensors"
                   : "not the same network" +
                         std::string(norms ? " (what the exports made of its batch norms differs)"
                                     : here.format == there.format
                                         ? ""
                                         : " (formats differ, which does not matter)"));
  return same ? kExitOk : kExitFailed;
}

}  // namespace

int run_reproduce(const std::vector<std::string>& args) {
  std::string path, other;
  Common common;
  CLI::App app("The commands that made an exported network", "nas reproduce");
  app.footer(
      "nas reproduce model/model.ts\n"
      "nas reproduce model > again.sh; sh again.sh\n"
      "nas reproduce model/model.onnx --compare again/model");
  app.add_option("file",
                 path,
                 "What nas export wrote: model.ts, model.onnx, model.safetensors, model.json, or "
                 "their folder")
      ->type_name("FILE")
      ->required();
  app.add_option(
      "--compare", other, "Another such file: are they the same network, made from the same?");
  add_common(app, common, kTakesNothing);
  if (!parse(app, args)) return kExitOk;
  for (const std::string& named : {path, other})
    if (!named.empty() && !std::filesystem::exists(named))
      throw ConfigError(named + ": there is no such file", "nas export writes them.");
  const ExportedText file = read_exported_text(path);
  if (other.empty()) return print_commands(file, common);
  return print_comparison(file, read_exported_text(other), common);
}

}  // namespace nas::cli
