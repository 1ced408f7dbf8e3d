#pragma once
// Texts of drawings, as Graphviz reads them and people like them.
#include <string>
#include <vector>

#include "spaces/base/joined.hpp"

namespace nas::dot {

using Strings = std::vector<std::string>;

/// A quoted string; lines that end with a line feed stand flush left.
std::string in_quotes(const std::string& text);
/// For HTML-like labels.
std::string escaped(const std::string& text);
/// `2 x (relu, conv 1x1, BN)`: what stands several times in a row is said once.
Strings without_repeats(const Strings& words);
/// Lines of about `chars` characters, broken after commas.
Strings wrapped(const std::string& text, size_t chars = 30);
/// `stage#.block#.kernel`: names that differ only in numbers have one pattern.
std::string pattern(const std::string& name);
/// Without the parts, between dots, that it shares with the beginning of `other`.
std::string relative(const std::string& name, const std::string& other);

/// Lines of a box: what stands out, what it computes, its shape, the options that put it there.
struct Label {
  Strings title, words;
  std::string shape;
  Strings options;

  int height() const;  ///< With the gap below, in points.
  std::string html() const;
};

}  // namespace nas::dot
