#pragma once
// Which part of a network each op of a plan belongs to, as people read it.
#include <string>
#include <vector>

#include "spaces/plan.hpp"
#include "spaces/space.hpp"

namespace nas {

/// Questions about the ops of a plan; the auxiliary head is left out.
class PlanReading {
 public:
  explicit PlanReading(const Plan& plan);

  const Plan& plan() const { return plan_; }
  size_t size() const { return plan_.nodes.size(); }
  const Op& op(size_t i) const { return plan_.nodes[i].op; }
  bool named(size_t i) const { return plan_.nodes[i].name != 0; }
  /// Ops that read i.
  const std::vector<size_t>& readers(size_t i) const { return readers_[i]; }
  bool read_once(int32_t id) const {
    return id >= 0 && readers(static_cast<size_t>(id)).size() == 1;
  }
  /// The input of an op with one input, else -2.
  int32_t only_input(size_t i) const;
  bool same_origins(size_t i, size_t j) const;
  /// Add, Mul and Concat, where ways meet.
  bool merges(size_t i) const;
  /// BN, activation or dropout read together with its input, which nothing else reads.
  bool joins(size_t i) const;

 private:
  const Plan& plan_;
  std::vector<std::vector<size_t>> readers_;
};

/// `stem`, `stage1.block2`, `cell3`, ... in order.
struct PlanBlocks {
  std::vector<std::string> names;
  std::vector<int> of_node;  ///< Index in `names`.
};
/// Ops with parameters tell their block by name. Ops without stand where they sit: between two
/// points that all data passes they belong to the named ops there; alone between two such points
/// they are a block of the choice that put them there.
PlanBlocks blocks_of(const PlanReading& reading, const std::vector<Choice>& choices);

}  // namespace nas
