#include "spaces/draw/dot_text.hpp"

#include "spaces/base/joined.hpp"

#include <algorithm>

namespace nas::dot {
namespace {

constexpr int kLineHeight = 13, kBoxMargin = 28;

// How often words[at, at + period) stands in a row.
size_t repeats(const Strings& words, size_t at, size_t period) {
  const auto begin = words.begin() + static_cast<std::ptrdiff_t>(at);
  const auto length = static_cast<std::ptrdiff_t>(period);
  size_t times = 1;
  while (at + (times + 1) * period <= words.size() &&
         std::equal(begin, begin + length, begin + static_cast<std::ptrdiff_t>(times) * length))
    ++times;
  return times;
}

std::string times_text(const Strings& words, size_t at, size_t period, size_t times) {
  if (times == 1) return words[at];
  std::string text = std::to_string(times) + " x (";
  for (size_t i = 0; i < period; ++i) text += (i > 0 ? ", " : "") + words[at + i];
  return text + ")";
}

std::string font(const char* attributes, const std::string& text) {
  return std::string("<font ") + attributes + ">" + escaped(text) + "</font>";
}

}  // namespace

std::string in_quotes(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\l";
    else
      out += c;
  }
  return out + "\"";
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

Strings without_repeats(const Strings& words) {
  Strings out;
  for (size_t i = 0; i < words.size();) {
    size_t best = 1, times = 1;
    for (size_t period = 1; 2 * period <= words.size() - i; ++period) {
      const size_t n = repeats(words, i, period);
      if (n > 1 && n * period > best * times) {
        best = period;
        times = n;
      }
    }
    out.push_back(times_text(words, i, best, times));
    i += best * times;
  }
  return out;
}

Strings wrapped(const std::string& text, size_t chars) {
  Strings lines;
  for (size_t at = 0; at < text.size();) {
    const size_t comma = text.find(", ", at);
    const size_t end = comma == std::string::npos ? text.size() : comma + 2;
    const std::string part = text.substr(at, end - at);
    if (lines.empty() || lines.back().size() + part.size() > chars + 2) lines.emplace_back();
    lines.back() += part;
    at = end;
  }
  for (std::string& line : lines)
    if (line.back() == ' ') line.pop_back();
  return lines;
}

std::string pattern(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit)
      out += c;
    else if (out.empty() || out.back() != '#')
      out += '#';
  }
  return out;
}

std::string relative(const std::string& name, const std::string& other) {
  size_t shared = 0;
  for (size_t i = 0; i <= std::min(name.size(), other.size()); ++i) {
    const bool name_ends = i == name.size() || name[i] == '.';
    const bool other_ends = i == other.size() || other[i] == '.';
    if (name_ends && other_ends) shared = i;
    if (i == name.size() || i == other.size() || name[i] != other[i]) break;
  }
  if (shared == 0) return name;
  return shared == name.size() ? "" : name.substr(shared + 1);
}

int Label::height() const {
  const size_t lines = title.size() + words.size() + options.size() + (shape.empty() ? 0 : 1);
  return static_cast<int>(lines) * kLineHeight + kBoxMargin;
}

std::string Label::html() const {
  Strings lines;
  for (const std::string& line : title) lines.push_back("<b>" + escaped(line) + "</b>");
  for (const std::string& line : words) lines.push_back(escaped(line));
  if (!shape.empty()) lines.push_back(font("color=\"#555555\"", shape));
  for (const std::string& line : options) lines.push_back(font("point-size=\"9\"", line));
  return "<" + joined(lines, "<br/>") + ">";
}

}  // namespace nas::dot
