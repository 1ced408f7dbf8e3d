#pragma once
// What `nas space count` and `nas space check` found. What limits leave of a space:
// runs/space_limits.hpp, report/limits_report.hpp.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "spaces/domain.hpp"
#include "spaces/error.hpp"

namespace nas::cli {

struct SpaceCount {
  BigInt architectures;
  std::optional<int64_t> distinct;  ///< Networks; none where they are too many to be counted.
};

/// Schema nas-space-count/1. Counts are texts: they may be larger than the numbers that readers of
/// JSON can hold.
nlohmann::ordered_json space_count_json(const SpaceCount& count, const Domain& domain);
std::string space_count_text(const SpaceCount& count);

/// A space that is fine.
struct SpaceCheck {
  std::string named;  ///< As the user names it.
  std::string space;
  BigInt architectures;
  int64_t built = 0;  ///< So many were built, each option of each choice among them.
};

/// Schema nas-space-check/1, and the same where it is not fine.
nlohmann::ordered_json space_check_json(const SpaceCheck& check);
nlohmann::ordered_json space_problems_json(const std::string& named,
                                           const std::vector<Problem>& problems);
std::string space_check_text(const SpaceCheck& check);

}  // namespace nas::cli
