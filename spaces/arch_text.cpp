#include "spaces/arch_text.hpp"

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

std::optional<std::vector<std::string_view>> list_of(std::string_view text,
                                                     const std::string& key) {
  size_t at = text.npos;
  for (const char quote : {'\'', '"'})
    if (at == text.npos) at = text.find(quote + key + quote);
  if (at == text.npos) return std::nullopt;
  const size_t open = text.find('[', at);
  const size_t close = text.find(']', at);
  if (open == text.npos || close == text.npos || close < open ||
      trim(text.substr(at + key.size() + 2, open - at - key.size() - 2)) != ":")
    bad_architecture(text, key + ": expected a list such as [3, 5, 7]");
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(text.substr(open + 1, close - open - 1), ','))
    parts.push_back(trim(part));
  return parts;
}

std::optional<std::vector<int>> numbers_of(std::string_view text, const std::string& key) {
  const std::optional<std::vector<std::string_view>> parts = list_of(text, key);
  if (!parts) return std::nullopt;
  std::vector<int> values;
  for (const std::string_view part : *parts) {
    const std::optional<int> value = whole_number(part);
    if (!value) bad_architecture(text, key + ": '" + std::string(part) + "' is not a whole number");
    values.push_back(*value);
  }
  return values;
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
