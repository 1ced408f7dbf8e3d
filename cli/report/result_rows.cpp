// Which fidelity is shown: each stored one is compared with how the run would judge now, key by key
// in order of weight (split before weights before batch-norm treatment before sizes and seeds), and
// the one that agrees longest is taken. So the choice depends on what is stored, not on when.
#include "cli/report/result_rows.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "cli/report/events/run_events.hpp"
#include "search/costs.hpp"
#include "search/fidelity.hpp"
#include "spaces/error.hpp"
#include "spaces/metric.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string base_of(const std::string& source) {
  return source.substr(0, source.find(':'));
}

bool is_cost(const EvaluationRow& row) {
  return row.source == "plan" || row.source == "latency_table";
}

Json object_of(const std::string& text) {
  // Keys sorted, so that equal fidelities are equal texts.
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  return json.is_object() ? Json(json) : Json{{"fidelity", text}};
}

// The training run whose weights judge.
std::optional<RunRow> supernet_of(const Store& store, const RunRow& run) {
  if (run.command == "train") return run;
  return run.parent.empty() ? std::nullopt : store.run(run.parent, "train");
}

// How the run's supernet would judge now; keys that cannot be told are absent.
Json own_fidelity(const Store& store, const RunRow& run) {
  Json own = Json::object();
  const auto supernet = supernet_of(store, run);
  if (!supernet) return own;
  YamlSource config;
  config.text = supernet->config_yaml;
  const auto text = [&](const std::string& key) {
    try {
      return yaml_scalar(config, "evaluate." + key).value_or("");
    } catch (const ConfigError&) {
      return std::string();  // Not written by this program.
    }
  };
  const std::string split = text("split");
  own["split"] = split.empty() ? "validation" : split;
  own["bn"] = text("recalibrate.enabled") == "false" ? "running" : "recalibrated";
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty() && value.find_first_not_of("0123456789") == std::string::npos)
      own[key] = std::stoull(value);
  };
  put("seed", text("seed"));
  put("bn_seed", text("recalibrate.seed"));
  for (const SplitRow& row : store.splits(supernet->id)) {
    if (row.name == own["split"]) {
      const std::string limit = text("images");
      const int64_t most = limit.empty() || limit.size() > 12 ? 0 : std::atoll(limit.c_str());
      own["images"] = most == 0 ? row.size : std::min(most, row.size);
    }
    if (row.name == "train") {
      const std::string limit = text("recalibrate.images");
      const int64_t most = limit.empty() || limit.size() > 12 ? 0 : std::atoll(limit.c_str());
      own["bn_images"] = most == 0 ? row.size : std::min(most, row.size);
    }
  }
  // A search may judge otherwise; what can change under it is the weights.
  if (run.command == "search") own.clear();
  constexpr size_t kShort = 16;
  const std::vector<CheckpointRow> checkpoints = store.checkpoints(supernet->id);
  if (!checkpoints.empty()) own["checkpoint"] = checkpoints.back().sha256.substr(0, kShort);
  return own;
}

bool agrees(const Json& fidelity, const Json& own, const char* key) {
  if (!own.contains(key)) return true;
  if (!fidelity.contains(key)) return false;
  // Spaces without running statistics know no other treatment.
  if (std::string(key) == "bn" && fidelity[key] == "batch") return true;
  return fidelity[key] == own[key];
}

constexpr const char* kKeys[] = {
    "split", "checkpoint", "bn", "images", "bn_images", "seed", "bn_seed"};

std::vector<int> agreement(const Fidelity& f, const Json& own) {
  std::vector<int> marks;
  for (const char* key : kKeys) marks.push_back(agrees(f.json, own, key) ? 1 : 0);
  return marks;
}

// Of `candidates` the nearest to the run's own; of equals the one with more architectures, then by
// text.
size_t nearest_own(const std::vector<size_t>& candidates,
                   const std::vector<Fidelity>& all,
                   const Json& own) {
  return *std::max_element(candidates.begin(), candidates.end(), [&](size_t a, size_t b) {
    const auto x = agreement(all[a], own), y = agreement(all[b], own);
    if (x != y) return x < y;
    if (all[a].architectures != all[b].architectures)
      return all[a].architectures < all[b].architectures;
    return all[a].json.dump() > all[b].json.dump();
  });
}

bool fits(const std::string& source, const Json& fidelity, const Selection& selection) {
  if (!selection.source.empty() && base_of(selection.source) != source) return false;
  const auto value = [&](const std::string& key) {
    if (!fidelity.contains(key)) return std::string();
    return fidelity[key].is_string() ? fidelity[key].get<std::string>() : fidelity[key].dump();
  };
  if (!selection.splits.empty() &&
      std::find(selection.splits.begin(), selection.splits.end(), value("split")) ==
          selection.splits.end())
    return false;
  for (const std::string& text : selection.fidelity) {
    if (text == "all") continue;
    const size_t equal = text.find('=');
    if (equal == std::string::npos || equal == 0)
      throw ConfigError("--fidelity " + text + ": expected all or KEY=VALUE",
                        "For example --fidelity bn=running, or --fidelity checkpoint=1a2b3c.");
    const std::string key = text.substr(0, equal), wanted = text.substr(equal + 1);
    const std::string found = value(key == "weights" ? "checkpoint" : key);
    // A hash may be shortened.
    const bool hash = key == "checkpoint" || key == "weights" || key == "sha256";
    if (hash ? wanted.empty() || found.rfind(wanted, 0) != 0 : found != wanted) return false;
  }
  return true;
}

std::string listed(const std::vector<Fidelity>& fidelities) {
  std::string text;
  for (const Fidelity& f : fidelities) text += "\n  " + f.text();
  return text;
}

/// Texts leave out what seldom differs; where two read the same, it is added.
void tell_apart(std::vector<Fidelity>& all) {
  std::map<std::string, std::vector<size_t>> same;
  for (size_t i = 0; i < all.size(); ++i) same[all[i].text()].push_back(i);
  for (const auto& [text, group] : same) {
    if (group.size() < 2) continue;
    std::set<std::string> keys;
    for (const size_t i : group)
      for (const auto& [key, value] : all[i].json.items()) keys.insert(key);
    for (const std::string& key : keys) {
      const auto value = [&](size_t i) { return all[i].json.value(key, Json()); };
      if (std::all_of(group.begin(), group.end(), [&](size_t i) {
            return value(i) == value(group.front());
          }))
        continue;
      for (const size_t i : group) {
        const Json v = value(i);
        all[i].apart += (all[i].apart.empty() ? "" : ", ") + key + " " +
                        (v.is_null()     ? "not known"
                         : v.is_string() ? v.get<std::string>()
                                         : v.dump());
      }
    }
  }
}

void refuse_unknown_keys(const std::vector<Fidelity>& all, const Selection& selection) {
  std::set<std::string> known = {"weights"};
  for (const Fidelity& f : all)
    for (const auto& [key, value] : f.json.items()) known.insert(key);
  for (const std::string& text : selection.fidelity) {
    const std::string key = text.substr(0, text.find('='));
    if (text == "all" || known.contains(key) || all.empty()) continue;
    std::string list;
    for (const std::string& each : known) list += (list.empty() ? "" : ", ") + each;
    throw ConfigError("--fidelity " + text + ": no stored value has '" + key + "'",
                      "There are: " + list + ".");
  }
}

void choose(Results& results, const Selection& selection, const Json& own) {
  std::vector<Fidelity>& all = results.fidelities;
  refuse_unknown_keys(all, selection);
  std::vector<size_t> candidates;
  for (size_t i = 0; i < all.size(); ++i)
    if (fits(all[i].source, all[i].json, selection)) candidates.push_back(i);
  if (candidates.empty()) {
    if (all.empty() || (selection.splits.empty() && selection.fidelity.empty())) return;
    throw ConfigError("no stored value is of the fidelity asked for; there are:" + listed(all),
                      "nas evaluate makes more; --split and --fidelity choose.");
  }
  const bool every = std::find(selection.fidelity.begin(), selection.fidelity.end(), "all") !=
                     selection.fidelity.end();
  if (every) {
    for (const size_t i : candidates) all[i].shown = true;
  } else if (selection.splits.size() > 1) {
    for (const std::string& split : selection.splits) {
      std::vector<size_t> of_split;
      for (const size_t i : candidates)
        if (all[i].split == split) of_split.push_back(i);
      if (!of_split.empty()) all[nearest_own(of_split, all, own)].shown = true;
    }
  } else {
    all[nearest_own(candidates, all, own)].shown = true;
  }
}

void sort_metrics(std::vector<std::string>& metrics) {
  const auto place = [](const std::string& name) -> size_t {
    const Metric* metric = find_metric(name);
    return metric == nullptr || !metric->cost
               ? 0
               : 1 + static_cast<size_t>(metric - known_metrics().data());
  };
  std::stable_sort(metrics.begin(), metrics.end(), [&](const auto& a, const auto& b) {
    return place(a) < place(b);
  });
}

void note_metric(std::vector<std::string>& list, const std::string& name) {
  if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
}

}  // namespace

std::string Fidelity::text() const {
  return fidelity_text(source, json.dump()) + (apart.empty() ? "" : ", " + apart);
}

std::string split_of(const std::string& fidelity_json) {
  const Json json = object_of(fidelity_json);
  return json.contains("split") && json["split"].is_string() ? json["split"].get<std::string>()
                                                             : "";
}

bool selected(const EvaluationRow& row, const Selection& selection) {
  if (!selection.source.empty() && row.source != selection.source) return false;
  if (is_cost(row)) return selection.splits.empty() && selection.fidelity.empty();
  return fits(base_of(row.source), object_of(row.fidelity_json), selection);
}

Results collect_results(const Store& store, const RunRow& run, const Selection& selection) {
  Results results;
  std::map<std::string, size_t> place;                         // Of fidelities.
  std::map<std::pair<std::string, std::string>, size_t> seen;  // The same by text as stored.
  std::map<std::string, std::map<std::string, double>> costs;  // By architecture.
  std::map<std::pair<std::string, size_t>, std::map<std::string, double>> values;
  std::set<std::pair<std::string, size_t>> failed;
  std::vector<std::string> qualities, free;
  for (const EvaluationRow& row : store.evaluations(run.id)) {
    if (!selection.source.empty() && row.source != selection.source) continue;
    if (is_cost(row)) {
      if (row.status == "ok") costs[row.architecture][row.metric] = row.value;
      note_metric(free, row.metric);
      continue;
    }
    const auto [known, unseen] = seen.emplace(std::pair(row.source, row.fidelity_json), 0);
    if (unseen) {
      const Json json = object_of(row.fidelity_json);
      const std::string source = base_of(row.source);
      const auto [at, fresh] =
          place.emplace(source + '\n' + json.dump(), results.fidelities.size());
      if (fresh)
        results.fidelities.push_back(
            {.source = source, .json = json, .split = split_of(row.fidelity_json), .apart = ""});
      known->second = at->second;
    }
    if (row.status == "ok")
      values[{row.architecture, known->second}][row.metric] = row.value;
    else
      failed.emplace(row.architecture, known->second);
  }
  for (const auto& [key, ignored] : values) ++results.fidelities[key.second].architectures;
  for (const auto& key : failed)
    if (!values.contains(key)) ++results.fidelities[key.second].failed;
  const Json own = own_fidelity(store, run);
  results.own = fidelity_text("supernet", own.dump());
  for (Fidelity& f : results.fidelities) {
    f.own = true;
    for (const char* key : kKeys)
      // Earlier versions stored no weights.
      if (std::string(key) != "checkpoint" || f.json.contains(key))
        f.own &= agrees(f.json, own, key);
  }
  tell_apart(results.fidelities);
  choose(results, selection, own);
  for (auto& [key, found] : values) {
    const Fidelity& f = results.fidelities[key.second];
    if (!f.shown) continue;
    for (const auto& [metric, value] : found) {
      note_metric(qualities, metric);
      if (f.source == "supernet") note_metric(results.ours, metric);
    }
    Entry entry{key.first, key.second, std::move(found)};
    if (const auto cost = costs.find(key.first); cost != costs.end())
      entry.values.insert(cost->second.begin(), cost->second.end());
    results.entries.push_back(std::move(entry));
  }
  // A run that only holds costs.
  if (results.fidelities.empty())
    for (const auto& [architecture, found] : costs)
      results.entries.push_back({architecture, 0, found});
  results.metrics = qualities;
  for (const std::string& metric : free) {
    note_metric(results.metrics, metric);
    note_metric(results.ours, metric);
  }
  sort_metrics(results.metrics);
  std::stable_sort(results.entries.begin(),
                   results.entries.end(),
                   [](const auto& a, const auto& b) { return a.fidelity < b.fidelity; });
  return results;
}

void add_free_costs(Results& results, const RunRow& run, const std::vector<std::string>& metrics) {
  std::vector<std::string> wanted = {"macs", "params"};
  for (const std::string& metric : metrics)
    if (const Metric* known = find_metric(metric); known != nullptr && known->cost)
      note_metric(wanted, metric);
  for (const std::string& metric : results.metrics)
    if (const Metric* known = find_metric(metric); known != nullptr && known->cost)
      note_metric(wanted, metric);
  const auto complete = [&](const Entry& entry) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& metric) {
      return metric == "latency_ms" || entry.values.contains(metric);
    });
  };
  if (std::all_of(results.entries.begin(), results.entries.end(), complete)) return;
  try {
    Binder::Raw raw;
    raw.yaml = run.space_yaml;
    if (raw.yaml.empty()) return;
    const std::unique_ptr<Space> space = open_space(raw);
    if (!space->has_fingerprint(run.fingerprint))
      throw DataError("the space '" + run.space + "' is another one now");
    const CostModel costs(*space);
    for (Entry& entry : results.entries) {
      if (complete(entry)) continue;
      for (const auto& [metric, value] : costs.of(space->parse(entry.architecture)))
        if (std::find(wanted.begin(), wanted.end(), metric) != wanted.end())
          entry.values.emplace(metric, value);
    }
    for (const std::string& metric : wanted) {
      if (!costs.knows(metric)) continue;
      note_metric(results.metrics, metric);
      note_metric(results.ours, metric);
    }
    sort_metrics(results.metrics);
  } catch (const Error& e) {
    results.problems.push_back(std::string("costs that are not stored cannot be computed: ") +
                               e.what());
  }
}

nlohmann::ordered_json metric_cell(const std::string& metric, double value) {
  const Metric* known = find_metric(metric);
  constexpr double kExact = 9007199254740992.0;  // 2^53
  const bool whole = known != nullptr &&
                     (known->unit == MetricUnit::kCount || known->unit == MetricUnit::kBytes) &&
                     value == std::floor(value) && std::abs(value) < kExact;
  return whole ? Json(static_cast<int64_t>(value)) : json_number(value);
}

Rows history_rows(const Store& store,
                  const RunRow& run,
                  const std::vector<std::string>& metrics,
                  bool clock) {
  const auto wanted = [&](const std::string& name) {
    if (metrics.empty()) return clock || name != kEpochEnded;
    return std::find(metrics.begin(), metrics.end(), name) != metrics.end();
  };
  std::vector<std::string> names;
  std::map<int64_t, std::map<std::string, double>> steps;
  for (const MetricRow& row : store.metrics(run.id)) {
    if (!wanted(row.name)) continue;
    if (std::find(names.begin(), names.end(), row.name) == names.end()) names.push_back(row.name);
    steps[row.step][row.name] = row.value;
  }
  Rows rows{{"step"}, {}};
  rows.header.insert(rows.header.end(), names.begin(), names.end());
  for (const auto& [step, values] : steps) {
    std::vector<nlohmann::ordered_json> row = {step};
    for (const std::string& name : names) {
      const auto value = values.find(name);
      row.push_back(value == values.end() ? nlohmann::ordered_json(nullptr)
                                          : json_number(value->second));
    }
    rows.rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace nas::cli
