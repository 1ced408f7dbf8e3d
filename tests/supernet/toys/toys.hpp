#pragma once
// Test-only pieces, one file and one row each: that a new piece needs no more than that. The
// contract suites hold them together with those that ship.
#include <vector>

#include "supernet/samplers/data_sampler.hpp"
#include "supernet/samplers/path_sampler.hpp"
#include "supernet/task.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/weights/weights_section.hpp"

namespace nas::test {

PathSamplerEntry antithetic_paths();
DataSamplerEntry pendulum_images();
StrategyEntry twice_strategy();
WeightsEntry halves_weights();
/// One number per sample (outputs [N, 1], targets [N]); metric `loss`, half the squared distance.
const Task& interval_task();

template <typename Entry>
std::vector<Entry> with(std::vector<Entry> table, const Entry& toy) {
  table.push_back(toy);
  return table;
}
inline std::vector<PathSamplerEntry> all_path_samplers() {
  return with(path_samplers(), antithetic_paths());
}
inline std::vector<DataSamplerEntry> all_data_samplers() {
  return with(data_samplers(), pendulum_images());
}
inline std::vector<StrategyEntry> all_strategies() {
  return with(strategies(), twice_strategy());
}
inline std::vector<WeightsEntry> all_weight_stores() {
  return with(weight_stores(), halves_weights());
}

inline std::vector<const Task*> all_tasks() {
  std::vector<const Task*> all(tasks().begin(), tasks().end());
  all.push_back(&interval_task());
  return all;
}

}  // namespace nas::test
