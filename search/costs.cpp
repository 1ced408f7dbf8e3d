// The network asked for last is kept: limits, objectives and reports ask about one architecture in
// a row, and building its plan costs more than any cost of it.
#include "search/costs.hpp"

#include <algorithm>
#include <stdexcept>

namespace nas {
namespace {

struct PlanCost {
  const char* name;
  int64_t Cost::*value;
};
constexpr PlanCost kPlanCosts[] = {{"macs", &Cost::macs},
                                   {"params", &Cost::params},
                                   {"activation_bytes", &Cost::activation_bytes},
                                   {"peak_bytes", &Cost::peak_bytes}};
constexpr const char* kSpread = "_spread";

}  // namespace

void CostModel::add(const std::string& metric,
                    std::function<double(const Plan&)> cost,
                    const std::string& source,
                    const std::string& fidelity_json) {
  add_of(
      metric,
      [cost = std::move(cost)](const Architecture&, const Plan& plan) { return cost(plan); },
      source,
      fidelity_json);
}

void CostModel::add_of(const std::string& metric,
                       OfNetwork cost,
                       const std::string& source,
                       const std::string& fidelity_json) {
  more_[metric] = {std::move(cost), source, fidelity_json};
}

void CostModel::set_spread(const std::string& metric, OfNetwork spread) {
  add_of(metric + kSpread, std::move(spread), source(metric), fidelity_json(metric));
}

bool CostModel::has_spread(const std::string& metric) const {
  return more_.contains(metric + kSpread);
}

void CostModel::add_quantile(const std::string& name, const std::string& metric, double z) {
  if (!has_spread(metric)) throw std::logic_error("'" + metric + "' has no spread");
  add_of(
      name,
      [mean = more_.at(metric).cost, spread = more_.at(metric + kSpread).cost, z](
          const Architecture& a, const Plan& plan) { return mean(a, plan) + z * spread(a, plan); },
      source(metric),
      fidelity_json(metric));
}

std::string CostModel::source(const std::string& metric) const {
  const auto it = more_.find(metric);
  return it == more_.end() ? "plan" : it->second.source;
}

std::string CostModel::fidelity_json(const std::string& metric) const {
  const auto it = more_.find(metric);
  return it == more_.end() ? "{}" : it->second.fidelity_json;
}

std::vector<std::string> CostModel::metrics() const {
  std::vector<std::string> names;
  for (const PlanCost& cost : kPlanCosts) names.emplace_back(cost.name);
  for (const auto& [name, extra] : more_) names.push_back(name);
  return names;
}

bool CostModel::knows(const std::string& metric) const {
  const std::vector<std::string> names = metrics();
  return std::find(names.begin(), names.end(), metric) != names.end();
}

const CostModel::Built& CostModel::built(const Architecture& a) const {
  if (built_.architecture == a && !a.genes.empty()) return built_;
  built_.architecture.genes.clear();  // in case the plan cannot be made
  space_.build(a, built_.plan);
  built_.cost = cost_of(built_.plan, space_.counting());
  built_.architecture = a;
  return built_;
}

std::map<std::string, double> CostModel::of(const Architecture& a) const {
  const Built& network = built(a);
  std::map<std::string, double> values;
  for (const PlanCost& each : kPlanCosts)
    values[each.name] = static_cast<double>(network.cost.*each.value);
  for (const auto& [name, extra] : more_) values[name] = extra.cost(a, network.plan);
  return values;
}

std::function<double(const Architecture&)> CostModel::function(const std::string& metric) const {
  for (const PlanCost& each : kPlanCosts)
    if (metric == each.name && !more_.contains(metric))
      return [this, value = each.value](const Architecture& a) {
        return static_cast<double>(built(a).cost.*value);
      };
  const auto extra = more_.find(metric);
  if (extra == more_.end()) throw std::logic_error("'" + metric + "' is no free cost");
  return
      [this, &cost = extra->second.cost](const Architecture& a) { return cost(a, built(a).plan); };
}

CostLimits::CostLimits(const CostModel& costs,
                       std::vector<Constraint> constraints,
                       const Domain& domain)
    : costs_(costs), domain_(domain), constraints_(std::move(constraints)) {
  for (const Constraint& constraint : constraints_) {
    Limited limited{nullptr, nullptr, &constraint};
    for (const PlanCost& cost : kPlanCosts)
      if (constraint.metric == cost.name) limited.of_cost = cost.value;
    if (const auto it = costs.more_.find(constraint.metric); it != costs.more_.end())
      limited.of_plan = &it->second.cost;
    if (limited.of_cost == nullptr && limited.of_plan == nullptr)
      throw std::logic_error("'" + constraint.metric + "' is no free cost");
    limits_.push_back(limited);
  }
}

double CostLimits::violation(const Architecture& canonical) const {
  if (limits_.empty()) return 0;
  const CostModel::Built& network = costs_.built(canonical);
  double sum = 0;
  for (const Limited& limit : limits_)
    sum += limit.constraint->violation(limit.of_plan != nullptr
                                           ? (*limit.of_plan)(canonical, network.plan)
                                           : static_cast<double>(network.cost.*limit.of_cost));
  return sum;
}

}  // namespace nas
