#pragma once
// How the spaces of a family write their architectures, for people (`nas space show`).
#include <string>
#include <utility>
#include <vector>

namespace nas {

class Space;

struct Notation {
  using Lines = std::vector<std::pair<std::string, std::string>>;
  Lines parts;                    ///< A piece of the text form, what it says.
  Lines others;                   ///< Another form that is read, what it is.
  std::vector<std::string> keys;  ///< Of a dictionary of the family's own; empty: none.
  /// Where its field numbers the architectures in another order than `nas space enumerate`: whose
  /// numbers those are. Empty: no other numbering is known.
  std::string other_numbers = {};
};

/// What a family with a text form of its own inherits beside Space.
class Notated {
 public:
  virtual ~Notated() = default;
  virtual Notation notation() const = 0;
};

/// Of any space; without a form of its own architectures are lists of choice=option.
Notation notation_of(const Space& space);

}  // namespace nas
