// Cells that share a training belong to one shard: it would be paid for twice otherwise. Groups are
// dealt out greedily, the largest to the shard with the fewest cells (at most 4/3 of the best
// division, Graham 1969), by their order alone, so that every task of an array divides alike.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>

#include "cli/sweep/sweep_plan.hpp"

namespace nas::cli {
namespace {

/// Cells by group, groups in order of their first cell.
std::vector<std::vector<size_t>> groups_of(const SweepPlan& plan) {
  std::vector<size_t> leader(plan.cells.size());
  std::iota(leader.begin(), leader.end(), size_t{0});
  const auto find = [&leader](size_t c) {
    while (leader[c] != c) c = leader[c] = leader[leader[c]];
    return c;
  };
  std::map<int, size_t> first;  // Cell that first has the stage.
  for (size_t c = 0; c < plan.cells.size(); ++c)
    for (const int stage : plan.cells[c].stages) {
      if (plan.stages[static_cast<size_t>(stage)].needs >= 0) continue;
      const auto [at, fresh] = first.try_emplace(stage, c);
      if (fresh) continue;
      const size_t a = find(at->second), b = find(c);
      leader[std::max(a, b)] = std::min(a, b);
    }
  std::map<size_t, std::vector<size_t>> groups;
  for (size_t c = 0; c < plan.cells.size(); ++c) groups[find(c)].push_back(c);
  std::vector<std::vector<size_t>> list;
  for (auto& [at, cells] : groups) list.push_back(std::move(cells));
  return list;
}

std::optional<int> whole(const char* text) {
  if (text == nullptr || *text == '\0') return std::nullopt;
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (*end != '\0' || value < 0 || value > 10000000) return std::nullopt;
  return static_cast<int>(value);
}

std::optional<Shard> slurm_shard() {
  const char* id_text = std::getenv("SLURM_ARRAY_TASK_ID");
  if (id_text == nullptr || *id_text == '\0') return std::nullopt;
  const auto id = whole(id_text), count = whole(std::getenv("SLURM_ARRAY_TASK_COUNT"));
  const auto least = whole(std::getenv("SLURM_ARRAY_TASK_MIN"));
  const auto step = whole(std::getenv("SLURM_ARRAY_TASK_STEP"));
  if (!id || !count || *count < 1)
    throw ConfigError("SLURM_ARRAY_TASK_ID is set (" + std::string(id_text) +
                          "), but SLURM_ARRAY_TASK_COUNT says of how many tasks it is not",
                      "give --shard I/N");
  const int index = (*id - least.value_or(0)) / std::max(1, step.value_or(1)) + 1;
  if (index < 1 || index > *count)
    throw ConfigError("array task " + std::to_string(*id) + " is none of " +
                          std::to_string(*count) + " (SLURM_ARRAY_TASK_*)",
                      "give --shard I/N");
  return Shard{index, *count};
}

}  // namespace

std::optional<Shard> read_shard(const std::string& text) {
  if (text.empty()) return slurm_shard();
  const size_t slash = text.find('/');
  const auto index = whole(text.substr(0, slash).c_str());
  const auto count =
      slash == std::string::npos ? std::nullopt : whole(text.substr(slash + 1).c_str());
  if (!index || !count || *index < 1 || *index > *count)
    throw ConfigError("--shard: expected I/N with I from 1 to N, got \"" + text + "\"",
                      "e.g. --shard 2/8");
  return Shard{*index, *count};
}

void take_shard(SweepPlan& plan, const Shard& shard) {
  std::vector<std::vector<size_t>> groups = groups_of(plan);
  std::stable_sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
    return a.size() > b.size();
  });
  std::vector<size_t> load(static_cast<size_t>(shard.count), 0);
  std::vector<size_t> mine;
  for (const std::vector<size_t>& group : groups) {
    const auto least = std::min_element(load.begin(), load.end());
    *least += group.size();
    if (least - load.begin() + 1 == shard.index)
      mine.insert(mine.end(), group.begin(), group.end());
  }
  std::sort(mine.begin(), mine.end());
  std::vector<SweepCell> cells;
  for (const size_t c : mine) cells.push_back(std::move(plan.cells[c]));
  plan.cells = std::move(cells);
}

size_t most_shards(const SweepPlan& plan) {
  return groups_of(plan).size();
}

}  // namespace nas::cli
