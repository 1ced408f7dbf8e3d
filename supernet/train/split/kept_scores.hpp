#pragma once
// Scores of choices that are finished, kept in the folder of a run until all choices are scored: an
// interrupted scoring goes on at the next choice. No torch header here.
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "supernet/weights/math/split_tree.hpp"

namespace nas {

/// Where scores are kept.
struct KeepScores {
  std::string folder = {};    ///< Empty: nowhere.
  std::string identity = {};  ///< Of the configuration and the images, by their hashes.
  /// Hears of files that are damaged or cannot be written; neither ends the scoring.
  std::function<void(const std::string&)> warn = {};
};

/// What the scoring of one choice came to.
struct KeptScore {
  ChoiceScore score;
  std::set<std::string> compared;  ///< Names of weights.
  int64_t passes = 0;
  double macs = 0;
};

class KeptScores {
 public:
  /// `key`: hash of all that decides a score. References must outlive it.
  KeptScores(const KeepScores& where, std::string key, const Space& space);
  /// The score of a choice, to the last bit as it was put; none where it is not there or damaged.
  std::optional<KeptScore> find(size_t choice);
  void put(const KeptScore& score);
  size_t count() const { return count_; }  ///< Found or put: safe.

 private:
  std::string path(size_t choice) const;
  void warn(const std::string& text) const;

  const KeepScores& where_;
  std::string key_;
  const Space& space_;
  size_t count_ = 0;
};

/// Removes the kept scores of one key ("": of all keys).
void remove_kept_scores(const std::string& folder, const std::string& key = "");

}  // namespace nas
