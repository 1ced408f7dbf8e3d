// How wide things are on a terminal.
//
// The C library knows the width of every character (wcwidth), but only in a UTF-8 locale; programs
// are often started in "C". The locale C.UTF-8 is part of glibc and is used for the question alone,
// so that nothing else depends on the user's locale.
#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <clocale>
#include <cstdlib>
#include <cwchar>
#include <sstream>

#include "cli/command.hpp"

namespace nas::cli {
namespace {

struct Letter {
  size_t bytes = 1;
  size_t columns = 1;
};

/// The code point at `at`, or -1 for what is not UTF-8; its bytes in `bytes`.
wchar_t code_point(const std::string& text, size_t at, size_t& bytes) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char head = byte(at);
  bytes = head < 0x80 ? 1 : head >> 5 == 6 ? 2 : head >> 4 == 14 ? 3 : head >> 3 == 30 ? 4 : 0;
  if (bytes == 0 || at + bytes > text.size()) {
    bytes = 1;
    return -1;
  }
  auto code = static_cast<wchar_t>(bytes == 1 ? head : head & (0x7f >> bytes));
  for (size_t i = 1; i < bytes; ++i) {
    if (byte(at + i) >> 6 != 2) {
      bytes = 1;
      return -1;
    }
    code = static_cast<wchar_t>((code << 6) | (byte(at + i) & 0x3f));
  }
  return code;
}

Letter letter_at(const std::string& text, size_t at) {
  Letter letter;
  const wchar_t code = code_point(text, at, letter.bytes);
  if (code >= 0x80) {
    static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    const locale_t before = utf8 != nullptr ? uselocale(utf8) : nullptr;
    const int columns = wcwidth(code);
    if (before != nullptr) uselocale(before);
    letter.columns = columns < 0 ? 1 : static_cast<size_t>(columns);
  }
  return letter;
}

}  // namespace

size_t output_width(int descriptor) {
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    const std::string text = columns;
    size_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && stop == text.data() + text.size() && value > 0) return value;
  }
  winsize size{};
  if (!isatty(descriptor)) return 0;
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

size_t display_width(const std::string& text) {
  size_t columns = 0;
  for (size_t at = 0; at < text.size();) {
    const Letter letter = letter_at(text, at);
    columns += letter.columns;
    at += letter.bytes;
  }
  return columns;
}

std::string cut_to_width(const std::string& text, size_t columns) {
  size_t at = 0;
  for (size_t used = 0; at < text.size();) {
    const Letter letter = letter_at(text, at);
    used += letter.columns;
    if (used > columns) break;
    at += letter.bytes;
  }
  return text.substr(0, at);
}

std::string wrap_words(const std::string& text, size_t width) {
  std::string out;
  size_t column = 0;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const size_t size = display_width(word);
    if (column > 0 && column + 1 + size > width) {
      out += "\n";
      column = 0;
    }
    out += (column > 0 ? " " : "") + word;
    column += size + (column > 0 ? 1 : 0);
  }
  return out;
}

}  // namespace nas::cli
