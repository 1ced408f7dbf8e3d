#include "cli/runs/results/search_record.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "search/limits.hpp"
#include "search/search_options.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kRandom = ":random";  // Marks the source of the baseline's values.

bool is_cost(const EvaluationRow& row) {
  return row.source == "plan" || row.source == "latency_table";
}

bool is_random(const EvaluationRow& row) {
  return row.source.ends_with(kRandom);
}

/// `maximize accuracy` of a document.
std::optional<Objective> objective_of(const std::string& text) {
  const size_t blank = text.find(' ');
  if (blank == std::string::npos) return std::nullopt;
  return Objective{text.substr(blank + 1), text.starts_with("maximize")};
}

/// As printed at the end, else as the configuration says.
Goal goal_of(const RunRow& run, const Json& document) {
  Goal goal;
  if (document.is_object() && document.contains("objectives")) {
    for (const Json& text : document.at("objectives"))
      if (const auto o = objective_of(text.get<std::string>())) goal.objectives.push_back(*o);
    for (const Json& text : document.value("constraints", Json::array()))
      goal.constraints.push_back(parse_constraint(text.get<std::string>()));
    return goal;
  }
  YamlSource source;
  source.text = run.config_yaml;
  source.file = "configuration of run " + run.id;
  const auto config = read_yaml_as<SearchConfig>(source);
  goal.objectives = parse_objectives(config.search.objectives);
  for (const std::string& text : config.search.constraints)
    goal.constraints.push_back(parse_constraint(text));
  return goal;
}

Point reference_of(const Json& document, const Goal& goal) {
  if (!document.is_object() || !document.value("reference_given", false)) return {};
  Point reference;
  for (const Objective& o : goal.objectives) {
    const Json value = document.at("reference").value(o.metric, Json());
    if (!value.is_number()) return {};
    reference.push_back(value.get<double>() * o.sign());
  }
  return reference;
}

/// Source and fidelity of most values that are not free.
std::pair<std::string, std::string> usual(const std::vector<EvaluationRow>& rows) {
  std::map<std::pair<std::string, std::string>, size_t> count;
  for (const EvaluationRow& row : rows)
    if (!is_cost(row) && !is_random(row)) ++count[{row.source, row.fidelity_json}];
  const auto most = std::max_element(
      count.begin(), count.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == count.end() ? std::pair<std::string, std::string>() : most->first;
}

/// Rows of one architecture put together, by first appearance.
class ByArchitecture {
 public:
  void add(const EvaluationRow& row) {
    const auto [at, fresh] = index_.emplace(row.architecture, list_.size());
    if (fresh) list_.push_back({row.architecture, {}, {}, false});
    if (row.status == "ok") list_[at->second].values[row.metric] = row.value;
  }
  bool holds(const std::string& architecture) const { return index_.contains(architecture); }
  std::vector<Evaluated>& list() { return list_; }

 private:
  std::vector<Evaluated> list_;
  std::unordered_map<std::string, size_t> index_;
};

void judge(std::vector<Evaluated>& list, const Goal& goal) {
  for (Evaluated& e : list) {
    for (const Objective& o : goal.objectives)
      if (const auto value = e.values.find(o.metric); value != e.values.end())
        e.point.push_back(value->second * o.sign());
    if (e.point.size() < goal.objectives.size()) e.point.clear();
    e.feasible = !e.point.empty() && total_violation(goal.constraints, e.values) == 0;
  }
}

}  // namespace

std::vector<Point> SearchRecord::feasible_points() const {
  std::vector<Point> points;
  for (const Evaluated& e : evaluated)
    if (e.feasible) points.push_back(e.point);
  return points;
}

const Evaluated* SearchRecord::best() const {
  const Evaluated* best = nullptr;
  for (const Evaluated& e : evaluated)
    if (e.feasible && (best == nullptr || e.point < best->point)) best = &e;
  return best;
}

SearchRecord search_record(const Store& store, const RunRow& run) {
  SearchRecord record;
  record.run = run;
  if (const auto text = store.document(run.id, "front"))
    record.document = Json::parse(*text, nullptr, false);
  if (record.document.is_discarded()) record.document = nullptr;
  try {
    record.goal = goal_of(run, record.document);
    record.reference = reference_of(record.document, record.goal);
  } catch (const ConfigError& e) {
    throw DataError("search " + run.id + " cannot be read: " + e.what());
  } catch (const Json::exception& e) {
    throw DataError("search " + run.id + ": its document `front` cannot be read: " + e.what());
  }
  const std::vector<EvaluationRow> rows = store.evaluations(run.id);
  std::tie(record.source, record.fidelity) = usual(rows);
  ByArchitecture own, random;
  // What is free has one value, whoever asked for it; who did is told by what was paid for.
  const bool free_only = record.source.empty();
  std::vector<const EvaluationRow*> costs;
  for (const EvaluationRow& row : rows) {
    if (row.source == "latency_table") record.cost_fidelity = row.fidelity_json;
    if (is_cost(row)) {
      costs.push_back(&row);
    } else if (is_random(row)) {
      random.add(row);
    } else if (row.source == record.source && row.fidelity_json == record.fidelity) {
      own.add(row);
      record.failed += row.status == "ok" ? 0 : 1;
    }
  }
  for (const EvaluationRow* row : costs) {
    if (free_only || own.holds(row->architecture)) own.add(*row);
    if (random.holds(row->architecture)) random.add(*row);
  }
  record.evaluated = std::move(own.list());
  record.random = std::move(random.list());
  judge(record.evaluated, record.goal);
  judge(record.random, record.goal);
  return record;
}

std::vector<size_t> front_of(const std::vector<Point>& points) {
  std::vector<size_t> order;
  for (size_t i = 0; i < points.size(); ++i)
    if (!points[i].empty()) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return points[a] != points[b] ? points[a] < points[b] : a < b;
  });
  // Rising in the first objective (then the others): only what stands before can dominate.
  std::vector<size_t> front;
  for (const size_t i : order) {
    const bool beaten = std::any_of(front.begin(), front.end(), [&](size_t f) {
      return points[f] == points[i] || dominates(points[f], points[i]);
    });
    if (!beaten) front.push_back(i);
  }
  return front;
}

}  // namespace nas::cli
