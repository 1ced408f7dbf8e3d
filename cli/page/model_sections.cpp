// Predictors and latency tables: what was guessed, and how far off it was.
#include <algorithm>
#include <cmath>
#include <set>

#include "cli/page/gather.hpp"
#include "cli/report/document.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

/// A number, or the mean of an object {mean, sd}.
double mean_of(const Json& errors, const char* key) {
  if (!errors.is_object() || !errors.contains(key)) return NAN;
  const Json& v = errors[key];
  if (v.is_number()) return v.get<double>();
  return v.is_object() && v.contains("mean") && v["mean"].is_number() ? v["mean"].get<double>()
                                                                      : NAN;
}

Cell number(double v) {
  return {format_number(v), Cell::Kind::kNumber};
}

std::vector<Cell> error_row(const Json& judged) {
  const Json& e = judged.at("errors");
  return {{printable(judged.at("model").get<std::string>())},
          {judged.contains("train") ? judged.at("train").dump() : "-", Cell::Kind::kNumber},
          number(mean_of(e, "rmse")),
          number(mean_of(e, "mape")),
          number(mean_of(e, "tau_b")),
          number(mean_of(e, "coverage"))};
}

const std::vector<std::string>& error_header() {
  static const std::vector<std::string> header = {
      "model", "learnt from", "RMSE", "MAPE %", "tau-b", "in 2 spreads"};
  return header;
}

void add_learning_curve(Page& page, const std::string& label, const Json& d) {
  const std::string target = printable(d.at("target").get<std::string>());
  page.heading(label + ": learning curve of " + target);
  page.begin_plots();
  for (const auto& [key, name] :
       {std::pair{"rmse", "RMSE of " + target}, {"tau_b", std::string("tau-b")}}) {
    Json chart{{"kind", "lines"},
               {"x", axis_json("architectures learnt from", "count")},
               {"y", axis_json(name)},
               {"series", Json::array()}};
    int colour = 0;
    for (const Json& curve : d.at("curves")) {
      Json points = Json::array();
      for (const Json& point : curve.at("points"))
        if (const double v = mean_of(point.at("errors"), key); std::isfinite(v))
          points.push_back({point.at("train"), v});
      chart["series"].push_back({{"name", printable(curve.at("model").get<std::string>())},
                                 {"colour", colour++},
                                 {"points", std::move(points)}});
    }
    page.chart(std::move(chart), name + " against the size of the training set");
  }
  page.end_plots();
  std::vector<std::vector<Cell>> rows;
  std::vector<std::string> verdicts;
  for (const Json& curve : d.at("curves")) {
    for (const Json& point : curve.at("points")) rows.push_back(error_row(point));
    verdicts.push_back(printable(curve.at("model").get<std::string>() + ": " +
                                 curve.at("verdict").at("text").get<std::string>()));
  }
  page.table(error_header(), rows);
  page.list(verdicts);
}

void add_errors(Page& page, const std::string& label, const Json& d) {
  if (!d.contains("judged")) return;
  page.heading(label + ": errors on rows not learnt, " +
               printable(d.at("target").get<std::string>()));
  std::vector<std::vector<Cell>> rows;
  for (const Json& judged : d.at("judged")) rows.push_back(error_row(judged));
  page.table(error_header(), rows);
}

/// What a predicting search foresaw and what was measured then.
void add_foresight(Page& page, const std::string& label, const Json& report) {
  if (!report.is_object() || !report.contains("foresight")) return;
  page.heading(label + ": predictions of the search");
  std::vector<std::vector<Cell>> rows;
  const Json& f = report["foresight"];
  rows.push_back({{f.value("networks", Json(0)).dump(), Cell::Kind::kNumber},
                  number(mean_of(f, "mape")),
                  number(mean_of(f, "last_rmse")),
                  number(mean_of(f, "last_bias")),
                  number(mean_of(f, "last_tau_b"))});
  page.table({"networks foreseen", "MAPE %", "last RMSE", "last bias", "last tau-b"}, rows);
}

/// Predicted against measured of whole networks, where a table or document has them.
void add_check(Page& page, const std::string& label, const Json& check) {
  if (!check.is_object() || !check.contains("predicted") || !check.contains("measured")) return;
  const Json &predicted = check.at("predicted"), &measured = check.at("measured");
  if (!predicted.is_array() || !measured.is_array() || predicted.size() != measured.size()) return;
  Json series{{"name", "networks"},
              {"kind", "points"},
              {"colour", 0},
              {"points", Json::array()},
              {"texts", Json::array()}};
  const Json& names = check.contains("architectures") ? check.at("architectures") : Json();
  for (size_t i = 0; i < predicted.size(); ++i) {
    if (!predicted[i].is_number() || !measured[i].is_number()) continue;
    series["points"].push_back({predicted[i], measured[i]});
    series["texts"].push_back(names.is_array() && i < names.size() && names[i].is_string()
                                  ? printable(names[i].get<std::string>())
                                  : "network " + std::to_string(i + 1));
  }
  if (series["points"].empty()) return;
  Json chart{{"kind", "scatter"},
             {"x", axis_json("predicted ms")},
             {"y", axis_json("measured ms")},
             {"diagonal", true},
             {"series", Json::array({std::move(series)})}};
  page.chart(std::move(chart), label + ": predicted against measured latency");
}

}  // namespace

void add_predictors(Page& page, Gathered& g) {
  page.section("Predictors");
  for (const RunRow& run : g.runs) {
    const std::string label = g.labels[run.id];
    const auto document = [&](const char* kind) {
      const auto text = g.store.document(run.id, kind);
      return text ? Json::parse(*text, nullptr, false) : Json();
    };
    g.guarded("predictors of " + label, [&] {
      if (const Json d = document("predict-curve"); d.is_object())
        add_learning_curve(page, label, d);
      if (const Json d = document("predict-eval"); d.is_object()) add_errors(page, label, d);
    });
  }
  for (const SearchRecord& record : g.searches)
    if (record.document.is_object() && record.document.contains("report"))
      g.guarded("predictions of " + g.labels[record.run.id], [&] {
        add_foresight(page, g.labels[record.run.id], record.document.at("report"));
      });
}

void add_latency(Page& page, Gathered& g) {
  std::set<std::string> spaces;
  for (const RunRow& run : g.runs) spaces.insert(run.space);
  page.section("Latency");
  std::vector<std::vector<Cell>> rows;
  std::vector<std::pair<std::string, Json>> checks;
  for (const LatencyTableRow& row : g.store.latency_tables()) {
    if (!spaces.contains(row.space)) continue;
    std::string conditions;
    if (const Json json = Json::parse(row.conditions_json, nullptr, false); json.is_object())
      for (const auto& [key, value] : json.items())
        conditions += (conditions.empty() ? "" : ", ") + key + " " + cell_text(value);
    rows.push_back({{row.id, Cell::Kind::kCode},
                    {printable(row.space)},
                    {printable(row.device)},
                    {printable(conditions)},
                    {row.created}});
    const Json table = Json::parse(row.table_json, nullptr, false);
    if (table.is_object() && table.contains("check")) checks.emplace_back(row.id, table["check"]);
  }
  if (!rows.empty()) page.table({"table", "space", "device", "conditions", "made (UTC)"}, rows);
  for (const RunRow& run : g.runs)
    if (const auto text = g.store.document(run.id, "latency-check"))
      checks.emplace_back(g.labels[run.id], Json::parse(*text, nullptr, false));
  for (const auto& [label, check] : checks) add_check(page, label, check);
}

}  // namespace nas::cli
