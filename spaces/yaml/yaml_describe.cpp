// The other uses of a description: the resolved values, the JSON schema and the help lines.
#include <cmath>
#include <nlohmann/json.hpp>

#include "spaces/yaml/binder_state.hpp"

namespace nas {
namespace detail {
namespace {

using Json = nlohmann::ordered_json;

std::string bound_text(double v) {
  if (std::fabs(v) >= 1e5 && std::fabs(v) < 1e15 && v == std::floor(v)) {
    // 1e+06 -> 1e6
    std::string text = number_text(v);
    const size_t plus = text.find("e+");
    if (plus == std::string::npos) return text;
    return text.substr(0, plus) + "e" + std::to_string(std::stoi(text.substr(plus + 2)));
  }
  return number_text(v);
}

// ---- Resolved values.
class WriteState : public BinderState {
 public:
  WriteState() { open(); }
  const YamlNode& root() const { return *nodes_.front(); }
  YamlPtr take() { return std::move(nodes_.front()); }

  void leaf(Leaf leaf) override {
    if (leaf.type == Leaf::Type::kRaw && leaf.write()->is_null()) return;
    nodes_.back()->entries.push_back({leaf.key, {}, leaf.write()});
  }
  void enter(const std::string& key, const std::string&) override {
    keys_.push_back(key);
    open();
  }
  void leave() override {
    const auto node = std::move(nodes_.back());
    nodes_.pop_back();
    attach(node);
  }
  size_t enter_items(const std::string& key, size_t n, const std::string&) override {
    keys_.push_back(key);
    open();
    nodes_.back()->kind = YamlNode::Kind::kList;
    return n;
  }
  void enter_item(size_t) override {
    keys_.push_back("");
    open();
  }
  void leave_items() override { leave(); }

 private:
  void open() {
    nodes_.push_back(std::make_shared<YamlNode>());
    nodes_.back()->kind = YamlNode::Kind::kMap;
  }
  void attach(const std::shared_ptr<YamlNode>& node) {
    const std::string key = keys_.back();
    keys_.pop_back();
    YamlNode& parent = *nodes_.back();
    if (parent.is_list()) {
      parent.items.push_back(node);
    } else {
      parent.entries.push_back({key, {}, node});
    }
  }
  std::vector<std::shared_ptr<YamlNode>> nodes_;
  std::vector<std::string> keys_;
};

// ---- JSON schema.
const char* json_type(Leaf::Type type) {
  switch (type) {
    case Leaf::Type::kBool:
      return "boolean";
    case Leaf::Type::kInt:
      return "integer";
    case Leaf::Type::kNumber:
      return "number";
    case Leaf::Type::kList:
      return "array";
    default:
      return "string";
  }
}

class SchemaState : public BinderState {
 public:
  SchemaState() {
    root_ = Json::object();
    open_object(root_);
    stack_.push_back(&root_);
  }
  Json take() { return std::move(root_); }

  void leaf(Leaf leaf) override {
    Json entry = Json::object();
    type_ = leaf.type;
    element_ = leaf.element;
    key_ = leaf.key;
    if (leaf.type == Leaf::Type::kRaw) {
      entry["type"] = {"object", "string"};
    } else if (leaf.optional) {
      entry["type"] = {json_type(leaf.type), "null"};
    } else {
      entry["type"] = json_type(leaf.type);
    }
    if (leaf.type == Leaf::Type::kList) entry["items"]["type"] = json_type(leaf.element);
    if (leaf.type == Leaf::Type::kChoice) entry["enum"] = leaf.names;
    entry["description"] = leaf.help;
    if (leaf.type != Leaf::Type::kRaw) entry["default"] = Json::parse(emit_json(*leaf.write(), -1));
    last_ = &((*stack_.back())["properties"][leaf.key] = std::move(entry));
  }
  void ignore(const std::string& key) override {
    Json& properties = (*stack_.back())["properties"];
    if (!properties.contains(key)) properties[key] = Json::object();
  }
  void constant(const std::string& key,
                const std::string& value,
                const std::string& help) override {
    (*stack_.back())["properties"][key] = {
        {"type", "string"}, {"const", value}, {"description", help}};
    (*stack_.back())["required"].push_back(key);
  }
  void needs_item(const std::string& key) override {
    (*stack_.back())["required"].push_back(key);
    (*stack_.back())["properties"][key]["minItems"] = 1;
  }
  void range(double low, double high) override {
    const bool list = type_ == Leaf::Type::kList, text = type_ == Leaf::Type::kText;
    bound(*last_, list ? "minItems" : text ? "minLength" : "minimum", low);
    bound(*last_, list ? "maxItems" : text ? "maxLength" : "maximum", high);
  }
  void each(double low, double high) override {
    bound((*last_)["items"], "minimum", low);
    bound((*last_)["items"], "maximum", high);
  }
  void unit(const std::string& text) override {
    (*last_)["description"] = (*last_)["description"].get<std::string>() + " [" + text + "]";
  }
  void required() override {
    (*stack_.back())["required"].push_back(key_);
    last_->erase("default");
  }
  void enter(const std::string& key, const std::string& help) override {
    Json& entry = (*stack_.back())["properties"][key];
    open_object(entry);
    entry["description"] = help;
    stack_.push_back(&entry);
  }
  void leave() override { stack_.pop_back(); }
  size_t enter_items(const std::string& key, size_t, const std::string& help) override {
    Json& entry = (*stack_.back())["properties"][key];
    entry["type"] = "array";
    entry["description"] = help;
    stack_.push_back(&entry);
    return 1;
  }
  void enter_item(size_t) override {
    Json& entry = (*stack_.back())["items"];
    open_object(entry);
    stack_.push_back(&entry);
  }
  void leave_items() override { stack_.pop_back(); }

 private:
  static void open_object(Json& entry) {
    entry["type"] = "object";
    entry["properties"] = Json::object();
    entry["additionalProperties"] = false;
  }
  static void bound(Json& entry, const char* name, double v) {
    if (!std::isfinite(v)) return;
    if (v == std::floor(v) && std::fabs(v) < 9e15) {
      entry[name] = static_cast<int64_t>(v);
    } else {
      entry[name] = v;
    }
  }
  Json root_;
  std::vector<Json*> stack_;
  Json* last_ = nullptr;
  std::string key_;
  Leaf::Type type_ = Leaf::Type::kText, element_ = Leaf::Type::kText;
};

// ---- Help.
class HelpState : public BinderState {
 public:
  explicit HelpState(UnitPlace units) : units_(units) {}
  std::vector<HelpLine> take() { return std::move(lines_); }

  void leaf(Leaf leaf) override {
    whole_ = leaf.type != Leaf::Type::kNumber;
    each_whole_ = leaf.element == Leaf::Type::kInt;
    list_ = leaf.type == Leaf::Type::kList;
    std::string value;
    if (leaf.type != Leaf::Type::kRaw) {
      value = emit_yaml(*leaf.write());
      while (!value.empty() && value.back() == '\n') value.pop_back();
    }
    lines_.push_back({path() + leaf.key, type_text(leaf), value, "", leaf.help});
  }
  void constant(const std::string& key,
                const std::string& value,
                const std::string& help) override {
    lines_.push_back({path() + key, value, "(required)", "", help});
  }
  void range(double low, double high) override {
    add_range(range_text(low, high, whole_) + (list_ ? " items" : ""));
  }
  void each(double low, double high) override {
    add_range("each " + range_text(low, high, each_whole_));
  }
  void unit(const std::string& text) override {
    std::string& range = lines_.back().range;
    if (units_ == UnitPlace::kHelp)
      lines_.back().help += " [" + text + "]";
    else
      range += (range.empty() ? "" : " ") + text;
  }
  void required() override { lines_.back().value = "(required)"; }
  void enter(const std::string& key, const std::string&) override { parts_.push_back(key + "."); }
  void leave() override { parts_.pop_back(); }
  size_t enter_items(const std::string& key, size_t, const std::string&) override {
    parts_.push_back(key + "[]");
    return 1;
  }
  void enter_item(size_t) override { parts_.push_back("."); }
  void leave_items() override { parts_.pop_back(); }

 private:
  std::string path() const {
    std::string text;
    for (const std::string& part : parts_) text += part;
    return text;
  }
  void add_range(const std::string& text) {
    std::string& range = lines_.back().range;
    range += (range.empty() ? "" : ", ") + text;
  }
  UnitPlace units_;
  std::vector<HelpLine> lines_;
  std::vector<std::string> parts_;
  bool whole_ = false, each_whole_ = false, list_ = false;
};

template <typename State>
void run(State& state, const Describe& describe) {
  Binder binder(state);
  describe(binder);
}

}  // namespace

YamlPtr written_tree(const Describe& describe) {
  WriteState state;
  run(state, describe);
  return state.take();
}

std::string range_text(double low, double high, bool) {
  const bool open_low = !std::isfinite(low) || low <= -1e300;
  const bool open_high = !std::isfinite(high) || high >= 1e300;
  if (open_low && open_high) return "any";
  if (open_high) return "at least " + bound_text(low);
  if (open_low) return "at most " + bound_text(high);
  return bound_text(low) + " to " + bound_text(high);
}

std::string type_text(const Leaf& leaf) {
  switch (leaf.type) {
    case Leaf::Type::kBool:
      return "true or false";
    case Leaf::Type::kInt:
      return "whole number";
    case Leaf::Type::kNumber:
      return "number";
    case Leaf::Type::kText:
      return "text";
    case Leaf::Type::kRaw:
      return "name or section";
    case Leaf::Type::kList:
      return leaf.element == Leaf::Type::kText  ? "list of texts"
             : leaf.element == Leaf::Type::kInt ? "list of whole numbers"
                                                : "list of numbers";
    case Leaf::Type::kChoice:
      break;
  }
  std::string text;
  for (const std::string& name : leaf.names) text += (text.empty() ? "" : "|") + name;
  return text;
}

}  // namespace detail

std::string write_yaml(const Describe& describe) {
  detail::WriteState state;
  detail::run(state, describe);
  return detail::emit_yaml(state.root());
}

std::string write_json(const Describe& describe) {
  detail::WriteState state;
  detail::run(state, describe);
  return detail::emit_json(state.root(), 2);
}

std::string json_schema(const std::string& title, const Describe& describe) {
  detail::SchemaState state;
  detail::run(state, describe);
  detail::Json schema = detail::Json::object();
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = title;
  schema.update(state.take());
  return schema.dump(2);
}

std::vector<HelpLine> help_lines(const Describe& describe, UnitPlace units) {
  detail::HelpState state(units);
  detail::run(state, describe);
  return state.take();
}

}  // namespace nas
