#pragma once
// Text of unknown origin (keys of a file, names of images) made fit for a terminal.
#include <string>
#include <string_view>

namespace nas {

/// Control characters (escape sequences begin with one), line breaks and bytes that are no UTF-8
/// become \n, \t or \x1b; all else stays.
std::string printable(std::string_view text);
/// The same, but line breaks stay: for messages of several lines.
std::string printable_lines(std::string_view text);
/// Bytes of the UTF-8 character (RFC 3629) that a text, not empty, begins with; 0: it is none.
size_t utf8_length(std::string_view text);
/// Position of the first byte that is no UTF-8, or npos.
size_t not_utf8(std::string_view text);
/// What JSON, YAML and SQLite can hold.
bool is_utf8(std::string_view text);

}  // namespace nas
