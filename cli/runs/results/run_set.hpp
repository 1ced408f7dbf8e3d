#pragma once
// Several runs named at once: ids, names, `last`, lists with commas, patterns such as `main-*`.
#include <string>
#include <vector>

#include "search/store/store.hpp"

namespace nas::cli {

struct RunSet {
  std::vector<RunRow> runs;  ///< Each once, in the order named; of a pattern the oldest first.
  bool pattern = false;      ///< Some were found by a pattern: not every one need fit.
};

/// `words`: each an id, a unique start of one, a name (its latest run), `last`, several of these
/// with commas, or a pattern with * and ? over names and ids, which takes every run that fits.
/// ConfigError beginning with `flag` for what names no run.
RunSet named_runs(const Store& store,
                  const std::vector<std::string>& words,
                  const std::string& flag);

/// The shell's * ? and [a-z] over a whole text.
bool fits_pattern(const std::string& pattern, const std::string& text);

}  // namespace nas::cli
