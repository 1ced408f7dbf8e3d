// Predictors and latency tables: what was guessed, and how far off it was.
#include <algorithm>
#include <cmath>
#include <set>

#include "cli/latency/judged.hpp"
#include "cli/page/gather.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/latency.hpp"
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

/// Times of whole networks, foretold in one or two ways, against what was measured.
void add_check(Page& page, const std::string& title, const LatencyCheck& check) {
  if (check.networks.empty()) return;
  Json chart{{"kind", "scatter"},
             {"x", axis_json("measured ms")},
             {"y", axis_json("predicted ms")},
             {"diagonal", true},
             {"series", Json::array()}};
  std::vector<std::vector<Cell>> rows;
  int colour = 0;
  for (const auto& [way, predicted] : check.predicted_ms) {
    Json series{{"name", printable(way)},
                {"kind", "points"},
                {"colour", colour++},
                {"points", Json::array()},
                {"texts", Json::array()}};
    for (size_t i = 0; i < predicted.size(); ++i) {
      series["points"].push_back({check.measured_ms[i], predicted[i]});
      series["texts"].push_back(printable(check.networks[i]));
    }
    chart["series"].push_back(std::move(series));
    rows.emplace_back();
    for (const std::string& cell :
         foretold_cells(printable(way), foretold(predicted, check.measured_ms)))
      rows.back().push_back({cell, rows.back().empty() ? Cell::Kind::kText : Cell::Kind::kNumber});
  }
  page.heading(title);
  page.chart(std::move(chart), title);
  page.table(kForetoldHeader, rows);
}

/// Exported networks that were measured (export --verify-latency), by what had foretold them.
std::vector<std::pair<std::string, LatencyCheck>> verified(const Json& document) {
  std::vector<std::pair<std::string, LatencyCheck>> checks;
  if (!document.is_object()) return checks;
  for (const Json& network : document.at("networks")) {
    const std::string by = "exported networks, latency " + network.at("by").get<std::string>();
    auto it =
        std::find_if(checks.begin(), checks.end(), [&](const auto& c) { return c.first == by; });
    if (it == checks.end())
      it = checks.insert(checks.end(), {by, LatencyCheck{{}, {}, {{"exported networks", {}}}}});
    it->second.networks.push_back(network.at("architecture").get<std::string>());
    it->second.measured_ms.push_back(network.at("measured_ms").get<double>());
    it->second.predicted_ms[0].second.push_back(network.at("predicted_ms").get<double>());
  }
  return checks;
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
  std::vector<std::pair<std::string, LatencyCheck>> checks;
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
    g.guarded("latency table " + printable(row.id), [&, &row = row] {
      checks.emplace_back("Table " + printable(row.id) + ": predicted against measured",
                          check_of(Json::parse(row.table_json, nullptr, false)));
    });
  }
  if (!rows.empty()) page.table({"table", "space", "device", "conditions", "made (UTC)"}, rows);
  for (const RunRow& run : g.runs)
    if (const auto text = g.store.document(run.id, kLatencyCheck))
      g.guarded("measured networks of " + g.labels[run.id], [&] {
        for (auto& [by, check] : verified(Json::parse(*text)))
          checks.emplace_back(g.labels[run.id] + ": " + by, std::move(check));
      });
  for (const auto& [title, check] : checks) add_check(page, title, check);
}

}  // namespace nas::cli
