// The parser tells a callback of every key as it reads it, but not where; an iterator that counts
// what was taken from it does.
#include "hardware/located_json.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

#include "spaces/error.hpp"

namespace nas {
namespace {

using Json = nlohmann::ordered_json;

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

/// The objects that are open, each with its keys so far and the one being read.
struct Open {
  std::set<std::string> keys;
  std::string key;
};

std::string position(const std::string& text, size_t byte) {
  const size_t end = std::min(byte, text.size());
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(end), '\n');
  const size_t start = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
  const size_t column = 1 + end - (start == std::string::npos ? 0 : start + 1);
  return std::to_string(line) + ":" + std::to_string(column);
}

}  // namespace

std::string LocatedJson::place(const std::string& path) const {
  const auto it = lines.find(path);
  return where + (it == lines.end() ? "" : ":" + std::to_string(it->second)) + ": ";
}

LocatedJson parse_located(const std::string& text, const std::string& where) {
  LocatedJson result;
  result.where = where;
  std::vector<Open> open;
  const char* reached = text.data();
  const char* counted = text.data();
  int line = 1;
  const auto look = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event != Json::parse_event_t::key) return true;
    line += static_cast<int>(std::count(counted, reached, '\n'));
    counted = reached;
    open.back().key = parsed.get<std::string>();
    std::string path;
    for (const Open& o : open) path += (path.empty() ? "" : "/") + o.key;
    if (!open.back().keys.insert(open.back().key).second)
      throw DataError(where + ":" + std::to_string(line) + ": \"" + path + "\" is given twice");
    result.lines.emplace(path, line);
    return true;
  };
  try {
    result.root = Json::parse(
        Counting(text.data(), &reached), Counting(text.data() + text.size(), &reached), look);
  } catch (const Json::parse_error& e) {
    throw DataError(where + ":" + position(text, e.byte > 0 ? e.byte - 1 : 0) + ": not valid JSON");
  }
  return result;
}

}  // namespace nas
