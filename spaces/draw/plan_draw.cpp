#include "spaces/draw/plan_draw.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "spaces/draw/plan_boxes.hpp"

namespace nas {
namespace {

using dot::at;
using dot::Boxes;
using dot::Label;
using dot::node;
using dot::range;
using dot::Strings;

constexpr const char* kCellColour = "#eeeeee";

// Points, about as Graphviz sets them.
constexpr int kFrameMargin = 36;
constexpr int kOneColumn = 1350;   // Up to here a network stays in one column;
constexpr int kColumn = 1100;      // beyond, its columns have about this height,
constexpr int kCellColumn = 1700;  // and those of cells this.
constexpr double kCharWidth = 5.8;

// `cell A`, `cell B`, ...
std::string cell_name(int kind) {
  return "cell " +
         (kind < 26 ? std::string(1, static_cast<char>('A' + kind)) : std::to_string(kind + 1));
}

std::string note(const std::string& id, const std::string& text) {
  return "    " + id + " [label=" + dot::in_quotes(text) +
         ", shape=box, style=\"rounded,dashed\", color=\"#777777\", fontcolor=\"#555555\"];\n";
}
std::string edge(const std::string& from, const std::string& to, const char* more = "") {
  return "  " + from + " -> " + to + more + ";\n";
}
std::string column_text(const std::string& name, const std::string& nodes) {
  return "  subgraph cluster_" + name + " { peripheries=0; label=\"\";\n" + nodes + "  }\n";
}

/// The network from image to logits, in columns; a cell is one box.
class Network {
 public:
  explicit Network(const Boxes& boxes) : boxes_(boxes), sketch_(boxes.sketch) {
    fold_of_.resize(sketch_.frames.size());
    for (size_t f = 0; f < sketch_.folds.size(); ++f)
      for (int k = 0; k < sketch_.folds[f].times; ++k)
        fold_of_[at(sketch_.folds[f].first + k)] = static_cast<int>(f);
    place();
  }

  /// Nodes and edges; `heads`: the first of each column.
  std::string text(const Plan& plan, Strings& heads);
  int columns() const { return column_of_.empty() ? 1 : column_of_.back() + 1; }

 private:
  const SketchFold& fold(int i) const { return sketch_.folds[at(i)]; }
  const SketchFrame& frame_of(const SketchFold& fold) const { return boxes_.frame(fold.first); }
  bool is_cell(const SketchFold& fold) const { return frame_of(fold).kind >= 0; }
  /// A block of one box carries its name inside.
  bool framed(const SketchFold& fold) const { return !is_cell(fold) && frame_of(fold).size() > 1; }

  /// `cell0 ...`, `cell4`, `(5 times)`.
  Strings name_lines(const SketchFold& fold) const {
    const std::string& first = frame_of(fold).name;
    const std::string& last = boxes_.frame(fold.first + fold.times - 1).name;
    Strings lines = {first};
    if (first != last) lines = {first + " ...", last};
    if (fold.times > 1) lines.push_back("(" + std::to_string(fold.times) + " times)");
    return lines;
  }

  Label label(const SketchFold& fold, int box) const {
    Label label = boxes_.label(box);
    if (!framed(fold)) label.title = name_lines(fold);
    return label;
  }
  Label cell_label(const SketchFold& fold) const {
    const SketchFrame& frame = frame_of(fold);
    return {
        name_lines(fold), {cell_name(frame.kind)}, to_string(boxes_.box(frame.last - 1).out), {}};
  }

  int height(const SketchFold& fold) const {
    if (is_cell(fold)) return cell_label(fold).height();
    const int inside = boxes_.height(frame_of(fold), [&](int i) { return label(fold, i); });
    return inside + (framed(fold) ? kFrameMargin : 0);
  }

  // Columns of about equal height, in reading order.
  void place() {
    int total = 0;
    for (const SketchFold& fold : sketch_.folds) total += height(fold);
    const int wanted = total <= kOneColumn ? 1 : (total + kColumn - 1) / kColumn;
    int limit = total / wanted;
    while (!fits(limit, wanted)) limit += 10;
  }
  bool fits(int limit, int columns) {
    int column = 0, used = 0;
    column_of_.clear();
    for (const SketchFold& fold : sketch_.folds) {
      const int more = height(fold);
      if (used > 0 && used + more > limit) {
        ++column;
        used = 0;
      }
      used += more;
      column_of_.push_back(column);
    }
    return column < columns;
  }

  int fold_of_box(int box) const { return box < 0 ? -1 : fold_of_[at(sketch_.frame_of[at(box)])]; }
  int column_of_box(int box) const { return box < 0 ? 0 : column_of_[at(fold_of_box(box))]; }

  /// The box that is drawn for `box`: in the first of its equal neighbours.
  int drawn(int box) const {
    if (box < 0) return box;
    const SketchFold& fold = this->fold(fold_of_box(box));
    return frame_of(fold).first + box - boxes_.frame_of(box).first;
  }
  std::string id(int box) const {
    if (box < 0) return "image";
    const int fold = fold_of_box(box);
    if (is_cell(this->fold(fold))) return "c" + std::to_string(fold);
    return "b" + std::to_string(drawn(box));
  }

  std::string fold_name(int fold) const {
    if (fold < 0) return "image";
    const SketchFold& f = this->fold(fold);
    return range(frame_of(f).name, boxes_.frame(f.first + f.times - 1).name);
  }

  /// A value from outside that boxes of a fold read.
  struct Input {
    int from;         ///< Box.
    Strings readers;  ///< Ids.
  };
  std::vector<Input> inputs_of(int fold) const;
  std::string fold_text(int fold, const std::vector<Input>& inputs) const;
  std::string input_edges(int fold, const std::vector<Input>& inputs);
  std::string source(int from, int column);
  std::string leaving_text(int column) const;

  /// Nodes of a column; `heads` stand at its top.
  struct Column {
    std::string nodes;
    Strings heads;
  };

  const Boxes& boxes_;
  const Sketch& sketch_;
  std::vector<int> fold_of_;    ///< Of each frame.
  std::vector<int> column_of_;  ///< Of each fold.
  std::vector<Column> columns_;
  std::map<int, std::set<int>> leaving_;  ///< Drawn box -> folds of later columns that read it.
};

std::vector<Network::Input> Network::inputs_of(int fold_index) const {
  const SketchFold& fold = this->fold(fold_index);
  std::vector<Input> inputs;
  const auto add = [&](int from, const std::string& reader) {
    auto it = std::find_if(
        inputs.begin(), inputs.end(), [&](const Input& x) { return id(x.from) == id(from); });
    if (it == inputs.end()) it = inputs.insert(it, {from, {}});
    if (std::find(it->readers.begin(), it->readers.end(), reader) == it->readers.end())
      it->readers.push_back(reader);
  };
  for (int f = fold.first; f < fold.first + fold.times; ++f) {
    const SketchFrame& frame = boxes_.frame(f);
    for (int i = frame.first; i < frame.last; ++i)
      for (const int from : boxes_.box(i).inputs)
        if (from < frame.first && fold_of_box(from) != fold_index) add(from, id(i));
  }
  return inputs;
}

std::string fork_id(int fold, size_t input) {
  return "f" + std::to_string(fold) + "_" + std::to_string(input);
}

std::string Network::fold_text(int fold_index, const std::vector<Input>& inputs) const {
  const SketchFold& fold = this->fold(fold_index);
  const SketchFrame& frame = frame_of(fold);
  if (is_cell(fold))
    return node("c" + std::to_string(fold_index), cell_label(fold), kCellColour, ", penwidth=1.5");
  // The way in is in the middle: wide boxes keep it clear of the name at the left.
  size_t longest = 0;
  for (const std::string& line : name_lines(fold)) longest = std::max(longest, line.size());
  const double width = framed(fold) ? 2 * (kCharWidth * static_cast<double>(longest) + 6) : 0;
  std::string nodes, edges;
  // A value that several boxes read comes in once.
  for (size_t n = 0; n < inputs.size(); ++n) {
    const Strings& readers = inputs[n].readers;
    if (readers.size() < 2) continue;
    const std::string fork = fork_id(fold_index, n);
    nodes += "    " + fork + " [shape=point, width=0.04, label=\"\"];\n";
    for (size_t r = 0; r < readers.size(); ++r)
      edges += edge(fork, readers[r], r == 0 ? " [weight=8]" : "");
  }
  for (int i = frame.first; i < frame.last; ++i) {
    std::vector<int> copies;
    for (int k = 0; k < fold.times; ++k)
      copies.push_back(boxes_.frame(fold.first + k).first + i - frame.first);
    nodes += boxes_.text(i, label(fold, i), copies, i == frame.first ? width : 0);
    for (const int input : boxes_.box(i).inputs)
      if (input >= frame.first) edges += edge(id(input), id(i));
  }
  if (!framed(fold)) return nodes + edges;
  return "    subgraph cluster_" + std::to_string(fold_index) +
         " { peripheries=1; label=" + dot::in_quotes(joined(name_lines(fold), "\n") + "\n") +
         ";\n" + nodes + edges + "    }\n";
}

/// Id to draw an edge from: the box, or a note at the top of a later column.
std::string Network::source(int from, int column) {
  if (column_of_box(from) == column) return id(from);
  const std::string name = "from" + std::to_string(column) + "_" + id(from);
  Column& here = columns_[at(column)];
  if (std::find(here.heads.begin(), here.heads.end(), name) == here.heads.end()) {
    here.heads.push_back(name);
    here.nodes += note(name, "from " + fold_name(fold_of_box(from)));
  }
  return name;
}

std::string Network::input_edges(int fold, const std::vector<Input>& inputs) {
  std::string text;
  const int column = column_of_[at(fold)];
  for (size_t n = 0; n < inputs.size(); ++n) {
    const std::string from = source(inputs[n].from, column);
    if (from != id(inputs[n].from)) leaving_[drawn(inputs[n].from)].insert(fold);
    if (inputs[n].readers.size() == 1) {
      text += edge(from, inputs[n].readers[0], " [weight=4]");
      continue;
    }
    text += edge(from, fork_id(fold, n), " [arrowhead=none, weight=8]");
  }
  return text;
}

/// Notes at the bottom: where the data goes on.
std::string Network::leaving_text(int column) const {
  std::string text;
  for (const auto& [box, folds] : leaving_) {
    if (column_of_box(box) != column) continue;
    Strings names;
    for (const int fold : folds) names.push_back(fold_name(fold));
    text += note("to_" + id(box), "to " + joined(names, ", ")) + edge(id(box), "to_" + id(box));
  }
  return text;
}

std::string Network::text(const Plan& plan, Strings& heads) {
  columns_.assign(at(columns()), {});
  columns_[0].heads = {"image"};
  columns_[0].nodes = "    image [label=" + dot::in_quotes("image " + to_string(plan.input())) +
                      ", shape=ellipse];\n";
  std::string edges;
  for (int f = 0; f < static_cast<int>(sketch_.folds.size()); ++f) {
    const std::vector<Input> inputs = inputs_of(f);
    edges += input_edges(f, inputs);
    columns_[at(column_of_[at(f)])].nodes += fold_text(f, inputs);
  }
  std::string text;
  for (int c = 0; c < columns(); ++c) {
    text += column_text("network" + std::to_string(c), columns_[at(c)].nodes + leaving_text(c));
    heads.insert(heads.end(), columns_[at(c)].heads.begin(), columns_[at(c)].heads.end());
  }
  return text + edges;
}

/// Each distinct cell in detail, in columns.
class Cells {
 public:
  explicit Cells(const Boxes& boxes) : boxes_(boxes), sketch_(boxes.sketch) {}

  /// Nodes and edges; `heads`: the first of each column.
  std::string text(Strings& heads) const {
    std::string text, column;
    int used = 0, columns = 0;
    const auto finish = [&] {
      if (!column.empty()) text += column_text("cells" + std::to_string(columns++), column);
      column.clear();
      used = 0;
    };
    for (int k = 0; k < static_cast<int>(sketch_.kinds.size()); ++k) {
      const int more = height(k);
      if (used + more > kCellColumn) finish();
      if (column.empty())
        heads.push_back(input_id(k, 0));
      else
        column +=
            edge("b" + std::to_string(frame(k - 1).last - 1), input_id(k, 0), " [style=invis]");
      column += kind_text(k);
      used += more;
    }
    finish();
    return text;
  }

 private:
  const std::vector<int>& frames(int kind) const { return sketch_.kinds[at(kind)]; }
  const SketchFrame& frame(int kind) const { return boxes_.frame(frames(kind)[0]); }

  Label label(int box) const { return boxes_.cell_label(box, boxes_.scope(boxes_.frame_of(box))); }
  int height(int kind) const {
    constexpr int kInputs = 50;  // Notes above.
    return boxes_.height(frame(kind), [&](int i) { return label(i); }) + kFrameMargin + kInputs;
  }

  static std::string input_id(int kind, size_t n) {
    return "in" + std::to_string(kind) + "_" + std::to_string(n);
  }

  /// A value from outside: the frame it comes from, for each frame of the kind (-1: the image).
  struct Input {
    std::vector<int> from;
    Strings readers;
  };
  std::vector<Input> inputs_of(int kind) const;
  std::string input_text(int kind, const Input& input) const;
  std::string title(int kind) const;
  std::string kind_text(int kind) const;

  const Boxes& boxes_;
  const Sketch& sketch_;
};

std::vector<Cells::Input> Cells::inputs_of(int kind) const {
  std::vector<Input> inputs;
  for (int k = 0; k < frame(kind).size(); ++k) {
    const auto outside = [&](int f, size_t slot) {
      const SketchFrame& frame = boxes_.frame(f);
      const int box = boxes_.box(frame.first + k).inputs[slot];
      return box < 0 ? -1 : sketch_.frame_of[at(box)];
    };
    const SketchBox& box = boxes_.box(frame(kind).first + k);
    for (size_t slot = 0; slot < box.inputs.size() && box.inputs[slot] < frame(kind).first;
         ++slot) {
      std::vector<int> from;
      for (const int f : frames(kind)) from.push_back(outside(f, slot));
      auto it = std::find_if(
          inputs.begin(), inputs.end(), [&](const Input& x) { return x.from == from; });
      if (it == inputs.end()) it = inputs.insert(it, {from, {}});
      it->readers.push_back("b" + std::to_string(frame(kind).first + k));
    }
  }
  return inputs;
}

/// `from the block 2 before (cell0: from stem)`.
std::string Cells::input_text(int kind, const Input& input) const {
  const auto name = [&](size_t n) {
    return "from " + (input.from[n] < 0 ? "image" : boxes_.frame(input.from[n]).name);
  };
  if (input.from.size() == 1) return name(0);
  const auto distance = [&](size_t n) { return frames(kind)[n] - input.from[n]; };
  std::map<int, int> counts;
  for (size_t n = 0; n < input.from.size(); ++n) ++counts[distance(n)];
  const int usual =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
        return a.second < b.second;
      })->first;
  Strings others;
  for (size_t n = 0; n < input.from.size(); ++n)
    if (distance(n) != usual) others.push_back(boxes_.frame(frames(kind)[n]).name + ": " + name(n));
  return (usual == 1 ? "from the block before"
                     : "from the block " + std::to_string(usual) + " before") +
         (others.empty() ? "" : " (" + joined(others, ", ") + ")");
}

/// `cell A (normal)`, then which blocks it is.
std::string Cells::title(int kind) const {
  Strings names;
  const std::vector<int>& all = frames(kind);
  const bool one_name = std::all_of(all.begin(), all.end(), [&](int f) {
    return boxes_.frame(f).name == boxes_.frame(all[0]).name;
  });
  for (size_t i = 0; i < all.size() && !one_name;) {
    size_t last = i;
    while (last + 1 < all.size() && all[last + 1] == all[last] + 1) ++last;
    names.push_back(range(boxes_.frame(all[i]).name, boxes_.frame(all[last]).name));
    i = last + 1;
  }
  if (one_name) names = {boxes_.frame(all[0]).name};
  if (one_name && all.size() > 1) names[0] += " (" + std::to_string(all.size()) + " times)";
  const std::string scope = boxes_.scope(frame(kind));
  return cell_name(kind) + (scope.empty() ? "" : " (" + scope + ")") + ": " + joined(names, ", ") +
         "\n";
}

std::string Cells::kind_text(int kind) const {
  const SketchFrame& frame = this->frame(kind);
  std::string nodes, edges, row;
  const std::vector<Input> inputs = inputs_of(kind);
  for (size_t n = 0; n < inputs.size(); ++n) {
    nodes += note(input_id(kind, n), input_text(kind, inputs[n]));
    row += input_id(kind, n) + "; ";
    for (const std::string& reader : inputs[n].readers) edges += edge(input_id(kind, n), reader);
  }
  for (int i = frame.first; i < frame.last; ++i) {
    std::vector<int> copies;
    for (const int f : frames(kind)) copies.push_back(boxes_.frame(f).first + i - frame.first);
    nodes += boxes_.text(i, label(i), copies, 0);
    for (const int input : boxes_.box(i).inputs)
      if (input >= frame.first) edges += edge("b" + std::to_string(input), "b" + std::to_string(i));
  }
  return "    subgraph cluster_cell" + std::to_string(kind) +
         " { peripheries=1; label=" + dot::in_quotes(title(kind)) + ";\n" + nodes + edges +
         "    { rank=same; " + row + "}\n    }\n";
}

/// Columns stand side by side, from left to right, heads in one line.
std::string heads_text(const Strings& heads) {
  std::string text = "  { rank=same;";
  for (size_t i = 0; i < heads.size(); ++i) text += (i > 0 ? " -> " : " ") + heads[i];
  return text + (heads.size() > 1 ? " [style=invis];" : ";") + " }\n";
}

}  // namespace

std::string draw_network(const Plan& plan,
                         const std::vector<Choice>& choices,
                         const std::vector<std::string>& title) {
  const Boxes boxes(plan, choices);
  Network network(boxes);
  Strings heads;
  std::string body = network.text(plan, heads);
  body += Cells(boxes).text(heads);
  return "digraph network {\n"
         "  graph [rankdir=TB, newrank=true, ranksep=0.25, nodesep=0.3, fontname=Helvetica];\n"
         "  node [shape=box, style=\"filled,rounded\", fontname=Helvetica, fontsize=10, "
         "fillcolor=white, margin=\"0.12,0.06\"];\n"
         "  edge [arrowsize=0.6];\n"
         "  graph [style=\"rounded\", color=\"#aaaaaa\", fontsize=10, labeljust=l];\n" +
         body + heads_text(heads) +
         boxes.legend(
             at(std::min(3, network.columns() + 2 * static_cast<int>(!boxes.sketch.kinds.empty()))),
             title) +
         "}\n";
}

}  // namespace nas
