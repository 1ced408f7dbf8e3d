#include "cli/report/search_report.hpp"

#include <algorithm>
#include <cmath>

#include "cli/report/document.hpp"
#include "cli/report/plot/front_plot.hpp"
#include "cli/runs/latency.hpp"
#include "cli/terminal/suggest.hpp"
#include "search/failures.hpp"
#include "search/pareto.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::vector<Point> points_of(const std::vector<const Archive::Entry*>& front) {
  std::vector<Point> points;
  for (const Archive::Entry* entry : front) points.push_back(entry->score.objectives);
  return points;
}

/// Feasible architectures left out of the front because their objectives equal those of one in it.
size_t equal_to_front(const Archive& archive) {
  const std::vector<const Archive::Entry*>& front = archive.front();
  const auto before = [](const Archive::Entry* a, const Point& b) {
    return a->score.objectives < b;
  };
  size_t equal = 0;
  for (const Archive::Entry& entry : archive.entries()) {
    if (!entry.feasible()) continue;
    const auto at = std::lower_bound(front.begin(), front.end(), entry.score.objectives, before);
    equal +=
        at != front.end() && *at != &entry && (*at)->score.objectives == entry.score.objectives;
  }
  return equal;
}

std::string shown(const std::string& metric, const Json& value) {
  return value.is_number() ? metric_text(metric, value.get<double>()) : "-";
}

std::string metric_of(const Json& objective) {
  const auto text = objective.get<std::string>();
  return text.substr(text.find(' ') + 1);
}

/// `nearest miss: ARCH  accuracy 98.1 % (limit: accuracy >= 0.999), macs 117.7k`
std::string miss_text(const Json& d) {
  const Json& miss = d["nearest_miss"];
  const Json& values = miss["values"];
  std::vector<std::string> parts, told;
  const auto value = [&](const std::string& metric) {
    return metric + " " + (values.contains(metric) ? shown(metric, values[metric]) : "not known");
  };
  for (const Json& limit : d["constraints"]) {
    const Constraint c = parse_constraint(limit.get<std::string>());
    const auto it = values.find(c.metric);
    const bool met = it != values.end() && it->is_number() && c.violation(it->get<double>()) == 0;
    if (met) continue;
    parts.push_back(value(c.metric) + " (limit: " + limit.get<std::string>() + ")");
    told.push_back(c.metric);
  }
  for (const Json& objective : d["objectives"])
    if (const std::string metric = metric_of(objective);
        std::find(told.begin(), told.end(), metric) == told.end())
      parts.push_back(value(metric));
  std::string text = "nearest miss: " + miss["architecture"].get<std::string>();
  for (size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "  " : ", ") + parts[i];
  return text;
}

void print_failures(const Json& d, const RunRow& run, const Common& common) {
  constexpr size_t kMost = 3;
  const Json& failures = d["failures"];
  if (failures.empty()) return;
  std::string text =
      "failed evaluations (all: " + suggested({"results", run.id, "--all"}, common) + "):";
  for (size_t i = 0; i < std::min(kMost, failures.size()); ++i)
    text += "\n  " + failures[i]["count"].dump() + " x " +
            failures[i]["message"].get<std::string>() +
            " (first: " + failures[i]["first"].get<std::string>() + ")";
  if (failures.size() > kMost)
    text += "\n  and " + std::to_string(failures.size() - kMost) + " other reasons";
  print_prose(text);
}

void print_plot(const Search& search) {
  const auto values = [](const auto& entries) {
    std::vector<PlotValues> list;
    for (const auto* entry : entries) list.push_back(entry->values);
    return list;
  };
  std::vector<const Archive::Entry*> evaluated;
  for (const Archive::Entry& entry : search.archive().entries())
    if (entry.feasible()) evaluated.push_back(&entry);
  print_front_plot(
      search.archive().goal().objectives, values(evaluated), values(search.archive().front()));
}

}  // namespace

Json entry_json(const Archive::Entry& entry, const Space& space) {
  Json values = Json::object();
  for (const auto& [metric, value] : entry.values) values[metric] = json_number(value);
  return {{"architecture", space.text(entry.architecture)}, {"values", values}};
}

Json search_document(const Search& search, const Space& space, const RunRow& run) {
  const Archive& archive = search.archive();
  const Goal& goal = archive.goal();
  const std::vector<const Archive::Entry*> front = archive.front();
  Json json{{"schema", "nas-search/1"},
            {"run", run.id},
            {"name", run.name},
            {"parent", run.parent},
            {"space", run.space},
            {"algorithm", search.settings().algorithm},
            {"seed", search.settings().seed}};
  if (!search.domain().whole()) json["fix"] = search.domain().restriction().text();
  for (const Objective& o : goal.objectives) json["objectives"].push_back(to_string(o));
  json["constraints"] = Json::array();
  for (const Constraint& c : goal.constraints) json["constraints"].push_back(to_string(c));
  json["front_equal"] = equal_to_front(archive);
  json["front"] = Json::array();
  for (const Archive::Entry* entry : front) json["front"].push_back(entry_json(*entry, space));
  if (!front.empty()) {
    // Best: by the first objective alone.
    const auto best =
        std::min_element(front.begin(), front.end(), [](const auto* a, const auto* b) {
          return a->score.objectives < b->score.objectives;
        });
    json["best"] = best - front.begin();
    json["knee"] = knee_index(points_of(front));
    json["hypervolume"] = json_number(search.current_hypervolume());
    Json reference = Json::object();
    for (size_t k = 0; k < goal.objectives.size() && k < search.reference().size(); ++k)
      reference[goal.objectives[k].metric] = search.reference()[k] * goal.objectives[k].sign();
    json["reference"] = reference;
    json["reference_given"] = !search.settings().reference.empty();
  } else if (const Archive::Entry* miss = archive.nearest_miss()) {
    json["nearest_miss"] = entry_json(*miss, space);
  }
  json["generations"] = search.generations();
  json["evaluations"] = archive.evaluations();
  json["feasible"] = archive.feasible();
  json["failed"] = archive.failures();
  json["failures"] = Json::array();
  for (const FailureReason& reason : failure_reasons(archive, space))
    json["failures"].push_back({{"count", reason.count},
                                {"message", reason.message},
                                {"first", space.text(reason.first)}});
  json["skipped_infeasible"] = search.skipped();
  json["evaluations_reused"] = search.reused();
  json["requests_saved"] = search.saved();
  json["requests_saved_equivalent"] = search.saved_equivalent();
  json["stopped"] = search.why_done();
  if (const std::string report = search.report_json(); !report.empty())
    json["report"] = Json::parse(report);
  return json;
}

void print_search(const Json& d, const Search& search, const RunRow& run, const Common& common) {
  const Json& front = d["front"];
  if (d.contains("fix")) print("searched: " + run.space + " with " + d["fix"].get<std::string>());
  if (front.empty()) {
    print_prose("no feasible architecture was found in " + d["evaluations"].dump() +
                " evaluations");
    if (d.contains("nearest_miss")) print_prose(miss_text(d));
  } else {
    std::vector<std::string> metrics;
    for (const Json& o : d["objectives"]) metrics.push_back(metric_of(o));
    for (const auto& [name, value] : front[0]["values"].items())
      if ((name == "params" || name == "macs" || name == "latency_ms") &&
          std::find(metrics.begin(), metrics.end(), name) == metrics.end())
        metrics.push_back(name);
    std::vector<std::string> header = {"#", "architecture"};
    header.insert(header.end(), metrics.begin(), metrics.end());
    header.emplace_back("");
    Table table(header);
    for (size_t i = 0; i < front.size(); ++i) {
      std::vector<std::string> cells = {std::to_string(i),
                                        front[i]["architecture"].get<std::string>()};
      for (const std::string& metric : metrics) {
        const Json& values = front[i]["values"];
        cells.push_back(values.contains(metric) ? shown(metric, values[metric]) : "-");
        // What a measurement may differ by.
        if (const auto spread = values.find(metric + "_spread"); spread != values.end())
          cells.back() += " +- " + format_number(spread->get<double>(), 2);
      }
      std::string mark = i == d["best"] ? "best" : "";
      if (i == d["knee"]) mark += mark.empty() ? "knee" : ", knee";
      cells.push_back(mark);
      table.row(cells);
    }
    print_plot(search);
    print_prose("Pareto front of run " + run.id + (run.name.empty() ? "" : " (" + run.name + ")"));
    print(table.text());
    if (const auto equal = d.value("front_equal", size_t{0}); equal > 0)
      print_prose(std::to_string(equal) + (equal == 1 ? " more architecture has" : " more have") +
                  " the values of one of these (" +
                  suggested({"results", run.id, "--front", metrics[0]}, common) +
                  " ... --equal shows all)");
    std::string reference;
    for (const auto& [metric, value] : d["reference"].items())
      reference +=
          (reference.empty() ? "" : ", ") + metric + " " + format_number(value.get<double>());
    print_prose("hypervolume " + format_number(d["hypervolume"].get<double>(), 6) +
                " (reference: " + reference +
                (d.value("reference_given", true)
                     ? ")"
                     : "; derived here, so it compares with other searches only if they are given "
                       "search.reference)"));
    if (d.contains("latency")) print_prose("latency_ms: " + latency_text(d["latency"]));
    if (d.contains("baseline"))
      print_prose("random search, equal evaluations: hypervolume " +
                  format_number(d["baseline"]["hypervolume"].get<double>(), 6));
  }
  print_prose(d["evaluations"].dump() + " evaluations, " + d["feasible"].dump() + " feasible, " +
              d["failed"].dump() + " failed; " + d["requests_saved"].dump() +
              " requests answered from the archive (" + d["requests_saved_equivalent"].dump() +
              " of them another form of a known network)");
  print_failures(d, run, common);
  if (d["evaluations_reused"] != 0)
    print_prose(d["evaluations_reused"].dump() +
                " of the evaluations were known from other runs and not measured again");
  const std::string stopped = d["stopped"];
  if (d.contains("report")) {
    for (const Json& line : d["report"]["lines"]) print_prose(line.get<std::string>());
  } else if (stopped != "evaluations spent" && stopped != "generations done")
    print_prose("stopped before the budget was spent: " + stopped);
  if (front.empty()) return;
  const std::string results = suggested({"results", run.id}, common);
  // Only the subnets of a supernet have weights to export.
  if (!run.parent.empty())
    print_prose("next: " + suggested({"export", "--run", run.id, "--pick", "best"}, common) +
                "\n      " + results);
  else
    print_prose("next: " + results);
}

}  // namespace nas::cli
