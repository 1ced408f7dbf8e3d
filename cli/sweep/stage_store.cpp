// A run belongs to a stage when its name ends with the start of the stage's hash. The child writes
// the name with the run, in one transaction, so that it is there however this process ends; a
// document with the whole hash is added when the stage is done and finds runs that were renamed.
#include "cli/sweep/stage_store.hpp"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <map>

#include "cli/report/document.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string document_kind(const Stage& stage) {
  return std::string(kSweepDocument) + "-" + to_string(stage.kind) + "-" + stage.tag();
}

/// The tag at the end of a name, or "".
std::string tag_of(const std::string& name) {
  if (name.size() < kTagLength + 2 || name[name.size() - kTagLength - 1] != '-') return "";
  const std::string tag = name.substr(name.size() - kTagLength);
  return tag.find_first_not_of("0123456789abcdef") == std::string::npos ? tag : "";
}

double seconds_between(const std::string& from, const std::string& to) {
  std::tm a{}, b{};
  if (strptime(from.c_str(), "%Y-%m-%dT%H:%M:%SZ", &a) == nullptr ||
      strptime(to.c_str(), "%Y-%m-%dT%H:%M:%SZ", &b) == nullptr)
    return 0;
  return std::difftime(timegm(&b), timegm(&a));
}

/// A search of which every evaluation failed knows nothing, and would only repeat that.
bool found_nothing(const Store& store, const RunRow& run) {
  if (run.command != "search" || run.status != "failed") return false;
  const std::vector<EvaluationRow> rows = store.evaluations(run.id);
  return std::none_of(rows.begin(), rows.end(), [](const EvaluationRow& row) {
    return row.status == "ok" && row.source != "plan";
  });
}

/// The tag that mark_stage left with a run, or "". Asked once of each finished run.
std::string marked_tag(const Store& store, const std::string& run) {
  static std::map<std::pair<std::string, std::string>, std::string> known;
  const auto [at, fresh] = known.try_emplace({store.path(), run});
  if (!fresh) return at->second;
  const auto text = store.document(run, kSweepDocument);
  const Json json = Json::parse(text.value_or(""), nullptr, false);
  if (json.is_object()) at->second = json.value("hash", std::string()).substr(0, kTagLength);
  return at->second;
}

bool is_there(const std::string& store) {
  std::error_code error;
  return std::filesystem::file_size(store, error) > 0 && !error;
}

class Snapshot {
 public:
  explicit Snapshot(const std::string& path) : path_(path), store_(path, Store::Mode::kRead) {
    for (const RunRow& run : store_.runs()) {
      std::string tag = tag_of(run.name);
      if (tag.empty() && run.status == "finished") tag = marked_tag(store_, run.id);
      if (tag.empty()) continue;
      // A finished one counts before any other, else the newest.
      RunRow& kept = runs_[run.command + tag];
      if (kept.status != "finished" || run.status == "finished") kept = run;
    }
  }

  StageState of(const Stage& stage, const StageState* needs) const {
    StageState state;
    state.store = path_;
    if (stage.kind == StageKind::kRank || stage.kind == StageKind::kExport) {
      if (needs == nullptr || !needs->done || needs->store != path_) return state;
      state.run = needs->run;
      const auto text = store_.document(state.run, document_kind(stage));
      state.done = text.has_value();
      if (!text) return state;
      const Json json = Json::parse(*text, nullptr, false);
      if (json.is_object()) state.seconds = json.value("sweep_seconds", 0.0);
      state.status = "finished";
      return state;
    }
    const auto found = runs_.find(to_string(stage.kind) + stage.tag());
    if (found == runs_.end()) return state;
    const RunRow& run = found->second;
    state.run = run.id;
    state.status = shown_status(run);
    state.done = run.status == "finished";
    state.worked_on = state.status == "running";
    state.anew = found_nothing(store_, run);
    state.error = run.error;
    state.started = run.started;
    if (state.done) state.seconds = seconds_between(run.started, run.ended);
    return state;
  }

 private:
  std::string path_;
  Store store_;
  std::map<std::string, RunRow> runs_;
};

}  // namespace

std::vector<StageState> stage_states(const SweepPlan& plan,
                                     const std::string& store,
                                     const std::vector<std::string>& others) {
  std::vector<StageState> states(plan.stages.size());
  std::vector<std::string> places = {store};
  places.insert(places.end(), others.begin(), others.end());
  for (const std::string& place : places) {
    if (!is_there(place)) continue;
    const Snapshot snapshot(place);
    for (size_t s = 0; s < plan.stages.size(); ++s) {
      if (states[s].done) continue;
      const int needs = plan.stages[s].needs;
      StageState found =
          snapshot.of(plan.stages[s], needs < 0 ? nullptr : &states[static_cast<size_t>(needs)]);
      // Of what is not done, our own store tells how far it is.
      if (found.done || place == store) states[s] = std::move(found);
    }
  }
  return states;
}

void mark_stage(const std::string& store,
                const std::string& run,
                const std::string& sweep,
                const Stage& stage) {
  Store(store, Store::Mode::kExisting)
      .set_document(run,
                    kSweepDocument,
                    json_line({{"schema", "nas-sweep-stage/1"},
                               {"sweep", sweep},
                               {"stage", to_string(stage.kind)},
                               {"name", stage.name},
                               {"hash", stage.hash}}));
}

void keep_stage(const std::string& store,
                const std::string& run,
                const Stage& stage,
                Json document) {
  // What each architecture got is in the run's own ranking, and too long to keep once more.
  document.erase("architectures");
  Store(store, Store::Mode::kExisting).set_document(run, document_kind(stage), json_line(document));
}

Metrics stage_metrics(const Stage& stage, const StageState& state) {
  Metrics metrics;
  if (!state.done) return metrics;
  const Store store(state.store, Store::Mode::kRead);
  const auto add = [&metrics](const std::string& name, const Json& value) {
    if (value.is_number()) metrics.emplace_back(name, value.get<double>());
  };
  if (stage.kind == StageKind::kTrain) {
    for (const std::string& name : store.metric_names(state.run))
      if (name.starts_with("validation.") && name != "validation.failed")
        if (const auto last = store.last_metric(state.run, name))
          metrics.emplace_back(name, last->value);
    return metrics;
  }
  const std::string kind = stage.kind == StageKind::kSearch ? "front" : document_kind(stage);
  const Json json = Json::parse(store.document(state.run, kind).value_or(""), nullptr, false);
  if (!json.is_object()) return metrics;
  if (stage.kind == StageKind::kRank) {
    const Json rankers = json.value("rankers", Json::array());
    if (rankers.empty()) return metrics;
    for (const auto& [key, value] : rankers[0].items())
      if (key != "n") add("rank." + key, value);
  } else if (stage.kind == StageKind::kSearch) {
    const Json front = json.value("front", Json::array());
    const size_t best = json.value("best", size_t{0});
    if (best < front.size())
      for (const auto& [name, value] : front[best]["values"].items()) add("best." + name, value);
    // From points of their own, hypervolumes of two searches are not comparable.
    if (json.value("reference_given", false)) add("hypervolume", json.value("hypervolume", Json()));
    for (const char* key : {"evaluations", "feasible"})
      if (json.contains(key)) add(key, json[key]);
  } else {
    for (const char* key : {"macs", "params"})
      if (json.contains(key)) add(std::string("export.") + key, json[key]);
  }
  return metrics;
}

}  // namespace nas::cli
