#pragma once
// How often each option was trained: of every path of a run, the options of its active choices. No
// torch header here.
#include <cstdint>
#include <string>
#include <vector>

#include "spaces/space.hpp"

namespace nas {

class DrawCounts {
 public:
  /// `space` must outlive it.
  explicit DrawCounts(const Space& space);

  void add(const Architecture& path);
  /// By choice, then option, one after the other; with the number of paths as the last entry. Empty
  /// where the beginning of the run was not counted.
  std::vector<int64_t> flat() const;
  /// What flat() gave. False, and nothing is counted from then on, where it is of another length.
  bool restore(const std::vector<int64_t>& flat);
  /// The paths trained so far were not counted: no numbers rather than wrong ones.
  void forget() { whole_ = false; }

  int64_t paths() const { return paths_; }
  /// {"schema": "nas-draws/1", "paths", "choices": [{"choice", "active", "options": [{"option",
  /// "count"}]}]}; "" where nothing is known. Of `active` paths of a choice the counts are the
  /// parts.
  std::string json() const;

 private:
  const Space& space_;
  std::vector<std::vector<int64_t>> counts_;  ///< Of each option of each choice.
  int64_t paths_ = 0;
  bool whole_ = true;
};

}  // namespace nas
