// The same few subnets after every epoch, so that their curve shows the training and not the draw:
// the ends of the space, which bound it, and a few random ones for its middle.
#include "supernet/train/observers/epoch_validation.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "spaces/metric.hpp"
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
    return {{"validation." + score.values.front().first, score.first()},
            {"validation.loss", score.value("loss")}};
  }
  const std::string name = std::string("validation.") + scorer_.task().metrics().front();
  const Metric* metric = find_metric(scorer_.task().metrics().front());
  const bool lower = metric != nullptr && metric->better == Better::kLower;
  double sum = 0, loss = 0;
  std::optional<double> best;
  size_t failed = 0;
  std::vector<Judged> all(subnets_.size());
  scorer_.score_each(subnets_, [&](size_t i, const Judged& judged) { all[i] = judged; });
  for (size_t i = 0; i < all.size(); ++i) {
    try {
      all[i].get();
    } catch (const NotFiniteError&) {
      // One subnet without an answer does not end a training that goes on for the others.
      if (++failed == subnets_.size()) throw;
      continue;
    }
    const Score& score = all[i].score;
    if (i == 0) metrics.emplace_back(name + ".largest", score.first());
    const double value = score.first();
    sum += value;
    loss += score.value("loss");
    if (!best || (lower ? value < *best : value > *best)) best = value;
  }
  const auto n = static_cast<double>(subnets_.size() - failed);
  if (failed > 0) metrics.emplace_back("validation.failed", static_cast<double>(failed));
  metrics.emplace_back(name + ".mean", sum / n);
  metrics.emplace_back(name + ".best", best.value_or(0));
  metrics.emplace_back("validation.loss.mean", loss / n);
  return metrics;
}

}  // namespace nas
