// What can be said of a network without training it: rankings that any predictor has to beat.
// Convolutions and parameters count as live when they reach the output (live_nodes): in cells with
// `zero` many do not.
#include "predictors/ranking/untrained_rankers.hpp"

#include <algorithm>

namespace nas {

std::vector<std::pair<std::string, std::vector<double>>> untrained_rankers(
    const Space& space, std::span<const Architecture> architectures) {
  std::vector<std::pair<std::string, std::vector<double>>> rankers;
  for (const char* name :
       {"macs", "params", "live_params", "convolutions", "live_convolutions", "depth"})
    rankers.push_back({name, {}});
  Plan plan;
  for (const Architecture& a : architectures) {
    space.build(a, plan);
    const Cost cost = cost_of(plan, space.counting());
    const std::vector<bool> live = live_nodes(plan);
    double convolutions = 0, live_convolutions = 0, live_params = 0, longest = 0;
    std::vector<double> depth(plan.nodes.size(), 0);
    const auto searched = [&](size_t i) { return !plan.origins(plan.nodes[i]).empty(); };
    for (size_t i = 0; i < plan.nodes.size(); ++i) {
      for (const int32_t id : plan.inputs(plan.nodes[i]))
        if (!Plan::is_input(id)) depth[i] = std::max(depth[i], depth[static_cast<size_t>(id)]);
      if (std::holds_alternative<Conv2d>(plan.nodes[i].op)) {
        ++convolutions;
        live_convolutions += live[i] && searched(i);
        depth[i] += live[i];
      }
      if (live[i]) {
        if (searched(i)) live_params += static_cast<double>(params_of(plan.nodes[i].op));
        longest = std::max(longest, depth[i]);
      }
    }
    const double values[] = {static_cast<double>(cost.macs),
                             static_cast<double>(cost.params),
                             live_params,
                             convolutions,
                             live_convolutions,
                             longest};
    for (size_t r = 0; r < rankers.size(); ++r) rankers[r].second.push_back(values[r]);
  }
  return rankers;
}

}  // namespace nas
