#include "cli/results/verified_latency.hpp"

#include <cmath>

#include "cli/command.hpp"
#include "cli/runs/latency.hpp"

namespace nas::cli {

using Json = nlohmann::ordered_json;

bool VerifiedLatency::within() const {
  return std::abs(error_percent()) <= tolerance_percent;
}

Json verified_json(const VerifiedLatency& v) {
  Json json = v.by;
  json["predicted_ms"] = v.predicted;
  if (v.spread) json["spread_ms"] = *v.spread;
  if (v.interval) json["interval_ms"] = *v.interval;
  json["assumed"] = v.assumed;
  json["measured_ms"] = v.measured;
  json["measured"] = v.folded ? "folded" : "as built";
  if (v.as_written) json["folded_ms"] = *v.as_written;
  json["quartiles_ms"] = v.quartiles;
  json["peak_bytes"] = v.peak_bytes;
  if (v.energy_mj) json["energy_mj"] = *v.energy_mj;
  json["error_percent"] = v.error_percent();
  json["tolerance_percent"] = v.tolerance_percent;
  json["within"] = v.within();
  json["measured_with"] = v.measured_with;
  return json;
}

Json verified_row(const VerifiedLatency& v) {
  Json row{{"predicted_ms", v.predicted}};
  if (v.interval) row["interval_ms"] = *v.interval;
  row["measured_ms"] = v.measured;
  row["quartiles_ms"] = v.quartiles;
  row["error_percent"] = v.error_percent();
  row["within"] = v.within();
  return row;
}

std::string verified_text(const VerifiedLatency& v) {
  std::string text = "latency: predicted " + format_number(v.predicted) + " ms";
  if (v.interval)
    text += " (95 %: " + format_number((*v.interval)[0]) + " to " +
            format_number((*v.interval)[1]) + ")";
  const double error = v.error_percent();
  text += ", measured " + format_number(v.measured) + " ms (quartiles " +
          format_number(v.quartiles[0]) + " to " + format_number(v.quartiles[1]) + "), " +
          latency_text(v.by) + ": off by " + (error > 0 ? "+" : "") + format_number(error, 3) +
          " %, " + (v.within() ? "within" : "BEYOND") + " the tolerance of " +
          format_number(v.tolerance_percent, 3) + " %";
  if (v.as_written)
    text +=
        ". The prediction is of the network with its batch norms, and so is what is measured; "
        "folded, as it is written, it takes " +
        format_number(*v.as_written) + " ms";
  return text;
}

}  // namespace nas::cli
