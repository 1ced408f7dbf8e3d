// Where keys stand is asked for in messages only, so the text is read for values first, as fast as
// it goes, and a second time with an iterator that counts what was taken from it when a place is
// wanted: the parser tells a callback of every key, but not where it is.
#include "hardware/located_json.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <optional>
#include <unordered_set>
#include <vector>

#include "spaces/base/printable.hpp"
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

/// Builds the document, and sees whether a key stands twice in an object.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Json root;
  bool twice = false;
  std::optional<size_t> wrong;  ///< Byte that ends what is valid.

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool key(string_t& name) override {
    const auto [it, fresh] =
        open_.back()->get_ref<Json::object_t&>().try_emplace(std::move(name), nullptr);
    twice = twice || !fresh;
    next_ = &it->second;
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t at,
                   const std::string&,
                   const nlohmann::detail::exception&) override {
    wrong = at == 0 ? 0 : at - 1;
    return false;
  }

 private:
  /// Where the next value goes.
  Json& place() {
    if (open_.empty()) return root;
    if (open_.back()->is_array()) return open_.back()->emplace_back(nullptr);
    return *next_;
  }
  template <typename T>
  bool put(T&& value) {
    place() = std::forward<T>(value);
    return true;
  }
  bool open(Json empty) {
    Json& value = place();
    value = std::move(empty);
    open_.push_back(&value);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  std::vector<Json*> open_;
  Json* next_ = nullptr;
};

/// The objects that are open, each with its keys so far and the one being read.
struct Open {
  std::unordered_set<std::string> keys;
  std::string key;
};

/// Lines of all paths; DataError for a key that stands twice.
std::map<std::string, int> lines_of(const std::string& text, const std::string& where) {
  std::map<std::string, int> lines;
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
    if (!open.back().keys.insert(open.back().key).second) fail_twice(where, line, path);
    lines.emplace(path, line);
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
  Builder builder;
  Json::sax_parse(text, &builder);
  if (builder.wrong) {
    const auto [line, column] = TextPlaces(text).of(std::min(*builder.wrong, text.size()));
    throw DataError(where + ":" + std::to_string(line) + ":" + std::to_string(column) +
                    ": not valid JSON");
  }
  result.root = std::move(builder.root);
  if (builder.twice) result.lines();
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
