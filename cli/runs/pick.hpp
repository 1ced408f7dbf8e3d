#pragma once
// From the name of a run and `--pick` to a supernet and one architecture.
#include <string>

#include "cli/command.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

struct Picked {
  std::string supernet;      ///< Id of the training run.
  std::string architecture;  ///< Text; "" when nothing was to be picked.
  std::string search;        ///< Id of the search it comes from; "" when from none.
  std::string weights;       ///< Hash of the weights that search judged it with; "" when unknown.
};

/// `run`: a training run or a search (id, name, prefix, last). `pick`: `best`, `knee` or an index
/// of the front of that search, for a training run of the latest finished search in it; empty: no
/// architecture (but `best` for a search). Notes which search was taken where there are several.
/// ConfigError tells what is missing and what to run.
Picked pick_architecture(const Store& store,
                         const std::string& run,
                         const std::string& pick,
                         const Common& common);

}  // namespace nas::cli
