#include "spaces/text/plain_text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr std::string_view kMark = "\xef\xbb\xbf";

// Checks what came in, piece by piece.
class Checked {
 public:
  Checked(std::string name, size_t longest_line) : name_(std::move(name)), longest_(longest_line) {}

  void add(std::string_view piece) {
    if (text_.empty() && (piece.substr(0, 2) == "\xff\xfe" || piece.substr(0, 2) == "\xfe\xff"))
      throw DataError(name_ + ": is UTF-16; save it as UTF-8");
    for (const char c : piece) {
      if (c == '\0') fail("holds a NUL byte: not a text file");
      const bool end = c == '\n' || c == '\r';
      in_line_ = end ? 0 : in_line_ + 1;
      if (c == '\n') ++line_;
      if (in_line_ > longest_)
        fail("the line is longer than " + std::to_string(longest_ >> 20) + " MiB");
    }
    text_ += piece;
  }
  size_t size() const { return text_.size(); }
  std::string take() { return std::move(text_); }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(name_ + ":" + std::to_string(line_) + ":" + std::to_string(in_line_ + 1) +
                    ": " + what);
  }

  std::string name_, text_;
  size_t longest_, in_line_ = 0;
  int line_ = 1;
};

}  // namespace

std::string read_text_file(const std::string& path,
                           const std::string& what,
                           size_t longest_line,
                           size_t most) {
  const std::string name = path == "-" ? "standard input" : path;
  std::error_code ignored;
  if (path != "-" && std::filesystem::is_directory(path, ignored))
    throw ConfigError(path + " is a folder; " + what + " is needed");
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file)
      throw ConfigError(what + " " + path + " cannot be read: " + std::strerror(errno),
                        "name a file that exists");
  }
  std::istream& in = path == "-" ? std::cin : file;
  Checked checked(name, longest_line);
  std::array<char, 1 << 16> piece{};
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    checked.add({piece.data(), static_cast<size_t>(in.gcount())});
    if (checked.size() > most)
      throw DataError(name + ": is larger than " + std::to_string(most >> 20) + " MiB");
  }
  if (in.bad()) throw DataError(name + ": cannot be read to its end");
  std::string text = checked.take();
  if (text.compare(0, kMark.size(), kMark) == 0) text.erase(0, kMark.size());
  return text;
}

TextPlaces::TextPlaces(std::string_view text) : starts_{0} {
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') starts_.push_back(i + 1);
}

std::pair<int, int> TextPlaces::of(size_t at) const {
  const auto line = std::upper_bound(starts_.begin(), starts_.end(), at) - 1;
  return {static_cast<int>(line - starts_.begin()) + 1, static_cast<int>(at - *line) + 1};
}

std::string plain(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kPlain{{
      {kMark, ""},
      {"\xe2\x80\x8b", ""},  // No width.
      {"\xc2\xa0", " "},
      {"\xe2\x80\xaf", " "},
      {"\xe2\x80\x98", "'"},
      {"\xe2\x80\x99", "'"},
      {"\xe2\x80\x9c", "\""},
      {"\xe2\x80\x9d", "\""},
      {"\xe2\x88\x92", "-"},
  }};
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto found = static_cast<unsigned char>(text[i]) < 0x80
                           ? kPlain.end()
                           : std::find_if(kPlain.begin(), kPlain.end(), [&](const auto& pair) {
                               return text.substr(i, pair.first.size()) == pair.first;
                             });
    if (found == kPlain.end()) {
      out += text[i++];
    } else {
      out += found->second;
      i += found->first.size();
    }
  }
  return out;
}

}  // namespace nas
