#include "cli/results/space_results.hpp"

#include "cli/config/config_problems.hpp"
#include "cli/report/space_report.hpp"

namespace nas::cli {

using Json = nlohmann::ordered_json;

Json space_count_json(const SpaceCount& count, const Domain& domain) {
  Json json{{"schema", "nas-space-count/1"},
            {"space", domain.space().name()},
            {"architectures", count.architectures.str()}};
  put_fix(json, domain);
  json["distinct"] = count.distinct ? Json(std::to_string(*count.distinct)) : Json(nullptr);
  return json;
}

std::string space_count_text(const SpaceCount& count) {
  return count.architectures.str() + " architectures" +
         (count.distinct ? ", " + std::to_string(*count.distinct) + " distinct networks"
                         : " (above " + std::to_string(kCountDistinctUpTo) +
                               " distinct networks are not counted)");
}

Json space_check_json(const SpaceCheck& check) {
  return {{"schema", "nas-space-check/1"},
          {"ok", true},
          {"space", check.space},
          {"built", check.built}};
}

Json space_problems_json(const std::string& named, const std::vector<Problem>& problems) {
  return {{"schema", "nas-space-check/1"},
          {"ok", false},
          {"space", named},
          {"problems", problems_json(problems)}};
}

std::string space_check_text(const SpaceCheck& check) {
  return check.named + ": fine: " + check.architectures.str() + " architectures; " +
         std::to_string(check.built) + " built";
}

}  // namespace nas::cli
