#pragma once
// What a sweep's configuration file says: stages, and what is varied in them.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spaces/yaml/yaml_binder.hpp"
#include "spaces/yaml/yaml_tree.hpp"

namespace nas::cli {

/// In the order in which they run.
enum class StageKind { kTrain, kRank, kSearch, kExport };
inline constexpr StageKind kStageKinds[] = {
    StageKind::kTrain, StageKind::kRank, StageKind::kSearch, StageKind::kExport};
/// `train`, `rank`, `search`, `export`: section of the file, and command.
const char* to_string(StageKind kind);

/// A key of a stage's configuration with its value, as --set takes it.
struct Setting {
  std::string key;
  std::string value;  ///< YAML on one line.
  std::string label;  ///< The value for people: in names and tables.
  detail::YamlPlace place = {};
  std::string assignment() const { return key + "=" + value; }
};
/// What one cell changes in a stage.
struct StageSetting {
  StageKind stage;
  Setting setting;
};

/// `train` and `search`: a configuration and changes that all cells have.
struct ConfiguredStage {
  std::string config;
  Binder::Raw set;
};
void describe(Binder& b, ConfiguredStage& o);
/// `rank`: options of `nas rank`.
struct RankStage {
  std::string truth, column, key, archs = "all", split;
  int64_t index_from = -1;  ///< -1: the key holds texts.
  bool duplicates = false, lower_is_better = false, baseline = true;
  uint64_t seed = 0;  ///< Of the sample and the intervals; the same in all cells.
  std::vector<std::string> set;
};
void describe(Binder& b, RankStage& o);
/// `export`: options of `nas export`.
struct ExportStage {
  std::string pick, arch;
  std::vector<std::string> formats;
  bool fold_bn = false;
};
void describe(Binder& b, ExportStage& o);

/// `stages`: which there are is told by the file, not by these.
struct SweepStages {
  ConfiguredStage train, search;
  RankStage rank;
  ExportStage pick;                   ///< `export`.
  std::vector<StageKind> shown = {};  ///< Stages that are written; empty: all.
};
void describe(Binder& b, SweepStages& o);
/// The whole file.
struct SweepConfig {
  std::string name;
  std::vector<int> seeds;
  SweepStages stages;
  Binder::Raw grid, list, random;
};
void describe(Binder& b, SweepConfig& o);

/// A file that was read, with what each stage and each combination changes.
struct SweepFile {
  YamlSource source;
  SweepConfig config;
  std::vector<StageKind> stages;  ///< Those the file has, in order.
  /// One for each combination of grid, list and random sample; at least one, perhaps of nothing.
  std::vector<std::vector<StageSetting>> combinations;
  std::vector<Setting> train_set, search_set;  ///< `set:` of these stages.
  std::vector<Problem> problems;               ///< All mistakes of the file's form.
  /// Its stages are whole, so that mistakes in the values of their configurations can be told, too.
  bool plannable = false;
  bool has(StageKind kind) const;
};
/// Where a stage's section stands: `stages.train`.
std::string section_of(StageKind kind);
/// Reads strictly, and keeps the mistakes of the file's form. Values of the stages' configurations
/// are checked when the sweep is planned.
SweepFile parse_sweep(const YamlSource& source);
/// The same; ConfigError with the mistakes where there are any.
SweepFile read_sweep(const YamlSource& source);

/// `key: value` pairs below a raw section, in the order of the file.
std::vector<Setting> settings_of(const Binder::Raw& raw, std::vector<Problem>& problems);

}  // namespace nas::cli
