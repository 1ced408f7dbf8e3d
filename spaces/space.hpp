#pragma once
// Space: named choices, conditions, and the function architecture -> Plan.
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spaces/architecture.hpp"
#include "spaces/counting/big_int.hpp"
#include "spaces/plan.hpp"
#include "spaces/random.hpp"

namespace nas {

/// The choice is active iff the choice `on` is active and has one of `options`. Conditions form no
/// cycle; a choice may hang on a later one.
struct Condition {
  int on = -1;
  std::vector<int16_t> options;
};

/// A named, non-empty, ordered list of options.
struct Choice {
  std::string name;
  std::vector<std::string> options;
  std::vector<Condition> conditions;  ///< All must hold; empty: always active.
};

/// A parameter or buffer of the supernet: the largest shape any architecture asks for.
struct SupernetTensor {
  std::string name;
  Role role;
  Dims full;
  Start start;  ///< How it is filled before training.
  /// Its smaller kernels are crops times learned matrices, one for each step of 2 from `full`.
  bool learned_crop = false;
};

/// What valid architectures must keep: a test that looks at nothing but `choices` (and whether
/// they are active).
struct SpaceRule {
  std::vector<size_t> choices;
  std::function<bool(const Architecture&)> holds;
};

class Domain;
class Restriction;
class SamplingTables;

/// What a Domain operates on. The set operations that stand here are those of the whole space
/// (`Domain(space)`); a part of it has them, too.
class Space {
 public:
  Space();
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;
  virtual ~Space();

  /// What the user calls it: the configuration's name where it has one, else the family.
  const std::string& name() const { return label_.empty() ? name_ : label_; }
  void set_label(std::string label) { label_ = std::move(label); }
  const std::vector<Choice>& choices() const { return choices_; }
  const SymbolTable& symbols() const { return symbols_; }
  Shape input() const { return input_; }
  int classes() const { return classes_; }
  /// What its outputs mean: a name of supernet/task.hpp.
  virtual std::string_view task() const { return "classification"; }
  Counting counting() const { return counting_; }
  /// SHA-256 over all that makes the space and its networks: family, image, classes, choices,
  /// conditions, constraints, and every op of plans in which each option occurs. What changes no
  /// network changes nothing here: names of files, order of keys, defaults written out, options
  /// without effect. A checkpoint of another fingerprint is refused.
  std::string fingerprint() const;
  /// What versions before 0.2 stored: choices and sizes of tensors only.
  virtual std::string legacy_fingerprint() const;
  /// Whether a stored fingerprint is that of this space, by today's formula or the former one.
  bool has_fingerprint(const std::string& stored) const;

  /// Builds the network of a valid architecture into `plan` (cleared first, capacity kept).
  virtual void build(const Architecture& a, Plan& plan) const = 0;
  Plan plan(const Architecture& a) const;

  /// Right number of genes, each in range, and whatever else the family asks. `why` says what not.
  /// A family overrides `allowed`, not this.
  bool valid(const Architecture& a, std::string* why = nullptr) const;
  /// Whether `choice` is active in `a`. All genes are in range.
  bool active(const Architecture& a, size_t choice) const;
  /// Genes of inactive choices set to 0.
  Architecture fix_inactive(Architecture a) const;
  /// The representative of all architectures that compute the same function when trained alone
  /// (at least fix_inactive). Identity of a network for search, caches and tables.
  virtual Architecture canonical(Architecture a) const { return fix_inactive(std::move(a)); }

  /// Text form; `parse(text(a)) == a` for every valid a. parse throws ConfigError that names the
  /// offending field and the nearest known word.
  virtual std::string text(const Architecture& a) const;
  virtual Architecture parse(std::string_view text) const;
  /// {"choice name": "option", ...}; inactive choices left out.
  std::string json(const Architecture& a) const;
  Architecture parse_json(std::string_view json) const;

  /// Exact number of valid architectures with inactive genes fixed.
  virtual BigInt count() const;
  /// Calls f for every one of them in lexicographic order of genes, until f answers false.
  virtual void enumerate(const std::function<bool(const Architecture&)>& f) const;
  /// Uniform over valid architectures (as counted by count()).
  virtual void sample(Rng& rng, Architecture& out) const;
  Architecture sample(Rng& rng) const;
  /// Every active choice drawn uniformly among its options, redrawn until valid: what single-path
  /// training means by uniform. Differs from sample() where conditions make options unequal.
  void sample_choices(Rng& rng, Architecture& out) const;

  /// All valid architectures that differ in one active choice (after fix_inactive), no repeats.
  std::vector<Architecture> neighbours(const Architecture& a) const;
  /// Each active choice redrawn with probability `rate` (at least one changes); valid.
  Architecture mutate(const Architecture& a, double rate, Rng& rng) const;
  /// Each gene from either parent; repaired by redrawing until valid (falls back to a parent).
  Architecture crossover(const Architecture& a, const Architecture& b, Rng& rng) const;

  /// One-hot with inactive choices masked to 0; layout fixed by the space.
  virtual std::vector<std::string> feature_names() const;
  virtual void features(const Architecture& a, std::vector<double>& out) const;

  /// Smallest and largest architecture (sandwich rule, MACs as size). By default all genes 0 and
  /// all genes last; where these are not valid, the valid one with the fewest or most MACs, by
  /// going through the space. ConfigError where that is too large.
  virtual Architecture smallest() const;
  virtual Architecture largest() const;

  /// Architectures whose plans together mention every tensor of the supernet: by default each
  /// option of each choice in one where it is active, unless no valid architecture has it.
  /// ConfigError where that cannot be decided by going through the space.
  virtual std::vector<Architecture> cover() const;
  /// Every tensor of the supernet, in order of first appearance in cover(). std::logic_error where
  /// plans disagree about its full size or how it starts: a mistake of the family.
  std::vector<SupernetTensor> supernet_tensors() const;

 protected:
  /// What a family asks beyond ranges and conditions, for genes in range. With `constrained()`
  /// true, count() enumerates (or is overridden), and sample() rejects.
  virtual bool allowed(const Architecture& a, std::string* why) const;
  virtual bool constrained() const { return false; }
  /// The same as rules of few choices each, where they can be told so: then the parts of the space
  /// are counted and drawn from exactly. None with `constrained()` true: `allowed` alone decides.
  virtual std::vector<SpaceRule> rules() const { return {}; }
  /// Choices whose options decide together about the size of a network, apart from which each
  /// choice decides for itself where the others are at an end of their lists.
  virtual std::vector<std::vector<size_t>> joint_sizes() const { return {}; }
  /// The smallest (sign -1) or largest (1) architecture of a part, where the family knows better
  /// than to try; nothing: Domain tries.
  virtual std::optional<Architecture> extreme_of(const Domain& part, int sign) const;
  /// The architecture that stands for all of a part that compute what `a` does, whose canonical
  /// form lies outside; nothing: Domain lists the part, where it can.
  virtual std::optional<Architecture> canonical_in(const Domain& part, const Architecture& a) const;
  /// What `allowed` asks, as text for the fingerprint: plans and conditions do not show it.
  virtual std::string constraints_text() const { return ""; }
  /// Largest space without constraints that count() of a constrained one goes through.
  static constexpr int64_t kEnumerable = 20'000'000;

  std::string name_;  ///< Family; part of the fingerprint.
  std::vector<Choice> choices_;
  SymbolTable symbols_;
  Shape input_;
  int classes_ = 10;
  Counting counting_ = Counting::kConvLinear;

 private:
  friend class Domain;
  std::string label_;
  Architecture extreme(int sign) const;
  std::optional<Architecture> with_option(size_t choice, int16_t option) const;
  // Built at first use, when the family's constructor has filled choices_.
  const SamplingTables& tables() const;
  mutable std::once_flag tables_once_;
  mutable std::unique_ptr<SamplingTables> tables_;
};

}  // namespace nas
