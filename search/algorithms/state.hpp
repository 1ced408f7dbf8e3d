#pragma once
// What states of algorithms have in common.
#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "search/algorithms/standing.hpp"
#include "spaces/error.hpp"

namespace nas {

/// Hands the parsed state to `read` when it is one of `algorithm`; whatever goes wrong there is a
/// DataError that says so.
template <typename Read>
void read_state(const std::string& algorithm, const std::string& json, const Read& read) {
  try {
    const auto state = nlohmann::json::parse(json);
    if (state.at("algorithm") != algorithm) throw DataError("it is one of another algorithm");
    read(state);
  } catch (const std::exception& e) {
    throw DataError("the stored state is not one of " + algorithm + " on this space: " + e.what());
  }
}

}  // namespace nas
