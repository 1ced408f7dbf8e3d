#pragma once
// What `nas split` says.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/report/training/compute.hpp"
#include "spaces/space.hpp"
#include "supernet/train/split/few_shot.hpp"
#include "supernet/train/split/find_split.hpp"

namespace nas::cli {

struct SplitReport {
  explicit SplitReport(const Space& of) : space(of) {}
  const Space& space;
  std::string run;
  std::string weights;  ///< Name of the set, "" where the run has one.
  int set = 0;
  FewShotOptions::Split options;  ///< As training would have them.
  bool own_edge = false;          ///< The edge rule was taken because option counts differ.
  FoundSplit found;
  Compute training;        ///< Of the run so far.
  int64_t parameters = 0;  ///< Weights of one set.
  double seconds = 0;      ///< Of the scoring.
  std::string applied;     ///< The run that was made; "": none.
  int64_t epochs = 0;      ///< Of each leaf, where told.

  const ChoiceScore& chosen() const { return found.scoring.choices[found.chosen]; }
  /// Multiply-adds of the scoring as a share of the training's; 0 where nothing was trained.
  double share() const;
};

/// For people: a row for each choice, which is taken, what it costs; distance matrices when asked.
std::string split_text(const SplitReport& report, bool matrices);
/// Schema nas-split/1.
nlohmann::ordered_json split_json(const SplitReport& report);

}  // namespace nas::cli
