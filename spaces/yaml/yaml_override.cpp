// `--set a.b=value`: changes of a parsed tree. Nodes are shared by aliases, so the way down is
// copied and the original stays as it was.
#include <algorithm>

#include "spaces/yaml/yaml_tree.hpp"

namespace nas::detail {
namespace {

struct Assignment {
  std::vector<std::string> path;
  YamlPtr value;
  YamlPlace place;
};

bool is_index(const std::string& text) {
  return !text.empty() && text.size() < 7 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string path_text(const std::vector<std::string>& path, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text = join_path(text, path[i]);
  return text;
}

// The place of values that come from an override: its name, no line.
YamlPtr with_place(const YamlPtr& node, const YamlPlace& place) {
  auto copy = std::make_shared<YamlNode>(*node);
  copy->place = place;
  for (YamlNode::Entry& entry : copy->entries) {
    entry.place = place;
    entry.value = with_place(entry.value, place);
  }
  for (YamlPtr& item : copy->items) item = with_place(item, place);
  return copy;
}

class Setter {
 public:
  Setter(const Assignment& a, std::vector<Problem>& problems) : a_(a), problems_(problems) {}

  YamlPtr set(const YamlPtr& node, size_t depth) {
    if (depth == a_.path.size()) return a_.value;
    if (node && node->is_list()) return set_item(*node, depth);
    // `space: NAME` stands for a file of keys: --set space.classes=3 changes one of them.
    if (node && node->is_scalar() && depth == 1 && a_.path[0] == "space")
      if (const YamlPtr named =
              named_space_tree(node->text, node->place.file ? *node->place.file : "", problems_))
        return set(named, depth);
    if (node && node->is_scalar()) {
      problems_.push_back(problem_at(
          a_.place,
          path_text(a_.path, depth),
          "is " + show(*node) + " and has no keys below it",
          "Give the whole section, e.g. --set '" + path_text(a_.path, depth) + "={key: value}'."));
      return node;
    }
    auto copy = node && node->is_map() ? std::make_shared<YamlNode>(*node) : fresh_map();
    const std::string& key = a_.path[depth];
    for (YamlNode::Entry& entry : copy->entries) {
      if (entry.key != key) continue;
      entry.value = set(entry.value, depth + 1);
      return copy;
    }
    copy->entries.push_back({key, a_.place, set(nullptr, depth + 1)});
    return copy;
  }

 private:
  std::shared_ptr<YamlNode> fresh_map() const {
    auto map = std::make_shared<YamlNode>();
    map->kind = YamlNode::Kind::kMap;
    map->place = a_.place;
    map->patch = true;
    return map;
  }

  YamlPtr set_item(const YamlNode& list, size_t depth) {
    auto copy = std::make_shared<YamlNode>(list);
    const std::string& key = a_.path[depth];
    const size_t n = list.items.size();
    if (!is_index(key) || std::stoul(key) > n) {
      problems_.push_back(
          problem_at(a_.place,
                     path_text(a_.path, depth + 1),
                     "\"" + key + "\" is not an item of a list of " + std::to_string(n),
                     "Items count from 0; " + std::to_string(n) + " appends."));
      return copy;
    }
    const size_t index = std::stoul(key);
    if (index == n) copy->items.push_back(nullptr);
    copy->items[index] = set(copy->items[index], depth + 1);
    return copy;
  }

  const Assignment& a_;
  std::vector<Problem>& problems_;
};

}  // namespace

std::string quote_hint(const std::string& key) {
  return "Values are YAML: quote a text with \": \", \" #\", [ or { in it, inside the quotes of "
         "the "
         "shell: --set '" +
         key + "=\"...\"'";
}

YamlPtr apply_override(const YamlPtr& root,
                       const std::string& assignment,
                       std::vector<Problem>& problems) {
  const size_t equals = assignment.find('=');
  const std::string name = assignment.substr(0, equals);
  Assignment a;
  a.place.file = std::make_shared<const std::string>("--set " + name);
  for (size_t start = 0; start <= name.size();) {
    const size_t dot = std::min(name.find('.', start), name.size());
    a.path.push_back(name.substr(start, dot - start));
    start = dot + 1;
  }
  const bool empty_part =
      std::any_of(a.path.begin(), a.path.end(), [](const std::string& p) { return p.empty(); });
  if (equals == std::string::npos || empty_part || a.path.size() > 32) {
    problems.push_back({"--set " + assignment,
                        0,
                        0,
                        "",
                        "not of the form key=value",
                        "Write --set section.key=value, e.g. --set train.epochs=10."});
    return root;
  }
  const size_t before = problems.size();
  const YamlPtr value = parse_yaml(assignment.substr(equals + 1), *a.place.file, 0, problems);
  for (size_t i = before; i < problems.size(); ++i) {
    problems[i].line = problems[i].column = 0;
    problems[i].hint = quote_hint(name);
  }
  if (problems.size() != before) return root;
  // In a file the rest of a line is a comment by intent; on a command line it would be lost.
  if (value && value->is_scalar() && !value->quoted &&
      assignment.find(" #", equals) != std::string::npos) {
    problems.push_back(
        {"--set " + name, 0, 0, name, "what stands behind \" #\" is a comment", quote_hint(name)});
    return root;
  }
  a.value = with_place(value ? value : std::make_shared<const YamlNode>(), a.place);
  return Setter(a, problems).set(root, 0);
}

}  // namespace nas::detail
