#pragma once
// Counting and uniform sampling over the architectures that a set of conditions and rules allows.
#include <functional>
#include <vector>

#include "spaces/space.hpp"

namespace nas {

/// Whether `choice` is active in `a` by its chain of conditions. Conditions form no cycle.
bool active_by_conditions(const std::vector<Choice>& choices, const Architecture& a, size_t choice);

/// What valid architectures must keep: a test that looks at nothing but `choices` (and whether
/// they are active).
struct SpaceRule {
  std::vector<size_t> choices;
  std::function<bool(const Architecture&)> holds;
};

/// Exact counts. Where each choice has at most one condition and no rule, weights multiply along
/// the forest of conditions. Otherwise the few choices that decide about activity and rules (the
/// keys) are gone through, and the rest is a forest again.
class SamplingTables {
 public:
  explicit SamplingTables(const std::vector<Choice>& choices,
                          const std::vector<SpaceRule>& rules = {});
  const BigInt& count() const { return count_; }
  /// Uniform over all architectures with inactive genes 0; count() must not be 0.
  void sample(const std::vector<Choice>& choices, Rng& rng, Architecture& out) const;
  /// Topological order of the conditions.
  const std::vector<size_t>& order() const { return order_; }

 private:
  /// Choices tied together by conditions and rules that need keys.
  struct Group {
    std::vector<size_t> keys;                 ///< In topological order.
    std::vector<std::vector<int16_t>> cases;  ///< Valid options of the keys.
    std::vector<double> cumulative;           ///< Share of the architectures up to each case.
  };
  void find_keys(const std::vector<Choice>& choices, const std::vector<SpaceRule>& rules);
  void count_forest(const std::vector<Choice>& choices);
  void add_groups(const std::vector<Choice>& choices, const std::vector<SpaceRule>& rules);
  BigInt fill_group(const std::vector<Choice>& choices,
                    const std::vector<const SpaceRule*>& rules,
                    const std::vector<size_t>& members,
                    Group& group) const;

  std::vector<size_t> order_;
  std::vector<char> key_;      ///< By choice.
  std::vector<BigInt> total_;  ///< Architectures below an active choice that is no key.
  std::vector<std::vector<double>> cumulative_;
  std::vector<Group> groups_;
  BigInt count_ = 1;
};

}  // namespace nas
