#pragma once
// Text files of unknown origin: what editors, spreadsheets and other programs put in them.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nas {

/// The whole file ("-": standard input) without a byte-order mark. ConfigError where it cannot be
/// opened or is a folder; DataError (file:line) for UTF-16, NUL bytes, a line above `longest_line`
/// or more than `most` bytes, before the rest is read: an endless stream ends too.
std::string read_text_file(const std::string& path,
                           const std::string& what,
                           size_t longest_line = size_t{1} << 26,
                           size_t most = size_t{1} << 28);
/// Lines of a text, to tell where something stands.
class TextPlaces {
 public:
  explicit TextPlaces(std::string_view text);
  /// Line and column (1-based, in bytes) of a position.
  std::pair<int, int> of(size_t at) const;

 private:
  std::vector<size_t> starts_;
};
/// Without a byte-order mark and characters of no width; typographic quotes and blanks become plain
/// ones, as of texts copied from a document.
std::string plain(std::string_view text);

}  // namespace nas
