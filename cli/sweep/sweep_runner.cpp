// One loop, one thread: children are looked at, the store is asked, what can begin begins. There is
// no record of our own of what is done. A killed sweep leaves runs in the store that a later one
// finds by their names, and goes on with (`--resume`); whoever else works on them is seen by the
// lock of the stage, or by the store.
#include "cli/sweep/sweep_runner.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <thread>

#include "cli/report/document.hpp"
#include "cli/sweep/stage_lock.hpp"
#include "search/store/store_merge.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/base/subprocess.hpp"
#include "spaces/base/whole_file.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr auto kLook = std::chrono::milliseconds(30);       ///< Between two looks at the children.
constexpr auto kAskAgain = std::chrono::milliseconds(500);  ///< For what others work on.
constexpr double kPatience = 60;  ///< Seconds that a child gets to save when we are to stop.
constexpr int kNothingFeasible = 3;

/// Standard output to $1, errors to the end of $2, then the command.
constexpr const char* kRedirect = "exec >\"$1\" 2>>\"$2\" </dev/null; shift 2; exec \"$@\"";

std::string output_of(const std::string& log) {
  return log.substr(0, log.size() - 3) + "json";
}

std::string text_of(const std::string& file, size_t most) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return "";
  const auto size = static_cast<size_t>(in.tellg());
  in.seekg(static_cast<std::streamoff>(size > most ? size - most : 0));
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// What the child says in its document of an error, else the end of its log, else how it ended.
std::string reason(const std::string& log, const Subprocess::Ending& ending) {
  constexpr size_t kLongest = 400;
  const Json json = Json::parse(text_of(output_of(log), 1 << 20), nullptr, false);
  if (json.is_object() && json.contains("error") && json["error"].is_object()) {
    std::string message = json["error"].value("message", std::string());
    if (message.size() > kLongest) message = message.substr(0, kLongest) + " ...";
    if (!message.empty()) return message;
  }
  std::istringstream lines(text_of(log, 4096));
  std::string last;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && line[0] != '$') last = line;
  return "its process " + ending.text() + (last.empty() ? "" : ": " + last.substr(0, kLongest));
}

class Runner {
 public:
  Runner(const SweepPlan& plan, const SweepPlace& place, const Common& common, bool fail_fast)
      : plan_(plan), place_(place), fail_fast_(fail_fast), results_(plan.stages.size()) {
    refresh();
    wanted_ = stages_to_run(plan, states_);
    bring_needed();
    int64_t all = 0;
    for (size_t s = 0; s < plan.stages.size(); ++s) {
      results_[s].state = states_[s];
      if (states_[s].done && !wanted_[s]) {
        results_[s].outcome = Outcome::kDone;
        results_[s].before = true;
      }
      all += wanted_[s] ? 1 : 0;
    }
    progress_ = std::make_unique<Progress>(common, "sweep", all);
    total_ = all;
  }

  std::vector<StageResult> run() {
    if (total_ > 0)
      for (const std::string& folder : {place_.folder, place_.locks}) make_folders(folder);
    const DefersStop saves;  // Children that end save first.
    while (!finished()) {
      if (stop_requested()) stop();
      reap();
      bool began = false;
      if (!(fail_fast_ && failed_)) began = begin();
      if (active_.empty() && !began && fail_fast_ && failed_) break;
      if (!began) std::this_thread::sleep_for(kLook);
    }
    check_store();
    return results_;
  }

 private:
  struct Active {
    size_t stage;
    std::unique_ptr<StageLock> lock;
    std::unique_ptr<Subprocess> process;
    Clock::time_point start;
  };

  void refresh() { states_ = stage_states(plan_, place_.store, place_.others); }

  /// Children work in our store alone. What they need and another store has done comes over as it
  /// is, under its own id: brought together again later, it is one run. (Trained once more, it
  /// would be a second run of the same name, without the rankings and searches of the first.)
  void bring_needed() {
    std::map<std::string, std::vector<std::string>> runs;  // By store.
    for (size_t s = 0; s < plan_.stages.size(); ++s) {
      if (!wanted_[s]) continue;
      for (int n = plan_.stages[s].needs; n >= 0; n = plan_.stages[static_cast<size_t>(n)].needs) {
        const StageState& state = states_[static_cast<size_t>(n)];
        if (state.done && state.store != place_.store) runs[state.store].push_back(state.run);
      }
    }
    for (const auto& [store, ids] : runs) {
      MergeOptions only;
      only.runs = ids;
      merge_stores(place_.store, {store}, only);
    }
    if (!runs.empty()) refresh();
  }

  bool finished() const {
    if (!active_.empty()) return false;
    for (size_t s = 0; s < results_.size(); ++s)
      if (wanted_[s] && results_[s].outcome == Outcome::kWaiting) return false;
    return true;
  }

  /// What was done is told only where the store still has it.
  void check_store() {
    refresh();
    for (size_t s = 0; s < results_.size(); ++s)
      if (results_[s].outcome == Outcome::kDone && !states_[s].done) {
        results_[s].outcome = Outcome::kFailed;
        results_[s].error = place_.store +
                            " no longer holds its run; it was deleted or replaced while the sweep "
                            "was running";
      }
  }

  bool is_active(size_t s) const {
    return std::any_of(
        active_.begin(), active_.end(), [s](const Active& a) { return a.stage == s; });
  }

  /// The stage that it needs is done in our store.
  bool ready(size_t s) {
    const int needs = plan_.stages[s].needs;
    if (needs < 0) return true;
    const StageResult& before = results_[static_cast<size_t>(needs)];
    if (before.outcome == Outcome::kFailed || before.outcome == Outcome::kBlocked) {
      end(s, Outcome::kBlocked, "needs " + plan_.stages[static_cast<size_t>(needs)].name);
      return false;
    }
    return before.outcome == Outcome::kDone && before.state.store == place_.store;
  }

  /// Cells are done one after the other: a stage that ends a cell comes before one that begins
  /// another.
  std::vector<size_t> order() const {
    std::vector<size_t> list;
    for (const SweepCell& cell : plan_.cells)
      for (const int s : cell.stages)
        if (std::find(list.begin(), list.end(), static_cast<size_t>(s)) == list.end())
          list.push_back(static_cast<size_t>(s));
    return list;
  }

  bool begin() {
    if (order_.empty()) order_ = order();
    bool began = false;
    for (const size_t s : order_) {
      if (active_.size() >= static_cast<size_t>(place_.jobs) || stop_requested()) break;
      if (!wanted_[s] || results_[s].outcome != Outcome::kWaiting || is_active(s) || !ready(s))
        continue;
      if (const auto later = elsewhere_.find(s);
          later != elsewhere_.end() && Clock::now() < later->second)
        continue;
      began = start(s) || began;
    }
    return began;
  }

  bool start(size_t s) {
    const Stage& stage = plan_.stages[s];
    try {
      auto lock = std::make_unique<StageLock>(place_.locks + "/" + stage.tag());
      if (!lock->held()) return wait_for_others(s);
      // Of our store alone: what is done elsewhere is no run to go on with.
      const StageState own = stage_states(plan_, place_.store)[s];
      if (own.done) {
        refresh();
        return end(s, Outcome::kDone, ""), true;
      }
      if (own.worked_on) return wait_for_others(s);
      // Another sweep worked on it while we waited, and failed.
      if (elsewhere_.contains(s) && own.status == "failed" && own.started >= began_)
        return end(s, Outcome::kFailed, own.error), true;
      const std::string log = log_of(stage, place_);
      results_[s].log = log;
      const std::string needed =
          stage.needs < 0 ? "" : results_[static_cast<size_t>(stage.needs)].state.run;
      const std::vector<std::string> command = stage_command(stage, own, needed, place_);
      note_command(log, command);
      std::vector<std::string> argv = {"/bin/sh", "-c", kRedirect, "nas", output_of(log), log};
      const std::vector<std::string> threads = thread_words(stage, place_);
      argv.insert(argv.end(), threads.begin(), threads.end());
      argv.insert(argv.end(), command.begin(), command.end());
      active_.push_back({s,
                         std::move(lock),
                         std::make_unique<Subprocess>(argv, Subprocess::Piped{}),
                         Clock::now()});
      say(std::string(own.run.empty() || own.anew || stage.kind == StageKind::kRank ||
                              stage.kind == StageKind::kExport
                          ? ""
                          : "goes on: ") +
              to_string(stage.kind) + " " + stage.name,
          false);
    } catch (const Error& e) {
      end(s, Outcome::kFailed, e.what());
    }
    return true;
  }

  bool wait_for_others(size_t s) {
    if (!elsewhere_.contains(s))
      say(std::string("another process works on ") + plan_.stages[s].name, true);
    elsewhere_[s] = Clock::now() + kAskAgain;
    return false;
  }

  void note_command(const std::string& log, const std::vector<std::string>& command) {
    std::string text = "$";
    for (const std::string& word : command) text += " " + shell_word(word);
    std::ofstream out(log, std::ios::app);
    out << text << "\n" << std::flush;
    if (!out) throw DataError(log + ": cannot be written");
  }

  void reap() {
    for (size_t i = 0; i < active_.size();) {
      const auto& ending = active_[i].process->ending();
      if (!ending) {
        ++i;
        continue;
      }
      const Active ended = std::move(active_[i]);
      active_.erase(active_.begin() + static_cast<long>(i));
      const double seconds = std::chrono::duration<double>(Clock::now() - ended.start).count();
      settle(ended.stage, *ended.process->ending(), seconds);
    }
  }

  /// The process has ended: what does the store say?
  void settle(size_t s, const Subprocess::Ending& ending, double seconds) {
    const Stage& stage = plan_.stages[s];
    const std::string log = results_[s].log;
    const bool good = ending.good() || (ending.signal == 0 && ending.code == kNothingFeasible &&
                                        stage.kind == StageKind::kSearch);
    if (!good) return end(s, Outcome::kFailed, reason(log, ending));
    try {
      if (stage.kind == StageKind::kRank || stage.kind == StageKind::kExport) {
        Json document = Json::parse(text_of(output_of(log), size_t{1} << 30), nullptr, false);
        if (!document.is_object()) throw DataError(output_of(log) + ": is no JSON document");
        document["sweep_seconds"] = seconds;
        keep_stage(place_.store,
                   results_[static_cast<size_t>(stage.needs)].state.run,
                   stage,
                   std::move(document));
      }
      refresh();
      if (!states_[s].done || states_[s].store != place_.store)
        throw DataError("its process ended well, but " + place_.store +
                        " does not hold its run; was the store deleted or replaced meanwhile?");
      if (stage.kind == StageKind::kTrain || stage.kind == StageKind::kSearch)
        mark_stage(place_.store, states_[s].run, plan_.name, stage);
      end(s, Outcome::kDone, "");
    } catch (const Error& e) {
      end(s, Outcome::kFailed, e.what());
    }
  }

  void end(size_t s, Outcome outcome, const std::string& error) {
    results_[s].outcome = outcome;
    results_[s].error = error;
    results_[s].state = states_[s];
    ++ended_;
    failed_ = failed_ || outcome == Outcome::kFailed;
    const char* word = outcome == Outcome::kDone     ? "done: "
                       : outcome == Outcome::kFailed ? "failed: "
                                                     : "left out: ";
    say(word + std::string(to_string(plan_.stages[s].kind)) + " " + plan_.stages[s].name +
            (outcome == Outcome::kFailed ? ": " + error.substr(0, error.find('\n')) : ""),
        true);
  }

  void say(const std::string& what, bool milestone) { progress_->update(ended_, what, milestone); }

  [[noreturn]] void stop() {
    for (Active& a : active_) a.process->ask_to_end();
    for (Active& a : active_) a.process->end(kPatience);
    int64_t left = 0;
    for (size_t s = 0; s < results_.size(); ++s)
      if (wanted_[s] && results_[s].outcome == Outcome::kWaiting) ++left;
    throw Interrupted("stopped; " + std::to_string(left) + " of " + std::to_string(total_) +
                      " stages are left. The same command goes on with them");
  }

  const SweepPlan& plan_;
  const SweepPlace& place_;
  bool fail_fast_, failed_ = false;
  std::vector<StageState> states_;
  std::vector<bool> wanted_;
  std::vector<StageResult> results_;
  std::vector<size_t> order_;
  std::vector<Active> active_;
  std::map<size_t, Clock::time_point> elsewhere_;  ///< When to ask again.
  std::string began_ = utc_now();
  std::unique_ptr<Progress> progress_;
  int64_t ended_ = 0, total_ = 0;
};

}  // namespace

std::vector<bool> stages_to_run(const SweepPlan& plan, const std::vector<StageState>& states) {
  std::vector<bool> wanted(plan.stages.size(), false);
  for (const SweepCell& cell : plan.cells)
    for (const int s : cell.stages)
      if (!states[static_cast<size_t>(s)].done) wanted[static_cast<size_t>(s)] = true;
  for (size_t s = plan.stages.size(); s-- > 0;) {
    const int needs = plan.stages[s].needs;
    if (wanted[s] && needs >= 0 && !states[static_cast<size_t>(needs)].done)
      wanted[static_cast<size_t>(needs)] = true;
  }
  return wanted;
}

void set_threads(SweepPlace& place, const char* given, int processors) {
  const int own = given != nullptr ? std::atoi(given) : 0;  // As set_compute_threads reads it.
  place.threads_divided = own <= 0 && place.jobs > 1;
  place.threads = own > 0 ? own : std::max(1, processors / place.jobs);
}

std::vector<std::string> thread_words(const Stage& stage, const SweepPlace& place) {
  if (stage.threads_given || !place.threads_divided) return {};
  return {"env", "OMP_NUM_THREADS=" + std::to_string(place.threads)};
}

std::string log_of(const Stage& stage, const SweepPlace& place) {
  return place.folder + "/" + to_string(stage.kind) + "-" + stage.name + ".log";
}

std::vector<std::string> stage_command(const Stage& stage,
                                       const StageState& own,
                                       const std::string& needed_run,
                                       const SweepPlace& place) {
  std::vector<std::string> words = {place.nas, to_string(stage.kind)};
  const auto add = [&words](std::initializer_list<std::string> more) {
    words.insert(words.end(), more);
  };
  const bool runs = stage.kind == StageKind::kTrain || stage.kind == StageKind::kSearch;
  if (runs && !own.run.empty() && !own.anew) {
    add({"--resume", own.run});
  } else {
    if (runs) add({"--config", stage.config, "--name", stage.name});
    if (!needed_run.empty()) add({"--run", needed_run});
    for (const std::string& set : stage.sets) add({"--set", set});
    words.insert(words.end(), stage.words.begin(), stage.words.end());
  }
  if (stage.kind == StageKind::kExport) add({"--out", place.folder + "/" + stage.name, "--force"});
  add({"--db", place.store, "--json"});
  return words;
}

std::vector<StageResult> run_sweep(const SweepPlan& plan,
                                   const SweepPlace& place,
                                   const Common& common,
                                   bool fail_fast) {
  return Runner(plan, place, common, fail_fast).run();
}

}  // namespace nas::cli
