#pragma once
// A sweep as stages and cells. A stage is what its resolved configuration and its inputs make it:
// cells that agree up to a stage share it, and it is computed once.
#include <optional>
#include <string>
#include <vector>

#include "cli/sweep/sweep_file.hpp"

namespace nas::cli {

inline constexpr size_t kTagLength = 12;  ///< Of the hash of a stage, in names.

struct Stage {
  StageKind kind = StageKind::kTrain;
  /// SHA-256 of kind, resolved configuration, contents of the files it names, and the hashes of the
  /// stages it needs. The number of threads that --jobs leaves is no part of it.
  std::string hash;
  std::string name;    ///< Of its run, log and folder: readable, with the start of the hash.
  std::string config;  ///< Of train and search: a file, with
  std::vector<std::string> sets;   ///< KEY=VALUE, and
  std::vector<std::string> words;  ///< more of the command line.
  int needs = -1;                  ///< Stage whose run it works on; -1: none.
  bool threads_given = false;      ///< Its configuration says how many threads.
  std::string step;                ///< Of train: what decides how long a step takes.
  double epochs = 0;               ///< Of train: as configured; 0: a budget ends it.
  std::string tag() const { return hash.substr(0, kTagLength); }
};

struct SweepCell {
  std::vector<std::string> values;  ///< For each of SweepPlan::columns; "-" where it has none.
  std::optional<int> seed;
  std::vector<int> stages;    ///< In order.
  size_t combination = 0;     ///< Cells that differ by the seed alone have the same.
  std::string label() const;  ///< `uniform, 20, seed 1`.
};

struct SweepPlan {
  std::string name;
  std::vector<std::string> columns;  ///< What varies: short names of keys.
  std::vector<Stage> stages;         ///< A stage comes after the one it needs.
  std::vector<SweepCell> cells;
  size_t repeated = 0;  ///< Cells left out because another one is the same.
};

/// Resolves every configuration; ConfigError with all mistakes, those of the file's form first,
/// each where it stands in the sweep's file. The file is `plannable`. Needs the services of
/// LibTorch where there is a stage `train`.
SweepPlan plan_sweep(const SweepFile& file);

/// `i/n`, counted from 1.
struct Shard {
  int index = 1, count = 1;
};
/// `--shard` text; empty: from SLURM_ARRAY_TASK_ID, _MIN, _STEP and _COUNT where they are set, else
/// nothing. ConfigError for what is no shard.
std::optional<Shard> read_shard(const std::string& text);
/// The cells of a shard. Cells that share a stage which needs none stay together; groups are dealt
/// out, the largest first, so that shards are about equal.
void take_shard(SweepPlan& plan, const Shard& shard);
/// How many shards at most have work.
size_t most_shards(const SweepPlan& plan);

}  // namespace nas::cli
