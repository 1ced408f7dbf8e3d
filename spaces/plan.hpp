#pragma once
// Plan: what one architecture computes, as a list of typed ops with shapes (a small network IR).
// Made without torch in microseconds: nodes are trivially copyable and names are interned, so a
// Plan that is built again into the same object allocates nothing. The single source of truth for
// shapes, MACs, parameters, latency-table keys, the forward pass and export.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <variant>
#include <vector>

namespace nas {

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

/// Shape of one sample's tensor: [c, h, w], or [c] when `flat` (h = w = 1).
struct Shape {
  int32_t c = 0, h = 1, w = 1;
  bool flat = false;
  int64_t elements() const { return int64_t{c} * h * w; }
  bool operator==(const Shape&) const = default;
};
std::string to_string(const Shape& shape);  ///< `16x32x32`, or `64` when flat.

/// How a parameter is filled before training.
enum class Init : uint8_t {
  kFrameworkDefault,     ///< Kaiming-uniform with slope sqrt 5; bias U(+-1/sqrt(fan_in)).
  kKaimingNormalFanOut,  ///< N(0, 2/fan_out), biases 0.
};

// ---- Ops. Sizes are those of this subnet; `full_*` are the sizes of the shared tensor it is
// sliced from (leading channels; kernels by centre crop, optionally times learned matrices). A
// full size left at its default (0, or a full kernel below the kernel) means "as in this subnet".

/// Weight [out, in/groups, k, k], optional bias [out]. A depthwise op has groups == in == out and
/// its full form groups == full_in == full_out.
struct Conv2d {
  int32_t in = 0, out = 0;
  int16_t kernel = 1, stride = 1, padding = 0, dilation = 1;
  int32_t groups = 1;
  bool bias = false;
  Init init = Init::kFrameworkDefault;
  int16_t full_kernel = 1;
  int32_t full_in = 0, full_out = 0;
  /// Kernels smaller than full_kernel are the centre crop of the next larger one times a learned
  /// matrix, chained 7 -> 5 -> 3 (once-for-all); false: the plain centre crop.
  bool kernel_transform = false;
};
/// `affine`: weight and bias [channels]. `running`: keeps running statistics (mean, var) as
/// buffers; without, batch statistics are used in training and evaluation.
struct BatchNorm {
  int32_t channels = 0, full = 0;
  bool affine = true, running = true;
  bool zero_gamma = false;  ///< weight starts at 0 instead of 1.
  double eps = 1e-5, momentum = 0.1;
};
enum class Act : uint8_t { kRelu, kRelu6, kHSwish, kHSigmoid, kSwish, kSigmoid };
struct Activation {
  Act act = Act::kRelu;
};
/// Padding is never counted in an average.
struct Pool {
  bool max = true;
  int16_t kernel = 2, stride = 2, padding = 0;
};
/// Mean over h and w; [c, 1, 1] when keep, else flat [c].
struct GlobalAvgPool {
  bool keep = false;
};
/// Weight [out, in], optional bias [out]; input is flat.
struct Linear {
  int32_t in = 0, out = 0;
  bool bias = true;
  Init init = Init::kFrameworkDefault;
  int32_t full_in = 0, full_out = 0;
};
struct Add {};     ///< Sum of all inputs, equal shapes.
struct Mul {};     ///< input 0 * input 1, input 1 broadcast from [c, 1, 1].
struct Concat {};  ///< Along channels.
struct Zero {
  int16_t stride = 1;
};  ///< Input (every stride-th element) times 0.0.
struct Identity {};
/// Keeps every stride-th row and column, starting at `offset` (out = ceil((size - offset)/stride)).
struct Subsample {
  int16_t stride = 2, offset = 0;
};
struct Dropout {
  float p = 0.0f;
};  ///< Training only.
/// Training only: drops the whole residual branch of a sample (stochastic depth).
struct DropPath {
  float p = 0.0f;
};

using Op = std::variant<Conv2d,
                        BatchNorm,
                        Activation,
                        Pool,
                        GlobalAvgPool,
                        Linear,
                        Add,
                        Mul,
                        Concat,
                        Zero,
                        Identity,
                        Subsample,
                        Dropout,
                        DropPath>;

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

/// One tensor that a node needs.
enum class Role : uint8_t { kWeight, kBias, kRunningMean, kRunningVar };
std::string_view suffix(Role role);  ///< `.weight`, `.bias`, `.running_mean`, `.running_var`.

/// At most four sizes, without allocation.
struct Dims {
  int64_t size[4] = {0, 0, 0, 0};
  int rank = 0;
  std::span<const int64_t> span() const { return {size, static_cast<size_t>(rank)}; }
  int64_t elements() const;
  bool operator==(const Dims&) const = default;
};
struct TensorSpec {
  Role role;
  Dims shape;  ///< In this subnet.
  Dims full;   ///< In the supernet.
};
/// Tensors of a node: parameters first, then (for BatchNorm with running) the two buffers.
/// Returns how many were written to `out` (at most 4).
int tensors_of(const Op& op, TensorSpec out[4]);

class Plan {
 public:
  /// Node ids are positions in `nodes`; kInput is the image.
  static constexpr int32_t kInput = -1;

  std::vector<Node> nodes;  ///< In topological order; the last one gives the logits.
  /// A head that only training runs, e.g. DARTS' auxiliary classifier: reads `nodes`, is no part of
  /// costs, evaluation or export. Ids go on after those of `nodes`; the last one gives logits,
  /// whose loss is added with `auxiliary_weight`.
  std::vector<Node> auxiliary;
  double auxiliary_weight = 0;
  std::vector<int32_t> input_pool;  ///< Node ids, kInput for the image.
  std::vector<Provenance> origin_pool;
  Shape input;
  /// Images of another size are resized to `input` first (resolution is a choice of the space).
  bool resize_input = false;
  const SymbolTable* symbols = nullptr;  ///< Owned by the Space, which outlives its plans.

  void clear();
  std::span<const int32_t> inputs(const Node& node) const {
    return {input_pool.data() + node.inputs, node.input_count};
  }
  std::span<const Provenance> origins(const Node& node) const {
    return {origin_pool.data() + node.origins, node.origin_count};
  }
  const std::string& name(const Node& node) const { return symbols->text(node.name); }
  /// `stage2.block1.conv.weight`.
  std::string tensor_name(const Node& node, Role role) const;
  const Shape& shape_of(int32_t id) const {
    if (id == kInput) return input;
    const auto i = static_cast<size_t>(id);
    return i < nodes.size() ? nodes[i].out : auxiliary[i - nodes.size()].out;
  }
};

/// A plan that cannot be: the space family that built it is wrong, not its user.
class InternalShapeError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// Output shape of `op` for these inputs; throws InternalShapeError (op, shapes) on a misfit.
Shape infer_shape(const Op& op, std::span<const Shape> inputs);

namespace detail {

[[noreturn]] void shape_misfit(const Op& op, std::span<const Shape> inputs, const char* why);

inline int32_t window_out(int32_t size, int span, int stride, int padding) {
  const int32_t room = size + 2 * padding - span;
  return stride == 1 ? room + 1 : room / stride + 1;
}
inline int32_t strided(int32_t size, int stride, int offset) {
  return stride == 1 ? size - offset : (size - offset + stride - 1) / stride;
}

// One overload per op with one input. Checks are a few compares, so they stay on in every build.
inline Shape infer_one(const Conv2d& op, const Shape& in) {
  const int span = op.dilation * (op.kernel - 1) + 1;
  const bool fits = !in.flat && in.c == op.in && op.out > 0 && op.groups > 0 && op.stride > 0 &&
                    span > 0 && op.padding >= 0 && in.h + 2 * op.padding >= span &&
                    in.w + 2 * op.padding >= span &&
                    (op.groups == 1 || (op.in % op.groups == 0 && op.out % op.groups == 0));
  if (!fits) [[unlikely]]
    shape_misfit(op, {&in, 1}, "input channels, groups or size do not fit");
  return {op.out,
          window_out(in.h, span, op.stride, op.padding),
          window_out(in.w, span, op.stride, op.padding),
          false};
}
inline Shape infer_one(const BatchNorm& op, const Shape& in) {
  if (in.c != op.channels) [[unlikely]]
    shape_misfit(op, {&in, 1}, "channels differ from the input's");
  return in;
}
inline Shape infer_one(const Pool& op, const Shape& in) {
  if (in.flat || op.stride < 1 || op.kernel < 1 || op.padding < 0 || 2 * op.padding > op.kernel ||
      in.h + 2 * op.padding < op.kernel || in.w + 2 * op.padding < op.kernel) [[unlikely]]
    shape_misfit(op, {&in, 1}, "window does not fit the input");
  return {in.c,
          window_out(in.h, op.kernel, op.stride, op.padding),
          window_out(in.w, op.kernel, op.stride, op.padding),
          false};
}
inline Shape infer_one(const GlobalAvgPool& op, const Shape& in) {
  if (in.flat) [[unlikely]]
    shape_misfit(op, {&in, 1}, "input is flat already");
  return {in.c, 1, 1, !op.keep};
}
inline Shape infer_one(const Linear& op, const Shape& in) {
  if (!in.flat || in.c != op.in || op.out < 1) [[unlikely]]
    shape_misfit(op, {&in, 1}, "wants a flat input of its size");
  return {op.out, 1, 1, true};
}
inline Shape infer_one(const Zero& op, const Shape& in) {
  if (op.stride < 1 || (in.flat && op.stride != 1)) [[unlikely]]
    shape_misfit(op, {&in, 1}, "stride does not fit");
  return {in.c, strided(in.h, op.stride, 0), strided(in.w, op.stride, 0), in.flat};
}
inline Shape infer_one(const Subsample& op, const Shape& in) {
  if (in.flat || op.stride < 1 || op.offset < 0 || op.offset >= op.stride || in.h <= op.offset ||
      in.w <= op.offset) [[unlikely]]
    shape_misfit(op, {&in, 1}, "stride and offset do not fit");
  return {in.c, strided(in.h, op.stride, op.offset), strided(in.w, op.stride, op.offset), false};
}
inline Shape infer_one(const Activation&, const Shape& in) {
  return in;
}
inline Shape infer_one(const Identity&, const Shape& in) {
  return in;
}
inline Shape infer_one(const Dropout&, const Shape& in) {
  return in;
}
inline Shape infer_one(const DropPath&, const Shape& in) {
  return in;
}
inline Shape infer_one(const Add&, const Shape& in) {
  return in;
}
inline Shape infer_one(const Concat&, const Shape& in) {
  return in;
}
inline Shape infer_one(const Mul& op, const Shape& in) {
  shape_misfit(op, {&in, 1}, "wants two inputs");
}

}  // namespace detail

/// Appends nodes with inferred shapes; used by the space families. Provenance set with `origin`
/// holds for all nodes until changed.
class PlanBuilder {
 public:
  PlanBuilder(Plan& plan, const SymbolTable& symbols, Shape input);

  /// Provenance of the nodes that follow: (choice, option) pairs; {} for fixed parts.
  void origin(std::initializer_list<Provenance> origins) {
    origin(std::span<const Provenance>(origins.begin(), origins.size()));
  }
  void origin(std::span<const Provenance> origins) {
    origin_first_ = static_cast<uint32_t>(plan_.origin_pool.size());
    origin_count_ = static_cast<uint16_t>(origins.size());
    plan_.origin_pool.insert(plan_.origin_pool.end(), origins.begin(), origins.end());
  }

  /// Appends `op`; returns its id. `name` is an interned symbol (0 for ops without parameters).
  /// Throws InternalShapeError naming op and shapes when shapes do not fit. Pass the op itself,
  /// not an `Op`, where it is known: that is the fast way.
  template <typename T>
  requires std::is_constructible_v<Op, const T&> &&(!std::is_same_v<T, Op>)int32_t
      add(const T& op, uint32_t name, int32_t input) {
    return append(op, detail::infer_one(op, plan_.shape_of(input)), name, {&input, 1});
  }
  int32_t add(const Op& op, uint32_t name, int32_t input) {
    return add(op, name, std::span<const int32_t>(&input, 1));
  }
  int32_t add(const Op& op, uint32_t name, std::span<const int32_t> inputs);
  int32_t add(const Op& op, uint32_t name, std::initializer_list<int32_t> inputs) {
    return add(op, name, std::span<const int32_t>(inputs.begin(), inputs.size()));
  }
  const Shape& shape(int32_t id) const { return plan_.shape_of(id); }
  /// Nodes that follow belong to Plan::auxiliary; the network itself is complete.
  void begin_auxiliary(double weight) {
    plan_.auxiliary_weight = weight;
    into_ = &plan_.auxiliary;
  }

 private:
  template <typename T>
  int32_t append(const T& op, const Shape& out, uint32_t name, std::span<const int32_t> inputs) {
    const auto first = static_cast<uint32_t>(plan_.input_pool.size());
    for (const int32_t input : inputs) plan_.input_pool.push_back(input);
    into_->push_back(Node{
        op, out, name, first, static_cast<uint16_t>(inputs.size()), origin_count_, origin_first_});
    return static_cast<int32_t>(plan_.nodes.size() + plan_.auxiliary.size()) - 1;
  }

  Plan& plan_;
  std::vector<Node>* into_;
  uint32_t origin_first_ = 0;
  uint16_t origin_count_ = 0;
};

/// Short lower-case name: conv2d, batch_norm, relu, max_pool, ...
std::string_view op_name(const Op& op);

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
  /// Largest sum of live activations (the image too) in order of execution, nothing in place.
  int64_t peak_bytes = 0;
};
/// Which extra terms count as MACs. `linear_bias`: one MAC per output of a linear layer with bias
/// (the NAS-Bench-201 table's FLOPs).
enum class Counting : uint8_t { kConvLinear, kConvLinearBias };
int64_t macs_of(const Plan& plan, const Node& node, Counting counting = Counting::kConvLinear);
int64_t params_of(const Op& op);
Cost cost_of(const Plan& plan, Counting counting = Counting::kConvLinear);

/// Per node: whether it can carry anything from the image to the logits, i.e. lies on a way from
/// the one to the other that passes no Zero. Convolutions outside are dead weight.
std::vector<bool> live_nodes(const Plan& plan);
/// Per node, then per node of the auxiliary head: whether the logits (or the head's) are computed
/// from it at all, if only times zero: what backward reaches.
std::vector<bool> needed_nodes(const Plan& plan);

/// nodes/edges/shapes/params as JSON text (schema `nas-plan/1`), and a table for people.
std::string plan_json(const Plan& plan);
std::string plan_text(const Plan& plan);

}  // namespace nas
