// Small readers that the text forms of all families share, so that a mistake is told alike
// everywhere: the text, what is wrong with it, and the nearest name that would be right.
#include "spaces/text/arch_text.hpp"

#include <algorithm>
#include <charconv>

#include "spaces/error.hpp"

namespace nas {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0;;) {
    const size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end == text.npos ? text.npos : end - begin));
    if (end == text.npos) return parts;
    begin = end + 1;
  }
}

std::optional<int> whole_number(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text[0] == '-')
    return std::nullopt;
  return value;
}

void bad_architecture(std::string_view text, const std::string& what, const std::string& hint) {
  constexpr size_t kShown = 160;
  std::string shown(text.substr(0, kShown));
  if (text.size() > kShown) shown += "...";
  throw ConfigError("architecture '" + shown + "': " + what, hint);
}

size_t position_of(std::string_view word,
                   const std::vector<std::string>& names,
                   std::string_view text,
                   const std::string& where) {
  const auto found = std::find(names.begin(), names.end(), word);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  const std::string near = nearest(std::string(word.substr(0, 64)), names);
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
  bad_architecture(text,
                   where + ": unknown operation '" + std::string(word.substr(0, 64)) + "'",
                   near.empty() ? "Known: " + known + "." : "Did you mean '" + near + "'?");
}

std::optional<size_t> index_of(int value, const std::vector<int>& values) {
  const auto found = std::find(values.begin(), values.end(), value);
  if (found == values.end()) return std::nullopt;
  return static_cast<size_t>(found - values.begin());
}

std::string_view inside_log(std::string_view text, char open, char close) {
  const size_t first = text.find(open), last = text.rfind(close);
  if (first == text.npos || last == text.npos || last < first) return text;
  const std::string_view after = trim(text.substr(last + 1));
  if (after.find_first_not_of(",;)'\"") != after.npos)
    bad_architecture(text, "something follows the last '" + std::string(1, close) + "'");
  return text.substr(first, last - first + 1);
}

std::string one_of(const std::vector<int>& values) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += i + 1 == values.size() ? " or " : ", ";
    text += std::to_string(values[i]);
  }
  return text;
}

}  // namespace nas
