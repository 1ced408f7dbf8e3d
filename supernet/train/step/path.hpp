#pragma once
// What one training step is made of: paths. No torch header here.
#include <vector>

#include "spaces/space.hpp"

namespace nas {

class Teacher;
/// The images of a step, and what is told of a path after its backward pass: outcome.hpp.
struct TrainBatch;
struct PathOutcome;

/// One forward/backward pass of a step.
struct Path {
  Architecture architecture;
  double weight = 1.0;  ///< Multiplies the loss (importance weight).
  int distill_from =
      -1;  ///< Index of an earlier path of the step whose detached logits teach this one.
  double hard_loss = 1.0;  ///< Share of the label loss (0: soft targets only).
  bool regularise = true;  ///< Dropout/drop-path on for this path.
  /// Share of the cross-entropy with the step's teacher, added to the loss above.
  double teacher_loss = 0;
};

/// The paths of one batch, as a step rule draws them.
struct Step {
  std::vector<Path> paths;
  /// Who teaches paths with a `teacher_loss`; borrowed, runs `teacher_architecture`.
  Teacher* teacher = nullptr;
  Architecture teacher_architecture = {};
};

}  // namespace nas
