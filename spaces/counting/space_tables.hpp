#pragma once
// Counting and uniform sampling over the architectures that a set of conditions and rules allows.
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "spaces/space.hpp"

namespace nas {

/// Whether `choice` is active in `a` by its chain of conditions. Conditions form no cycle.
bool active_by_conditions(const std::vector<Choice>& choices, const Architecture& a, size_t choice);
/// The same for every choice, each decided once.
std::vector<char> active_choices(const std::vector<Choice>& choices, const Architecture& a);

/// What the options of some choices must be so that others are active. Conditions are joined by
/// `and`, so what several leave of one choice is what all of them allow.
class Demands {
 public:
  explicit Demands(const std::vector<Choice>& choices);
  /// Demands that `choice`, and all it hangs on, is active. False: that cannot be together with
  /// the demands before; undo it then.
  bool wake(size_t choice);
  bool awake(size_t choice) const { return awake_[choice] != 0; }
  /// Whether no demand speaks against this option.
  bool allows(size_t choice, size_t option) const { return against_[choice][option] == 0; }
  /// The demands up to here, for `since` and `undo`.
  size_t mark() const { return trail_.size(); }
  /// Choices woken since the mark.
  std::span<const size_t> since(size_t mark) const { return std::span(trail_).subspan(mark); }
  void undo(size_t mark);

 private:
  bool demand(const Condition& condition);
  const std::vector<Choice>& choices_;
  std::vector<char> awake_;
  std::vector<std::vector<int>> against_;  ///< By choice and option: demands that exclude it.
  std::vector<size_t> trail_;              ///< What was woken, in order.
};

/// An active choice with one of its options.
struct ChosenOption {
  size_t choice = 0;
  int16_t option = 0;
};

/// Calls f for every architecture with inactive genes 0 (and with what is `chosen`), in
/// lexicographic order of genes, until f answers false. No dead ends: the work grows with the
/// number of architectures, whether conditions point to earlier or to later choices.
void enumerate_by_conditions(const std::vector<Choice>& choices,
                             const std::function<bool(const Architecture&)>& f,
                             const std::optional<ChosenOption>& chosen = std::nullopt);

/// Exact counts. Where each choice has at most one condition and no rule, weights multiply along
/// the forest of conditions. Otherwise the few choices that decide about activity and rules (the
/// keys) are gone through, and the rest is a forest again. Options of a key that open the same are
/// gone through as one.
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
  /// Options of a key that no rule and no key can tell apart.
  struct Class {
    std::vector<int16_t> options;
    std::vector<double> cumulative;  ///< Share of the architectures up to each option.
    BigInt total;                    ///< Architectures below them, where the key is active.
  };
  /// Choices tied together by conditions and rules that need keys.
  struct Group {
    std::vector<size_t> keys;                 ///< In topological order.
    std::vector<std::vector<int16_t>> cases;  ///< Valid classes of the keys, by first option.
    std::vector<double> cumulative;           ///< Share of the architectures up to each case.
  };
  void find_keys(const std::vector<Choice>& choices, const std::vector<SpaceRule>& rules);
  void find_classes(const std::vector<Choice>& choices,
                    const std::vector<SpaceRule>& rules,
                    const std::vector<std::vector<BigInt>>& below);
  std::vector<std::vector<BigInt>> count_forest(const std::vector<Choice>& choices);
  void add_groups(const std::vector<Choice>& choices, const std::vector<SpaceRule>& rules);
  BigInt fill_group(const std::vector<Choice>& choices,
                    const std::vector<const SpaceRule*>& rules,
                    const std::vector<size_t>& members,
                    Group& group) const;

  std::vector<size_t> order_;
  std::vector<char> key_;                    ///< By choice.
  std::vector<std::vector<Class>> classes_;  ///< By choice; none where it is no key.
  std::vector<BigInt> total_;  ///< Architectures below an active choice that is no key.
  std::vector<std::vector<double>> cumulative_;
  std::vector<Group> groups_;
  BigInt count_ = 1;
};

}  // namespace nas
