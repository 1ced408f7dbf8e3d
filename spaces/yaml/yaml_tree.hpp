#pragma once
// YAML text as a tree in which every value knows its place. yaml-cpp only tokenises: its own node
// type accepts duplicate keys, reads `010` as 8 and loses positions.
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "spaces/error.hpp"

namespace nas::detail {

struct YamlNode;
/// Shared because an alias names the same sub-tree; never changed once built (overrides copy).
using YamlPtr = std::shared_ptr<const YamlNode>;

/// Where a value stands. `line` 0: no position inside the source (an override).
struct YamlPlace {
  std::shared_ptr<const std::string> file;
  int line = 0;    ///< 1-based.
  int column = 0;  ///< 1-based.
};

struct YamlNode {
  enum class Kind { kNull, kScalar, kMap, kList };
  struct Entry {
    std::string key;
    YamlPlace place;  ///< Of the key.
    YamlPtr value;
  };

  Kind kind = Kind::kNull;
  std::string text;     ///< Scalars.
  bool quoted = false;  ///< A quoted or block scalar is always text, never a number.
  std::vector<Entry> entries;
  std::vector<YamlPtr> items;
  YamlPlace place;
  /// Made by an override on the way to a deeper key: a mapping of indices in it patches a list.
  bool patch = false;
  size_t weight = 1;  ///< Nodes below, aliases expanded.

  bool is_map() const { return kind == Kind::kMap; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_null() const { return kind == Kind::kNull; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  const Entry* find(const std::string& key) const;
};

/// Parses one document. Mistakes (syntax, duplicate keys, aliases that explode ...) are appended to
/// `problems`; answers null then or where the text is empty.
YamlPtr parse_yaml(const std::string& text,
                   const std::string& file,
                   int line_offset,
                   std::vector<Problem>& problems);

/// The tree of the named space (or of the file at this path), to be changed by overrides; null
/// where there is none. Stands in registry.cpp, which knows where spaces lie.
/// `config`: the file that names it, may be empty.
YamlPtr named_space_tree(const std::string& name_or_path,
                         const std::string& config,
                         std::vector<Problem>& problems);
/// How a value of --set is kept from being read as a section, list or comment.
std::string quote_hint(const std::string& key);
/// Applies `a.b=value` to the tree (which may be null) and answers the new tree.
YamlPtr apply_override(const YamlPtr& root,
                       const std::string& assignment,
                       std::vector<Problem>& problems);

Problem problem_at(const YamlPlace& place,
                   const std::string& key,
                   const std::string& message,
                   const std::string& hint = "");

/// `"text"`, shortened, or "a list", "a section", for messages.
std::string show(const YamlNode& node);
std::string join_path(const std::string& prefix, const std::string& key);

/// Block-style YAML; short lists of scalars in one line. Reads back to the same values.
std::string emit_yaml(const YamlNode& node);
/// JSON text; plain scalars that read as numbers, booleans or null become such.
std::string emit_json(const YamlNode& node, int indent);

/// YAML 1.2 core readings of a plain scalar; answer false when it is none.
bool read_bool(const std::string& text, bool& v);
/// Decimal number, finite; leading zeros (`010`) are refused.
bool read_double(const std::string& text, double& v);

std::shared_ptr<YamlNode> make_scalar(const std::string& text, bool quoted);
/// Quoted where the plain text would read as something else.
std::shared_ptr<YamlNode> make_text(const std::string& text);

}  // namespace nas::detail
