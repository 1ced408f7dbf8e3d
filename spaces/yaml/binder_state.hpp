#pragma once
// What stands behind Binder: one class per use of a description (read, write, schema, help).
#include <functional>
#include <string>
#include <vector>

#include "spaces/yaml/yaml_binder.hpp"
#include "spaces/yaml/yaml_tree.hpp"

namespace nas::detail {

/// A key with a value, its type erased.
struct Leaf {
  enum class Type { kBool, kInt, kNumber, kText, kChoice, kList, kRaw };
  std::string key;
  std::string help;
  Type type = Type::kText;
  Type element = Type::kText;      ///< Of a list.
  bool optional = false;           ///< `null` is allowed.
  std::vector<std::string> names;  ///< Options of a choice.
  /// Stores the value; answers "" or what is wrong. A wrong item of a list is named in `where`.
  std::function<std::string(const YamlNode& node, YamlPlace& where)> read;
  std::function<YamlPtr()> write;
  /// Told the dotted path before reading.
  std::function<void(const std::string& path)> located;
  /// Numbers to hold against range(): the value, or the length of a list or text. NaN: none.
  std::function<double()> measure;
  std::function<std::vector<double>()> elements;
};

struct BinderState {
  virtual ~BinderState() = default;
  virtual bool reading() const { return false; }
  virtual void leaf(Leaf leaf) = 0;
  virtual void ignore(const std::string&) {}
  virtual void constant(const std::string& key, const std::string&, const std::string&) {
    ignore(key);
  }
  virtual void needs_item(const std::string&) {}
  // Refinements of the last leaf.
  virtual void range(double, double) {}
  virtual void each(double, double) {}
  virtual void unit(const std::string&) {}
  virtual void required() {}
  virtual void check(const std::function<std::string()>&) {}

  virtual void enter(const std::string& key, const std::string& help) = 0;
  virtual void leave() = 0;
  /// Answers how many items to describe.
  virtual size_t enter_items(const std::string& key, size_t n, const std::string& help) = 0;
  virtual void enter_item(size_t i) = 0;
  virtual void leave_items() = 0;
  virtual void problem(const std::string&, const std::string&, const std::string&) {}
};

/// The values of a description as a tree.
YamlPtr written_tree(const Describe& describe);
/// `3`, `0.1`, `1e-05`: shortest text that reads back to the same number.
std::string number_text(double v);
std::string range_text(double low, double high, bool whole);
std::string type_text(const Leaf& leaf);

}  // namespace nas::detail
