#include "cli/sweep/estimate.hpp"

#include <cmath>
#include <limits>
#include <map>

#include <nlohmann/json.hpp>

#include "spaces/base/stop.hpp"
#include "spaces/base/subprocess.hpp"

namespace nas::cli {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct Mean {
  double sum = 0;
  int n = 0;
  void add(double v) {
    sum += v;
    ++n;
  }
  double value() const { return n > 0 ? sum / n : kUnknown; }
};

/// What stages that differ by the seed alone have in common.
std::string shape_of(const Stage& stage) {
  std::string text = std::string(to_string(stage.kind)) + "\n" + stage.config;
  for (const std::string& set : stage.sets)
    if (!set.starts_with("seed=")) text += "\n" + set;
  if (stage.kind == StageKind::kRank || stage.kind == StageKind::kExport)
    for (const std::string& word : stage.words) text += "\n" + word;
  return text;
}

double timed(const Stage& stage, const SweepPlace& place) {
  std::vector<std::string> words = {"env",
                                    "OMP_NUM_THREADS=" + std::to_string(place.threads),
                                    place.nas,
                                    "train",
                                    "--config",
                                    stage.config};
  for (const std::string& set : stage.sets) words.insert(words.end(), {"--set", set});
  words.insert(words.end(), {"--dry-run", "--json", "--quiet", "--db", place.store});
  Subprocess::Piped piped;
  piped.out = piped.err = true;
  Subprocess child(words, piped);
  constexpr int kLook = 50;
  while (!child.ending() || !child.output_ended()) {
    child.turn(kLook);
    if (!stop_requested()) continue;
    child.end();
    throw Interrupted("stopped");
  }
  const auto json = nlohmann::json::parse(child.output(), nullptr, false);
  if (child.ending()->good() && json.is_object() && json.contains("seconds_estimated"))
    return json["seconds_estimated"].get<double>();
  std::string why = child.errors();
  while (!why.empty() && why.back() == '\n') why.pop_back();
  warning(stage.name + " cannot be tried: " + (why.empty() ? child.ending()->text() : why));
  return kUnknown;
}

}  // namespace

std::vector<double> estimated_seconds(const SweepPlan& plan,
                                      const std::vector<StageState>& states,
                                      const SweepPlace& place,
                                      const Common& common) {
  std::map<std::string, Mean> known;
  std::map<StageKind, Mean> of_kind;
  for (size_t s = 0; s < plan.stages.size(); ++s) {
    if (!states[s].done) continue;
    known[shape_of(plan.stages[s])].add(states[s].seconds);
    of_kind[plan.stages[s].kind].add(states[s].seconds);
  }
  const std::vector<bool> wanted = stages_to_run(plan, states, place.store);
  std::map<std::string, const Stage*> to_try;
  for (size_t s = 0; s < plan.stages.size(); ++s)
    if (wanted[s] && plan.stages[s].kind == StageKind::kTrain)
      if (const std::string shape = shape_of(plan.stages[s]); !known.contains(shape))
        to_try.emplace(shape, &plan.stages[s]);
  Progress progress(common, "time a few steps", static_cast<int64_t>(to_try.size()));
  int64_t tried = 0;
  for (const auto& [shape, stage] : to_try) {
    throw_if_stopped();
    progress.update(tried++, stage->name);
    const double seconds = timed(*stage, place);
    if (!std::isnan(seconds)) known[shape].add(seconds);
  }
  std::vector<double> seconds;
  for (const Stage& stage : plan.stages) {
    const auto found = known.find(shape_of(stage));
    seconds.push_back(found != known.end() ? found->second.value() : of_kind[stage.kind].value());
  }
  return seconds;
}

}  // namespace nas::cli
