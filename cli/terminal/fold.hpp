#pragma once
// Sentences and commands at the width of a terminal.
#include <string>

namespace nas::cli {

/// Lines longer than `width` columns (0: none is) broken between words, the rest indented by two
/// more. A command in them (`nas ...`) stays whole where a line can hold it, else it is broken as a
/// shell reads it. A path that exists stays whole, blanks and all, however long it is.
std::string fold(const std::string& text, size_t width);

/// A command line in lines of at most `width`, each but the last ended by a backslash; an option
/// stays with its value.
std::string wrap_command(const std::string& line, size_t width);

/// Whether `text` is the path of a file or folder that exists, apart from quotes and brackets
/// around it, signs behind it and `:line:column`.
bool names_a_path(std::string text);

}  // namespace nas::cli
