#include <algorithm>
#include <ctime>
#include <optional>

#include "cli/commands/runs/runs.hpp"
#include "cli/config/stored_config.hpp"
#include "cli/page/gather.hpp"
#include "cli/report/document.hpp"
#include "cli/report/training/compute.hpp"
#include "cli/runs/results/provenance.hpp"
#include "cli/runs/results/recipe.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string method_of(const RunRow& run) {
  try {
    const YamlSource source = stored_config(run);
    if (run.command == "search") return yaml_scalar(source, "search.algorithm").value_or("");
    const std::string name = yaml_scalar(source, "strategy.name").value_or("");
    return name.empty() ? yaml_scalar(source, "strategy").value_or("") : name;
  } catch (const std::exception&) {
    return "";  // Not written by this program.
  }
}

std::string short_hash(const std::string& hash) {
  constexpr size_t kShort = 12;
  return hash.substr(0, kShort);
}

/// `2026-11-24T18:03:07Z` -> `2026-11-24 18:03`.
std::string moment(std::string text) {
  constexpr size_t kToTheMinute = 16;
  if (text.size() > 10 && text[10] == 'T') text[10] = ' ';
  return text.substr(0, kToTheMinute);
}

/// From begin to end, with interruptions between; "" while it is not over.
std::string time_taken(const RunRow& run) {
  const auto seconds_of = [](const std::string& text) -> std::optional<double> {
    std::tm time{};
    if (strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &time) == nullptr) return std::nullopt;
    return static_cast<double>(timegm(&time));
  };
  const auto from = seconds_of(run.started), to = seconds_of(run.ended);
  if (!from || !to) return "";
  return *to - *from < 1 ? "under 1s" : format_seconds(*to - *from);
}

/// The run that it works on: its parent; of one network trained alone where weights or network come
/// from.
std::string built_on(Gathered& g, const RunRow& run) {
  std::string on = run.parent;
  if (on.empty())
    if (const auto recipe = recipe_of(g.store, run.id))
      on = recipe->inherited.empty() ? recipe->search : recipe->inherited;
  return on.empty() || !g.labels.contains(on) ? printable(on) : g.labels[on];
}

}  // namespace

void add_runs(Page& page, Gathered& g) {
  if (g.runs.empty()) return;
  page.section("What ran");
  std::vector<std::vector<Cell>> rows;
  for (const RunRow& run : g.runs) {
    const Compute compute = run.command == "train" ? compute_of(g.store, run.id) : Compute{};
    rows.push_back(
        {{printable(run.name.empty() ? run.id : run.name)},
         {run.id},  // As text: it may break at its hyphens.
         {printable(run.command)},
         {printable(method_of(run))},
         {printable(run.space)},
         {shown_status(run)},
         {run_progress(g.store, run).text},
         {compute.epochs > 0 ? format_count(compute.all_macs()) : "-", Cell::Kind::kNumber},
         {std::to_string(run.seed), Cell::Kind::kNumber},
         {built_on(g, run)},
         {moment(run.started)},
         {time_taken(run), Cell::Kind::kNumber}});
  }
  page.table({"run",
              "id",
              "command",
              "method",
              "space",
              "status",
              "progress",
              "multiply-adds",
              "seed",
              "built on",
              "began (UTC)",
              "over after"},
             rows);
  for (const RunRow& run : g.runs)
    if (!run.error.empty()) page.text(g.labels[run.id] + ": " + printable_lines(run.error));
}

void add_provenance(Page& page, Gathered& g) {
  if (g.runs.empty()) return;
  page.section("Seeds and provenance");
  page.text(
      "Runs of equal recipe differ in their seed alone. Hashes are SHA-256 of resolved "
      "configurations and of what was read.",
      /*soft=*/true);
  std::vector<std::vector<Cell>> rows;
  for (const RunRow& run : g.runs)
    g.guarded("provenance of " + g.labels[run.id], [&] {
      const Provenance p = provenance_of(g.store, run);
      std::string inputs;
      for (const Input& input : p.inputs)
        inputs += (inputs.empty() ? "" : "; ") + input.what +
                  (input.which.empty() ? "" : " " + input.which) +
                  (input.hash.empty() ? "" : " " + short_hash(input.hash));
      rows.push_back({{g.labels[run.id]},
                      {std::to_string(run.seed), Cell::Kind::kNumber},
                      {short_hash(p.config), Cell::Kind::kCode},
                      {short_hash(p.recipe), Cell::Kind::kCode},
                      {printable(inputs), Cell::Kind::kCode}});
    });
  page.table({"run", "seed", "configuration", "recipe", "inputs"}, rows);
  for (const RunRow& run : g.runs) {
    page.begin_details("Configuration and build of " + g.labels[run.id]);
    std::vector<std::string> versions;
    const Json json = parsed_or_text(run.versions_json);
    if (json.is_object())
      for (const auto& [name, value] : json.items())
        versions.push_back(name + ": " + cell_text(value));
    page.list(versions);
    page.preformatted(run.config_yaml);
    page.end_details();
  }
}

}  // namespace nas::cli
