#pragma once
// Plan: what one architecture computes, as a list of typed ops with shapes (a small network IR).
// Made without torch in microseconds: nodes are trivially copyable and names are interned, so a
// Plan that is built again into the same object allocates nothing. The single source of truth for
// shapes, MACs, parameters, latency-table keys, the forward pass and export. What an op is stands
// in spaces/ops/; plans are made with spaces/plan_builder.hpp.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "spaces/ops/visit_op.hpp"

namespace nas {

class PlanBuilder;
struct Relaxation;

/// Interned strings; made once by a Space, then only read.
class SymbolTable {
 public:
  uint32_t intern(std::string_view text);
  const std::string& text(uint32_t id) const { return texts_[id]; }
  size_t size() const { return texts_.size(); }

 private:
  std::vector<std::string> texts_;
  std::unordered_map<std::string, uint32_t> ids_;
};

/// Which option of which choice put a node there.
struct Provenance {
  int16_t choice = -1;
  int16_t option = -1;
  bool operator==(const Provenance&) const = default;
};

struct Node {
  Op op;
  Shape out;
  uint32_t name = 0;    ///< Symbol, unique in the supernet for nodes with parameters.
  uint32_t inputs = 0;  ///< First index in Plan::input_pool.
  uint16_t input_count = 0;
  uint16_t origin_count = 0;
  uint32_t origins = 0;  ///< First index in Plan::origin_pool.
};

class Plan {
 public:
  /// Node ids are positions in `nodes`; kInput is the first input (the image), -2 the second ...
  static constexpr int32_t kInput = -1;
  static constexpr bool is_input(int32_t id) { return id < 0; }
  /// Which input such an id is, from 0, and back.
  static constexpr size_t input_index(int32_t id) { return static_cast<size_t>(-1 - id); }
  static constexpr int32_t input_id(size_t index) { return -1 - static_cast<int32_t>(index); }

  std::vector<Node> nodes;  ///< In topological order; the last one gives the logits.
  /// A head that only training runs, e.g. DARTS' auxiliary classifier: reads `nodes`, is no part of
  /// costs, evaluation or export. Ids go on after those of `nodes`; the last one gives logits,
  /// whose loss is added with `auxiliary_weight`.
  std::vector<Node> auxiliary;
  double auxiliary_weight = 0;
  /// The layer in `nodes` whose outputs are the logits: what last-layer gradients are taken of. -1:
  /// the plan has none (PlanBuilder::classifier records it).
  int32_t classifier = -1;
  std::vector<int32_t> input_pool;  ///< Ids of nodes and inputs.
  std::vector<Provenance> origin_pool;
  std::vector<int16_t> option_pool;  ///< What the inputs of WeightedSums are: see options().
  /// What the network is given: one image, in every family that ships; PlanBuilder::input adds.
  std::vector<Shape> input_shapes;
  /// Images of another size are resized to input() first (resolution is a choice of the space).
  bool resize_input = false;
  const SymbolTable* symbols = nullptr;  ///< Owned by the Space, which outlives its plans.

  void clear();
  const Shape& input() const { return input_shapes.front(); }
  /// `image`, or `input1` ... of those beside it.
  static std::string input_name(int32_t id) {
    return id == kInput ? "image" : "input" + std::to_string(input_index(id));
  }
  std::span<const int32_t> inputs(const Node& node) const {
    return {input_pool.data() + node.inputs, node.input_count};
  }
  std::span<const Provenance> origins(const Node& node) const {
    return {origin_pool.data() + node.origins, node.origin_count};
  }
  /// Option of the choice for each input of a WeightedSum.
  std::span<const int16_t> options(const Node& node) const {
    return {option_pool.data() + std::get<WeightedSum>(node.op).options, node.input_count};
  }
  /// Whether some choices are mixed and not decided (spaces/relaxed.hpp).
  bool relaxed() const { return !option_pool.empty(); }
  /// The classifier; std::logic_error where none was recorded.
  const Linear& classifier_layer() const;
  const std::string& name(const Node& node) const { return symbols->text(node.name); }
  /// `stage2.block1.conv.weight`.
  std::string tensor_name(const Node& node, Role role) const;
  const Shape& shape_of(int32_t id) const {
    if (is_input(id)) return input_shapes[input_index(id)];
    const auto i = static_cast<size_t>(id);
    return i < nodes.size() ? nodes[i].out : auxiliary[i - nodes.size()].out;
  }

 private:
  friend class PlanBuilder;
  friend class RelaxedBuild;
  const Relaxation* relaxation_ = nullptr;  ///< While a relaxed plan is built.
};

/// Mixing weights of a relaxed plan, [choice][option]; what is not mixed is empty.
using Mixing = std::vector<std::vector<double>>;

/// Key of a latency table: op, shapes and attributes, nothing about names or weights, e.g.
/// `conv2d in=16x32x32 out=32x16x16 k=3 s=2 p=1 d=1 g=1 bias=0`. Equal key, equal work.
std::string signature(const Plan& plan, const Node& node);

// ---- Cost, exact and free (no torch).

/// Per image. Convention "conv_linear" (NAS-Bench, once-for-all): MACs of convolutions and the
/// weights of linear layers; no bias, BN, activation, pooling. See `Counting` for the others.
struct Cost {
  int64_t macs = 0;
  int64_t params = 0;
  int64_t activation_bytes = 0;  ///< Sum of all op outputs, 4 bytes an element.
  /// Largest sum of live activations (the inputs too) in order of execution, nothing in place.
  int64_t peak_bytes = 0;
};
int64_t macs_of(const Plan& plan, const Node& node, Counting counting = Counting::kConvLinear);
Cost cost_of(const Plan& plan, Counting counting = Counting::kConvLinear);

/// Per node: whether it can carry anything from the image to the logits, i.e. lies on a way from
/// the one to the other that passes no Zero. Convolutions outside are dead weight.
std::vector<bool> live_nodes(const Plan& plan);
/// Weight of an input of a WeightedSum; std::logic_error where `mixing` does not have it.
double weight_of(const Plan& plan, const Node& sum, const Mixing& mixing, size_t input);

/// Per node, then per node of the auxiliary head: whether the logits (or the head's) are computed
/// from it at all, if only times zero: what backward reaches. With `mixing`, options whose weight
/// is exactly 0 are not.
std::vector<bool> needed_nodes(const Plan& plan, const Mixing* mixing = nullptr);

/// nodes/edges/shapes/params as JSON text (schema `nas-plan/1`), and a table for people.
std::string plan_json(const Plan& plan);
std::string plan_text(const Plan& plan);

}  // namespace nas
