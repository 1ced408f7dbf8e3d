#pragma once
// Domain: the architectures of a space within a restriction, and all that is done with a set of
// architectures. A Space says what can be built, a Domain which part of it is open now.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spaces/restriction.hpp"
#include "spaces/space.hpp"

namespace nas {

/// Cheap to copy; the space outlives it. Without a restriction all answers and random streams are
/// those of the space. Arguments are valid architectures; one from outside is no mistake: what is
/// not allowed in it is drawn anew.
class Domain {
 public:
  /// ConfigError that names the restriction when nothing is inside.
  Domain(const Space& space, const Restriction& restriction = {});  // NOLINT: a space is one

  const Space& space() const { return *space_; }
  const Restriction& restriction() const;
  /// Whether it is the whole space.
  bool whole() const { return part_ == nullptr; }
  /// `digits`, or `digits with stage1.depth=2`.
  std::string name() const;

  /// Allowed options of a choice, in the order of the space: their number, and one of them.
  size_t option_count(size_t choice) const;
  int16_t option(size_t choice, size_t i) const;
  std::vector<int16_t> options(size_t choice) const;
  bool allows(size_t choice, int16_t option) const { return restriction().allows(choice, option); }
  /// How many choices the space has but for those that the restriction leaves a single option; at
  /// least 1.
  size_t open_choices() const;
  /// Whether `a` (right number of genes or not) is valid and inside; `why` says what not.
  bool contains(const Architecture& a, std::string* why = nullptr) const;

  /// What its architectures must keep beyond conditions, as rules of few choices each; nothing
  /// where the family cannot tell it so (then going through the domain does).
  std::optional<std::vector<SpaceRule>> rules() const;

  /// Exact number of architectures, inactive genes fixed. ConfigError where only going through the
  /// space would tell, and it is too large (no family that ships is so).
  BigInt count() const;
  /// Calls f for every one until f answers false: by genes in the whole space; in a part by the
  /// positions among the allowed options, inactive choices counting as the first.
  void enumerate(const std::function<bool(const Architecture&)>& f) const;
  /// Uniform over all that count() counts.
  void sample(Rng& rng, Architecture& out) const;
  Architecture sample(Rng& rng) const;
  /// Every active choice drawn uniformly among its allowed options, redrawn until valid.
  void sample_choices(Rng& rng, Architecture& out) const;

  /// All inside that differ in one active choice, no repeats; what a change wakes has its first
  /// allowed option.
  std::vector<Architecture> neighbours(const Architecture& a) const;
  /// Each active choice redrawn with probability `rate` (at least one changes, if any can); inside.
  Architecture mutate(const Architecture& a, double rate, Rng& rng) const;
  /// Each gene from either parent, inside; a parent where no valid child was found.
  Architecture crossover(const Architecture& a, const Architecture& b, Rng& rng) const;

  /// Fewest or most MACs, then parameters. Exact in small parts, which are gone through, and where
  /// a network grows with its ordered choices and adds up over the others, as in all families (a
  /// custom space: as Custom::Extremes says).
  Architecture smallest() const;
  Architecture largest() const;

  /// One architecture inside for all that compute the same function: the space's canonical form
  /// where it is inside; else what the family says, or the first by genes where the part has at
  /// most 100,000 architectures. In larger ones `a` itself with inactive genes 0: there one network
  /// may have several. `a` is inside.
  Architecture canonical(const Architecture& a) const;

 private:
  struct Part;
  [[noreturn]] void fail_draws() const;
  bool valid_draw(const Architecture& a) const;
  Architecture extreme(int sign) const;
  Architecture extreme_by_trying(int sign) const;

  const Space* space_;
  std::shared_ptr<const Part> part_;  ///< Null: the whole space.
};

}  // namespace nas
