// A terminal breaks long lines anywhere; so they are broken here, between words. Sentences name
// commands to run next, which are copied: a command that is torn in two would run as its first
// half. So it is one piece, from the word `nas` to the end of its clause.
#include "cli/terminal/fold.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <sstream>
#include <vector>

#include "cli/command.hpp"

namespace nas::cli {
namespace {

using Words = std::vector<std::string>;

/// Between single blanks: of several, some words are empty, so that a command can be put together
/// as it was.
Words plain_words(const std::string& text) {
  Words words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ' ');) words.push_back(word);
  return words;
}

/// Words of a shell line, each as it is written.
Words shell_words(const std::string& line) {
  Words words(1);
  char quote = 0;
  for (const char c : line) {
    if (quote != 0 ? c == quote : c == '\'' || c == '"') quote = quote != 0 ? 0 : c;
    if (c == ' ' && quote == 0) {
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

/// Where a command that begins at `first` ends (the word behind it): at the sign that ends its
/// clause, outside of quotes.
size_t command_end(const Words& words, size_t first) {
  bool quoted = false;
  const bool backtick = words[first].find('`') != std::string::npos;
  for (size_t i = first; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (std::count(word.begin(), word.end(), '\'') % 2 != 0) quoted = !quoted;
    if (quoted || word.empty()) continue;
    if (backtick
            ? word.find('`', i == first ? word.find('`') + 1 : 0) != std::string::npos
            : std::string(",;)").find(word.back()) != std::string::npos || word.ends_with("):"))
      return i + 1;
    if (!backtick && i + 1 < words.size() && words[i + 1][0] == '(') return i + 1;
  }
  return words.size();
}

/// `nas` at the start of a line, behind a colon, a semicolon, or in backticks.
bool begins_command(const Words& words, size_t i) {
  if (i + 1 >= words.size() || std::islower(static_cast<unsigned char>(words[i + 1][0])) == 0)
    return false;
  if (words[i] == "`nas") return true;
  return words[i] == "nas" &&
         (i == 0 || words[i - 1].ends_with(":") || words[i - 1].ends_with(";"));
}

/// Where a path with blanks that begins at `first` ends (the word behind it); `first` + 1 for any
/// other word. What is a path is known to the file system alone.
size_t path_end(const Words& words, size_t first) {
  constexpr size_t kMost = 12;
  std::string text = words[first];
  size_t end = first + 1;
  for (size_t i = first + 1; i < std::min(words.size(), first + kMost); ++i) {
    text += " " + words[i];
    if (!words[i].empty() && names_a_path(text)) end = i + 1;
  }
  return end;
}

/// What a line may be broken between: a word, a path, or a command as one piece.
struct Piece {
  std::string text;
  size_t blanks = 1;  ///< Before it.
  bool command = false;
};

std::vector<Piece> pieces_of(const std::string& line) {
  const Words words = plain_words(line);
  std::vector<Piece> pieces;
  size_t blanks = 0;
  for (size_t i = 0; i < words.size();) {
    if (words[i].empty()) {
      ++blanks, ++i;
      continue;
    }
    const bool command = begins_command(words, i) && command_end(words, i) > i + 1;
    const size_t end = command ? command_end(words, i) : path_end(words, i);
    Piece piece{words[i], blanks + (pieces.empty() ? 0 : 1), command};
    for (++i; i < end; ++i) piece.text += " " + words[i];
    pieces.push_back(std::move(piece));
    blanks = 0;
  }
  return pieces;
}

/// Where the lines after the first begin: under the value of `name   value`, else two columns in.
/// What cannot be indented on so narrow a terminal is not.
size_t indentation(const std::vector<Piece>& pieces, size_t blanks, size_t width) {
  size_t indent = blanks + 2;
  if (pieces.size() > 1 && pieces[1].blanks > 1)
    indent = blanks + display_width(pieces[0].text) + pieces[1].blanks;
  return indent < width / 2 ? indent : 0;
}

std::string folded_line(const std::string& line, size_t width) {
  if (display_width(line) <= width) return line;
  const size_t blanks = std::min(line.find_first_not_of(' '), line.size());
  const std::vector<Piece> pieces = pieces_of(line.substr(blanks));
  const size_t rest = indentation(pieces, blanks, width);
  std::string out(blanks, ' ');
  size_t column = blanks;
  bool fresh = true;
  constexpr size_t kHead = 8;  // `next:` and the like: a command begins behind it all the same.
  for (const auto& [text, before, command] : pieces) {
    const size_t size = display_width(text);
    if (!fresh && column + before + size > width && !(command && column < kHead)) {
      out += "\n" + std::string(rest, ' ');
      column = rest;
    } else if (!fresh) {
      out += std::string(before, ' ');
      column += before;
    }
    fresh = false;
    if (!command || column + size <= width) {
      out += text;
      column += size;
      continue;
    }
    size_t last = column;
    for (const char c : wrap_command(text, width - std::min(column, width / 2))) {
      last = c == '\n' ? column : last + 1;
      out += c == '\n' ? "\n" + std::string(column, ' ') : std::string(1, c);
    }
    column = last;
  }
  return out;
}

}  // namespace

bool names_a_path(std::string text) {
  const auto exists = [](const std::string& path) {
    std::error_code ignored;
    return !path.empty() && std::filesystem::exists(path, ignored);
  };
  text.erase(0, std::min(text.find_first_not_of("('\"`"), text.size()));
  while (!exists(text)) {
    const char last = text.empty() ? 'x' : text.back();
    const bool sign = std::string(":,;.)'\"`").find(last) != std::string::npos;
    // `:12` of `:line:column`.
    const size_t digits = text.find_last_not_of("0123456789");
    const bool place = std::isdigit(static_cast<unsigned char>(last)) != 0 &&
                       digits != std::string::npos && text[digits] == ':';
    if (!sign && !place) return false;
    text.resize(sign ? text.size() - 1 : digits);
  }
  return true;
}

std::string fold(const std::string& text, size_t width) {
  if (width == 0) return text;
  std::string out;
  size_t start = 0;
  while (true) {
    const size_t end = text.find('\n', start);
    out += folded_line(text.substr(start, end == std::string::npos ? end : end - start), width);
    if (end == std::string::npos) return out;
    out += '\n';
    start = end + 1;
  }
}

std::string wrap_command(const std::string& line, size_t width) {
  Words pieces;
  for (const std::string& word : shell_words(line)) {
    const bool value = !pieces.empty() && pieces.back()[0] == '-' && word[0] != '-' &&
                       pieces.back().find_first_of(" =") == std::string::npos;
    if (value)
      pieces.back() += " " + word;
    else
      pieces.push_back(word);
  }
  std::string out;
  size_t column = 0;
  constexpr size_t kRoom = 2;  // For the blank and the backslash.
  for (size_t i = 0; i < pieces.size(); ++i) {
    const size_t size = display_width(pieces[i]), room = i + 1 < pieces.size() ? kRoom : 0;
    if (column > 0 && column + 1 + size + room > width) {
      out += " \\\n    ";
      column = 4;
    } else if (column > 0) {
      out += " ";
      ++column;
    }
    out += pieces[i];
    column += size;
  }
  return out;
}

}  // namespace nas::cli
