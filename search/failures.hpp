#pragma once
// Why evaluations of a search failed, in few words.
#include <string>
#include <vector>

#include "search/archive.hpp"

namespace nas {

/// Failures whose messages differ only in numbers, ids and the architecture they name.
struct FailureReason {
  size_t count = 0;
  Architecture first;   ///< The first that failed so.
  std::string message;  ///< That one's.
};
/// The most frequent first.
std::vector<FailureReason> failure_reasons(const Archive& archive, const Space& space);
/// `31 of 40: not in t.csv (first ...)`, at most `most` reasons, one a line.
std::string failure_text(const Archive& archive, const Space& space, size_t most);

}  // namespace nas
