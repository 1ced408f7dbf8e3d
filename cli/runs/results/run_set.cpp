#include "cli/runs/results/run_set.hpp"

#include <fnmatch.h>

#include <algorithm>

#include "cli/terminal/suggest.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

void add(RunSet& set, const RunRow& run) {
  const bool known = std::any_of(
      set.runs.begin(), set.runs.end(), [&](const RunRow& r) { return r.id == run.id; });
  if (!known) set.runs.push_back(run);
}

/// Every run that a pattern fits; how many.
size_t add_fitting(RunSet& set, const Store& store, const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return 0;
  size_t found = 0;
  for (const RunRow& run : store.runs())
    if (fits_pattern(pattern, run.name) || fits_pattern(pattern, run.id)) {
      add(set, run);
      ++found;
    }
  set.pattern |= found > 0;
  return found;
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text)
    if (c == ',')
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

/// Names that are near, for a hint.
std::string hint_for(const Store& store, const std::string& word) {
  std::vector<std::string> names;
  for (const RunRow& run : store.runs()) names.push_back(run.name.empty() ? run.id : run.name);
  const std::string near = nearest(word, names);
  return (near.empty() ? "" : "Did you mean " + printable(near) + "? ") +
         runs_are_listed(store.path());
}

}  // namespace

bool fits_pattern(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

RunSet named_runs(const Store& store,
                  const std::vector<std::string>& words,
                  const std::string& flag) {
  RunSet set;
  for (const std::string& word : words) {
    // A name may hold a comma, as those of sweeps do.
    if (const auto whole = word.empty() ? std::nullopt : store.run(word)) {
      add(set, *whole);
      continue;
    }
    if (add_fitting(set, store, word) > 0) continue;
    for (const std::string& part : split_at_commas(word)) {
      if (part.empty())
        throw ConfigError(flag + ": expected names of runs, got \"" + printable(word) + "\"",
                          runs_are_listed(store.path()));
      if (const auto run = store.run(part)) {
        add(set, *run);
        continue;
      }
      if (add_fitting(set, store, part) == 0)
        throw ConfigError(
            flag + ": no run \"" + printable(part) + "\" in " + printable(store.path()),
            hint_for(store, part));
    }
  }
  return set;
}

}  // namespace nas::cli
