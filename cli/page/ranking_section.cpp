#include <algorithm>
#include <set>

#include "cli/page/gather.hpp"
#include "cli/report/document.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string number(const Json& v) {
  return v.is_number() ? format_number(v.get<double>(), 3) : "-";
}

std::string interval(const Json& v) {
  return v.is_array() && v.size() == 2 ? number(v[0]) + " .. " + number(v[1]) : "-";
}

void add_scatter(Page& page, const Json& d, const std::vector<std::string>& rankers) {
  Json chart{{"kind", "scatter"},
             {"x", axis_json("accuracy inside the supernet", "percent")},
             {"y", axis_json(d.at("column").get<std::string>())},
             {"series", Json::array()}};
  int colour = 0;
  for (const std::string& ranker : rankers) {
    Json series{{"name", printable(ranker)},
                {"kind", "points"},
                {"colour", colour++},
                {"points", Json::array()},
                {"texts", Json::array()}};
    for (const Json& row : d.at("architectures")) {
      const Json value = row.at("predicted").value(ranker, Json());
      if (!value.is_number() || !row.at("truth").is_number()) continue;
      series["points"].push_back({value, row.at("truth")});
      series["texts"].push_back(printable(row.at("architecture").get<std::string>()));
    }
    if (!series["points"].empty()) chart["series"].push_back(std::move(series));
  }
  if (!chart["series"].empty()) page.chart(std::move(chart), "Truth against predictions");
}

void add_intervals(Page& page, const Json& d) {
  Json chart{{"kind", "intervals"}, {"x", axis_json("tau-b")}, {"items", Json::array()}};
  std::vector<std::vector<Cell>> rows;
  for (const Json& r : d.at("rankers")) {
    const Json& bounds = r.at("tau_b_interval");
    const auto name = printable(r.at("ranker").get<std::string>());
    rows.push_back({{name},
                    {number(r.at("tau_b")), Cell::Kind::kNumber},
                    {interval(bounds), Cell::Kind::kNumber},
                    {number(r.at("spearman")), Cell::Kind::kNumber},
                    {interval(r.at("spearman_interval")), Cell::Kind::kNumber}});
    if (!r.at("tau_b").is_number() || !bounds[0].is_number()) continue;
    chart["items"].push_back({{"name", name},
                              {"value", r.at("tau_b")},
                              {"low", bounds[0]},
                              {"high", bounds[1]},
                              {"colour", r.contains("run") ? 0 : 7}});
  }
  if (!chart["items"].empty()) page.chart(std::move(chart), "Tau-b with intervals");
  page.table({"ranker", "tau-b", "interval", "Spearman", "interval"}, rows);
}

void add_ranking(Page& page, const Json& d) {
  std::vector<std::string> rankers;
  std::string names;
  for (const Json& r : d.at("rankers"))
    if (r.contains("run")) {
      rankers.push_back(r.at("ranker").get<std::string>());
      names += (names.empty() ? "" : ", ") + printable(rankers.back());
    }
  page.heading(names + " against " + printable(d.at("truth").get<std::string>()));
  page.text(d.at("n").dump() +
                " architectures; truth: " + printable(d.at("column").get<std::string>()) + " (" +
                printable(d.at("direction").get<std::string>()) + "); " +
                format_number(100 * d.at("level").get<double>()) + " % bootstrap intervals",
            /*soft=*/true);
  page.begin_plots();
  add_scatter(page, d, rankers);
  page.end_plots();
  add_intervals(page, d);
  std::vector<std::string> lines;
  for (const Json& c : d.at("differences"))
    lines.push_back("tau-b of " + printable(c.at("to").get<std::string>()) + " minus " +
                    printable(c.at("from").get<std::string>()) + ": " +
                    number(c.at("tau_b_difference")) + " (" + interval(c.at("interval")) +
                    "), paired");
  page.list(lines);
}

}  // namespace

void add_rankings(Page& page, Gathered& g) {
  std::set<std::string> seen;  // One ranking of several runs is kept with each of them.
  page.section("Ranking against ground truth");
  for (const RunRow& run : g.runs) {
    const auto text = g.store.document(run.id, "ranking");
    if (!text || !seen.insert(*text).second) continue;
    g.guarded("ranking of " + g.labels[run.id], [&] { add_ranking(page, Json::parse(*text)); });
  }
}

}  // namespace nas::cli
