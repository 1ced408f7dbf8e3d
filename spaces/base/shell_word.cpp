#include "spaces/base/shell_word.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace nas {

std::string shell_word(const std::string& word) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) || std::strchr("_-./:,+@%=", c) != nullptr;
  };
  // `=` at the start of a word is special to zsh.
  if (!word.empty() && word[0] != '=' && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace nas
