#include "cli/runs/search_checks.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <unordered_set>

#include "cli/terminal/suggest.hpp"
#include "search/evaluators/evaluators.hpp"
#include "search/failures.hpp"
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

/// The computed cost that a column of another spelling means: `MACs`, `Params`, `#params`; null for
/// others. Not flops, of which a multiply-accumulate is one or two.
const Metric* cost_meant(const std::string& column) {
  std::string letters;
  for (const char c : column)
    if (std::isalpha(static_cast<unsigned char>(c)) != 0)
      letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (find_metric(column) != nullptr) return nullptr;
  for (const char* name : {"mac", "macs", "madds", "multadds", "multiplyadds"})
    if (letters == name) return find_metric("macs");
  for (const char* name :
       {"param", "params", "nparams", "numparams", "parameters", "numparameters", "nparameters"})
    if (letters == name) return find_metric("params");
  for (const Metric& metric : known_metrics()) {
    std::string plain = metric.name;
    std::erase_if(plain, [](char c) { return c == '_'; });
    if (metric.cost && letters == plain && metric.unit == MetricUnit::kBytes) return &metric;
  }
  return nullptr;
}

/// A column beside the cost that it means: a limit on one is none on the other.
void tell_other_spelling(const TableEvaluator& table,
                         const CostModel& costs,
                         const std::string& column,
                         const Metric& cost) {
  if (!costs.knows(cost.name)) return;
  auto& reader = const_cast<TableEvaluator&>(table);
  std::vector<Architecture> all = table.architectures();
  const std::vector<Evaluation> rows = reader.evaluate(all);
  for (size_t i = 0; i < all.size(); ++i) {
    const auto value = rows[i].values.find(column);
    if (value == rows[i].values.end()) continue;
    const double here = costs.of(all[i]).at(cost.name);
    const bool equal = std::abs(value->second - here) <= 1e-6 * std::abs(here);
    warning("the table's '" + column + "' is another metric than '" + cost.name +
            "', which is computed here" +
            (equal ? ""
                   : " (" + costs.space().text(all[i]) + ": " + format_number(here, 9) +
                         ", in the table " + format_number(value->second, 9) + ")") +
            "; objectives and limits on one say nothing of the other");
    return;
  }
}

/// Costs are computed here: told where a table says otherwise of them.
void tell_other_costs(const TableEvaluator& table, const CostModel& costs) {
  constexpr size_t kCompared = 20;
  auto& reader = const_cast<TableEvaluator&>(table);
  std::vector<Architecture> some = table.architectures();
  some.resize(std::min(some.size(), kCompared));
  const std::vector<Evaluation> rows = reader.evaluate(some);
  for (const std::string& metric : table.metrics()) {
    if (const Metric* cost = cost_meant(metric)) tell_other_spelling(table, costs, metric, *cost);
    if (!costs.knows(metric)) continue;
    for (size_t i = 0; i < some.size(); ++i) {
      const auto value = rows[i].values.find(metric);
      if (value == rows[i].values.end()) continue;
      const double here = costs.of(some[i]).at(metric);
      if (std::abs(value->second - here) <= 1e-6 * std::abs(here)) continue;
      warning("the table's '" + metric + "' is not used: it is computed here (" +
              costs.space().text(some[i]) + ": " + format_number(here, 9) + ", in the table " +
              format_number(value->second, 9) +
              "). To search by the table's, give it another name: evaluator.table.metrics: "
              "[table_" +
              metric + " = " + metric + "]");
      break;
    }
  }
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

void settle_limits(const SearchConfig& config,
                   const CostModel& costs,
                   const TableEvaluator* table,
                   const Common& common,
                   SearchSettings& settings) {
  std::vector<Objective> odd;
  for (const Objective& objective : settings.goal.objectives)
    if (objective_problem(objective).empty()) odd.push_back(objective);
  for (const std::string& text : objective_warnings(odd)) warning(text);
  if (table != nullptr) tell_other_costs(*table, costs);
  if (config.evaluator.kind == EvaluatorKind::kExternal)
    for (const std::string& metric : config.evaluator.external.metrics)
      if (const Metric* cost = cost_meant(metric); cost != nullptr && costs.knows(cost->name))
        warning("the program's '" + metric + "' is another metric than '" + cost->name +
                "', which is computed here; objectives and limits on one say nothing of the other");
  const KnownOf known = [&](const std::string& metric) {
    const bool ours = costs.knows(metric) || config.evaluator.kind == EvaluatorKind::kSupernet ||
                      (config.evaluator.answered() && find_metric(metric));
    if (ours) return KnownValues{.scale = ValueScale::kOurs};
    return table == nullptr ? KnownValues{} : values_of(column(*table, metric), /*complete=*/true);
  };
  std::vector<std::string> notes;
  settings.goal.constraints = resolved_limits(config.search, known, notes);
  settings.reference = resolved_reference(config.search, known);
  for (const std::string& text : notes) note(common, "note: " + text);
}

bool tell_odd_limits(const SearchConfig& config, const Archive& archive) {
  if (!config.evaluator.answered()) return true;
  bool told = false;
  const auto check = [&](const Constraint& value, auto&& resolve) {
    if (find_metric(value.metric) != nullptr) return;
    std::vector<double> values;
    for (const Archive::Entry& entry : archive.entries())
      if (const auto found = entry.values.find(value.metric); found != entry.values.end())
        values.push_back(found->second);
    try {
      resolve(value, values_of(std::move(values), /*complete=*/false));
    } catch (const ConfigError& e) {
      warning(e.what());
      told = true;
    }
  };
  for (const std::string& text : config.search.constraints)
    check(parse_constraint(text), [](const Constraint& limit, const KnownValues& known) {
      resolve_limit(limit, known, "search.constraints");
    });
  for (const std::string& text : config.search.reference)
    check(parse_assignment(text), [](const Constraint& value, const KnownValues& known) {
      resolve_reference(value, known, "search.reference");
    });
  return told;
}

void require_successes(const Archive& archive, const Space& space) {
  constexpr size_t kFew = 10;
  if (archive.evaluations() < kFew || archive.failures() * 10 < archive.evaluations() * 9) return;
  throw DataError(std::to_string(archive.failures()) + " of " +
                  std::to_string(archive.evaluations()) + " evaluations failed:\n" +
                  failure_text(archive, space, 3));
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
