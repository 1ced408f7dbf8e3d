#include "search/costs.hpp"

#include <algorithm>

namespace nas {

void CostModel::add(const std::string& metric,
                    std::function<double(const Plan&)> cost,
                    const std::string& source,
                    const std::string& fidelity_json) {
  more_[metric] = {std::move(cost), source, fidelity_json};
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
  std::vector<std::string> names = {"macs", "params", "activation_bytes", "peak_bytes"};
  for (const auto& [name, extra] : more_) names.push_back(name);
  return names;
}

bool CostModel::knows(const std::string& metric) const {
  const std::vector<std::string> names = metrics();
  return std::find(names.begin(), names.end(), metric) != names.end();
}

std::map<std::string, double> CostModel::of(const Architecture& a) const {
  space_.build(a, plan_);
  const Cost cost = cost_of(plan_, space_.counting());
  std::map<std::string, double> values = {
      {"macs", static_cast<double>(cost.macs)},
      {"params", static_cast<double>(cost.params)},
      {"activation_bytes", static_cast<double>(cost.activation_bytes)},
      {"peak_bytes", static_cast<double>(cost.peak_bytes)}};
  for (const auto& [name, extra] : more_) values[name] = extra.cost(plan_);
  return values;
}

}  // namespace nas
