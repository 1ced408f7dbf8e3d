#include "supernet/weights/math/tree_draw.hpp"

#include <cstdio>

#include "spaces/draw/dot_text.hpp"

namespace nas {
namespace {

// Colour-blind safe (ColorBrewer Set2), as far as they differ at all: what matters stands in words.
constexpr const char* kInner = "#fdf5e6";
constexpr const char* kLeaf = "#d9efdf";

std::string epochs_text(int64_t n) {
  return std::to_string(n) + (n == 1 ? " epoch" : " epochs");
}

std::string lines_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return dot::in_quotes(text);
}

const ChoiceScore* chosen(const SplitNode& n) {
  for (const ChoiceScore& s : n.scores)
    if (static_cast<int>(s.choice) == n.choice) return &s;
  return nullptr;
}

std::vector<std::string> words(const SplitNode& n, const Space& space) {
  if (n.choice < 0)
    return {"leaf " + std::to_string(n.id),
            epochs_text(n.epochs) + (n.restarted ? ", fresh weights" : "")};
  std::vector<std::string> lines = {
      "node " + std::to_string(n.id) + ": " + space.choices()[static_cast<size_t>(n.choice)].name,
      epochs_text(n.epochs) + (n.restarted ? ", fresh weights" : "")};
  if (const ChoiceScore* s = chosen(n)) {
    char text[80];
    std::snprintf(
        text, sizeof text, "cut %.4g, within %.4g", s->partition.cut, s->partition.within);
    lines.emplace_back(text);
    if (!s->halves_agree) lines.emplace_back("no evidence: halves disagree");
  }
  return lines;
}

}  // namespace

std::string draw_tree(const SplitTree& tree,
                      const Space& space,
                      const std::vector<std::string>& title,
                      const std::vector<std::vector<std::string>>& values) {
  std::string out =
      "digraph split_tree {\n  graph [fontname=\"Helvetica\", labelloc=t, nodesep=0.3, label=" +
      lines_of(title) +
      "];\n  node [fontname=\"Helvetica\", fontsize=11, shape=box, style=\"rounded,filled\"];\n"
      "  edge [fontname=\"Helvetica\", fontsize=10];\n";
  for (const SplitNode& n : tree.nodes()) {
    std::vector<std::string> lines = words(n, space);
    const auto id = static_cast<size_t>(n.id);
    if (id < values.size()) lines.insert(lines.end(), values[id].begin(), values[id].end());
    const bool doubtful = n.choice >= 0 && chosen(n) != nullptr && !chosen(n)->halves_agree;
    out += "  n" + std::to_string(n.id) + " [label=" + lines_of(lines) + ", fillcolor=\"" +
           (n.choice < 0 ? kLeaf : kInner) + "\"" +
           (doubtful ? ", style=\"rounded,filled,dashed\"" : "") + "];\n";
  }
  for (const SplitNode& n : tree.nodes())
    for (size_t g = 0; g < n.children.size(); ++g) {
      std::vector<std::string> options;
      for (const int16_t o : n.groups[g])
        options.push_back(
            space.choices()[static_cast<size_t>(n.choice)].options[static_cast<size_t>(o)]);
      out += "  n" + std::to_string(n.id) + " -> n" + std::to_string(n.children[g]) +
             " [label=" + lines_of(options) + "];\n";
    }
  return out + "}";
}

}  // namespace nas
