#include <cmath>
#include <map>
#include <set>

#include "cli/page/gather.hpp"
#include "cli/report/graphviz.hpp"
#include "cli/report/plot/front_plot.hpp"
#include "cli/runs/run_files.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/draw/plan_draw.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostDrawn = 6;

/// (what it is, architecture): the best and the knee of a finished search.
std::vector<std::pair<std::string, std::string>> picks(const SearchRecord& record) {
  std::vector<std::pair<std::string, std::string>> list;
  const Json& d = record.document;
  if (!d.is_object() || !d.contains("front")) return list;
  for (const char* pick : {"best", "knee"}) {
    if (!d.contains(pick) || !d.at(pick).is_number_unsigned()) continue;
    const auto at = d.at(pick).get<size_t>();
    if (at >= d.at("front").size()) continue;
    const auto architecture = d.at("front").at(at).at("architecture").get<std::string>();
    if (!list.empty() && list.front().second == architecture)
      list.front().first += " and " + std::string(pick);
    else
      list.emplace_back(pick, architecture);
  }
  return list;
}

std::string values_text(const SearchRecord& record, const std::string& architecture) {
  std::string text;
  for (const Evaluated& e : record.evaluated) {
    if (e.architecture != architecture) continue;
    for (const auto& [metric, value] : e.values)
      if (metric != "activation_bytes" && metric != "peak_bytes")
        text += (text.empty() ? "" : ", ") + metric + " " + metric_text(metric, value);
    break;
  }
  return text;
}

/// Shares of the options of each choice, of what was evaluated and of the front.
class Counts {
 public:
  explicit Counts(const Space& space) : space_(space), counts_(space.choices().size()) {
    for (size_t c = 0; c < counts_.size(); ++c)
      counts_[c].assign(space.choices()[c].options.size(), 0);
  }
  void add(const std::string& text) {
    const Architecture a = space_.parse(text);
    for (size_t c = 0; c < counts_.size(); ++c)
      if (c < a.genes.size() && space_.active(a, c)) ++counts_[c][static_cast<size_t>(a.genes[c])];
  }
  double share(size_t choice, size_t option) const {
    double all = 0;
    for (const double n : counts_[choice]) all += n;
    return all > 0 ? counts_[choice][option] / all : NAN;
  }

 private:
  const Space& space_;
  std::vector<std::vector<double>> counts_;
};

void add_counts(Page& page, Gathered& g, const SearchRecord& record) {
  const auto space = open_space(space_of_run(g.store, record.run));
  if (!space->has_fingerprint(record.run.fingerprint)) return;
  Counts evaluated(*space), front(*space);
  std::vector<Point> points;
  for (const Evaluated& e : record.evaluated) {
    evaluated.add(e.architecture);
    points.push_back(e.feasible ? e.point : Point());
  }
  for (const size_t i : front_of(points)) front.add(record.evaluated[i].architecture);
  page.begin_details(g.labels[record.run.id] +
                     ": choices (share of each option where it is active)");
  // Choices with the same options share a table.
  std::map<std::vector<std::string>, std::vector<size_t>> tables;
  const std::vector<Choice>& choices = space->choices();
  for (size_t c = 0; c < choices.size(); ++c) tables[choices[c].options].push_back(c);
  for (const auto& [options, list] : tables) {
    std::vector<std::string> columns, rows;
    std::vector<std::vector<double>> values;
    for (const std::string& option : options) columns.push_back(printable(option));
    for (const size_t c : list)
      for (const auto& [name, counts] :
           {std::pair{" (evaluated)", &evaluated}, {" (front)", &front}}) {
        rows.push_back(printable(choices[c].name) + name);
        values.emplace_back();
        for (size_t o = 0; o < options.size(); ++o) values.back().push_back(counts->share(c, o));
      }
    page.heat("choice", columns, rows, values, 0, 1);
  }
  page.end_details();
}

}  // namespace

void add_choices(Page& page, Gathered& g) {
  page.section("What was tried, what the front chooses");
  for (const SearchRecord& record : g.searches)
    if (!record.evaluated.empty())
      g.guarded("choices of " + g.labels[record.run.id], [&] { add_counts(page, g, record); });
}

void add_networks(Page& page, Gathered& g) {
  page.section("The best networks");
  std::set<std::pair<std::string, std::string>> drawn;
  for (const SearchRecord& record : g.searches)
    g.guarded("networks of " + g.labels[record.run.id], [&] {
      const auto list = picks(record);
      if (list.empty()) return;
      const auto space = open_space(space_of_run(g.store, record.run));
      if (!space->has_fingerprint(record.run.fingerprint)) return;
      for (const auto& [pick, text] : list) {
        if (drawn.size() >= kMostDrawn || !drawn.insert({record.run.fingerprint, text}).second)
          continue;
        const Plan plan = space->plan(space->parse(text));
        page.picture(svg_of(draw_network(plan, space->choices(), {text})),
                     g.labels[record.run.id] + ", " + pick + ": " + printable(text) + " (" +
                         printable(values_text(record, text)) + ")");
      }
    });
}

}  // namespace nas::cli
