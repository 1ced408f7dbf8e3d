#pragma once
// Which weights of a path count as shared by all options of a choice (gradient_matching.md 3.2). No
// torch header here.
#include <unordered_map>
#include <vector>

#include "spaces/plan.hpp"

namespace c10 {
struct TensorImpl;
}

namespace nas {

class WeightSet;

enum class SharedWeights {
  kOthers,           ///< Those of other choices' options, and of fixed blocks between them.
  kOthersAndCommon,  ///< All but the choice's own: stem, preprocessing, classifier too.
};

class SharedParameters {
 public:
  explicit SharedParameters(WeightSet& weights);

  /// Marks, by position among the set's parameters, those of `plan` that count as shared by the
  /// options of `choice`: none of the choice's own block.
  std::vector<bool> of(const Plan& plan, size_t choice, SharedWeights params);

 private:
  enum class Place { kOwn, kOthers, kBetween, kCommon };
  static std::vector<Place> places(const Plan& plan, size_t choice);

  WeightSet& weights_;
  std::unordered_map<const c10::TensorImpl*, size_t> index_;
};

}  // namespace nas
