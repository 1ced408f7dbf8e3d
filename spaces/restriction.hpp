#pragma once
// Restriction: which options of each choice of a space are open now. Genes, texts and tensors stay
// those of the space; there are fewer architectures.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spaces/architecture.hpp"

namespace nas {

class Space;

/// An architecture is inside when each of its *active* choices has an allowed option. What stands
/// at an inactive choice (0 in the forms that a space makes) means nothing and is not looked at, so
/// a restriction of a choice never takes away architectures in which the choice is closed.
class Restriction {
 public:
  /// All of any space.
  Restriction() = default;
  /// All of `space`, which outlives this.
  explicit Restriction(const Space& space) : space_(&space) {}
  /// Terms as `stage1.depth=2`, `3<-0=nor_conv_3x3|skip_connect` or `layer0!=identity`, each text
  /// one or several joined by commas: options of a choice by the names that `nas space show` lists.
  /// `*` in the name of a choice stands for any characters (`*.kernel=3|5`). Several terms about a
  /// choice must all hold. ConfigError at `where` that names the nearest choice or option.
  static Restriction parse(const Space& space,
                           const std::vector<std::string>& terms,
                           const std::string& where = "--fix");
  /// ConfigError for a text that is not of that form, whatever the space.
  static void check_form(const std::string& text);
  /// What `bits` wrote. DataError when it is of another space.
  static Restriction from_bits(const Space& space, std::string_view bits);

  /// Whether all options are allowed.
  bool everything() const { return allowed_.empty(); }
  bool allows(size_t choice, int16_t option) const;
  /// Also no other options of `choice` than these. ConfigError when none would be left.
  Restriction keep(size_t choice, std::span<const int16_t> options) const;
  /// What both allow (of one space). ConfigError when a choice would be left without an option.
  Restriction intersection(const Restriction& other) const;
  /// Whether the valid architecture `a` is inside; `why` says which choice is not.
  bool contains(const Architecture& a, std::string* why = nullptr) const;

  /// Terms as parse reads them, joined by ", "; "" for everything.
  std::string text() const;
  /// A bit for each option, 1 allowed, and ',' between choices: `110,1,011`; "" for everything.
  std::string bits() const;
  /// Of one space: whether the same options are allowed.
  bool operator==(const Restriction& other) const { return allowed_ == other.allowed_; }

 private:
  friend class Domain;
  using Mask = std::vector<bool>;  ///< By option.
  std::string text_of(size_t choice) const;
  Restriction narrowed(size_t choice, const Mask& mask) const;
  void put(size_t choice, Mask mask);

  const Space* space_ = nullptr;
  std::vector<Mask> allowed_;  ///< By choice; empty: everything.
};

}  // namespace nas
