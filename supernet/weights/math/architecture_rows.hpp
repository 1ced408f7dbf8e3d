#pragma once
// Which row of an association an architecture has (balanced_mixture.md 2.4): one for each network,
// or one for each combination of a few named choices in spaces too large for that. No torch.
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "spaces/domain.hpp"

namespace nas {

class ArchitectureRows {
 public:
  /// `choices` empty: a row for every network, architectures of equal function together.
  /// ConfigError when rows times `models` exceed 1e7, or a choice is unknown.
  ArchitectureRows(const Domain& domain, const std::vector<std::string>& choices, int models);

  size_t rows() const { return weights_.size(); }
  /// ConfigError when `a` has none: it is a network outside the domain.
  size_t row(const Architecture& a) const;
  /// Probability that a uniformly drawn architecture has each row; sums to 1. 0: no architecture
  /// has this combination.
  const std::vector<double>& weights() const { return weights_; }
  /// Rows that an architecture can have.
  int64_t possible() const;
  /// What the row stands for, for people.
  std::string name(size_t row) const;

 private:
  void number_networks(int models);
  void weigh_signatures();

  Domain domain_;
  const Space& space_;
  std::vector<size_t> choices_;                     ///< Of the signature; empty: networks.
  std::unordered_map<Architecture, size_t> known_;  ///< Row of each canonical form.
  std::vector<Architecture> network_;               ///< Of each row.
  std::vector<double> weights_;
};

}  // namespace nas
