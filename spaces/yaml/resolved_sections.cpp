// A description is run once to read and once more to write, on the same options, so no reader needs
// to know that somebody wants to see all of it. Sections are put in from the outside in: a reader
// knows only that a deeper one exists, and leaves it as it was typed.
#include "spaces/yaml/resolved_sections.hpp"

#include <algorithm>

#include "spaces/yaml/binder_state.hpp"
#include "spaces/yaml/yaml_tree.hpp"

namespace nas {
namespace {

using detail::YamlNode;
using detail::YamlPtr;

thread_local ResolvedSections* listening = nullptr;

/// Keys that say what a section is; they come first.
bool identifies(const std::string& key) {
  return key == "name" || key == "kind" || key == "family";
}

/// The values that were read, and what else was typed.
YamlPtr joined(const YamlNode& typed, const YamlNode& read) {
  auto all = std::make_shared<YamlNode>();
  all->kind = YamlNode::Kind::kMap;
  const auto add_left = [&](bool first) {
    for (const YamlNode::Entry& e : typed.entries)
      if (read.find(e.key) == nullptr && identifies(e.key) == first) all->entries.push_back(e);
  };
  add_left(true);
  all->entries.insert(all->entries.end(), read.entries.begin(), read.entries.end());
  add_left(false);
  return all;
}

/// The tree with `read` joined at the dotted key; unchanged where that leads nowhere.
YamlPtr put(const YamlPtr& tree,
            const std::string& key,
            const std::string& word_key,
            const YamlNode& read) {
  if (key.empty()) {
    if (tree->is_map()) return joined(*tree, read);
    if (!tree->is_scalar() || word_key.empty()) return tree;
    YamlNode typed;
    typed.kind = YamlNode::Kind::kMap;
    typed.entries.push_back({word_key, {}, tree});
    return joined(typed, read);
  }
  if (!tree->is_map()) return tree;
  // A key may have dots of its own; the first that is there is meant.
  for (size_t dot = key.find('.');; dot = key.find('.', dot + 1)) {
    const std::string first = key.substr(0, dot);
    const std::string rest = dot == key.npos ? "" : key.substr(dot + 1);
    auto copy = std::make_shared<YamlNode>(*tree);
    for (YamlNode::Entry& e : copy->entries) {
      if (e.key != first) continue;
      e.value = put(e.value, rest, word_key, read);
      return copy;
    }
    if (dot == key.npos) return tree;
  }
}

}  // namespace

ResolvedSections::ResolvedSections() : before_(listening) {
  listening = this;
}
ResolvedSections::~ResolvedSections() {
  listening = before_;
}

void ResolvedSections::add(const YamlSource& source,
                           const YamlPtr& read,
                           const Describe& describe) {
  if (listening == nullptr) return;
  const YamlPtr written = detail::written_tree(describe);
  // A list, or a word that stands for all: nothing to join.
  if (read && !read->is_map() && !read->is_null()) return;
  listening->read_.emplace_back(source.prefix, written);
}

std::string ResolvedSections::into(const std::string& document,
                                   const std::map<std::string, std::string>& word_keys,
                                   bool whole,
                                   bool json) const {
  std::vector<Problem> problems;
  YamlPtr tree = detail::parse_yaml(document, "", 0, problems);
  if (!tree) return document;
  auto sections = read_;
  std::stable_sort(sections.begin(), sections.end(), [](const auto& a, const auto& b) {
    return std::count(a.first.begin(), a.first.end(), '.') <
           std::count(b.first.begin(), b.first.end(), '.');
  });
  for (const auto& [key, read] : sections) {
    if (key.empty() && !whole) continue;
    const auto word = word_keys.find(key);
    tree = put(tree, key, word == word_keys.end() ? "" : word->second, *read);
  }
  return json ? detail::emit_json(*tree, 2) : detail::emit_yaml(*tree);
}

}  // namespace nas
