#pragma once
// What limits leave of a space, for people and as JSON.
#include <nlohmann/json.hpp>
#include <string>

#include "cli/runs/space_limits.hpp"

namespace nas::cli {

/// Text in lines; `histogram`: with the bins of each limited metric.
std::string limits_text(const SpaceLimits& answer,
                        const CostModel& costs,
                        const Domain& domain,
                        bool histogram);
/// Adds the answer to the document of the check.
void put_limits(nlohmann::ordered_json& document,
                const SpaceLimits& answer,
                const CostModel& costs,
                const Domain& domain);

}  // namespace nas::cli
