#include "spaces/plan_draw.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "spaces/visit.hpp"

namespace nas {
namespace {

// Colour-blind safe pastels (ColorBrewer Set3 and Paired); fixed parts stay white.
constexpr const char* kColours[] = {"#a6cee3",
                                    "#b2df8a",
                                    "#fdbf6f",
                                    "#cab2d6",
                                    "#fb9a99",
                                    "#ffffb3",
                                    "#80cdc1",
                                    "#dfc27d",
                                    "#bcbddc",
                                    "#d9d9d9"};
constexpr int kNoChoice = std::numeric_limits<int>::max();  // After a fixed part.
constexpr size_t kColourCount = std::size(kColours);
constexpr int kColumnBoxes = 14;  // A column holds about this many boxes.

/// A box: some operations in a row.
struct Box {
  std::string label;
  Shape out;
  std::string block;  ///< Frame that it stands in; "" before the first named operation.
  std::vector<Provenance> origins;
  std::set<int> inputs;  ///< Boxes; -1: the image.
};
/// A frame: boxes [first, last), drawn once for `times` equal neighbours.
struct Frame {
  std::string name, last_name;
  int first = 0, last = 0, times = 1, column = 0;
};

std::string in_quotes(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + "\"";
}

// For Graphviz's HTML-like labels.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

std::string square(int kernel) {
  return std::to_string(kernel) + "x" + std::to_string(kernel);
}
std::string strided(int stride) {
  return stride == 1 ? "" : ", stride " + std::to_string(stride);
}

std::string words_of(const Op& op) {
  return std::visit(
      Overloaded{
          [](const Conv2d& c) {
            const bool depthwise = c.groups > 1 && c.groups == c.in;
            return (depthwise ? "depthwise " : "conv ") + square(c.kernel) +
                   (c.dilation > 1 ? ", dilation " + std::to_string(c.dilation) : "") +
                   strided(c.stride);
          },
          [](const Pool& p) {
            return (p.max ? "max pool " : "avg pool ") + square(p.kernel) + strided(p.stride);
          },
          [](const BatchNorm&) { return std::string("BN"); },
          [](const GlobalAvgPool&) { return std::string("global avg pool"); },
          [](const Subsample& s) { return "subsample" + strided(s.stride); },
          [](const Zero& z) { return "zero" + strided(z.stride); },
          [&op](const auto&) {
            std::string name(op_name(op));
            std::replace(name.begin(), name.end(), '_', ' ');
            return name;
          },
      },
      op);
}

// `stage1.block2` of `stage1.block2.expand.conv`, `cell3` of `cell3.edge20.conv`.
std::string block_of(const std::string& name) {
  const size_t dot = name.find('.');
  if (dot == std::string::npos) return name;
  const std::string rest = name.substr(dot + 1);
  if (rest.rfind("block", 0) == 0 || rest.rfind("layer", 0) == 0 || rest.rfind("first", 0) == 0)
    return name.substr(0, name.find('.', dot + 1));
  return name.substr(0, dot);
}

class Drawing {
 public:
  Drawing(const Plan& plan, const std::vector<Choice>& choices) : plan_(plan), choices_(choices) {
    count_uses();
    make_boxes();
    make_frames();
    fold();
    place();
  }
  std::string text() const;

 private:
  void count_uses() {
    uses_.assign(plan_.nodes.size(), 0);
    for (const Node& node : plan_.nodes)
      for (const int32_t id : plan_.inputs(node))
        if (id >= 0) ++uses_[static_cast<size_t>(id)];
  }

  int32_t only_input(size_t i) const {
    const auto inputs = plan_.inputs(plan_.nodes[i]);
    return inputs.size() == 1 ? inputs[0] : -2;
  }

  // A global pool that keeps its form, two convolutions and the product: squeeze-excitation.
  bool squeeze_excitation(size_t mul, size_t& first) const {
    const auto inputs = plan_.inputs(plan_.nodes[mul]);
    if (!std::holds_alternative<Mul>(plan_.nodes[mul].op) || inputs.size() != 2) return false;
    int32_t at = inputs[1];
    while (at >= 0 && uses_[static_cast<size_t>(at)] == 1) {
      const Op& op = plan_.nodes[static_cast<size_t>(at)].op;
      first = static_cast<size_t>(at);
      const int32_t next = only_input(first);
      if (std::holds_alternative<GlobalAvgPool>(op)) return next == inputs[0];
      at = next;
    }
    return false;
  }

  // BN, activations and dropout are read together with what they follow.
  bool joins(size_t i) const {
    const Op& op = plan_.nodes[i].op;
    const bool light = std::holds_alternative<BatchNorm>(op) ||
                       std::holds_alternative<Activation>(op) ||
                       std::holds_alternative<Dropout>(op) || std::holds_alternative<DropPath>(op);
    const int32_t input = only_input(i);
    return light && input >= 0 && uses_[static_cast<size_t>(input)] == 1;
  }

  bool named(size_t i) const { return plan_.nodes[i].name != 0; }

  // Cells of one wiring begin with operations without names: the choices start anew there, or
  // follow a fixed part.
  bool opens_block(size_t i, int last_choice) const {
    const Op& op = plan_.nodes[i].op;
    const auto origins = plan_.origins(plan_.nodes[i]);
    if (named(i) || origins.empty() || joins(i) || std::holds_alternative<Add>(op) ||
        std::holds_alternative<Mul>(op) || std::holds_alternative<Concat>(op))
      return false;
    return origins[0].choice < last_choice;
  }
  std::string next_block(size_t i, const std::string& current) const {
    for (; i < plan_.nodes.size(); ++i)
      if (named(i)) return block_of(plan_.name(plan_.nodes[i]));
    return current;
  }

  void make_boxes() {
    box_of_.assign(plan_.nodes.size(), -1);
    std::map<size_t, size_t> gates;  // First node of a squeeze-excitation -> its product.
    for (size_t i = 0; i < plan_.nodes.size(); ++i) {
      size_t first = 0;
      if (squeeze_excitation(i, first)) gates[first] = i;
    }
    std::string block;
    int last_choice = kNoChoice;
    for (size_t i = 0; i < plan_.nodes.size(); ++i) {
      const Node& node = plan_.nodes[i];
      if (named(i)) {
        block = block_of(plan_.name(node));
        if (plan_.origins(node).empty()) last_choice = kNoChoice;
      }
      if (opens_block(i, last_choice)) block = next_block(i, block);
      if (!plan_.origins(node).empty()) last_choice = plan_.origins(node)[0].choice;
      const auto gate = gates.find(i);
      if (gate != gates.end()) {
        append(i, gate->second, block);
        boxes_.back().label = "squeeze-excite";
        i = gate->second;
      } else if (joins(i)) {
        const int box = box_of_[static_cast<size_t>(only_input(i))];
        boxes_[static_cast<size_t>(box)].label += ", " + words_of(node.op);
        boxes_[static_cast<size_t>(box)].out = node.out;
        box_of_[i] = box;
      } else {
        append(i, i, block);
        boxes_.back().label = words_of(node.op);
      }
    }
  }

  // A box of the nodes [first, last].
  void append(size_t first, size_t last, const std::string& block) {
    Box box;
    box.block = block;
    box.out = plan_.nodes[last].out;
    const auto origins = plan_.origins(plan_.nodes[first]);
    box.origins.assign(origins.begin(), origins.end());
    for (size_t i = first; i <= last; ++i)
      for (const int32_t id : plan_.inputs(plan_.nodes[i]))
        if (id < static_cast<int32_t>(first))
          box.inputs.insert(id < 0 ? -1 : box_of_[static_cast<size_t>(id)]);
    for (size_t i = first; i <= last; ++i) box_of_[i] = static_cast<int>(boxes_.size());
    boxes_.push_back(std::move(box));
  }

  void make_frames() {
    for (int i = 0; i < static_cast<int>(boxes_.size()); ++i) {
      const std::string& block = boxes_[static_cast<size_t>(i)].block;
      if (frames_.empty() || frames_.back().name != block) frames_.push_back({block, block, i, i});
      frames_.back().last = i + 1;
    }
  }

  bool same(const Frame& a, const Frame& b) const {
    if (a.last - a.first != b.last - b.first) return false;
    for (int k = 0; k < a.last - a.first; ++k) {
      const Box& x = boxes_[static_cast<size_t>(a.first + k)];
      const Box& y = boxes_[static_cast<size_t>(b.first + k)];
      if (x.label != y.label || x.out != y.out || x.origins != y.origins) return false;
      std::set<int> inside, other;
      for (const int i : x.inputs)
        if (i >= a.first) inside.insert(i - a.first);
      for (const int i : y.inputs)
        if (i >= b.first) other.insert(i - b.first);
      if (inside != other) return false;
    }
    return true;
  }

  // Equal neighbours are drawn once; their boxes stand for one another.
  void fold() {
    stands_for_.resize(boxes_.size());
    for (size_t i = 0; i < boxes_.size(); ++i) stands_for_[i] = static_cast<int>(i);
    std::vector<Frame> kept;
    for (const Frame& frame : frames_) {
      if (kept.empty() || !same(kept.back(), frame)) {
        kept.push_back(frame);
        continue;
      }
      for (int k = 0; k < frame.last - frame.first; ++k)
        stands_for_[static_cast<size_t>(frame.first + k)] = kept.back().first + k;
      kept.back().last_name = frame.name;
      ++kept.back().times;
    }
    frames_ = std::move(kept);
  }

  void place() {
    int column = 0, used = 0;
    for (Frame& frame : frames_) {
      const int boxes = frame.last - frame.first;
      if (used > 0 && used + boxes > kColumnBoxes) {
        ++column;
        used = 0;
      }
      frame.column = column;
      used += boxes;
    }
  }

  // Choices that differ only in numbers (`stage1.block2.kernel`) share a colour.
  static std::string pattern(const std::string& name) {
    std::string out;
    for (const char c : name) {
      const bool digit = c >= '0' && c <= '9';
      if (!digit)
        out += c;
      else if (out.empty() || out.back() != '#')
        out += '#';
    }
    return out;
  }

  std::string colour(const Box& box) const {
    if (box.origins.empty() || box.origins[0].choice < 0) return "white";
    const std::string& name = choices_[static_cast<size_t>(box.origins[0].choice)].name;
    const auto it = std::find(patterns_.begin(), patterns_.end(), pattern(name));
    if (it != patterns_.end())
      return kColours[static_cast<size_t>(it - patterns_.begin()) % kColourCount];
    patterns_.push_back(pattern(name));
    return kColours[(patterns_.size() - 1) % kColourCount];
  }

  // `kernel 5, expand 4`: the options that put the box there.
  std::string options_text(const Box& box) const {
    std::string text;
    for (const Provenance& origin : box.origins) {
      if (origin.choice < 0) continue;
      const Choice& choice = choices_[static_cast<size_t>(origin.choice)];
      const std::string last = choice.name.substr(choice.name.rfind('.') + 1);
      text += (text.empty() ? "" : ", ") + last + " " +
              choice.options[static_cast<size_t>(origin.option)];
    }
    return text;
  }

  std::string frames_text() const;
  std::string edges_text() const;
  std::string legend_text() const;

  const Plan& plan_;
  const std::vector<Choice>& choices_;
  std::vector<int> uses_;
  std::vector<int> box_of_;
  std::vector<Box> boxes_;
  std::vector<Frame> frames_;
  std::vector<int> stands_for_;
  mutable std::vector<std::string> patterns_;
};

std::string Drawing::frames_text() const {
  std::string text;
  for (size_t f = 0; f < frames_.size(); ++f) {
    const Frame& frame = frames_[f];
    std::string title = frame.name;
    if (frame.times > 1)
      title += " ... " + frame.last_name + "  (" + std::to_string(frame.times) + " times)";
    text += "  subgraph cluster_" + std::to_string(f) + " { label=" + in_quotes(title) + ";\n";
    for (int i = frame.first; i < frame.last; ++i) {
      const Box& box = boxes_[static_cast<size_t>(i)];
      const std::string options = options_text(box);
      text += "    b" + std::to_string(i) + " [label=" +
              in_quotes(box.label + "\n" + to_string(box.out) +
                        (options.empty() ? "" : "\n" + options)) +
              ", fillcolor=\"" + colour(box) + "\"];\n";
    }
    text += "  }\n";
  }
  return text;
}

std::string Drawing::edges_text() const {
  std::vector<int> column(boxes_.size(), 0);
  std::vector<int> heads;
  for (const Frame& frame : frames_) {
    for (int i = frame.first; i < frame.last; ++i) column[static_cast<size_t>(i)] = frame.column;
    if (static_cast<size_t>(frame.column) == heads.size()) heads.push_back(frame.first);
  }
  std::set<std::pair<int, int>> edges;
  for (size_t i = 0; i < boxes_.size(); ++i)
    for (const int input : boxes_[i].inputs) {
      const int from = input < 0 ? -1 : stands_for_[static_cast<size_t>(input)];
      if (from < stands_for_[i]) edges.emplace(from, stands_for_[i]);
    }
  std::string text;
  for (const auto& [from, to] : edges) {
    const bool across =
        from >= 0 && column[static_cast<size_t>(from)] != column[static_cast<size_t>(to)];
    text += "  " + (from < 0 ? std::string("image") : "b" + std::to_string(from)) + " -> b" +
            std::to_string(to) +
            (across ? " [constraint=false, tailport=s, headport=n, color=\"#777777\"];\n" : ";\n");
  }
  // Columns stand side by side, from left to right.
  for (size_t c = 1; c < heads.size(); ++c)
    text += "  { rank=same; b" + std::to_string(heads[c - 1]) + " -> b" + std::to_string(heads[c]) +
            " [style=invis]; }\n";
  return text;
}

std::string Drawing::legend_text() const {
  if (patterns_.empty()) return "";
  std::string rows;
  for (size_t p = 0; p < patterns_.size(); ++p)
    rows += "<tr><td bgcolor=\"" + std::string(kColours[p % kColourCount]) +
            "\">    </td><td align=\"left\">" + escaped(patterns_[p]) + "</td></tr>";
  return "  legend [shape=plain, fillcolor=white, label=<<table border=\"0\" cellborder=\"0\" "
         "cellspacing=\"2\"><tr><td colspan=\"2\"><b>put there by the choice</b></td></tr>" +
         rows +
         "<tr><td border=\"1\" bgcolor=\"white\">    </td><td align=\"left\">(fixed)</td></tr>" +
         "</table>>];\n  { rank=same; legend -> image [style=invis]; }\n";
}

std::string Drawing::text() const {
  const std::string body = frames_text() + edges_text();
  return "digraph network {\n"
         "  graph [rankdir=TB, newrank=true, ranksep=0.25, nodesep=0.3, fontname=Helvetica];\n"
         "  node [shape=box, style=\"filled,rounded\", fontname=Helvetica, fontsize=10, "
         "fillcolor=white, margin=\"0.12,0.04\"];\n"
         "  edge [arrowsize=0.6];\n"
         "  graph [style=\"rounded\", color=\"#aaaaaa\", fontsize=10, labeljust=l];\n"
         "  image [label=" +
         in_quotes("image " + to_string(plan_.input)) + ", shape=ellipse];\n" + body +
         legend_text() + "}\n";
}

}  // namespace

std::string draw_network(const Plan& plan, const std::vector<Choice>& choices) {
  return Drawing(plan, choices).text();
}

}  // namespace nas
