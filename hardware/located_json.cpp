// Where keys stand is asked for in messages only, so the text is read for values first, as fast as
// it goes, and a second time with an iterator that counts what was taken from it when a place is
// wanted: the parser tells a callback of every key, but not where it is.
#include "hardware/located_json.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <vector>

#include "spaces/base/shell_word.hpp"
#include "spaces/error.hpp"
#include "spaces/text/plain_text.hpp"

namespace nas {
namespace {

using Json = nlohmann::json;

/// Reads a text and writes down how far it is.
class Counting {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Counting(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  Counting& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  Counting operator++(int) {
    Counting before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Counting& other) const { return at_ == other.at_; }
  bool operator!=(const Counting& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

/// Follows the keys that the parser tells of: those open now, and whether one stands twice.
class Keys {
 public:
  /// Whether a key of this object was there before.
  bool twice(Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_.emplace_back();
    if (event == Json::parse_event_t::object_end) open_.pop_back();
    if (event != Json::parse_event_t::key) return false;
    open_.back().key = &*open_.back().keys.emplace(parsed.get_ref<const std::string&>()).first;
    return open_.back().keys.size() != ++open_.back().given;
  }
  std::string path() const {
    std::string path;
    for (const Open& o : open_) path += (path.empty() ? "" : "/") + *o.key;
    return path;
  }

 private:
  struct Open {
    std::unordered_set<std::string> keys;
    size_t given = 0;
    const std::string* key = nullptr;  ///< The one being read.
  };
  std::vector<Open> open_;
};

/// Lines of all paths; DataError for a key that stands twice.
std::map<std::string, int> lines_of(const std::string& text, const std::string& where) {
  std::map<std::string, int> lines;
  Keys keys;
  const char* reached = text.data();
  const char* counted = text.data();
  int line = 1;
  const auto look = [&](int, Json::parse_event_t event, Json& parsed) {
    const bool twice = keys.twice(event, parsed);
    if (event != Json::parse_event_t::key) return true;
    line += static_cast<int>(std::count(counted, reached, '\n'));
    counted = reached;
    if (twice) fail_twice(where, line, keys.path());
    lines.emplace(keys.path(), line);
    return true;
  };
  const Json ignored = Json::parse(
      Counting(text.data(), &reached), Counting(text.data() + text.size(), &reached), look);
  return lines;
}

}  // namespace

const std::map<std::string, int>& LocatedJson::lines() const {
  if (!lines_) lines_ = std::make_shared<const std::map<std::string, int>>(lines_of(*text_, where));
  return *lines_;
}

std::string LocatedJson::place(const std::string& path) const {
  const auto it = lines().find(path);
  return where + (it == lines().end() ? "" : ":" + std::to_string(it->second)) + ": ";
}

LocatedJson parse_located(const std::string& text, const std::string& where) {
  require_utf8(text, where);
  LocatedJson result;
  result.where = where;
  result.text_ = std::make_shared<const std::string>(text);
  Keys keys;
  bool twice = false;
  try {
    result.root = Json::parse(text, [&](int, Json::parse_event_t event, Json& parsed) {
      twice = keys.twice(event, parsed) || twice;
      return true;
    });
  } catch (const Json::exception& e) {
    // Beside what is no JSON, numbers that no double holds.
    const auto* syntax = dynamic_cast<const Json::parse_error*>(&e);
    const size_t byte = syntax == nullptr || syntax->byte == 0 ? 0 : syntax->byte - 1;
    const auto [line, column] = TextPlaces(text).of(std::min(byte, text.size()));
    throw DataError(
        where +
        (syntax == nullptr ? "" : ":" + std::to_string(line) + ":" + std::to_string(column)) +
        ": not valid JSON");
  }
  if (twice) result.lines();
  return result;
}

void require_utf8(const std::string& text, const std::string& where) {
  const size_t at = not_utf8(text);
  if (at == std::string::npos) return;
  const auto [line, column] = TextPlaces(text).of(at);
  char byte[8];
  std::snprintf(byte, sizeof byte, "0x%02x", static_cast<unsigned char>(text[at]));
  throw DataError(where + ":" + std::to_string(line) + ":" + std::to_string(column) +
                  ": the byte " + byte +
                  " is no UTF-8; if the file is Latin-1, convert it: iconv -f latin1 -t utf-8 " +
                  shell_word(where));
}

void fail_twice(const std::string& where, int line, const std::string& path) {
  throw DataError(where + ":" + std::to_string(line) + ": \"" + path + "\" is given twice");
}

}  // namespace nas
