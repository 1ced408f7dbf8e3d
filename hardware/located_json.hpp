#pragma once
// JSON whose keys know their lines, for messages that name a place. Keys given twice are an error:
// a reader that keeps the first or the last would give one of two numbers by luck.
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace nas {

struct LocatedJson {
  nlohmann::json root;
  std::string where;  ///< File, or what else the text is.
  /// "WHERE:LINE: " of a path of keys ("ops/relu in=1x8x8/median"); "WHERE: " where it is not in
  /// the document. Reads the text again: for messages.
  std::string place(const std::string& path) const;
  bool contains(const std::string& path) const { return lines().contains(path); }

 private:
  friend LocatedJson parse_located(const std::string& text, const std::string& where);
  const std::map<std::string, int>& lines() const;
  std::shared_ptr<const std::string> text_;
  mutable std::shared_ptr<const std::map<std::string, int>> lines_;
};

/// DataError (WHERE:LINE[:COLUMN]) for bytes that are no UTF-8, text that is not JSON and a key
/// given twice.
LocatedJson parse_located(const std::string& text, const std::string& where);

/// DataError (WHERE:LINE:COLUMN) for bytes that are no UTF-8: it names the byte and how to convert
/// the file.
void require_utf8(const std::string& text, const std::string& where);

/// One error for a key that stands twice in `where`.
[[noreturn]] void fail_twice(const std::string& where, int line, const std::string& path);

}  // namespace nas
