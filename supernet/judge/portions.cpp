// Plans that begin alike are neighbours once the list is sorted by genes: a portion is a run of
// that order, cut where a limit is met or another set or input begins.
#include "supernet/judge/portions.hpp"

#include <algorithm>
#include <numeric>

namespace nas {
namespace {

void split_to_fit(std::span<const size_t> members,
                  std::span<const Plan> plans,
                  double bytes,
                  std::vector<Portion>& portions) {
  Portion portion{{members.begin(), members.end()}, merge(plans)};
  if (members.size() == 1 || static_cast<double>(peak_bytes(portion.merged)) <= bytes) {
    portions.push_back(std::move(portion));
    return;
  }
  const size_t half = members.size() / 2;
  split_to_fit(members.first(half), plans.first(half), bytes, portions);
  split_to_fit(members.subspan(half), plans.subspan(half), bytes, portions);
}

}  // namespace

std::vector<Portion> portions_of(const Space& space,
                                 std::span<const Architecture> architectures,
                                 std::span<const int> owners,
                                 const PortionLimits& limits) {
  std::vector<size_t> order(architectures.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (owners[a] != owners[b]) return owners[a] < owners[b];
    return architectures[a].genes < architectures[b].genes;
  });
  std::vector<Portion> portions;
  std::vector<size_t> members;
  std::vector<Plan> plans;
  double macs = 0;
  const auto close = [&] {
    if (!members.empty()) split_to_fit(members, plans, limits.bytes, portions);
    members.clear();
    plans.clear();
    macs = 0;
  };
  for (const size_t i : order) {
    Plan plan = space.plan(architectures[i]);
    const auto own = static_cast<double>(cost_of(plan, space.counting()).macs);
    const bool apart = !members.empty() && (owners[members.back()] != owners[i] ||
                                            plans.back().input_shapes != plan.input_shapes ||
                                            plans.back().resize_input != plan.resize_input);
    if (apart || members.size() == limits.members || (macs > 0 && macs + own > limits.macs))
      close();
    macs += own;
    members.push_back(i);
    plans.push_back(std::move(plan));
  }
  close();
  return portions;
}

}  // namespace nas
