// A plan is drawn as people draw networks: convolution, norm and activation in one box, repeated
// cells once.
#include "spaces/draw/plan_sketch.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "spaces/base/visit.hpp"
#include "spaces/draw/plan_blocks.hpp"

namespace nas {
namespace {

std::string square(int kernel) {
  return std::to_string(kernel) + "x" + std::to_string(kernel);
}
std::string strided(int stride) {
  return stride == 1 ? "" : " stride " + std::to_string(stride);
}

std::string words_of(const Op& op) {
  return std::visit(Overloaded{
                        [](const Conv2d& c) {
                          const bool depthwise = c.groups > 1 && c.groups == c.in;
                          return (depthwise ? "depthwise " : "conv ") + square(c.kernel) +
                                 (c.dilation > 1 ? " dilation " + std::to_string(c.dilation) : "") +
                                 strided(c.stride);
                        },
                        [](const Pool& p) {
                          return (p.max ? "max pool " : "avg pool ") + square(p.kernel) +
                                 strided(p.stride);
                        },
                        [](const BatchNorm&) { return std::string("BN"); },
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

class Sketcher {
 public:
  Sketcher(const Plan& plan, const std::vector<Choice>& choices)
      : plan_(plan), reading_(plan), blocks_(blocks_of(reading_, choices)) {}

  Sketch sketch() {
    find_cells();
    find_gates();
    make_boxes();
    make_frames();
    find_kinds();
    fold();
    return std::move(sketch_);
  }

 private:
  int block(size_t i) const { return blocks_.of_node[i]; }
  bool in_cell(size_t i) const { return cell_[static_cast<size_t>(block(i))]; }

  void find_cells() {
    std::vector<int> sums(blocks_.names.size(), 0);
    for (size_t i = 0; i < reading_.size(); ++i)
      if (reading_.merges(i) && !std::holds_alternative<Mul>(reading_.op(i)))
        ++sums[static_cast<size_t>(block(i))];
    for (const int n : sums) cell_.push_back(n > 1);
  }

  // A global pool that keeps its form, two convolutions and the product: squeeze-excitation.
  bool squeeze_excitation(size_t mul, size_t& first) const {
    const auto inputs = plan_.inputs(plan_.nodes[mul]);
    if (!std::holds_alternative<Mul>(reading_.op(mul)) || inputs.size() != 2) return false;
    int32_t at = inputs[1];
    while (reading_.read_once(at)) {
      first = static_cast<size_t>(at);
      at = reading_.only_input(first);
      if (std::holds_alternative<GlobalAvgPool>(reading_.op(first))) return at == inputs[0];
    }
    return false;
  }
  void find_gates() {
    for (size_t i = 0; i < reading_.size(); ++i) {
      size_t first = 0;
      if (squeeze_excitation(i, first)) gates_[first] = i + 1;
    }
  }

  /// End of the ops that one option put on an edge of a cell, beginning at i; i + 1 where they have
  /// other ways in or out than the first's input and the last's output.
  size_t option_end(size_t i) const {
    size_t end = i + 1;
    if (!in_cell(i) || plan_.origins(plan_.nodes[i]).empty()) return end;
    while (end < reading_.size() && block(end) == block(i) && reading_.same_origins(i, end)) ++end;
    for (size_t k = i; k < end; ++k) {
      for (const int32_t id : plan_.inputs(plan_.nodes[k]))
        if (id < static_cast<int32_t>(i) && id != reading_.only_input(i)) return i + 1;
      for (const size_t reader : reading_.readers(k))
        if (reader >= end && k + 1 < end) return i + 1;
    }
    return end;
  }

  int box_of(int32_t id) const {
    return id < 0 ? SketchBox::kImage : box_of_[static_cast<size_t>(id)];
  }

  /// Only what stands before a convolution: the activation of pre-activated ones, the pixels
  /// chosen.
  bool prepares(int32_t id) const {
    if (!reading_.read_once(id)) return false;
    for (const int op : sketch_.boxes[static_cast<size_t>(box_of(id))].ops)
      if (!std::holds_alternative<Activation>(reading_.op(static_cast<size_t>(op))) &&
          !std::holds_alternative<Subsample>(reading_.op(static_cast<size_t>(op))))
        return false;
    return true;
  }
  bool extends_box(size_t i) const {
    const int32_t input = reading_.only_input(i);
    if (input < 0 || block(static_cast<size_t>(input)) != block(i)) return false;
    if (reading_.joins(i)) return true;
    return std::holds_alternative<Conv2d>(reading_.op(i)) && prepares(input) &&
           reading_.same_origins(i, static_cast<size_t>(input));
  }

  void make_boxes() {
    box_of_.assign(reading_.size(), 0);
    for (size_t i = 0; i < reading_.size();) {
      const auto gate = gates_.find(i);
      if (gate != gates_.end()) {
        new_box(i, gate->second);
        sketch_.boxes.back().words = {"squeeze-excite"};
        i = gate->second;
      } else if (const size_t end = option_end(i); end > i + 1) {
        new_box(i, end);
        i = end;
      } else if (extends_box(i)) {
        extend(box_of(reading_.only_input(i)), i);
        ++i;
      } else {
        new_box(i, i + 1);
        ++i;
      }
    }
  }

  void new_box(size_t first, size_t end) {
    const int box = static_cast<int>(sketch_.boxes.size());
    const auto origins = plan_.origins(plan_.nodes[first]);
    sketch_.boxes.push_back({{}, {}, {}, {}, {origins.begin(), origins.end()}, {}});
    sketch_.frame_of.push_back(block(first));
    std::set<int> inputs;
    for (size_t i = first; i < end; ++i) {
      extend(box, i);
      for (const int32_t id : plan_.inputs(plan_.nodes[i]))
        if (id < static_cast<int32_t>(first)) inputs.insert(box_of(id));
    }
    sketch_.boxes.back().inputs.assign(inputs.begin(), inputs.end());
  }
  void extend(int index, size_t i) {
    SketchBox& box = sketch_.boxes[static_cast<size_t>(index)];
    if (box.name.empty() && reading_.named(i)) box.name = plan_.name(plan_.nodes[i]);
    box.words.push_back(words_of(reading_.op(i)));
    box.out = plan_.nodes[i].out;
    box.ops.push_back(static_cast<int>(i));
    box_of_[i] = index;
  }

  void make_frames() {
    int last_block = -1;
    for (size_t i = 0; i < sketch_.boxes.size(); ++i) {
      const int here = sketch_.frame_of[i];
      const int box = static_cast<int>(i);
      if (here != last_block)
        sketch_.frames.push_back({blocks_.names[static_cast<size_t>(here)], box, box});
      last_block = here;
      sketch_.frames.back().last = box + 1;
      sketch_.frame_of[i] = static_cast<int>(sketch_.frames.size()) - 1;
    }
  }

  // Inputs as seen from the frame: those inside by position, those outside by number.
  static std::pair<std::vector<int>, int> inputs_within(const SketchBox& box, int first) {
    std::vector<int> inside;
    int outside = 0;
    for (const int input : box.inputs) {
      if (input >= first)
        inside.push_back(input - first);
      else
        ++outside;
    }
    return {inside, outside};
  }
  bool equal(const SketchFrame& a, const SketchFrame& b, bool with_shapes) const {
    if (a.size() != b.size()) return false;
    for (int k = 0; k < a.size(); ++k) {
      const SketchBox& x = sketch_.boxes[static_cast<size_t>(a.first + k)];
      const SketchBox& y = sketch_.boxes[static_cast<size_t>(b.first + k)];
      if (x.words != y.words || x.origins != y.origins || (with_shapes && x.out != y.out) ||
          inputs_within(x, a.first) != inputs_within(y, b.first))
        return false;
    }
    return true;
  }

  const SketchFrame& frame(int i) const { return sketch_.frames[static_cast<size_t>(i)]; }

  void find_kinds() {
    for (int f = 0; f < static_cast<int>(sketch_.frames.size()); ++f) {
      const SketchBox& box = sketch_.boxes[static_cast<size_t>(frame(f).first)];
      if (!in_cell(static_cast<size_t>(box.ops[0]))) continue;
      size_t kind = 0;
      while (kind < sketch_.kinds.size() && !equal(frame(sketch_.kinds[kind][0]), frame(f), false))
        ++kind;
      if (kind == sketch_.kinds.size()) sketch_.kinds.emplace_back();
      sketch_.kinds[kind].push_back(f);
      sketch_.frames[static_cast<size_t>(f)].kind = static_cast<int>(kind);
    }
  }

  void fold() {
    for (int f = 0; f < static_cast<int>(sketch_.frames.size()); ++f) {
      const bool any = !sketch_.folds.empty();
      const SketchFrame& last = frame(any ? sketch_.folds.back().first : f);
      // Cells are drawn beside the network, blocks in it.
      if (any && last.kind == frame(f).kind && equal(last, frame(f), true))
        ++sketch_.folds.back().times;
      else
        sketch_.folds.push_back({f, 1});
    }
  }

  const Plan& plan_;
  PlanReading reading_;
  PlanBlocks blocks_;
  std::vector<bool> cell_;          ///< Of each block.
  std::map<size_t, size_t> gates_;  ///< First op of a squeeze-excitation -> end.
  std::vector<int> box_of_;
  Sketch sketch_;
};

}  // namespace

Sketch sketch_of(const Plan& plan, const std::vector<Choice>& choices) {
  return Sketcher(plan, choices).sketch();
}

}  // namespace nas
