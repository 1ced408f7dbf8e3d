// Strict reading: every value is asked for by a description, and whatever was not asked for is a
// mistake. Mistakes are collected, so that one run tells all.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "spaces/yaml/binder_state.hpp"
#include "spaces/yaml/resolved_sections.hpp"

namespace nas {
namespace detail {
namespace {

// One section while it is described.
struct Frame {
  std::string path;
  YamlPtr node;          // Null: absent, or of the wrong type.
  YamlPlace place;       // Where to point for a missing key.
  bool lenient = false;  // Absent item of a default list, or broken: nothing is "missing" in it.
  std::vector<std::string> known;
  std::set<std::string> ignored;
};

// A list of sections while its items are described.
struct ItemsFrame {
  std::string path;
  YamlPtr node;  // A list, a patch mapping, or null.
  YamlPlace place;
};

struct UnknownKey {
  YamlPlace place;
  std::string section, key;
  std::vector<std::string> known;
};

class ReadState : public BinderState {
 public:
  ReadState(YamlPtr root, const std::string& file, int line_offset, const std::string& prefix) {
    Frame frame;
    frame.path = prefix;
    frame.place.file = std::make_shared<const std::string>(file);
    if (!file.empty()) frame.place.line = frame.place.column = 1;
    frame.place.line += file.empty() ? 0 : line_offset;
    if (root && !root->is_null()) frame.place = root->place;
    take_map(frame, root);
    frames_.push_back(frame);
  }

  void finish(std::vector<Problem>& problems) {
    close_frame();
    for (const UnknownKey& unknown : unknown_) problems_.push_back(unknown_problem(unknown));
    problems.insert(problems.end(), problems_.begin(), problems_.end());
  }

  bool reading() const override { return true; }

  void leaf(Leaf leaf) override {
    last_ = std::move(leaf);
    last_bad_ = false;
    last_given_ = false;
    Frame& frame = frames_.back();
    frame.known.push_back(last_.key);
    paths_.push_back(join_path(frame.path, last_.key));
    const YamlNode::Entry* entry = frame.node ? frame.node->find(last_.key) : nullptr;
    last_place_ = entry ? entry->value->place : frame.place;
    if (!entry) return;
    last_given_ = true;
    if (last_.located) last_.located(paths_.back());
    if (entry->value->is_null() && !last_.optional && last_.type != Leaf::Type::kRaw) {
      fail("has no value; expected " + type_text(last_));
      return;
    }
    const std::string wrong = last_.read(*entry->value, last_place_);
    if (!wrong.empty()) fail(wrong);
  }

  void ignore(const std::string& key) override {
    frames_.back().known.push_back(key);
    frames_.back().ignored.insert(key);
  }

  void range(double low, double high) override {
    if (last_bad_ || !last_given_ || !last_.measure) return;
    const double v = last_.measure();
    if (std::isnan(v) || (v >= low && v <= high)) return;
    const bool whole = last_.type != Leaf::Type::kNumber;
    std::string text =
        number_text(v) + " is out of range, expected " + range_text(low, high, whole);
    if (last_.type == Leaf::Type::kList)
      text = "a list of " + number_text(v) + ", expected " + range_text(low, high, true) + " items";
    if (last_.type == Leaf::Type::kText)
      text = v == 0 ? "must not be empty"
                    : number_text(v) + " characters long, expected " + range_text(low, high, true);
    fail(text);
  }

  void each(double low, double high) override {
    if (last_bad_ || !last_given_ || !last_.elements) return;
    const std::vector<double> values = last_.elements();
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] >= low && values[i] <= high) continue;
      const YamlNode::Entry* entry = frames_.back().node->find(last_.key);
      if (entry->value->is_list()) last_place_ = entry->value->items[i]->place;
      const bool whole = last_.element == Leaf::Type::kInt;
      fail("item " + std::to_string(i) + ": " + number_text(values[i]) +
           " is out of range, expected " + range_text(low, high, whole));
      return;
    }
  }

  void required() override {
    Frame& frame = frames_.back();
    if (last_given_ || frame.lenient) return;
    fail("is missing; expected " + type_text(last_));
  }

  void check(const std::function<std::string()>& test) override {
    if (last_bad_) return;
    const std::string wrong = test();
    if (!wrong.empty()) fail(wrong);
  }

  void enter(const std::string& key, const std::string&) override {
    Frame& parent = frames_.back();
    parent.known.push_back(key);
    Frame frame;
    frame.path = join_path(parent.path, key);
    frame.place = parent.place;
    frame.lenient = parent.lenient;
    const YamlNode::Entry* entry = parent.node ? parent.node->find(key) : nullptr;
    if (entry) {
      frame.place = entry->place;
      take_map(frame, entry->value);
    }
    frames_.push_back(std::move(frame));
  }
  void leave() override { close_frame(); }

  size_t enter_items(const std::string& key, size_t n, const std::string&) override {
    Frame& parent = frames_.back();
    parent.known.push_back(key);
    ItemsFrame items;
    items.path = join_path(parent.path, key);
    items.place = parent.place;
    size_t count = n;
    const YamlNode::Entry* entry = parent.node ? parent.node->find(key) : nullptr;
    if (entry) {
      items.place = entry->place;
      const YamlPtr& node = entry->value;
      if (node->is_list()) {
        items.node = node;
        count = node->items.size();
      } else if (node->is_map() && node->patch) {
        items.node = node;
        check_indices(*node, items.path, n);
      } else if (!node->is_null()) {
        add(node->place,
            items.path,
            "expected a list, got " + show(*node),
            "Start each item with '- '.");
      }
    }
    items_.push_back(items);
    return count;
  }

  void enter_item(size_t i) override {
    const ItemsFrame& items = items_.back();
    Frame frame;
    frame.path = join_path(items.path, std::to_string(i));
    frame.place = items.place;
    frame.lenient = true;
    YamlPtr node;
    if (items.node && items.node->is_list()) {
      node = items.node->items[i];
      frame.lenient = false;
    } else if (items.node) {
      const YamlNode::Entry* entry = items.node->find(std::to_string(i));
      if (entry) node = entry->value;
    }
    if (node) {
      frame.place = node->place;
      take_map(frame, node);
    }
    frames_.push_back(std::move(frame));
  }
  void leave_items() override { items_.pop_back(); }

  void problem(const std::string& key,
               const std::string& message,
               const std::string& hint) override {
    const Frame& frame = frames_.back();
    const YamlNode::Entry* entry = frame.node ? frame.node->find(key) : nullptr;
    add(entry ? entry->value->place : frame.place, join_path(frame.path, key), message, hint);
  }

 private:
  void take_map(Frame& frame, const YamlPtr& node) {
    if (!node || node->is_null()) return;
    if (node->is_map()) {
      frame.node = node;
      return;
    }
    frame.lenient = true;
    add(node->place,
        frame.path,
        "expected a section (key: value), got " + show(*node),
        frame.path.empty() ? "A configuration is lines of `key: value`." : "");
  }

  void check_indices(const YamlNode& patch, const std::string& path, size_t n) {
    for (const YamlNode::Entry& entry : patch.entries) {
      bool found = false;
      for (size_t i = 0; i < n; ++i) found = found || entry.key == std::to_string(i);
      if (!found)
        add(entry.place,
            join_path(path, entry.key),
            "\"" + entry.key + "\" is not an item of a list of " + std::to_string(n),
            "Items count from 0.");
    }
  }

  void close_frame() {
    const Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (!frame.node) return;
    for (const YamlNode::Entry& entry : frame.node->entries) {
      if (std::find(frame.known.begin(), frame.known.end(), entry.key) == frame.known.end())
        unknown_.push_back({entry.place, frame.path, entry.key, frame.known});
    }
  }

  Problem unknown_problem(const UnknownKey& unknown) const {
    std::string hint;
    const std::string near = nearest(unknown.key, unknown.known);
    if (!near.empty()) {
      hint = "Did you mean " + join_path(unknown.section, near) + "?";
    } else {
      hint = elsewhere(unknown.key);
      if (hint.empty()) hint = "Known here: " + list_text(unknown.known);
    }
    return problem_at(unknown.place, join_path(unknown.section, unknown.key), "unknown key", hint);
  }

  // The key may be right but in the wrong section.
  std::string elsewhere(const std::string& key) const {
    for (const std::string& path : paths_) {
      const size_t dot = path.rfind('.');
      if (dot != std::string::npos && path.substr(dot + 1) == key)
        return "Did you mean " + path + "?";
    }
    return "";
  }

  static std::string list_text(const std::vector<std::string>& words) {
    if (words.empty()) return "no keys.";
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text + ".";
  }

  void fail(const std::string& message) {
    last_bad_ = true;
    const std::string key = join_path(frames_.back().path, last_.key);
    const bool set = last_place_.line == 0 && last_place_.file != nullptr &&
                     last_place_.file->starts_with("--set ");
    const bool split = message.starts_with("expected a text, got a ");
    add(last_place_, key, message, set && split ? quote_hint(key) : "");
  }

  void add(const YamlPlace& place,
           const std::string& key,
           const std::string& message,
           const std::string& hint) {
    problems_.push_back(problem_at(place, key, message, hint));
  }

  std::vector<Frame> frames_;
  std::vector<ItemsFrame> items_;
  std::vector<std::string> paths_;
  std::vector<UnknownKey> unknown_;
  std::vector<Problem> problems_;
  Leaf last_;
  YamlPlace last_place_;
  bool last_bad_ = false;
  bool last_given_ = false;
};

YamlPtr load_tree(const YamlSource& source, std::vector<Problem>& problems) {
  YamlPtr root = source.tree ? source.tree
                             : parse_yaml(source.text, source.file, source.line_offset, problems);
  // Overrides of a file that could not be parsed would only add noise.
  if (!problems.empty()) return nullptr;
  for (const std::string& assignment : source.sets)
    root = apply_override(root, assignment, problems);
  return root;
}

// In the order of the file; overrides, which have no line, last.
void throw_sorted(std::vector<Problem> problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    if ((a.line == 0) != (b.line == 0)) return b.line == 0;
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  throw ConfigError(std::move(problems));
}

YamlPtr find_path(YamlPtr node, const std::string& key) {
  std::istringstream parts(key);
  for (std::string part; node && std::getline(parts, part, '.');) {
    if (node->is_list()) {
      const bool digits = part.find_first_not_of("0123456789") == std::string::npos;
      const size_t i = digits && part.size() < 7 ? std::stoul("0" + part) : node->items.size();
      node = i < node->items.size() ? node->items[i] : nullptr;
      continue;
    }
    const YamlNode::Entry* entry = node->find(part);
    node = entry ? entry->value : nullptr;
  }
  return node;
}

}  // namespace
}  // namespace detail

void read_yaml(const YamlSource& source, const Describe& describe) {
  std::vector<Problem> problems;
  const detail::YamlPtr root = detail::load_tree(source, problems);
  const bool parsed = problems.empty() || root;
  if (parsed) {
    detail::ReadState state(root, source.file, source.line_offset, source.prefix);
    Binder binder(state);
    describe(binder);
    state.finish(problems);
  }
  if (!problems.empty()) detail::throw_sorted(std::move(problems));
  ResolvedSections::add(source, root, describe);
}

namespace {

// More is refused by the parser; a device could go on for ever.
std::string read_some(std::istream& in) {
  constexpr size_t kMost = (size_t{16} << 20) + 1;
  std::string text;
  std::vector<char> part(1 << 16);
  while (text.size() < kMost && in) {
    in.read(part.data(), static_cast<std::streamsize>(part.size()));
    text.append(part.data(), static_cast<size_t>(in.gcount()));
  }
  return text;
}

[[noreturn]] void cannot_read(const std::string& path,
                              const std::string& reason,
                              const std::string& hint) {
  throw ConfigError({Problem{path, 0, 0, "", "cannot be read: " + reason, hint}});
}

}  // namespace

YamlSource yaml_file(const std::string& path, const std::vector<std::string>& sets) {
  YamlSource source;
  source.sets = sets;
  if (path.empty()) return source;
  source.file = path == "-" ? "<stdin>" : path;
  if (path == "-") {
    source.text = read_some(std::cin);
    return source;
  }
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    cannot_read(path, "it is a folder", "Name a YAML file in it.");
  // A pipe has no second time.
  const bool special = !std::filesystem::is_regular_file(path, error);
  static std::map<std::string, std::string> pipes;
  if (const auto known = pipes.find(path); special && known != pipes.end()) {
    source.text = known->second;
    return source;
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file)
    cannot_read(path,
                errno != 0 ? std::strerror(errno) : "it cannot be opened",
                "Check the path and its permissions.");
  source.text = read_some(file);
  if (special) pipes[path] = source.text;
  return source;
}

YamlSource yaml_source(const Binder::Raw& raw) {
  YamlSource source;
  source.text = raw.yaml;
  source.file = raw.file;
  source.line_offset = raw.line > 0 ? raw.line - 1 : 0;
  source.prefix = raw.key;
  source.tree = raw.tree;
  return source;
}

std::optional<std::string> yaml_scalar(const YamlSource& source, const std::string& key) {
  std::vector<Problem> problems;
  const detail::YamlPtr node = detail::find_path(detail::load_tree(source, problems), key);
  if (!problems.empty()) detail::throw_sorted(std::move(problems));
  if (!node || !node->is_scalar()) return std::nullopt;
  return node->text;
}

std::vector<std::string> yaml_keys(const YamlSource& source) {
  std::vector<Problem> problems;
  const detail::YamlPtr root = detail::load_tree(source, problems);
  if (!problems.empty()) detail::throw_sorted(std::move(problems));
  std::vector<std::string> keys;
  if (root)
    for (const detail::YamlNode::Entry& entry : root->entries) keys.push_back(entry.key);
  return keys;
}

std::optional<YamlSource> yaml_section(const YamlSource& source, const std::string& key) {
  std::vector<Problem> problems;
  const detail::YamlPtr node = detail::find_path(detail::load_tree(source, problems), key);
  if (!problems.empty()) detail::throw_sorted(std::move(problems));
  if (!node) return std::nullopt;
  Binder::Raw raw;
  raw.tree = node;
  raw.yaml = detail::emit_yaml(*node);
  raw.file = node->place.file ? *node->place.file : source.file;
  raw.line = node->place.line;
  raw.column = node->place.column;
  raw.key = detail::join_path(source.prefix, key);
  return yaml_source(raw);
}

std::string yaml_text(const YamlSource& source) {
  const std::optional<YamlSource> all = yaml_section(source, "");
  return all ? all->text : "";
}

Problem yaml_problem(const YamlSource& source,
                     const std::string& key,
                     const std::string& message,
                     const std::string& hint) {
  std::vector<Problem> problems;
  const detail::YamlPtr root = detail::load_tree(source, problems);
  detail::YamlPtr node;
  // The nearest place that exists: a missing key is told at its section.
  for (std::string path = key;; path.resize(path.find_last_of('.'))) {
    node = detail::find_path(root, path);
    if (node || path.find('.') == std::string::npos) break;
  }
  if (!node) node = root;
  detail::YamlPlace place;
  if (node && node->place.file) {
    place = node->place;
  } else {
    place.file = std::make_shared<const std::string>(source.file);
  }
  return detail::problem_at(place, detail::join_path(source.prefix, key), message, hint);
}

}  // namespace nas
