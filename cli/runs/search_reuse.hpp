#pragma once
// What other runs have measured already need not be measured again.
#include <string>
#include <vector>

#include "search/driver.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

/// Tells `search` the values that runs in the supernet of run `supernet` (searches, evaluate, rank)
/// have stored at exactly the fidelity of now, which names the weights by their hash. Failed
/// evaluations are tried again. Values of `own` are left to its resuming.
void know_stored(Search& search,
                 const Store& store,
                 const std::string& supernet,
                 const std::string& own);

/// The search that `search.warm_from` names. ConfigError when there is none.
RunRow warm_run(const Store& store, const std::string& name);
/// What it measured, in that order; nothing for "". ConfigError where it searched another space.
std::vector<WarmRow> warm_rows(const Store& store, const Space& space, const std::string& run);

}  // namespace nas::cli
