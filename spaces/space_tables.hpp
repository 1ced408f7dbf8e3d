#pragma once
// What counting and exact sampling of a Space need, derived once from its choices.
#include <vector>

#include "spaces/space.hpp"

namespace nas {

class SamplingTables {
 public:
  explicit SamplingTables(const std::vector<Choice>& choices);

  /// Every choice has at most one condition, so that choices form a forest and weights multiply.
  bool forest() const { return forest_; }
  /// Choices in an order in which each comes after those it hangs on.
  const std::vector<size_t>& order() const { return order_; }
  /// Architectures by conditions alone (inactive genes fixed).
  const BigInt& count() const { return count_; }
  /// Draws the genes uniformly over those architectures.
  void sample(const std::vector<Choice>& choices, Rng& rng, Architecture& out) const;

 private:
  BigInt count_group(const std::vector<Choice>& choices, const std::vector<size_t>& members) const;
  void count_forest(const std::vector<Choice>& choices);
  void count_graph(const std::vector<Choice>& choices);

  bool forest_ = true;
  std::vector<size_t> order_;
  BigInt count_ = 1;
  std::vector<std::vector<double>> cumulative_;  ///< Forest: per choice, over options.
};

/// Whether `choice` is active for genes in range.
bool active_by_conditions(const std::vector<Choice>& choices, const Architecture& a, size_t choice);

}  // namespace nas
