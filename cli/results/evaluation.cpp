#include "cli/results/evaluation.hpp"

#include <algorithm>

#include "cli/report/training/scores.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

Json evaluation_json(const EvaluationResult& result) {
  Json list = Json::array();
  for (const JudgedNetwork& n : result.networks) {
    Json entry{{"architecture", n.architecture}};
    for (size_t m = 0; m < result.metrics.size(); ++m)
      entry[result.metrics[m]] = n.scores.empty() ? Json(nullptr) : Json(n.scores[m]);
    entry["macs"] = n.macs;
    entry["params"] = n.params;
    if (!n.weights.empty()) entry["weights"] = n.weights;
    if (!n.error.empty()) entry["error"] = n.error;
    list.push_back(std::move(entry));
  }
  Json json{{"schema", "nas-evaluate/1"}};
  if (!result.file.empty()) {
    json["file"] = result.file;
    json["format"] = result.file_format;
  }
  json["run"] = result.run;
  json["split"] = result.split;
  if (result.file.empty())
    json["fidelity"] = result.fidelity;
  else
    json["images"] = result.images;
  json["evaluations"] = std::move(list);
  return json;
}

Rows evaluation_rows(const EvaluationResult& result) {
  const bool errors = std::any_of(result.networks.begin(),
                                  result.networks.end(),
                                  [](const JudgedNetwork& n) { return !n.error.empty(); });
  Rows rows{{"architecture"}, {}};
  if (result.several_weights) rows.header.emplace_back("weights");
  rows.header.insert(rows.header.end(), result.metrics.begin(), result.metrics.end());
  rows.header.insert(rows.header.end(), {"macs", "params"});
  if (errors) rows.header.emplace_back("error");
  for (const JudgedNetwork& n : result.networks) {
    std::vector<Json> row{n.architecture};
    if (result.several_weights) row.emplace_back(n.weights);
    for (size_t m = 0; m < result.metrics.size(); ++m)
      row.push_back(n.scores.empty() ? Json(nullptr) : Json(n.scores[m]));
    row.emplace_back(n.macs);
    row.emplace_back(n.params);
    if (errors) row.push_back(n.error.empty() ? Json(nullptr) : Json(n.error));
    rows.rows.push_back(std::move(row));
  }
  return rows;
}

Table evaluation_table(const EvaluationResult& result) {
  std::vector<std::string> header{"architecture"};
  if (result.several_weights) header.emplace_back("weights");
  for (const std::string& metric : result.metrics) header.push_back(metric_heading(metric));
  header.insert(header.end(), {"MACs", "params"});
  Table table(header);
  for (const JudgedNetwork& n : result.networks) {
    std::vector<std::string> row{n.architecture};
    if (result.several_weights) row.push_back(n.weights);
    for (size_t m = 0; m < result.metrics.size(); ++m)
      row.push_back(!n.scores.empty() ? metric_in_table(result.metrics[m], n.scores[m])
                    : m == 0          ? "failed"
                                      : "-");
    row.push_back(format_count(static_cast<double>(n.macs)));
    row.push_back(format_count(static_cast<double>(n.params)));
    table.row(std::move(row));
  }
  return table;
}

std::string evaluation_note(const EvaluationResult& result) {
  const std::string images = result.split + " split, " + std::to_string(result.images) + " images";
  if (!result.file.empty())
    return result.file + " (" + result.file_format + ", run " + result.run + "), " + images +
           "; not stored";
  return "run " + result.run + ", " + images + " each; " +
         (result.store.empty() ? "not stored, " + result.read_only + " is read-only"
                               : "stored in " + result.store);
}

void print_evaluation(const EvaluationResult& result, Format format) {
  if (format == Format::kJson) return print(json_text(evaluation_json(result)));
  if (format != Format::kTable) return print_rows(evaluation_rows(result), format, {}, "");
  print(evaluation_table(result).text());
  print_prose(evaluation_note(result));
}

}  // namespace nas::cli
