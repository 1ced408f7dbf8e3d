#pragma once
// How good a supernet is while it trains: the same few subnets after each epoch.
#include <string>
#include <utility>
#include <vector>

#include "spaces/domain.hpp"
#include "supernet/judge/score.hpp"

namespace nas {

class EpochValidation {
 public:
  /// `only`, or the largest, smallest, then random ones without repeats, `subnets` at most.
  /// Everything passed by reference must outlive it.
  EpochValidation(const Domain& domain,
                  WeightStore& store,
                  const RunData& data,
                  const EvaluateOptions& evaluate,
                  const std::optional<Architecture>& only,
                  int subnets,
                  uint64_t seed,
                  const Device& device,
                  Layout layout);
  /// `validation.accuracy.largest|mean|best` and `validation.loss.mean`; of one network alone
  /// `validation.accuracy` and `validation.loss`. NotFiniteError when no subnet has an answer.
  std::vector<std::pair<std::string, double>> measure();

 private:
  SubnetScorer scorer_;
  std::vector<Architecture> subnets_;
  bool alone_;
};

}  // namespace nas
