#pragma once
// The boxes of a drawing: what stands in them and their colours, for both its parts (the chain of
// blocks and the cells beside it).
#include <algorithm>
#include <string>
#include <vector>

#include "spaces/draw/dot_text.hpp"
#include "spaces/draw/plan_sketch.hpp"

namespace nas::dot {

constexpr size_t at(int i) {
  return static_cast<size_t>(i);
}

/// `cell3`, or `cell3 ... cell5` of neighbours.
std::string range(const std::string& first, const std::string& last, const char* dots = " ... ");
/// A node of the Graphviz source.
std::string node(const std::string& id,
                 const Label& label,
                 const std::string& colour,
                 const std::string& more = "");

/// What both parts of a drawing need: boxes with labels and colours.
class Boxes {
 public:
  Boxes(const Plan& plan, const std::vector<Choice>& choices)
      : sketch(sketch_of(plan, choices)), choices_(choices) {
    for (const SketchBox& box : sketch.boxes)
      if (!box.origins.empty() && box.origins[0].choice >= 0) {
        const std::string name = dot::pattern(choice(box.origins[0]).name);
        if (std::find(patterns.begin(), patterns.end(), name) == patterns.end())
          patterns.push_back(name);
      }
  }

  const Sketch sketch;
  Strings patterns;  ///< Of choices, in order of colours.

  const SketchBox& box(int i) const { return sketch.boxes[at(i)]; }
  const SketchFrame& frame(int i) const { return sketch.frames[at(i)]; }
  const SketchFrame& frame_of(int box) const { return frame(sketch.frame_of[at(box)]); }

  Label label(int i) const;

  /// In the drawing of a cell: the option first. The shape only where all cells have it.
  Label cell_label(int i, const std::string& scope) const;

  /// A box that stands for the ops of `copies`, boxes equal to it.
  std::string text(int i, const Label& label, const std::vector<int>& copies, double width) const;

  /// What all choices in a frame have in common before the first dot, e.g. `normal`.
  std::string scope(const SketchFrame& frame) const;

  /// Height of the longest way through a frame.
  template <typename LabelOf>
  int height(const SketchFrame& frame, LabelOf label_of) const {
    std::vector<int> heights;
    int highest = 0;
    for (int i = frame.first; i < frame.last; ++i) {
      int before = 0;
      for (const int input : box(i).inputs)
        if (input >= frame.first) before = std::max(before, heights[at(input - frame.first)]);
      heights.push_back(before + label_of(i).height());
      highest = std::max(highest, heights.back());
    }
    return highest;
  }

  /// The graph's label: title, then what the colours mean.
  std::string legend(size_t columns, const Strings& title) const;

 private:
  const Choice& choice(const Provenance& p) const { return choices_[at(p.choice)]; }
  const std::string& option(const Provenance& p) const { return choice(p).options[at(p.option)]; }

  Strings words(int i, size_t chars = 30) const {
    return dot::wrapped(joined(dot::without_repeats(box(i).words), ", "), chars);
  }

  // `kernel 5, expand 4`: the options that put the box there, as seen from `scope`.
  std::string options_text(const std::vector<Provenance>& origins,
                           const std::string& scope,
                           bool with_first_option) const;

  std::string colour(const SketchBox& box) const;
  std::string meaning_of(const std::string& pattern) const;

  const std::vector<Choice>& choices_;
};

}  // namespace nas::dot
