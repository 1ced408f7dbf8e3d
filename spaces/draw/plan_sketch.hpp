#pragma once
// A network as it is drawn: boxes of ops, frames around blocks, equal blocks found.
#include <string>
#include <vector>

#include "spaces/plan.hpp"
#include "spaces/space.hpp"

namespace nas {

/// Ops that are read together: a convolution with BN and activation; squeeze-excitation; in a cell,
/// all that one option put on an edge.
struct SketchBox {
  static constexpr int kImage = -1;
  std::string name;                ///< Of its first op with parameters, or empty.
  std::vector<std::string> words;  ///< What it computes, op by op.
  Shape out;
  std::vector<int> ops;  ///< Ids in the plan.
  std::vector<Provenance> origins;
  std::vector<int> inputs;  ///< Boxes or kImage, rising.
};

/// A block: boxes [first, last).
struct SketchFrame {
  std::string name;
  int first = 0, last = 0;
  int kind = -1;  ///< Index in Sketch::kinds of a cell, else -1.
  int size() const { return last - first; }
};

/// Frames [first, first + times), equal neighbours drawn once.
struct SketchFold {
  int first = 0, times = 1;
};

struct Sketch {
  std::vector<SketchBox> boxes;
  std::vector<SketchFrame> frames;
  std::vector<SketchFold> folds;        ///< All frames in order.
  std::vector<std::vector<int>> kinds;  ///< Frames of cells of equal wiring, at whatever width.
  std::vector<int> frame_of;            ///< Of each box.
};

/// Blocks with two sums or more are cells: wirings, of which a network repeats a few.
Sketch sketch_of(const Plan& plan, const std::vector<Choice>& choices);

}  // namespace nas
