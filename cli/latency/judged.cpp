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
  return {name,
          format_number(f.mape, 3) + " %",
          format_number(100 * f.within_10, 3) + " %",
          format_number(f.tau_b, 3),
          (f.bias > 0 ? "+" : "") + format_number(f.bias, 3) + " %"};
}

}  // namespace nas::cli
