// Texts of others (paths, keys, values) go into messages with control characters shown: a terminal
// must not obey a file. The nearest word is that of least edit distance, and only if it is near.
#include "spaces/error.hpp"

#include <algorithm>
#include <numeric>

#include "spaces/base/printable.hpp"

namespace nas {
namespace {

// Length of the character at the start of `text`; 0: none, or a control character.
size_t visible_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x20 || byte(0) == 0x7f) return 0;
  const size_t length = utf8_length(text);
  // U+0080 to U+009F: the control characters of 8-bit terminals.
  return length == 2 && byte(0) == 0xc2 && byte(1) < 0xa0 ? 0 : length;
}

void append_escaped(char c, std::string& out) {
  out += '\\';
  if (c == '\n' || c == '\t' || c == '\r') {
    out += c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
    return;
  }
  const auto byte = static_cast<unsigned char>(c);
  out += 'x';
  out += "0123456789abcdef"[byte >> 4];
  out += "0123456789abcdef"[byte & 15];
}

std::string cleaned(std::string_view text, bool keep_lines) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (keep_lines && text[i] == '\n') {
      out += text[i++];
      continue;
    }
    const size_t length = visible_length(text.substr(i));
    if (length == 0) append_escaped(text[i], out);
    out += text.substr(i, length);
    i += std::max<size_t>(1, length);
  }
  return out;
}

std::string join(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += problem.text();
  }
  return text;
}

// Damerau-free edit distance; inputs are short keys.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

// Keys and files stay as they are, for programs that read them; text() cleans them.
std::vector<Problem> with_clean_messages(std::vector<Problem> problems) {
  for (Problem& problem : problems) {
    problem.message = printable_lines(problem.message);
    problem.hint = printable_lines(problem.hint);
  }
  return problems;
}

}  // namespace

std::string printable(std::string_view text) {
  return cleaned(text, false);
}

std::string printable_lines(std::string_view text) {
  return cleaned(text, true);
}

size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return 1;
  const size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  // Spellings that are too long, halves of pairs, and what is beyond U+10FFFF.
  if ((byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xed && byte(1) > 0x9f) ||
      (byte(0) == 0xf0 && byte(1) < 0x90) || (byte(0) == 0xf4 && byte(1) > 0x8f))
    return 0;
  return length;
}

size_t not_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return text.npos;
}

bool is_utf8(std::string_view text) {
  return not_utf8(text) == text.npos;
}

std::string Problem::text() const {
  std::string text = printable(file);
  if (line > 0) text += ":" + std::to_string(line) + ":" + std::to_string(column);
  if (!text.empty()) text += ": ";
  if (!key.empty()) text += printable(key) + ": ";
  text += printable_lines(message);
  if (!hint.empty()) text += "\n  " + printable_lines(hint);
  return text;
}

ConfigError::ConfigError(std::vector<Problem> problems)
    : Error(join(problems)), problems_(with_clean_messages(std::move(problems))) {}

ConfigError::ConfigError(const std::string& message, const std::string& hint)
    : ConfigError(std::vector<Problem>{Problem{"", 0, 0, "", message, hint}}) {}

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace nas
