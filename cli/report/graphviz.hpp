#pragma once
// Drawings: their formats, and Graphviz, which makes pictures of them.
#include <string>

namespace nas::cli {

/// `text`, `json`, `dot` or `svg`: what `format` (--format) says, else the ending of `out` (--out),
/// else text. ConfigError where the two disagree or neither tells.
std::string drawing_format(const std::string& format, const std::string& out);
/// What Graphviz makes of `source`. DeviceError where it is not installed.
std::string svg_of(const std::string& source);
/// Text to the file `out`, or to stdout where that is empty.
void put_text(const std::string& out, const std::string& text);

}  // namespace nas::cli
