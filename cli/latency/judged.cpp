#include "cli/latency/judged.hpp"

#include <cmath>

#include "cli/report/document.hpp"
#include "predictors/ranking/rank_metrics.hpp"

namespace nas::cli {

Foretold foretold(std::span<const double> predicted, std::span<const double> measured) {
  Foretold f;
  f.networks = measured.size();
  const auto n = static_cast<double>(f.networks);
  for (size_t i = 0; i < f.networks; ++i) {
    const double error = (predicted[i] - measured[i]) / measured[i];
    f.mape += 100 * std::abs(error) / n;
    f.bias += 100 * error / n;
    f.within_10 += (std::abs(error) <= 0.1 ? 1 : 0) / n;
  }
  f.tau_b = f.networks > 1 ? kendall(predicted, measured).tau_b() : std::nan("");
  return f;
}

nlohmann::ordered_json foretold_json(const Foretold& f) {
  return {{"networks", f.networks},
          {"mape", json_number(f.mape)},
          {"within_10", json_number(f.within_10)},
          {"tau_b", json_number(f.tau_b)},
          {"bias", json_number(f.bias)}};
}

std::vector<std::string> foretold_cells(const std::string& name, const Foretold& f) {
  const auto percent = [](double value) {  // Without rounding.
    return format_number(std::abs(value) < 1e-9 ? 0 : value, 3) + " %";
  };
  return {name,
          percent(f.mape),
          format_number(100 * f.within_10, 3) + " %",
          format_number(f.tau_b, 3),
          (f.bias > 1e-9 ? "+" : "") + percent(f.bias)};
}

std::string with_check(const std::string& table_json, const LatencyCheck& check) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(table_json);
  nlohmann::ordered_json section{{"architectures", check.networks},
                                 {"measured_ms", check.measured_ms},
                                 {"predicted_ms", nlohmann::ordered_json::object()}};
  for (const auto& [way, ms] : check.predicted_ms) section["predicted_ms"][way] = ms;
  // What people read stands before the many ops.
  nlohmann::ordered_json ops = std::move(json["ops"]);
  json.erase("ops");
  json["check"] = std::move(section);
  json["ops"] = std::move(ops);
  return json.dump(1);
}

LatencyCheck check_of(const nlohmann::ordered_json& table) {
  if (!table.is_object() || !table.contains("check")) return {};
  const nlohmann::ordered_json& section = table.at("check");
  try {
    LatencyCheck check{section.at("architectures").get<std::vector<std::string>>(),
                       section.at("measured_ms").get<std::vector<double>>(),
                       {}};
    bool whole = check.networks.size() == check.measured_ms.size();
    for (const auto& [way, ms] : section.at("predicted_ms").items()) {
      check.predicted_ms.emplace_back(way, ms.get<std::vector<double>>());
      whole = whole && check.predicted_ms.back().second.size() == check.networks.size();
    }
    if (whole) return check;
  } catch (const nlohmann::json::exception&) {  // Told below.
  }
  throw DataError("its section `check` is damaged: lists of numbers of equal length are expected");
}

}  // namespace nas::cli
