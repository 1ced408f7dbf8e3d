#include "cli/runs/search_checks.hpp"

#include <algorithm>
#include <unordered_set>

#include "search/evaluators/evaluators.hpp"
#include "search/fidelity.hpp"
#include "search/limits.hpp"
#include "spaces/metric.hpp"

namespace nas::cli {
namespace {

std::vector<double> column(const TableEvaluator& table, const std::string& metric) {
  // Reading a table's rows changes nothing in it; `evaluate` is not const for costly evaluators.
  auto& reader = const_cast<TableEvaluator&>(table);
  std::vector<double> values;
  for (const Evaluation& row : reader.evaluate(table.architectures()))
    if (const auto value = row.values.find(metric); value != row.values.end())
      values.push_back(value->second);
  return values;
}

}  // namespace

void tell_coverage(const TableEvaluator& table, const Domain& domain, const std::string& file) {
  const std::vector<Architecture> known = table.architectures();
  const std::unordered_set<Architecture> held(known.begin(), known.end());
  constexpr int64_t kCounted = 20000;
  int64_t without = 0;
  const bool small = domain.count() <= kCounted;
  if (small)
    domain.enumerate([&](const Architecture& a) {
      without += !held.contains(domain.space().canonical(a));
      return true;
    });
  if (small && without == 0) return;
  warning(file + " has values for " +
          (small ? (domain.count() - without).str() : std::to_string(held.size())) + " of the " +
          domain.count().str() + " architectures of " + domain.name() +
          "; every other one that the search asks for costs an evaluation and fails");
}

std::vector<Constraint> search_limits(const SearchConfig& config,
                                      const std::vector<Objective>& objectives,
                                      const CostModel& costs,
                                      const Evaluator* table) {
  for (const std::string& text : objective_warnings(objectives)) warning(text);
  const auto scale = [&](const std::string& metric) {
    if (costs.knows(metric) || config.evaluator.kind == EvaluatorKind::kSupernet)
      return ValueScale::kOurs;
    const auto* values = dynamic_cast<const TableEvaluator*>(table);
    return values == nullptr ? ValueScale::kUnknown : scale_of(column(*values, metric));
  };
  for (const std::string& text : config.search.reference) {
    const auto [metric, value] = parse_assignment(text);
    const Metric* known = find_metric(metric);
    if (known != nullptr && scale(metric) == ValueScale::kOurs &&
        (value < known->low || value > known->high))
      throw ConfigError(
          "search.reference: '" + text + "' lies outside of what " + metric + " can be",
          known->unit == MetricUnit::kShare ? "It is a share from 0 to 1."
                                            : "It is never negative.");
  }
  return resolved_limits(config.search, scale);
}

std::vector<EvaluationRow> resumable_rows(Store& store,
                                          const RunRow& row,
                                          const RunRow& supernet,
                                          const Evaluator& evaluator) {
  const std::string now = evaluator.fidelity_json();
  // Old values name no weights. Those of a training that had ended before can be of no others.
  const bool unchanged =
      supernet.id.empty() || (supernet.status == "finished" && supernet.ended <= row.started);
  std::vector<EvaluationRow> rows = store.evaluations(row.id);
  std::vector<EvaluationRow> adopted;
  size_t foreign = 0;
  std::string other;
  for (EvaluationRow& e : rows) {
    if (e.source.substr(0, e.source.find(':')) != evaluator.source()) continue;
    if (same_fidelity(e.fidelity_json, now)) {
      e.fidelity_json = now;
      continue;
    }
    if (unchanged && lacks_only_identity(e.fidelity_json, now)) {
      e.fidelity_json = now;
      adopted.push_back(e);
      continue;
    }
    ++foreign;
    other = e.fidelity_json;
  }
  if (foreign == 0) {
    store.add_evaluations(adopted);  // So that the search's values are all of one fidelity.
    return rows;
  }
  throw ConfigError(
      "search " + row.id + " cannot go on: " + std::to_string(foreign) +
          " of its values were measured at another fidelity than new ones would be (then, now): " +
          fidelity_difference(other, now) +
          (supernet.id.empty() ? "" : "; run " + supernet.id + " has been trained since"),
      "Values of different fidelity are never mixed. Search anew with the same configuration:\n"
      "nas runs show " +
          row.id + " --config-only > search.yaml; nas search --config search.yaml");
}

}  // namespace nas::cli
