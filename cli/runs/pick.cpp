#include "cli/runs/pick.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/config/stored_config.hpp"
#include "cli/runs/own_architecture.hpp"
#include "cli/terminal/suggest.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using SortedJson = nlohmann::json;

/// The latest finished search in the supernet of `train`.
RunRow search_of(const Store& store, const RunRow& supernet, const Common& common) {
  const std::string& train = supernet.id;
  const std::vector<RunRow> runs = store.runs();
  const auto of_train = [&](const RunRow& run) {
    return run.command == "search" && run.parent == train && run.status == "finished";
  };
  const auto found = std::find_if(runs.rbegin(), runs.rend(), of_train);
  if (found == runs.rend() && is_stand_alone(supernet))
    throw ConfigError("run " + train +
                          " trained one architecture alone (strategy `fixed`): there is no search "
                          "to pick from",
                      "name it: --arch " + shell_word(own_architecture(store, supernet)));
  if (found == runs.rend())
    throw ConfigError("run " + train + " has no finished search to pick from",
                      "run: " + suggested({"search", "--run", train}, common));
  const auto count = std::count_if(runs.begin(), runs.end(), of_train);
  if (count > 1)
    note(common,
         "run " + train + " has " + std::to_string(count) +
             " finished searches; the newest is taken: " + found->id +
             (found->name.empty() ? "" : " (" + found->name + ")") +
             "; --run SEARCH names another");
  return *found;
}

size_t index_of(const std::string& pick, const SortedJson& document) {
  if (pick == "best" || pick == "knee") return document.at(pick).get<size_t>();
  size_t index = 0;
  const char* end = pick.data() + pick.size();
  const auto [stop, error] = std::from_chars(pick.data(), end, index);
  const size_t size = document.at("front").size();
  if (error != std::errc() || stop != end || index >= size)
    throw ConfigError("--pick " + pick + ": expected best, knee or an index from 0 to " +
                      std::to_string(size - 1));
  return index;
}

}  // namespace

Picked pick_architecture(const Store& store,
                         const std::string& run,
                         const std::string& pick,
                         const Common& common) {
  std::optional<RunRow> row;
  // `last` alone may be a search or a training; without --pick a supernet is meant.
  if (run == "last" && pick.empty()) row = store.run(run, "train");
  if (!row) row = store.run(run);
  if (!row)
    throw ConfigError("there is no run '" + run + "' in " + store.path(),
                      runs_are_listed(common.db));
  Picked picked;
  if (row->command == "train") {
    picked.supernet = row->id;
    if (pick.empty()) return picked;
    row = search_of(store, *row, common);
  } else if (row->command != "search") {
    throw ConfigError("run " + row->id + " is neither a training nor a search");
  }
  picked.search = row->id;
  picked.supernet = row->parent;
  if (picked.supernet.empty())
    throw ConfigError("search " + row->id + " was not made in a supernet, so there are no weights",
                      "name the training run with --run and the architecture with --arch");
  const auto document = store.document(row->id, "front");
  if (!document)
    throw ConfigError("search " + row->id + " is not finished",
                      "resume it with: " + suggested({"search", "--resume", row->id}, common));
  const SortedJson json = SortedJson::parse(*document);
  if (json.at("front").empty())
    throw ConfigError("search " + row->id + " found nothing feasible, so there is nothing to pick");
  picked.architecture = json["front"][index_of(pick.empty() ? "best" : pick, json)]["architecture"]
                            .get<std::string>();
  for (const EvaluationRow& e : store.evaluations(row->id)) {
    if (e.architecture != picked.architecture || e.source != "supernet") continue;
    const SortedJson fidelity = SortedJson::parse(e.fidelity_json, nullptr, false);
    if (fidelity.is_object()) picked.weights = fidelity.value("checkpoint", "");
  }
  return picked;
}

}  // namespace nas::cli
