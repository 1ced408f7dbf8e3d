#pragma once
// Small parts shared by the readers of architecture texts.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nas {

std::string_view trim(std::string_view text);
/// Parts between `separator`, empty ones kept.
std::vector<std::string_view> split(std::string_view text, char separator);
/// A whole decimal number below a billion, nothing else around it.
std::optional<int> whole_number(std::string_view text);
/// Throws ConfigError: `architecture '<text>': <what>`; a long text is shortened.
[[noreturn]] void bad_architecture(std::string_view text,
                                   const std::string& what,
                                   const std::string& hint = "");
/// Position of `word` in `names`; otherwise bad_architecture naming the nearest one.
size_t position_of(std::string_view word,
                   const std::vector<std::string>& names,
                   std::string_view text,
                   const std::string& where);
/// Position of `value` in `values`, or nullopt.
std::optional<size_t> index_of(int value, const std::vector<int>& values);
/// The part from the first `open` to the last `close`: what a log prints around it is left out.
/// bad_architecture where something that is no name of it stands there.
std::string_view inside_log(std::string_view text, char open, char close);
/// `3, 5 or 7`.
std::string one_of(const std::vector<int>& values);

}  // namespace nas
