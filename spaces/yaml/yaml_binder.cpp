// Binder: turns typed declarations into type-erased leaves for the state behind it.
#include "spaces/yaml/yaml_binder.hpp"

#include <charconv>
#include <cmath>

#include "spaces/yaml/binder_state.hpp"

namespace nas {
namespace detail {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::string not_a_number(const YamlNode& node, const std::string& wanted) {
  std::string text = "expected " + wanted + ", got " + show(node);
  if (!node.is_scalar()) return text;
  double v = 0;
  if (node.quoted && read_double(node.text, v)) return text + " in quotes; remove them";
  if (node.text.find("inf") != std::string::npos || node.text.find("nan") != std::string::npos ||
      node.text.find("Inf") != std::string::npos || node.text.find("NaN") != std::string::npos)
    return text + "; it must be finite";
  const size_t zero = node.text.find_first_not_of("+-");
  if (zero != std::string::npos && node.text[zero] == '0' &&
      node.text.find_first_not_of("+-0123456789") == std::string::npos)
    return text + "; a leading zero is octal for some readers: write it without";
  return text;
}

template <typename T>
std::string read_integer(const YamlNode& node, T& v) {
  const std::string wanted = "a whole number";
  if (!node.is_scalar() || node.quoted) return not_a_number(node, wanted);
  double value = 0;
  if (!read_double(node.text, value)) return not_a_number(node, wanted);
  const char* first = node.text.data() + (node.text[0] == '+' ? 1 : 0);
  const char* last = node.text.data() + node.text.size();
  T exact = 0;
  const auto [end, error] = std::from_chars(first, last, exact);
  if (error == std::errc() && end == last) return v = exact, "";
  if (value != std::floor(value)) return not_a_number(node, wanted);
  // `1e6` and `20.0` are whole too. A double may have rounded digits into the range.
  const double low = static_cast<double>(std::numeric_limits<T>::min());
  const double high = std::ldexp(1.0, std::numeric_limits<T>::digits);
  const bool beyond = error == std::errc::result_out_of_range && end == last;
  if (beyond || value < low || value >= high) {
    return "expected a whole number from " + std::to_string(std::numeric_limits<T>::min()) +
           " to " + std::to_string(std::numeric_limits<T>::max()) + ", got " + show(node);
  }
  v = static_cast<T>(value);
  return "";
}

std::string read_scalar(const YamlNode& node, int& v) {
  return read_integer(node, v);
}
std::string read_scalar(const YamlNode& node, int64_t& v) {
  return read_integer(node, v);
}
std::string read_scalar(const YamlNode& node, uint64_t& v) {
  return read_integer(node, v);
}
std::string read_scalar(const YamlNode& node, double& v) {
  if (!node.is_scalar() || node.quoted || !read_double(node.text, v))
    return not_a_number(node, "a number");
  return "";
}
std::string read_scalar(const YamlNode& node, bool& v) {
  if (node.is_scalar() && !node.quoted && read_bool(node.text, v)) return "";
  return "expected true or false, got " + show(node);
}
std::string read_scalar(const YamlNode& node, std::string& v) {
  if (!node.is_scalar()) return "expected a text, got " + show(node);
  v = node.text;
  return "";
}

YamlPtr write_scalar(bool v) {
  return make_scalar(v ? "true" : "false", false);
}
YamlPtr write_scalar(double v) {
  return make_scalar(number_text(v), false);
}
YamlPtr write_scalar(const std::string& v) {
  return make_text(v);
}
template <typename T>
requires std::is_integral_v<T> YamlPtr write_scalar(T v) {
  return make_scalar(std::to_string(v), false);
}

template <typename T>
constexpr Leaf::Type type_of() {
  if (std::is_same_v<T, bool>) return Leaf::Type::kBool;
  if (std::is_integral_v<T>) return Leaf::Type::kInt;
  if (std::is_floating_point_v<T>) return Leaf::Type::kNumber;
  return Leaf::Type::kText;
}

template <typename T>
Leaf scalar_leaf(const std::string& key, T& v, const std::string& help) {
  Leaf leaf;
  leaf.key = key;
  leaf.help = help;
  leaf.type = type_of<T>();
  leaf.read = [&v](const YamlNode& node, YamlPlace&) { return read_scalar(node, v); };
  leaf.write = [&v] { return write_scalar(v); };
  leaf.measure = [&v] {
    if constexpr (std::is_arithmetic_v<T>)
      return static_cast<double>(v);
    else
      return static_cast<double>(v.size());
  };
  return leaf;
}

template <typename T>
Leaf optional_leaf(const std::string& key, std::optional<T>& v, const std::string& help) {
  Leaf leaf;
  leaf.key = key;
  leaf.help = help;
  leaf.type = type_of<T>();
  leaf.optional = true;
  leaf.read = [&v](const YamlNode& node, YamlPlace&) -> std::string {
    if (node.is_null()) return v.reset(), "";
    T value{};
    const std::string wrong = read_scalar(node, value);
    if (wrong.empty()) v = value;
    return wrong;
  };
  leaf.write = [&v]() -> YamlPtr {
    return v ? write_scalar(*v) : std::make_shared<const YamlNode>();
  };
  leaf.measure = [&v] { return v ? static_cast<double>(*v) : kNone; };
  return leaf;
}

// An override such as `--set widths.1=32` without the list in the file changes the default.
template <typename T>
std::string patch_list(const YamlNode& node, std::vector<T>& v, YamlPlace& where) {
  for (const YamlNode::Entry& entry : node.entries) {
    size_t index = 0;
    const char* end = entry.key.data() + entry.key.size();
    const auto [stop, error] = std::from_chars(entry.key.data(), end, index);
    if (error != std::errc() || stop != end || index > v.size())
      return "\"" + entry.key + "\" is not an item of a list of " + std::to_string(v.size());
    if (index == v.size()) v.emplace_back();
    const std::string wrong = read_scalar(*entry.value, v[index]);
    if (!wrong.empty()) return where = entry.place, "item " + entry.key + ": " + wrong;
  }
  return "";
}

template <typename T>
Leaf list_leaf(const std::string& key, std::vector<T>& v, const std::string& help) {
  Leaf leaf;
  leaf.key = key;
  leaf.help = help;
  leaf.type = Leaf::Type::kList;
  leaf.element = type_of<T>();
  leaf.read = [&v](const YamlNode& node, YamlPlace& where) -> std::string {
    if (node.is_map() && node.patch) return patch_list(node, v, where);
    if (node.is_scalar())
      return "expected a list, got " + show(node) + "; write [" + node.text.substr(0, 40) + "]";
    if (!node.is_list()) return "expected a list, got " + show(node);
    std::vector<T> values;
    for (size_t i = 0; i < node.items.size(); ++i) {
      T value{};
      const std::string wrong = read_scalar(*node.items[i], value);
      if (!wrong.empty()) {
        where = node.items[i]->place;
        return "item " + std::to_string(i) + ": " + wrong;
      }
      values.push_back(value);
    }
    v = std::move(values);
    return "";
  };
  leaf.write = [&v]() -> YamlPtr {
    auto node = std::make_shared<YamlNode>();
    node->kind = YamlNode::Kind::kList;
    for (const T& item : v) node->items.push_back(write_scalar(item));
    return node;
  };
  leaf.measure = [&v] { return static_cast<double>(v.size()); };
  leaf.elements = [&v] {
    std::vector<double> numbers;
    if constexpr (std::is_arithmetic_v<T>)
      for (const T item : v) numbers.push_back(static_cast<double>(item));
    return numbers;
  };
  return leaf;
}

}  // namespace

std::string number_text(double v) {
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, v);
  return error == std::errc() ? std::string(buffer, end) : "0";
}

}  // namespace detail

using detail::Leaf;

Binder::Field& Binder::Field::range(double low, double high) {
  s_.range(low, high);
  return *this;
}
Binder::Field& Binder::Field::each(double low, double high) {
  s_.each(low, high);
  return *this;
}
Binder::Field& Binder::Field::unit(const std::string& text) {
  s_.unit(text);
  return *this;
}
Binder::Field& Binder::Field::required() {
  s_.required();
  return *this;
}
Binder::Field& Binder::Field::check(std::function<std::string()> test) {
  s_.check(test);
  return *this;
}

Binder::Field Binder::value(const std::string& key, bool& v, const std::string& help) {
  s_.leaf(detail::scalar_leaf(key, v, help));
  return Field(s_);
}
Binder::Field Binder::value(const std::string& key, int& v, const std::string& help) {
  s_.leaf(detail::scalar_leaf(key, v, help));
  return Field(s_);
}
Binder::Field Binder::value(const std::string& key, int64_t& v, const std::string& help) {
  s_.leaf(detail::scalar_leaf(key, v, help));
  return Field(s_);
}
Binder::Field Binder::value(const std::string& key, uint64_t& v, const std::string& help) {
  s_.leaf(detail::scalar_leaf(key, v, help));
  return Field(s_);
}
Binder::Field Binder::value(const std::string& key, double& v, const std::string& help) {
  s_.leaf(detail::scalar_leaf(key, v, help));
  return Field(s_);
}
Binder::Field Binder::value(const std::string& key, std::string& v, const std::string& help) {
  s_.leaf(detail::scalar_leaf(key, v, help));
  return Field(s_);
}
Binder::Field Binder::value(const std::string& key,
                            std::optional<double>& v,
                            const std::string& help) {
  s_.leaf(detail::optional_leaf(key, v, help));
  return Field(s_);
}
Binder::Field Binder::value(const std::string& key,
                            std::optional<int>& v,
                            const std::string& help) {
  s_.leaf(detail::optional_leaf(key, v, help));
  return Field(s_);
}
Binder::Field Binder::list(const std::string& key, std::vector<int>& v, const std::string& help) {
  s_.leaf(detail::list_leaf(key, v, help));
  return Field(s_);
}
Binder::Field Binder::list(const std::string& key,
                           std::vector<double>& v,
                           const std::string& help) {
  s_.leaf(detail::list_leaf(key, v, help));
  return Field(s_);
}
Binder::Field Binder::list(const std::string& key,
                           std::vector<std::string>& v,
                           const std::string& help) {
  s_.leaf(detail::list_leaf(key, v, help));
  return Field(s_);
}

Binder::Field Binder::choice_index(const std::string& key,
                                   int& v,
                                   const std::vector<std::string>& names,
                                   const std::string& help) {
  Leaf leaf;
  leaf.key = key;
  leaf.help = help;
  leaf.type = Leaf::Type::kChoice;
  leaf.names = names;
  leaf.read = [&v, names](const detail::YamlNode& node, detail::YamlPlace&) -> std::string {
    for (size_t i = 0; i < names.size(); ++i)
      if (node.is_scalar() && node.text == names[i]) return v = static_cast<int>(i), "";
    std::string text = "expected one of";
    for (const std::string& name : names) text += (&name == &names[0] ? " " : ", ") + name;
    text += "; got " + show(node);
    const std::string near = node.is_scalar() ? nearest(node.text, names) : "";
    if (!near.empty()) text += "; did you mean " + near + "?";
    return text;
  };
  leaf.write = [&v, names]() -> detail::YamlPtr {
    return detail::make_text(names[static_cast<size_t>(v)]);
  };
  s_.leaf(std::move(leaf));
  return Field(s_);
}

Binder::Field Binder::raw(const std::string& key, Raw& v, const std::string& help) {
  Leaf leaf;
  leaf.key = key;
  leaf.help = help;
  leaf.type = Leaf::Type::kRaw;
  leaf.located = [&v](const std::string& path) { v.key = path; };
  leaf.read = [&v](const detail::YamlNode& node, detail::YamlPlace&) -> std::string {
    v.tree = std::make_shared<const detail::YamlNode>(node);
    v.yaml = detail::emit_yaml(node);
    v.file = node.place.file ? *node.place.file : "";
    v.line = node.place.line;
    v.column = node.place.column;
    return "";
  };
  leaf.write = [&v]() -> detail::YamlPtr {
    if (v.tree) return v.tree;
    std::vector<Problem> ignored;
    const auto tree = detail::parse_yaml(v.yaml, v.file, 0, ignored);
    return tree ? tree : std::make_shared<const detail::YamlNode>();
  };
  s_.leaf(std::move(leaf));
  return Field(s_);
}

void Binder::ignore(const std::string& key) {
  s_.ignore(key);
}
void Binder::constant(const std::string& key, const std::string& value, const std::string& help) {
  s_.constant(key, value, help);
}
void Binder::needs_item(const std::string& key) {
  s_.needs_item(key);
}
void Binder::problem(const std::string& key, const std::string& message, const std::string& hint) {
  s_.problem(key, message, hint);
}
bool Binder::reading() const {
  return s_.reading();
}
bool Binder::enter(const std::string& key, const std::string& help) {
  s_.enter(key, help);
  return true;
}
void Binder::leave() {
  s_.leave();
}
size_t Binder::enter_items(const std::string& key, size_t n, const std::string& help) {
  return s_.enter_items(key, n, help);
}
void Binder::enter_item(size_t i) {
  s_.enter_item(i);
}
void Binder::leave_items() {
  s_.leave_items();
}

}  // namespace nas
