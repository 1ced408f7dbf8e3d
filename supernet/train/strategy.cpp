// A strategy is its parts in a fixed order (images, paths, rule, phases). Whoever adds a part must
// not change what the others write: a checkpoint names its entries, and old ones are read by these
// names.
#include "supernet/train/strategy.hpp"

#include <algorithm>
#include <set>

#include "supernet/train/step/outcome.hpp"
#include "supernet/train/strategy_state.hpp"

namespace nas {
namespace {

template <typename T>
void append(std::vector<T>& all, std::vector<T> more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

}  // namespace

std::optional<double> Strategy::learning_rate(double epoch) const {
  if (!parts_.phases) return std::nullopt;
  return parts_.phases->learning_rate(epoch);
}

void Strategy::end_epoch(int64_t epoch) {
  parts_.data->end_epoch(epoch);
  parts_.paths->end_epoch(epoch);
}

void Strategy::observe(const PathOutcome& outcome) {
  parts_.data->observe(outcome);
  parts_.paths->observe(outcome);
}

Telemetry Strategy::telemetry() const {
  Telemetry all = parts_.data->telemetry();
  append(all, parts_.paths->telemetry());
  append(all, parts_.rule->telemetry());
  if (parts_.phases) append(all, parts_.phases->telemetry());
  // Both halves of importance sampling tell the same tau.
  std::set<std::string> seen;
  std::erase_if(all, [&](const auto& entry) { return !seen.insert(entry.first).second; });
  return all;
}

std::vector<std::string> Strategy::advice() const {
  std::vector<std::string> all = parts_.advice;
  append(all, parts_.data->advice());
  append(all, parts_.paths->advice());
  append(all, parts_.rule->advice());
  if (parts_.phases) append(all, parts_.phases->advice());
  return all;
}

std::vector<std::string> Strategy::health() const {
  std::vector<std::string> all = parts_.data->health();
  append(all, parts_.paths->health());
  append(all, parts_.rule->health());
  if (parts_.phases) append(all, parts_.phases->health());
  return all;
}

StrategyState Strategy::save() {
  StrategyState state;
  parts_.data->save(state);
  parts_.paths->save(state);
  parts_.rule->save(state);
  if (parts_.phases) parts_.phases->save(state);
  return state;
}

void Strategy::load(const StrategyState& state) {
  parts_.data->load(state);
  parts_.paths->load(state);
  parts_.rule->load(state);
  if (parts_.phases) parts_.phases->load(state);
}

}  // namespace nas
