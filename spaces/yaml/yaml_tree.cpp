// yaml-cpp's events, kept with the place of every value, which its own tree forgets. Size, depth
// and what aliases expand to are bounded while it is read.
#include "spaces/yaml/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "spaces/base/printable.hpp"

namespace nas::detail {
namespace {

constexpr size_t kMaxBytes = size_t{16} << 20;
constexpr size_t kMaxNodes = 1'000'000;
constexpr size_t kMaxDepth = 64;

// Ends a parse whose problem has been noted already.
struct StopParsing {};

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, int line_offset, std::vector<Problem>& problems)
      : file_(std::make_shared<const std::string>(file)),
        line_offset_(line_offset),
        problems_(problems) {}

  YamlPtr root() const { return root_; }
  const std::optional<Problem>& bad_key() const { return bad_key_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark&, const std::string&) override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(node(mark, YamlNode::Kind::kNull), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) stop(place(mark), "this alias is inside the value it names");
    total_ += known->second->weight;
    if (total_ > kMaxNodes) stop(place(mark), "aliases expand to too many values");
    attach(known->second, place(mark));
  }

  void OnScalar(const YAML::Mark& mark,
                const std::string& tag,
                YAML::anchor_t anchor,
                const std::string& value) override {
    const auto scalar = node(mark, YamlNode::Kind::kScalar);
    scalar->text = value;
    scalar->quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!scalar->quoted && tag != "?") check_tag(tag, scalar->place);
    add(scalar, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark,
                       const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor = 0;
    bool have_key = false;
    std::string key;
    YamlPlace key_place;
    std::map<std::string, YamlPlace> seen;
  };

  YamlPlace place(const YAML::Mark& mark) const {
    return {file_, mark.line + 1 + line_offset_, mark.column + 1};
  }

  [[noreturn]] void stop(const YamlPlace& at, const std::string& message) {
    problems_.push_back(problem_at(at, path(), message));
    throw StopParsing{};
  }

  void check_tag(const std::string& tag, const YamlPlace& at) {
    if (tag.empty() || tag == "?" || tag == "!" || tag.rfind("tag:yaml.org,2002:", 0) == 0) return;
    problems_.push_back(
        problem_at(at, path(), "the tag " + tag + " has no meaning here", "Remove it."));
  }

  // Kept back until the end: an unclosed bracket first looks like such a key.
  void note_bad_key(const YamlPlace& at) {
    if (!bad_key_)
      bad_key_ = problem_at(at, path(), "a key must be plain text, not a section or a list");
  }

  std::shared_ptr<YamlNode> node(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (++total_ > kMaxNodes) stop(place(mark), "too many values (more than a million)");
    auto made = std::make_shared<YamlNode>();
    made->kind = kind;
    made->place = place(mark);
    return made;
  }

  std::string path() const {
    std::string text;
    for (const Level& level : levels_) {
      if (level.node->is_list()) {
        text = join_path(text, std::to_string(level.node->items.size()));
      } else if (level.have_key) {
        text = join_path(text, level.key);
      }
    }
    return text;
  }

  void open(const YAML::Mark& mark,
            const std::string& tag,
            YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    const auto made = node(mark, kind);
    check_tag(tag, made->place);
    if (levels_.size() >= kMaxDepth) stop(made->place, "nested too deeply (more than 64 levels)");
    if (!levels_.empty() && levels_.back().node->is_map() && !levels_.back().have_key)
      note_bad_key(made->place);
    Level level;
    level.node = made;
    level.anchor = anchor;
    levels_.push_back(std::move(level));
  }

  void close() {
    const Level done = std::move(levels_.back());
    levels_.pop_back();
    add(done.node, done.anchor);
  }

  void add(const YamlPtr& value, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = value;
    attach(value, value->place);
  }

  void attach(const YamlPtr& value, const YamlPlace& at) {
    if (levels_.empty()) {
      root_ = value;
      return;
    }
    Level& level = levels_.back();
    if (level.node->is_list()) {
      level.node->items.push_back(value);
      level.node->weight += value->weight;
      return;
    }
    if (!level.have_key) {
      take_key(level, *value, at);
      return;
    }
    level.have_key = false;
    level.node->weight += value->weight;
    const auto [first, fresh] = level.seen.emplace(level.key, level.key_place);
    if (!fresh) {
      problems_.push_back(
          problem_at(level.key_place,
                     join_path(path(), level.key),
                     "given twice; first in line " + std::to_string(first->second.line),
                     "Keep one of the two."));
      return;
    }
    if (value->is_null() && value->text.empty()) {
      // The tokeniser puts a missing value behind the next line break: point at the key.
      auto at_key = std::make_shared<YamlNode>(*value);
      at_key->place = level.key_place;
      level.node->entries.push_back({level.key, level.key_place, at_key});
      return;
    }
    level.node->entries.push_back({level.key, level.key_place, value});
  }

  void take_key(Level& level, const YamlNode& value, const YamlPlace& at) {
    level.key = value.is_scalar() ? value.text : "null";
    // Noted already; must not look like a duplicate too.
    if (value.is_map() || value.is_list()) level.key = "?" + std::to_string(total_);
    level.key_place = at;
    level.have_key = true;
  }

  std::shared_ptr<const std::string> file_;
  int line_offset_;
  std::vector<Problem>& problems_;
  YamlPtr root_;
  std::vector<Level> levels_;
  std::map<YAML::anchor_t, YamlPtr> anchors_;
  size_t total_ = 0;
  std::optional<Problem> bad_key_;
};

std::string syntax_hint(const std::string& message) {
  if (message.find("map value") != std::string::npos)
    return "Check the indentation; a text that holds ': ' needs quotes.";
  if (message.find("tab") != std::string::npos) return "Indent with spaces, not tabs.";
  if (message.find("end of map") != std::string::npos ||
      message.find("end of seq") != std::string::npos)
    return "Check the indentation and the closing brackets; inside { } or [ ], a text that holds "
           "such brackets needs quotes: {when: \"stage1.width in [16, 24]\"}.";
  return "";
}

}  // namespace

const YamlNode::Entry* YamlNode::find(const std::string& key) const {
  for (const Entry& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

YamlPtr parse_yaml(const std::string& text,
                   const std::string& file,
                   int line_offset,
                   std::vector<Problem>& problems) {
  if (text.size() > kMaxBytes) {
    problems.push_back({file, 0, 0, "", "larger than 16 MiB: not a configuration file", ""});
    return nullptr;
  }
  const size_t zero = text.find('\0');
  if (zero != std::string::npos) {
    const int line = 1 + static_cast<int>(std::count(
                             text.begin(), text.begin() + static_cast<long>(zero), '\n'));
    problems.push_back({file, line + line_offset, 1, "", "a zero byte: not a text file", ""});
    return nullptr;
  }
  const size_t before = problems.size();
  TreeBuilder builder(file, line_offset, problems);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return nullptr;
    const YamlPtr root = builder.root();
    if (builder.bad_key()) problems.push_back(*builder.bad_key());
    TreeBuilder rest(file, line_offset, problems);
    if (parser.HandleNextDocument(rest) && rest.root()) {
      problems.push_back(problem_at(rest.root()->place,
                                    "",
                                    "a second document ('---') starts here",
                                    "Give one document in each file."));
    }
    return problems.size() == before ? root : nullptr;
  } catch (const StopParsing&) {
  } catch (const YAML::Exception& e) {
    Problem problem{file, 0, 0, "", "not valid YAML: " + e.msg, syntax_hint(e.msg)};
    if (!e.mark.is_null()) {
      problem.line = e.mark.line + 1 + line_offset;
      problem.column = e.mark.column + 1;
    }
    problems.push_back(problem);
  }
  return nullptr;
}

Problem problem_at(const YamlPlace& place,
                   const std::string& key,
                   const std::string& message,
                   const std::string& hint) {
  return {place.file ? *place.file : "", place.line, place.column, key, message, hint};
}

std::string show(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kMap:
      return "a section";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kScalar:
      break;
  }
  // Never in the middle of a character, which would be shown as bytes.
  size_t shown = std::min<size_t>(node.text.size(), 60);
  while (shown < node.text.size() && shown > 56 && (node.text[shown] & 0xc0) == 0x80) --shown;
  std::string text = printable(node.text.substr(0, shown));
  if (shown < node.text.size()) text += "...";
  return "\"" + text + "\"";
}

std::string join_path(const std::string& prefix, const std::string& key) {
  return prefix.empty() ? key : key.empty() ? prefix : prefix + "." + key;
}

bool read_bool(const std::string& text, bool& v) {
  if (text == "true" || text == "True" || text == "TRUE") return v = true, true;
  if (text == "false" || text == "False" || text == "FALSE") return v = false, true;
  return false;
}

bool read_double(const std::string& text, double& v) {
  const char* first = text.data();
  const char* last = first + text.size();
  const bool sign = first != last && (*first == '+' || *first == '-');
  const char* digits = sign ? first + 1 : first;
  if (sign && *first == '+') ++first;
  // from_chars would take "inf" and "nan".
  if (digits == last || !((*digits >= '0' && *digits <= '9') || *digits == '.')) return false;
  if (last - digits > 1 && *digits == '0' && digits[1] >= '0' && digits[1] <= '9') return false;
  double value = 0;
  const auto [end, error] = std::from_chars(first, last, value);
  if (error != std::errc() || end != last || !std::isfinite(value)) return false;
  v = value;
  return true;
}

std::shared_ptr<YamlNode> make_scalar(const std::string& text, bool quoted) {
  auto node = std::make_shared<YamlNode>();
  node->kind = YamlNode::Kind::kScalar;
  node->text = text;
  node->quoted = quoted;
  return node;
}

std::shared_ptr<YamlNode> make_text(const std::string& text) {
  static const std::set<std::string> words = {
      "",      "~",     "null", "Null", "NULL", "true", "True", "TRUE", "false",
      "False", "FALSE", "yes",  "no",   "on",   "off",  "Yes",  "No",   "On",
      "Off",   "YES",   "NO",   "ON",   "OFF",  "y",    "n"};
  const bool safe_start = !text.empty() && (std::isalpha(static_cast<unsigned char>(text[0])) ||
                                            text[0] == '_' || text[0] == '/');
  const bool safe = std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string("_-./+ <=>()").find(c) != std::string::npos;
  });
  const bool quoted = !safe_start || !safe || words.count(text) || text.back() == ' ';
  return make_scalar(text, quoted);
}

}  // namespace nas::detail
