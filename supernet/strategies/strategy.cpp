// What a strategy does unless it says otherwise.
#include "supernet/strategy.hpp"

#include "spaces/random.hpp"

namespace nas {

std::vector<int64_t> Strategy::data_order(int64_t epoch) {
  return Rng(context_.seed, "data", static_cast<uint64_t>(epoch)).permutation(context_.train_size);
}
std::vector<double> Strategy::data_weights(const std::vector<int64_t>&) {
  return {};
}
void Strategy::begin_epoch(int64_t) {}
bool Strategy::prepare_weights(int64_t, WeightStore&) {
  return false;
}
std::optional<double> Strategy::learning_rate(double) const {
  return std::nullopt;
}
void Strategy::after_backward(const PathOutcome&) {}
void Strategy::after_clip(const PathOutcome&, double) {}
void Strategy::end_epoch(int64_t) {}

}  // namespace nas
