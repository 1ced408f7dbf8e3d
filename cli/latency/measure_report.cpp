#include "cli/latency/measure_report.hpp"

#include <numeric>

#include "cli/report/document.hpp"
#include "cli/terminal/suggest.hpp"
#include "predictors/ranking/rank_metrics.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

const std::vector<double>& predicted(const LatencyCheck& check) {
  return check.predicted_ms.front().second;
}

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// A search that uses the table; it needs a supernet, that of the run where it is one.
std::string next(const MeasureReport& r, const Common& common) {
  std::vector<std::string> words = {"search", "--run", r.run.empty() ? "RUN" : r.run};
  words.insert(words.end(), {"--latency-table", r.table.id});
  if (r.table.batch() != 1)
    words.insert(words.end(), {"--latency-batch", std::to_string(r.table.batch())});
  const double middle = 0.5 * (r.smallest_ms + r.largest_ms);
  words.insert(words.end(), {"--constraint", "latency_ms <= " + format_number(middle, 2)});
  return (r.run.empty() ? "in a search of this space: " : "next: ") + suggested(words, common);
}

}  // namespace

double MeasureReport::relative_spread() const {
  double spread = 0;
  for (const auto& [key, e] : table.entries)
    if (e.median_ms > 0)
      spread += (e.high_ms - e.low_ms) / e.median_ms / static_cast<double>(table.entries.size());
  return spread;
}

std::string MeasureReport::condition(const std::string& key) const {
  const auto it = table.conditions.find(key);
  return it == table.conditions.end() ? "-" : it->second;
}

std::string measure_json(const MeasureReport& r) {
  Json json{{"schema", "nas-measure/1"},
            {"table", r.table.id},
            {"space", r.table.space},
            {"ops", r.table.entries.size()},
            {"conditions", r.table.conditions},
            {"relative_spread", r.relative_spread()},
            {"smallest_ms", r.smallest_ms},
            {"largest_ms", r.largest_ms}};
  if (r.table.conditions.contains("unstable")) json["unstable"] = r.condition("unstable");
  if (const LatencyCheck& check = r.check; !check.networks.empty()) {
    const Foretold told = foretold(predicted(check), check.measured_ms);
    json["check"] = foretold_json(told);
    json["check"]["spearman"] = spearman(predicted(check), check.measured_ms);
    json["check"]["mean_relative_error"] = told.mape / 100;
    json["check"]["measured_over_predicted"] = sum(check.measured_ms) / sum(predicted(check));
  }
  return json_text(json);
}

void print_measure(const MeasureReport& r, const Common& common) {
  const int64_t batch = r.table.batch();
  const std::string each = batch == 1 ? "" : " for " + std::to_string(batch) + " images at once";
  Table text({"latency table " + r.table.id, r.table.space});
  text.row({"ops", std::to_string(r.table.entries.size())});
  for (const char* key :
       {"device", "threads", "pinned", "governor", "batch", "repeats", "drift", "noise", "energy"})
    text.row({key, r.condition(key)});
  text.row(
      {"mean spread (quartiles / median)", format_number(100 * r.relative_spread(), 3) + " %"});
  text.row({"smallest architecture", format_number(r.smallest_ms) + " ms" + each});
  text.row({"largest architecture", format_number(r.largest_ms) + " ms" + each});
  if (const LatencyCheck& check = r.check; !check.networks.empty()) {
    const Foretold told = foretold(predicted(check), check.measured_ms);
    text.row({"networks checked", std::to_string(told.networks)});
    text.row({"Spearman, predicted to measured",
              format_number(spearman(predicted(check), check.measured_ms), 3)});
    text.row({"tau-b", format_number(told.tau_b, 3)});
    text.row({"mean error of the sum", format_number(told.mape, 3) + " %"});
    text.row({"off by a tenth at most", format_number(100 * told.within_10, 3) + " %"});
  }
  print(text.text());
  if (r.table.conditions.contains("unstable"))
    print_prose("unstable: " + r.condition("unstable") + "; measure again on a quieter machine");
  print_prose(
      "sums of ops are off by what ops pay for being called alone: " +
      suggested({"latency", "calibrate", "--table", r.table.id, "--measure", "30"}, common));
  print_prose(next(r, common));
}

}  // namespace nas::cli
