#pragma once
// The dictionaries in which the once-for-all programs print and read subnets.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spaces/text/literal.hpp"

namespace nas {

/// {'ks': [3, ...], 'e': [...], 'd': [...], 'r': [192]}. Every mistake is a ConfigError that names
/// the key. Elements of blocks that the depths leave out may be None or 0.
class OfaDictionary {
 public:
  /// `known`: keys that the space reads. Other keys of the published programs may only be None;
  /// `r` and `image_size` (one and the same) are always known.
  OfaDictionary(std::string_view text, const std::vector<std::string>& known);

  /// The `size` values of a list; one value that is no list stands for all of them, as in the
  /// published programs.
  std::vector<const Literal*> list(const std::string& key, size_t size) const;
  /// Elements of a list; 0 where the key is absent or no list.
  size_t size_of(const std::string& key) const;
  std::optional<int> resolution() const;
  /// None or 0: nothing is said of a block that is not used.
  static bool says_nothing(const Literal& value);
  [[noreturn]] void fail(const std::string& what, const std::string& hint = "") const;

 private:
  const Literal* given(const std::string& key) const;

  std::string_view text_;
  Literal map_;
};

}  // namespace nas
