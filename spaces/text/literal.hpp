#pragma once
// Values as JSON, Python and logs write them: one reader for architectures, lists and tables.
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nas {

/// A value with its place. `source` points into the text it was read from, which must outlive it.
struct Literal {
  enum class Kind { kNull, kBool, kNumber, kText, kWord, kList, kMap, kCall };
  Kind kind = Kind::kNull;
  std::string_view source;     ///< As written; of numbers and words the value itself.
  std::string text;            ///< kText: without quotes and escapes; kCall: the name.
  std::vector<Literal> items;  ///< Of lists, values of maps, arguments of calls.
  /// Names of `items`: keys of maps; of calls the keywords, empty for what is given by position.
  std::vector<std::string> keys;

  bool is(Kind k) const { return kind == k; }
  /// Value of a key, or null.
  const Literal* find(std::string_view key) const;
};

/// What is wrong and where in the text; becomes an error of whoever knows what the text is.
struct LiteralError : std::runtime_error {
  LiteralError(size_t where, const std::string& what) : std::runtime_error(what), at(where) {}
  size_t at;
};

/// Reads the value that begins at `at` (blanks before it are passed over) and moves `at` behind it:
/// null/None, true/True, numbers with NaN and Infinity, 'text' and "text", [lists], (tuples),
/// numpy's [1 2 3], {maps}, calls such as range(2, 6) and dict(a=1); array(...), tensor(...),
/// np.int64(...) and OrderedDict(...) are what they hold. Throws LiteralError.
Literal parse_literal(std::string_view text, size_t& at);
/// The same where the text holds one value and nothing else.
Literal parse_literal(std::string_view text);
/// The first key that stands twice in a map or call, or nullptr.
const std::string* doubled_key(const Literal& map);

/// `5`, `+5` or `5.0`, not below zero and below a billion; -1 for anything else.
int whole_number_of(const Literal& value);

}  // namespace nas
