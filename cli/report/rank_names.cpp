#include "cli/report/rank_names.hpp"

#include <algorithm>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas::cli {

std::vector<std::string> unique_names(const std::vector<RunRow>& runs,
                                      const std::vector<std::string>& taken) {
  // Old stores may hold names of any bytes; documents are UTF-8.
  const auto plain = [](const RunRow& run) {
    return run.name.empty() ? run.id : printable(run.name);
  };
  for (size_t i = 0; i < runs.size(); ++i)
    for (size_t k = 0; k < i; ++k)
      if (runs[i].id == runs[k].id)
        throw ConfigError("run " + runs[i].id + " is given twice",
                          "Name each run once; of equal names the ids tell runs apart.");
  std::vector<std::string> names;
  const auto free = [&](const std::string& name, const RunRow& self) {
    return std::find(taken.begin(), taken.end(), name) == taken.end() &&
           std::find(names.begin(), names.end(), name) == names.end() &&
           std::none_of(runs.begin(), runs.end(), [&](const RunRow& other) {
             return other.id != self.id && (other.id == name || plain(other) == name);
           });
  };
  for (const RunRow& run : runs) {
    std::string name = plain(run);
    // Ids differ, so that this ends; more than once only for names made to look like these.
    if (!free(name, run)) name += " (" + run.id + ")";
    while (!free(name, run)) name += "'";
    names.push_back(std::move(name));
  }
  return names;
}

TruthDirection truth_direction(const std::string& column, bool lower, bool higher) {
  if (lower || higher) return {lower ? Better::kLower : Better::kHigher, false};
  if (name_says(column) == NameSays::kUnclear)
    throw ConfigError("whether more or less of '" + column +
                          "' is better cannot be told: its name "
                          "changes the meaning of what it names",
                      "Add --higher-is-better or --lower-is-better.");
  const auto better = better_of(column);
  return {better.value_or(Better::kHigher), !better};
}

}  // namespace nas::cli
