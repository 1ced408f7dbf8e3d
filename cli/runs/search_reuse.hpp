#pragma once
// What other runs have measured already need not be measured again.
#include <string>

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

}  // namespace nas::cli
