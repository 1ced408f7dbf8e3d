#include "cli/sweep/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>

#include <nlohmann/json.hpp>

#include "spaces/base/stop.hpp"
#include "spaces/base/subprocess.hpp"
#include "spaces/yaml/yaml_tree.hpp"

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
  std::vector<std::string> words = thread_words(stage, place);
  words.insert(words.end(), {place.nas, "train", "--config", stage.config});
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

using Node = detail::YamlNode;

/// Everything below but seeds.
void add_values(const Node& node, const std::string& path, std::string& text) {
  for (const Node::Entry& entry : node.entries)
    if (!entry.key.ends_with("seed")) add_values(*entry.value, path + "." + entry.key, text);
  if (!node.is_map()) text += path + ": " + detail::emit_json(node, -1) + "\n";
}

const Node* at(const Node* node, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const Node::Entry* entry = node != nullptr ? node->find(key) : nullptr;
    node = entry != nullptr ? entry->value.get() : nullptr;
  }
  return node;
}

/// One stage for each kind of step among those marked; those that most of them share first.
std::vector<const Stage*> different_steps(const SweepPlan& plan, const std::vector<bool>& marked) {
  std::map<std::string, std::pair<size_t, size_t>> steps;  // (stages, first of them)
  for (size_t s = 0; s < plan.stages.size(); ++s)
    if (marked[s]) ++steps.try_emplace(plan.stages[s].step, 0, s).first->second.first;
  std::vector<std::pair<size_t, size_t>> order;
  for (const auto& [step, counts] : steps) order.push_back(counts);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  std::vector<const Stage*> list;
  for (const auto& [n, first] : order) list.push_back(&plan.stages[first]);
  return list;
}

/// Seconds of an epoch (of the whole run where a budget ends it) for each kind of step.
std::map<std::string, double> timed_steps(std::vector<const Stage*> to_time,
                                          const SweepPlace& place,
                                          const Common& common) {
  std::map<std::string, double> known;
  if (to_time.empty()) return known;
  if (to_time.size() > kMostTimed) {
    note(common,
         std::to_string(kMostTimed) + " of " + std::to_string(to_time.size()) +
             " different trainings are timed; the others are not estimated");
    to_time.resize(kMostTimed);
  }
  Progress progress(common, "time a few steps", static_cast<int64_t>(to_time.size()));
  int64_t tried = 0;
  for (const Stage* stage : to_time) {
    throw_if_stopped();
    progress.update(tried++, stage->name, true);
    const double seconds = timed(*stage, place);
    if (!std::isnan(seconds)) known[stage->step] = seconds / std::max(1.0, stage->epochs);
  }
  return known;
}

}  // namespace

void describe_steps(Stage& stage, const std::string& resolved) {
  std::vector<Problem> ignored;
  const detail::YamlPtr tree = detail::parse_yaml(resolved, "", 0, ignored);
  const auto text = [&](std::initializer_list<const char*> keys) {
    const Node* node = at(tree.get(), keys);
    return node != nullptr ? node->text : std::string();
  };
  stage.threads_given = text({"threads"}) != "0";
  stage.step.clear();
  const auto add = [&](std::initializer_list<const char*> keys) {
    std::string path;
    for (const char* key : keys) path += (path.empty() ? "" : ".") + std::string(key);
    if (const Node* node = at(tree.get(), keys)) add_values(*node, path, stage.step);
  };
  for (const char* key : {"space", "data", "strategy", "weights", "device", "threads"}) add({key});
  for (const char* key : {"batch",
                          "drop_last",
                          "accumulate",
                          "shards",
                          "fix",
                          "precision",
                          "deterministic",
                          "memory_format"})
    add({"train", key});
  add({"train", "optimizer", "kind"});
  stage.epochs = std::strtod(text({"train", "epochs"}).c_str(), nullptr);
  if (text({"train", "budget", "macs"}).empty()) return;
  // A run that a budget ends is no multiple of its epochs.
  add({"train", "budget"});
  add({"train", "epochs"});
  stage.epochs = 0;
}

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
  std::vector<bool> to_time = stages_to_run(plan, states);
  for (size_t s = 0; s < plan.stages.size(); ++s)
    if (plan.stages[s].kind != StageKind::kTrain || known.contains(shape_of(plan.stages[s])))
      to_time[s] = false;
  const std::map<std::string, double> steps =
      timed_steps(different_steps(plan, to_time), place, common);
  std::vector<double> seconds;
  for (const Stage& stage : plan.stages) {
    const auto found = known.find(shape_of(stage));
    const auto step = steps.find(stage.step);
    if (found != known.end())
      seconds.push_back(found->second.value());
    else if (stage.kind != StageKind::kTrain)
      seconds.push_back(of_kind[stage.kind].value());
    else
      seconds.push_back(step != steps.end() ? step->second * std::max(1.0, stage.epochs)
                                            : kUnknown);
  }
  return seconds;
}

}  // namespace nas::cli
