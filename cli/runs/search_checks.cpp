#include "cli/runs/search_checks.hpp"

#include <algorithm>

#include "cli/report/suggest.hpp"
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
                                          const Evaluator& evaluator,
                                          const Common& common) {
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
      "Values of different fidelity are never mixed. Search anew with the same configuration:\n" +
          suggested_again("search", row.id, common));
}

}  // namespace nas::cli
