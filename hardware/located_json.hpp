#pragma once
// JSON whose keys know their lines, for messages that name a place. Keys given twice are an error:
// a reader that keeps the first or the last would give one of two numbers by luck.
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace nas {

struct LocatedJson {
  nlohmann::ordered_json root;
  std::map<std::string, int> lines;  ///< By path of keys: "ops/relu in=1x8x8/median".
  /// "WHERE:LINE: " of a path of keys; "WHERE: " where it is not in the document.
  std::string place(const std::string& path) const;
  std::string where;  ///< File, or what else the text is.
};

/// DataError (WHERE:LINE[:COLUMN]) for text that is not JSON and for a key given twice.
LocatedJson parse_located(const std::string& text, const std::string& where);

}  // namespace nas
