// A run is judged with the settings it was trained with, but for what says how and where to judge:
// to change anything else would put a number beside a name that it does not belong to.
#include "cli/runs/run_sets.hpp"

#include <algorithm>

#include "spaces/error.hpp"

namespace nas::cli {
namespace {

const std::vector<std::string>& keys() {
  static const std::vector<std::string> names = {
      "evaluate", "data.path", "data.workers", "data.prefetch", "data.cache", "device", "threads"};
  return names;
}

}  // namespace

std::string key_of(const std::string& set) {
  return set.substr(0, set.find('='));
}

bool is_run_set(const std::string& set) {
  const std::string key = key_of(set);
  return std::any_of(keys().begin(), keys().end(), [&](const std::string& name) {
    return key == name || key.starts_with(name + ".");
  });
}

const std::vector<std::string>& run_sets(const std::vector<std::string>& sets) {
  for (const std::string& set : sets) {
    if (is_run_set(set)) continue;
    const std::string key = key_of(set);
    std::vector<std::string> known = keys();
    known.insert(known.end(),
                 {"evaluate.images",
                  "evaluate.batch",
                  "evaluate.split",
                  "evaluate.seed",
                  "evaluate.recalibrate.enabled",
                  "evaluate.recalibrate.images",
                  "evaluate.recalibrate.batch"});
    const std::string near = nearest(key, known);
    throw ConfigError(
        "--set " + key + ": the run was trained with this; it cannot be changed here",
        near.empty() ? "What can be set: evaluate.images, evaluate.batch, evaluate.recalibrate.*, "
                       "data.path, device, threads."
                     : "Did you mean " + near + "?");
  }
  return sets;
}

}  // namespace nas::cli
