// A recursive descent over the common part of JSON and Python literals. A JSON library reads
// neither single quotes, None, tuples nor NaN, keeps no positions and drops all but the last of
// equal keys.
#include "spaces/text/literal.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace nas {
namespace {

using Kind = Literal::Kind;

constexpr int kDeepest = 64;

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

void append_utf8(unsigned code, std::string& out) {
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80 | ((code >> shift) & 0x3f));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

class Reader {
 public:
  Reader(std::string_view text, size_t at) : text_(text), at_(at) {}

  size_t at() const { return at_; }
  void skip() {
    while (at_ < text_.size() && blank(text_[at_])) ++at_;
  }

  Literal value(int depth) {
    skip();
    if (depth > kDeepest) fail("is nested too deeply");
    if (at_ >= text_.size()) fail("ends where a value is expected");
    const size_t begin = at_;
    const char c = text_[at_];
    Literal out;
    if (c == '"' || c == '\'')
      quoted(out);
    else if (c == '[' || c == '(')
      list(out, c == '[' ? ']' : ')', depth);
    else if (c == '{')
      map(out, depth);
    else if (c == '+' || c == '-' || c == '.' || std::isdigit(static_cast<unsigned char>(c)) != 0)
      number(out);
    else if (word_char(c))
      word(out, depth);
    else
      fail("unexpected character where a value is expected");
    if (out.source.empty()) out.source = text_.substr(begin, at_ - begin);
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw LiteralError(at_, what); }

  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  unsigned hex(int digits) {
    unsigned code = 0;
    const char* begin = text_.data() + at_;
    const char* end = begin + std::min(text_.size() - at_, static_cast<size_t>(digits));
    const auto [stop, error] = std::from_chars(begin, end, code, 16);
    if (error != std::errc() || stop != begin + digits) fail("an escape needs hexadecimal digits");
    at_ += static_cast<size_t>(digits);
    return code;
  }

  void unicode(std::string& out) {
    unsigned code = hex(4);
    if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const unsigned low = hex(4);
      if (low < 0xdc00 || low > 0xdfff) fail("half of a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code >= 0xd800 && code <= 0xdfff) fail("half of a surrogate pair");
    append_utf8(code, out);
  }

  void escape(std::string& out) {
    if (++at_ >= text_.size()) fail("a quoted text does not end");
    const char c = text_[at_++];
    constexpr std::string_view kFrom = "nrtbf", kTo = "\n\r\t\b\f";
    if (const size_t i = kFrom.find(c); i != kFrom.npos)
      out += kTo[i];
    else if (c == 'u')
      unicode(out);
    else if (c == 'x')
      append_utf8(hex(2), out);
    else if (c == '"' || c == '\'' || c == '\\' || c == '/')
      out += c;
    else
      (out += '\\') += c;  // As Python.
  }

  void quoted(Literal& out) {
    out.kind = Kind::kText;
    const size_t begin = at_;
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\')
        escape(out.text);
      else
        out.text += text_[at_++];
    }
    if (at_ >= text_.size()) {
      at_ = begin;
      fail("a quoted text does not end");
    }
    ++at_;
  }

  void number(Literal& out) {
    const size_t begin = at_;
    if (text_[at_] == '+' || text_[at_] == '-') ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool sign = (c == '+' || c == '-') && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
      if (!word_char(c) && !sign) break;
      ++at_;
    }
    const std::string_view written = text_.substr(begin, at_ - begin);
    std::string_view digits = written;
    if (digits[0] == '+') digits.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool number = end == digits.data() + digits.size() && !digits.empty() &&
                        (error == std::errc() || error == std::errc::result_out_of_range);
    at_ = begin;
    if (!number) fail("'" + std::string(written.substr(0, 40)) + "' is not a number");
    at_ += written.size();
    out.kind = Kind::kNumber;
  }

  void word(Literal& out, int depth) {
    const size_t begin = at_;
    while (at_ < text_.size() && word_char(text_[at_])) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    const bool quote = at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'');
    if (quote && (name == "u" || name == "b" || name == "r")) return quoted(out);
    if (take('(')) return call(out, name, depth);
    at_ = begin + name.size();
    if (name == "None" || name == "null")
      out.kind = Kind::kNull;
    else if (name == "True" || name == "true" || name == "False" || name == "false")
      out.kind = Kind::kBool;
    else if (name == "NaN" || name == "nan" || name == "Infinity" || name == "inf")
      out.kind = Kind::kNumber;
    else
      out.kind = Kind::kWord;
  }

  /// After an item: whether another one follows.
  bool another(char close, const Literal& last) {
    const size_t before = at_;
    if (take(',')) return true;
    skip();
    if (at_ >= text_.size()) fail(std::string("ends without its '") + close + "'");
    if (text_[at_] == close) return true;
    // numpy prints [3 5 7].
    const char c = text_[at_];
    if (at_ > before && last.is(Kind::kNumber) &&
        (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.'))
      return true;
    fail(std::string("expected ',' or '") + close + "'");
  }

  void list(Literal& out, char close, int depth) {
    out.kind = Kind::kList;
    ++at_;
    while (!take(close)) {
      out.items.push_back(value(depth + 1));
      another(close, out.items.back());
    }
  }

  void map(Literal& out, int depth) {
    out.kind = Kind::kMap;
    ++at_;
    while (!take('}')) {
      const Literal key = value(depth + 1);
      if (!key.is(Kind::kText) && !key.is(Kind::kWord) && !key.is(Kind::kNumber))
        fail("a key must be a text");
      if (!take(':')) fail("expected ':' after a key");
      out.keys.push_back(key.is(Kind::kText) ? key.text : std::string(key.source));
      out.items.push_back(value(depth + 1));
      another('}', Literal());
    }
  }

  /// `name=` in front of an argument.
  std::string keyword() {
    skip();
    size_t end = at_;
    while (end < text_.size() && word_char(text_[end])) ++end;
    const std::string name(text_.substr(at_, end - at_));
    while (end < text_.size() && blank(text_[end])) ++end;
    if (name.empty() || end >= text_.size() || text_[end] != '=') return "";
    at_ = end + 1;
    return name;
  }

  void call(Literal& out, std::string_view name, int depth) {
    out.kind = Kind::kCall;
    out.text = std::string(name);
    while (!take(')')) {
      out.keys.push_back(keyword());
      out.items.push_back(value(depth + 1));
      another(')', Literal());
    }
    unwrap(out);
  }

  /// What only says how a value was held becomes the value, with the value's own place; dict(a=1)
  /// becomes a map.
  static void unwrap(Literal& call) {
    static constexpr std::array kHolders = {
        "array", "tensor", "list", "tuple", "OrderedDict", "dict", "int", "float"};
    std::string_view name = call.text;
    if (const size_t dot = name.rfind('.'); dot != name.npos) name.remove_prefix(dot + 1);
    const bool sized = name.substr(0, 3) == "int" || name.substr(0, 5) == "float" ||
                       name.substr(0, 4) == "uint" || name == "str_";
    const bool holds = sized || std::find(kHolders.begin(), kHolders.end(), name) != kHolders.end();
    const bool map = name == "dict" || name == "OrderedDict";
    if (holds && !call.items.empty() && call.keys[0].empty()) {
      Literal held = std::move(call.items[0]);
      if (map && held.is(Kind::kList)) held = map_of_pairs(std::move(held));
      call = std::move(held);
    } else if (map) {
      call.kind = Kind::kMap;
    }
  }

  static Literal map_of_pairs(Literal list) {
    Literal map;
    map.kind = Kind::kMap;
    for (Literal& pair : list.items) {
      if (!pair.is(Kind::kList) || pair.items.size() != 2 || !pair.items[0].is(Kind::kText))
        return list;
      map.keys.push_back(pair.items[0].text);
    }
    for (Literal& pair : list.items) map.items.push_back(std::move(pair.items[1]));
    return map;
  }

  std::string_view text_;
  size_t at_;
};

}  // namespace

const Literal* Literal::find(std::string_view key) const {
  for (size_t i = 0; i < keys.size(); ++i)
    if (keys[i] == key) return &items[i];
  return nullptr;
}

Literal parse_literal(std::string_view text, size_t& at) {
  Reader reader(text, at);
  Literal value = reader.value(0);
  at = reader.at();
  return value;
}

Literal parse_literal(std::string_view text) {
  Reader reader(text, 0);
  Literal value = reader.value(0);
  reader.skip();
  if (reader.at() < text.size()) throw LiteralError(reader.at(), "something follows the value");
  return value;
}

const std::string* doubled_key(const Literal& map) {
  std::vector<const std::string*> keys;
  for (const std::string& key : map.keys)
    if (!key.empty() || map.is(Kind::kMap)) keys.push_back(&key);
  std::sort(keys.begin(), keys.end(), [](const auto* a, const auto* b) { return *a < *b; });
  const auto it = std::adjacent_find(
      keys.begin(), keys.end(), [](const auto* a, const auto* b) { return *a == *b; });
  return it == keys.end() ? nullptr : *it;
}

int whole_number_of(const Literal& value) {
  if (!value.is(Kind::kNumber)) return -1;
  std::string_view digits = value.source;
  if (!digits.empty() && digits[0] == '+') digits.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  constexpr double kMost = 1e9;
  if (error != std::errc() || end != digits.data() + digits.size() || !(number >= 0) ||
      number >= kMost || number != std::floor(number))
    return -1;
  return static_cast<int>(number);
}

}  // namespace nas
