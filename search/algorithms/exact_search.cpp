// exact: where every objective and limit is a free cost that adds up over a network, nothing has to
// be searched. The tables of search/exact/ give the whole front, or the optimum, and prove it; only
// what stands on it is evaluated, so that its measured metrics are known, too.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "search/algorithms/goal_tables.hpp"
#include "search/exact/sums.hpp"
#include "spaces/base/joined.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

std::vector<std::string> metrics_of_goal(const SearchContext& context, bool free) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (context.costs().knows(name) == free &&
        std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  };
  for (const Objective& objective : context.archive().goal().objectives) add(objective.metric);
  for (const Constraint& constraint : context.archive().goal().constraints) add(constraint.metric);
  return names;
}

class ExactSearch : public SearchAlgorithm {
 public:
  void prepare(const SearchContext& context) override {
    const std::vector<std::string> measured = measured_metrics(context);
    if (!measured.empty())
      throw ConfigError(
          "search.algorithm: exact needs free costs that add up over a network, but " +
              joined(measured) + (measured.size() > 1 ? " are" : " is") +
              " measured by the evaluator",
          "blockwise makes a sum of measured metrics, too; or choose objectives and "
          "limits among " +
              joined(context.costs().metrics()));
    const exact::Terms terms =
        tables_for("exact",
                   context.domain(),
                   exact::metrics_of(context.costs(), free_metrics(context), &context.domain()));
    const Goal& goal = context.archive().goal();
    solutions_.clear();
    for (exact::Solution& solution : solve("exact",
                                           terms,
                                           aims_of(goal.objectives, terms),
                                           exact::limits_of(goal.constraints, terms)))
      solutions_.push_back(std::move(solution.architecture));
    if (solutions_.size() > context.budget_left())
      throw ConfigError("search.evaluations: the exact front has " +
                            std::to_string(solutions_.size()) + " networks, the budget pays for " +
                            std::to_string(context.budget_left()),
                        "Raise search.evaluations, or add a limit.");
  }

  void step(SearchContext& context) override {
    context.evaluate(solutions_);
    context.finish(solutions_.size() == 1 && context.archive().goal().objectives.size() == 1
                       ? "the optimum is proved"
                       : "the whole front is proved");
  }

  std::string report_json(const SearchContext& context) const override {
    const bool one = context.archive().goal().objectives.size() == 1;
    const std::string line =
        one ? "proved optimal: no architecture within the limits is better"
            : "proved optimal: this is the whole Pareto front of all architectures within the "
              "limits";
    const nlohmann::ordered_json report{{"algorithm", "exact"},
                                        {"proved_optimal", true},
                                        {"architectures", solutions_.size()},
                                        {"lines", {line}}};
    return report.dump();
  }

  std::string state_json() const override { return "{\"algorithm\":\"exact\"}"; }
  void restore(const Space&, const std::string& json) override {
    const auto state = nlohmann::json::parse(json, nullptr, false);
    if (!state.is_object() || state.value("algorithm", "") != "exact")
      throw DataError("the stored state is not one of an exact search");
  }

 private:
  std::vector<Architecture> solutions_;
};

}  // namespace

std::vector<exact::Aim> aims_of(const std::vector<Objective>& objectives,
                                const exact::Terms& terms) {
  std::vector<exact::Aim> aims;
  for (const Objective& objective : objectives)
    aims.push_back({terms.metric(objective.metric), objective.maximize ? -1 : 1});
  return aims;
}

std::vector<std::string> free_metrics(const SearchContext& context) {
  return metrics_of_goal(context, true);
}
std::vector<std::string> measured_metrics(const SearchContext& context) {
  return metrics_of_goal(context, false);
}

exact::Terms tables_for(const std::string& algorithm,
                        const Domain& domain,
                        const std::vector<exact::MetricFunction>& metrics) {
  exact::Factorised found = exact::factorise(domain, metrics);
  if (found.terms) return std::move(*found.terms);
  throw ConfigError("search.algorithm: " + algorithm +
                        " needs metrics that add up over a network: " + found.why_not,
                    "Choose other metrics, or nsga2, which needs no sums.");
}

std::vector<exact::Solution> solve(const std::string& algorithm,
                                   const exact::Terms& terms,
                                   const std::vector<exact::Aim>& aims,
                                   const std::vector<exact::Limit>& limits) {
  const std::string hint = "Fewer objectives or limits leave fewer partial solutions; --fix too.";
  try {
    if (aims.size() > 1) return exact::front(terms, aims, limits);
    exact::Optimum best = exact::optimum(terms, aims.front(), limits);
    if (best.proven) {
      std::vector<exact::Solution> found;
      if (best.solution) found.push_back(std::move(*best.solution));
      return found;
    }
  } catch (const exact::TooMany& e) {
    throw ConfigError("search.algorithm: " + algorithm + ": " + e.what(), hint);
  }
  throw ConfigError("search.algorithm: " + algorithm +
                        ": the optimum could not be proved with the memory that is allowed",
                    hint);
}

std::unique_ptr<SearchAlgorithm> make_exact_search() {
  return std::make_unique<ExactSearch>();
}

}  // namespace nas
