// Searches stand in one picture only where their values compare (runs/results/comparable.hpp);
// searches of other spaces, objectives or fidelity get one of their own.
#include <algorithm>
#include <cmath>

#include "cli/page/gather.hpp"
#include "cli/report/plot/front_plot.hpp"
#include "cli/runs/fix.hpp"
#include "cli/runs/results/comparable.hpp"
#include "cli/runs/run_files.hpp"
#include "cli/terminal/suggest.hpp"
#include "search/exact/answers.hpp"
#include "search/fidelity.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

using Group = std::vector<const SearchRecord*>;

std::vector<Group> groups_of(const Gathered& g) {
  const std::set<std::string> ignored = {"compute", "limits"};
  std::vector<Group> groups;
  for (const SearchRecord& record : g.searches) {
    if (record.evaluated.empty()) continue;
    const SidedRun run{&g.store, record.run};
    const auto fits = [&](const Group& group) {
      const SidedRun first{&g.store, group.front()->run};
      return not_comparable(first, *group.front(), run, record, true, ignored).empty() &&
             other_table(group.front()->cost_fidelity, record.cost_fidelity, {}).empty();
    };
    const auto group = std::find_if(groups.begin(), groups.end(), fits);
    if (group == groups.end())
      groups.push_back({&record});
    else
      group->push_back(&record);
  }
  return groups;
}

/// What a click copies: before and behind the architecture.
Json command_of(const Gathered& g, const SearchRecord& record) {
  if (record.run.parent.empty())
    return {suggested({"space", "show", record.run.space, "--arch"}, "nas.db") + " ",
            " --out network.svg"};
  const std::string export_it =
      suggested({"export", "--run", record.run.parent, "--arch"}, g.common);
  // The store, where it is told, stands at the end of what is suggested.
  const size_t at = export_it.find(" --arch");
  return {export_it.substr(0, at + 7) + " ", export_it.substr(at + 7) + " --out model"};
}

std::string command_text(const Json& parts, const std::string& architecture) {
  return parts[0].get<std::string>() + shell_word(architecture) + parts[1].get<std::string>();
}

/// Points of a series by two metrics, with their architectures.
Json series_of(const std::string& name,
               const char* kind,
               int colour,
               const std::vector<const Evaluated*>& list,
               const std::function<Json(size_t)>& x,
               const std::string& y) {
  Json series{{"name", name},
              {"kind", kind},
              {"colour", colour},
              {"points", Json::array()},
              {"texts", Json::array()}};
  for (size_t i = 0; i < list.size(); ++i) {
    const auto value = list[i]->values.find(y);
    const Json at = x(i);
    if (value == list[i]->values.end() || !at.is_number()) continue;
    series["points"].push_back({at, value->second});
    series["texts"].push_back(printable(list[i]->architecture));
  }
  return series;
}

std::vector<const Evaluated*> feasible(const std::vector<Evaluated>& all) {
  std::vector<const Evaluated*> list;
  for (const Evaluated& e : all)
    if (e.feasible) list.push_back(&e);
  return list;
}

std::vector<const Evaluated*> front(const std::vector<const Evaluated*>& all) {
  std::vector<Point> points;
  for (const Evaluated* e : all) points.push_back(e->point);
  std::vector<const Evaluated*> list;
  for (const size_t i : front_of(points)) list.push_back(all[i]);
  return list;
}

bool proved(const SearchRecord& record) {
  const Json& d = record.document;
  if (!d.is_object() || record.failed > 0) return false;
  const std::string stopped = d.value("stopped", "");
  return stopped.starts_with("every network of the space") || stopped.ends_with("is proved");
}

// ---- the exact end of a free cost

/// The least (or most) value that the space has of a free objective within the search's limits on
/// it, with proof; none where it does not add up.
std::optional<std::pair<double, std::string>> exact_end(const Gathered& g,
                                                        const SearchRecord& record,
                                                        const Objective& objective) {
  const Metric* known = find_metric(objective.metric);
  if (known == nullptr || !known->cost || objective.metric == "latency_ms" ||
      objective.metric == "peak_bytes")
    return std::nullopt;
  const auto space = open_space(space_of_run(g.store, record.run));
  if (!space->has_fingerprint(record.run.fingerprint)) return std::nullopt;
  std::vector<std::string> fix;
  if (record.document.is_object() && record.document.contains("fix"))
    fix = {record.document.at("fix").get<std::string>()};
  const Domain domain = fixed_domain(*space, fix);
  const CostModel costs(*space);
  if (!costs.knows(objective.metric)) return std::nullopt;
  const exact::Factorised found =
      exact::factorise(domain, exact::metrics_of(costs, {objective.metric}, &domain));
  if (!found.terms) return std::nullopt;
  std::vector<Constraint> own;
  for (const Constraint& c : record.goal.constraints)
    if (c.metric == objective.metric) own.push_back(c);
  const exact::Optimum optimum =
      exact::optimum(*found.terms,
                     {found.terms->metric(objective.metric), objective.maximize ? -1 : 1},
                     exact::limits_of(own, *found.terms));
  if (!optimum.proven || !optimum.solution) return std::nullopt;
  const Architecture a = domain.canonical(optimum.solution->architecture);
  return std::pair(costs.function(objective.metric)(a), space->text(a));
}

void add_front_chart(Page& page, Gathered& g, const Group& group, size_t k) {
  const std::vector<Objective>& objectives = group.front()->goal.objectives;
  const std::string y = objectives[0].metric;
  const bool single = objectives.size() == 1;
  const std::string x = single ? "evaluation" : objectives[k].metric;
  // What can be had at a cost is what its next cheaper network has.
  const Json steps = objectives.size() != 2   ? Json(false)
                     : objectives[k].maximize ? Json("after")
                                              : Json("before");
  Json chart{{"kind", "scatter"},
             {"x", axis_json(x, single ? "count" : form_of(x))},
             {"y", axis_json(y, form_of(y))},
             {"steps", steps},
             {"series", Json::array()},
             {"marks", Json::array()}};
  int colour = 0;
  const auto add = [&](const char* part,
                       const char* kind,
                       const std::vector<const Evaluated*>& list,
                       const SearchRecord& record) {
    const std::string label = g.labels[record.run.id];
    const auto at = [&](size_t i) -> Json {
      if (single) return i + 1;
      const auto value = list[i]->values.find(x);
      return value == list[i]->values.end() ? Json(nullptr) : Json(value->second);
    };
    Json series = series_of(label + ": " + part, kind, colour, list, at, y);
    // Of many searches the legend tells searches and kinds of points apart.
    if (group.size() > 1) {
      series["group"] = label;
      series["part"] = part;
    }
    series["command"] = command_of(g, record);
    if (!series["points"].empty()) chart["series"].push_back(std::move(series));
  };
  for (const SearchRecord* record : group) {
    const auto all = feasible(record->evaluated);
    if (!single)
      add(proved(*record) ? "exact front" : "front",
          proved(*record) ? "exact" : "front",
          front(all),
          *record);
    add("evaluated", "evaluated", all, *record);
    if (!record->random.empty()) add("random search", "random", feasible(record->random), *record);
    ++colour;
  }
  if (!single)
    g.guarded("exact end of " + x, [&] {
      if (const auto end = exact_end(g, *group.front(), objectives[k])) {
        chart["marks"].push_back(
            {{"name", (objectives[k].maximize ? "most " : "least ") + x + " of the space (exact)"},
             {"x", end->first}});
        page.text(
            "Exact: no architecture of the space" +
                std::string(group.front()->goal.constraints.empty() ? "" : " within limits on it") +
                " has " + (objectives[k].maximize ? "more " : "less ") + x + " than " +
                metric_text(x, end->first) + " (" + printable(end->second) + ").",
            /*soft=*/true);
      }
    });
  if (!chart["series"].empty())
    page.chart(std::move(chart), "Scatter plot of " + y + " against " + x, /*tall=*/true);
}

void add_front_table(Page& page, const Gathered& g, const SearchRecord& record) {
  constexpr size_t kMost = 60;
  const auto list = front(feasible(record.evaluated));
  if (list.empty()) return;
  std::vector<std::string> metrics;
  for (const Objective& o : record.goal.objectives) metrics.push_back(o.metric);
  for (const auto& [metric, value] : list.front()->values)
    if ((metric == "params" || metric == "macs" || metric == "latency_ms") &&
        std::find(metrics.begin(), metrics.end(), metric) == metrics.end())
      metrics.push_back(metric);
  std::vector<std::string> header = {"architecture"};
  for (const std::string& metric : metrics) header.push_back(printable(metric));
  header.emplace_back("");
  const Json command = command_of(g, record);
  std::vector<std::vector<Cell>> rows;
  for (size_t i = 0; i < std::min(kMost, list.size()); ++i) {
    std::vector<Cell> row = {{printable(list[i]->architecture), Cell::Kind::kCode}};
    for (const std::string& metric : metrics) {
      const auto value = list[i]->values.find(metric);
      row.push_back({value == list[i]->values.end() ? "-" : metric_text(metric, value->second),
                     Cell::Kind::kNumber});
    }
    row.push_back(
        {"copy command", Cell::Kind::kButton, command_text(command, list[i]->architecture)});
    rows.push_back(std::move(row));
  }
  page.begin_details("Front of " + g.labels.at(record.run.id) + ": " + std::to_string(list.size()) +
                     (list.size() == 1 ? " architecture" : " architectures"));
  page.table(header, rows);
  if (list.size() > kMost)
    page.text("The first " + std::to_string(kMost) + " of them; nas results lists all.", true);
  page.end_details();
}

// ---- hypervolume

Point common_reference(const Group& group) {
  std::vector<Point> points;
  const Point& given = group.front()->reference;
  bool same = !given.empty();
  for (const SearchRecord* record : group) {
    same &= record->reference == given;
    for (const auto* list : {&record->evaluated, &record->random})
      for (const Evaluated& e : *list)
        if (e.feasible) points.push_back(e.point);
  }
  if (same) return given;
  return points.empty() ? Point() : derived_reference(points);
}

/// Hypervolume after growing numbers of evaluations, failures counted.
Json growth(const std::vector<Evaluated>& list, const Point& reference) {
  const size_t steps = reference.size() > 3 ? 30 : 120;
  const size_t stride = std::max<size_t>(1, list.size() / steps);
  Json points = Json::array();
  std::vector<Point> kept;
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i].feasible) kept.push_back(list[i].point);
    if ((i + 1) % stride != 0 && i + 1 < list.size()) continue;
    throw_if_stopped("drawing");
    std::vector<Point> front;
    for (const size_t f : front_of(kept)) front.push_back(kept[f]);
    kept = front;
    points.push_back({i + 1, hypervolume(kept, reference)});
  }
  return points;
}

void add_hypervolume(Page& page, Gathered& g, const Group& group) {
  const Point reference = common_reference(group);
  if (reference.empty()) return;
  Json chart{{"kind", "lines"},
             {"x", axis_json("evaluations", "count")},
             {"y", axis_json("hypervolume")},
             {"series", Json::array()}};
  int colour = 0;
  for (const SearchRecord* record : group) {
    const std::string label = g.labels[record->run.id];
    chart["series"].push_back(
        {{"name", label}, {"colour", colour}, {"points", growth(record->evaluated, reference)}});
    if (!record->random.empty())
      chart["series"].push_back({{"name", label + ": random search"},
                                 {"colour", colour},
                                 {"dashed", true},
                                 {"points", growth(record->random, reference)}});
    ++colour;
  }
  std::string text;
  const auto& objectives = group.front()->goal.objectives;
  for (size_t k = 0; k < reference.size(); ++k)
    text += (k == 0 ? "" : ", ") + objectives[k].metric + " " +
            metric_text(objectives[k].metric, reference[k] * objectives[k].sign());
  page.heading("Hypervolume over evaluations");
  page.text(
      "Reference point: " + printable(text) + (group.size() > 1 ? "; the same for all." : "."),
      /*soft=*/true);
  page.chart(std::move(chart), "Hypervolume over evaluations");
}

std::string searches_text(Gathered& g, const Group& group) {
  std::string text;
  for (const SearchRecord* record : group)
    text += (text.empty() ? "" : ", ") + g.labels[record->run.id];
  return text;
}

void add_about(Page& page, Gathered& g, const SearchRecord& record) {
  const Json& d = record.document;
  std::vector<std::string> lines;
  std::string limits;
  for (const Constraint& c : record.goal.constraints)
    limits += (limits.empty() ? "" : ", ") + to_string(c);
  const size_t within = record.feasible_points().size();
  lines.push_back(
      g.labels[record.run.id] + ": " + std::to_string(record.evaluated.size()) + " evaluated" +
      (limits.empty() ? ", no limits"
                      : ", " + std::to_string(within) + " within the limits (" + limits + ")") +
      (record.failed > 0 ? ", " + std::to_string(record.failed) + " failed" : "") + "; " +
      (record.source.empty() ? "free costs" : fidelity_text(record.source, record.fidelity)));
  if (d.is_object() && proved(record))
    lines.push_back("This front is exact: " + d.value("stopped", ""));
  if (d.is_object() && d.contains("report") && d.at("report").contains("lines"))
    for (const Json& line : d.at("report").at("lines")) lines.push_back(line.get<std::string>());
  page.list(lines);
}

}  // namespace

void add_fronts(Page& page, Gathered& g) {
  const std::vector<Group> groups = groups_of(g);
  if (groups.empty()) return;
  page.section("Pareto front");
  page.text(
      "Point at an architecture to see it; a click copies the command that exports it (or, "
      "without a supernet, draws it).",
      /*soft=*/true);
  if (groups.size() > 1)
    page.text(
        "Searches of different spaces, objectives or fidelity stand apart: their values do "
        "not compare.",
        /*soft=*/true);
  for (const Group& group : groups) {
    page.heading(searches_text(g, group) + " (" + printable(group.front()->run.space) + ")");
    g.guarded("front of " + searches_text(g, group), [&] {
      const size_t objectives = group.front()->goal.objectives.size();
      for (size_t k = objectives == 1 ? 0 : 1; k < objectives; ++k)
        add_front_chart(page, g, group, k);
      for (const SearchRecord* record : group) add_about(page, g, *record);
      for (const SearchRecord* record : group) add_front_table(page, g, *record);
      add_hypervolume(page, g, group);
    });
  }
}

}  // namespace nas::cli
