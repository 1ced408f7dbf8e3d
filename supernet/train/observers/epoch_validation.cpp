// The same few subnets after every epoch, so that their curve shows the training and not the draw:
// the ends of the space, which bound it, and a few random ones for its middle.
#include "supernet/train/observers/epoch_validation.hpp"

#include <algorithm>

#include "spaces/random.hpp"

namespace nas {
namespace {

/// Largest, smallest, then random ones, without repeats.
std::vector<Architecture> validation_subnets(const Domain& domain, int count, uint64_t seed) {
  const Space& space = domain.space();
  std::vector<Architecture> subnets = {domain.largest(), domain.smallest()};
  if (space.canonical(subnets[0]) == space.canonical(subnets[1])) subnets.pop_back();
  Rng rng(seed, "validation");
  constexpr int kTries = 100;
  for (int i = 0; i < kTries && static_cast<int>(subnets.size()) < count; ++i) {
    Architecture a = domain.sample(rng);
    const auto same = [&](const Architecture& b) {
      return space.canonical(a) == space.canonical(b);
    };
    if (std::none_of(subnets.begin(), subnets.end(), same)) subnets.push_back(std::move(a));
  }
  subnets.resize(std::min(subnets.size(), static_cast<size_t>(count)));
  return subnets;
}

}  // namespace

EpochValidation::EpochValidation(const Domain& domain,
                                 WeightStore& store,
                                 const RunData& data,
                                 const EvaluateOptions& evaluate,
                                 const std::optional<Architecture>& only,
                                 int subnets,
                                 uint64_t seed,
                                 const Device& device,
                                 Layout layout)
    : scorer_(domain.space(), store, data, evaluate, device, layout),
      subnets_(only ? std::vector<Architecture>{*only} : validation_subnets(domain, subnets, seed)),
      alone_(only.has_value()) {}

std::vector<std::pair<std::string, double>> EpochValidation::measure() {
  std::vector<std::pair<std::string, double>> metrics;
  if (alone_) {
    const Score score = scorer_.score(subnets_.front());
    return {{"validation.accuracy", score.accuracy}, {"validation.loss", score.loss}};
  }
  double sum = 0, best = 0, loss = 0;
  size_t failed = 0;
  for (size_t i = 0; i < subnets_.size(); ++i) {
    Score score;
    try {
      score = scorer_.score(subnets_[i]);
    } catch (const NotFiniteError&) {
      // One subnet without an answer does not end a training that goes on for the others.
      if (++failed == subnets_.size()) throw;
      continue;
    }
    if (i == 0) metrics.emplace_back("validation.accuracy.largest", score.accuracy);
    sum += score.accuracy;
    loss += score.loss;
    best = std::max(best, score.accuracy);
  }
  const auto n = static_cast<double>(subnets_.size() - failed);
  if (failed > 0) metrics.emplace_back("validation.failed", static_cast<double>(failed));
  metrics.emplace_back("validation.accuracy.mean", sum / n);
  metrics.emplace_back("validation.accuracy.best", best);
  metrics.emplace_back("validation.loss.mean", loss / n);
  return metrics;
}

}  // namespace nas
