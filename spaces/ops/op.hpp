#pragma once
// What an op states about itself, in one place: see PlanOp at the end. Everything else (text, JSON,
// keys of latency tables, fingerprints, costs, initial weights) is read from it.
#include <concepts>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace nas {

/// At most four sizes, without allocation.
struct Dims {
  int64_t size[4] = {0, 0, 0, 0};
  int rank = 0;
  std::span<const int64_t> span() const { return {size, static_cast<size_t>(rank)}; }
  int64_t elements() const;
  bool operator==(const Dims&) const = default;
};
constexpr Dims vector_of(int64_t n) {
  return {{n, 0, 0, 0}, 1};
}

/// What the axes of one sample's tensor are.
enum class Form : uint8_t {
  kImage,     ///< [c, h, w].
  kVector,    ///< [c]; h = w = 1.
  kSequence,  ///< [h, c]: c features at each of h places; w = 1. Ids (tokens) are c = 1.
};
/// Shape of one sample's tensor.
struct Shape {
  int32_t c = 0, h = 1, w = 1;
  Form form = Form::kImage;
  constexpr int64_t elements() const { return int64_t{c} * h * w; }
  constexpr bool image() const { return form == Form::kImage; }
  constexpr bool vector() const { return form == Form::kVector; }
  bool operator==(const Shape&) const = default;
};
/// Of an image `16x32x32`, of a vector `64`, of a sequence `12:64` (12 places of 64 features).
std::string to_string(const Shape& shape);
/// Sizes of the axes, as tensors of one sample have them.
Dims dims_of(const Shape& shape);

/// One tensor that a node needs.
enum class Role : uint8_t { kWeight, kBias, kRunningMean, kRunningVar };
std::string_view suffix(Role role);  ///< `.weight`, `.bias`, `.running_mean`, `.running_var`.
/// Whether it is no parameter but a running statistic.
constexpr bool is_buffer(Role role) {
  return role == Role::kRunningMean || role == Role::kRunningVar;
}

struct TensorSpec {
  Role role = Role::kWeight;
  Dims shape;  ///< In this subnet.
  Dims full;   ///< In the supernet.
  /// A kernel smaller than the full one is its centre crop times a learned matrix, in steps of 2.
  bool learned_crop = false;
};
/// Most tensors that an op has.
constexpr int kMostTensors = 4;

/// How the parameters of a layer are filled before training.
enum class Init : uint8_t {
  kFrameworkDefault,     ///< Kaiming-uniform with slope sqrt 5; bias U(+-1/sqrt(fan_in)).
  kKaimingNormalFanOut,  ///< N(0, 2/fan_out), biases 0.
};
/// How one tensor is.
struct Start {
  enum class Fill : uint8_t {
    kZeros,
    kOnes,
    kUniform,  ///< U(+-1/sqrt(fan)).
    kNormal,   ///< N(0, 2/fan).
  };
  Fill fill;
  int64_t fan = 1;
  bool operator==(const Start&) const = default;
};
/// Start of the weight or bias of a layer with these weights into one output, out of one input.
constexpr Start start_of(Init init, Role role, int64_t fan_in, int64_t fan_out) {
  // Kaiming-uniform with slope sqrt 5 is U(+-1/sqrt(fan_in)), the bias bound too.
  if (init == Init::kFrameworkDefault) return {Start::Fill::kUniform, fan_in};
  if (role == Role::kBias) return {Start::Fill::kZeros};
  return {Start::Fill::kNormal, fan_out};
}

/// Which extra terms count as MACs. `linear_bias`: one MAC per output of a linear layer with bias
/// (the NAS-Bench-201 table's FLOPs).
enum class Counting : uint8_t { kConvLinear, kConvLinearBias };

/// What an op hands on of its inputs.
enum class Flow : uint8_t {
  kAny,   ///< Whatever any of them brings.
  kGate,  ///< Nothing where one of them brings nothing.
  kNone,  ///< Nothing at all.
};
/// What an op does to the order of channels: which permutations leave the network unchanged.
enum class Channels : uint8_t {
  /// Every output channel reads all input channels: the outputs have an order of their own. The
  /// first tensor is [out, in, ...], any others [out].
  kOwn,
  kKept,    ///< Channel i of the output comes from channel i of each input; tensors are [channels].
  kSum,     ///< The same, for a sum that other networks of the space may take other terms into.
  kPlaced,  ///< The places of channels matter: their order is fixed, before and after.
};

/// A plan that cannot be: the space family that built it is wrong, not its user.
class InternalShapeError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// 0 means "as in this subnet".
constexpr int32_t full_or(int32_t full, int32_t own) {
  return full > 0 ? full : own;
}

/// Output size of a window of `span` pixels, and of keeping every stride-th pixel.
inline int32_t window_out(int32_t size, int span, int stride, int padding) {
  const int32_t room = size + 2 * padding - span;
  return stride == 1 ? room + 1 : room / stride + 1;
}
inline int32_t strided_out(int32_t size, int stride, int offset) {
  return stride == 1 ? size - offset : (size - offset + stride - 1) / stride;
}

namespace detail {

[[noreturn]] void throw_misfit(std::string text, std::span<const Shape> inputs, const char* why);

}  // namespace detail

/// Throws InternalShapeError: the op with its attributes, the input shapes, why they do not fit.
template <typename T>
[[noreturn, gnu::cold, gnu::noinline]] void misfit(const T& op,
                                                   std::span<const Shape> inputs,
                                                   const char* why) {
  std::string text(op.name());
  op.fields([&text](auto value, const char* name = nullptr, const char* = nullptr) {
    if constexpr (!std::is_enum_v<decltype(value)>)
      if (name != nullptr) text += std::string(" ") + name + "=" + std::to_string(value);
  });
  detail::throw_misfit(std::move(text), inputs, why);
}

// ---- What each op has to state. One concept for each part, so that the compiler names the part
// that is missing (all_ops.hpp).

namespace detail {

struct Anything {
  template <typename T>
  operator T() const;  // NOLINT: stands for a value of any field.
};
template <typename T, typename... Fields>
constexpr size_t member_count() {
  if constexpr (requires { T{Fields{}..., Anything{}}; })
    return member_count<T, Fields..., Anything>();
  else
    return sizeof...(Fields);
}
template <typename T>
constexpr size_t field_count() {
  size_t count = 0;
  T{}.fields([&count](auto, const char* = nullptr, const char* = nullptr) { ++count; });
  return count;
}
struct AnyField {
  template <typename T>
  void operator()(T, const char* = nullptr, const char* = nullptr) const {}
};

}  // namespace detail

/// `std::string_view name() const`: short, lower case.
template <typename T>
concept StatesName = requires(const T& op) {
  { op.name() } -> std::same_as<std::string_view>;
};
/// `fields(f) const` calls f(value, name, key) for every member in order: `name` in JSON, `key` in
/// signatures; null or left out for what decides nothing there. An op may have `constants(f)`, too:
/// f(name, value) for what JSON says beside its members.
template <typename T>
concept StatesFields = std::is_trivially_copyable_v<T> && requires(const T& op) {
  op.fields(detail::AnyField{});
};
/// `Shape infer(const Shape&) const` for one input, `Shape infer(std::span<const Shape>) const` for
/// one or more. Misfits are told with misfit(); a few compares, so they stay on in every build.
template <typename T>
concept OneInput = requires(const T& op, const Shape& in) {
  { op.infer(in) } -> std::same_as<Shape>;
};
template <typename T>
concept ManyInputs = !OneInput<T> && requires(const T& op, std::span<const Shape> in) {
  { op.infer(in) } -> std::same_as<Shape>;
};
/// `kMacs` false: counts none; true: `int64_t macs(out, counting) const`, per image.
template <typename T>
concept StatesMacs = requires(const T& op, const Shape& out) {
  requires(!T::kMacs) || requires {
    { op.macs(out, Counting::kConvLinear) } -> std::same_as<int64_t>;
  };
};
/// `kTensors` false: has none; true: `int tensors(TensorSpec out[kMostTensors]) const` writes them,
/// parameters first, and returns how many; `int64_t params() const` counts the parameters; `Start
/// start(const TensorSpec&) const` says how one of them starts; `void forget_full()` makes this
/// subnet's sizes the full ones; `kNormalises`: they only scale and shift what was normalised.
template <typename T>
concept StatesTensors = requires(T op, const T& same, TensorSpec* out, const TensorSpec& spec) {
  requires(!T::kTensors) || requires {
    { same.tensors(out) } -> std::same_as<int>;
    { same.params() } -> std::same_as<int64_t>;
    { same.start(spec) } -> std::same_as<Start>;
    op.forget_full();
    { T::kNormalises } -> std::convertible_to<bool>;
  };
};
/// `kFree`: nothing is computed at inference; `kRandom`: draws random numbers in training; `kFlow`;
/// `Channels channel_order() const`.
template <typename T>
concept StatesNature = requires(const T& op) {
  { T::kFree } -> std::convertible_to<bool>;
  { T::kRandom } -> std::convertible_to<bool>;
  { T::kFlow } -> std::convertible_to<Flow>;
  { op.channel_order() } -> std::same_as<Channels>;
};

template <typename T>
concept PlanOp = StatesName<T> && StatesFields<T> &&
    (OneInput<T> || ManyInputs<T>)&&StatesMacs<T>&& StatesTensors<T>&& StatesNature<T>;

/// Fails to compile with the part that an op leaves out.
template <typename T>
constexpr bool states_itself() {
  static_assert(StatesName<T>, "an op states its name");
  static_assert(StatesFields<T>, "an op states its fields");
  static_assert(OneInput<T> || ManyInputs<T>, "an op states the shape it makes");
  static_assert(StatesMacs<T>, "an op states its MACs, or that it counts none (kMacs)");
  static_assert(StatesTensors<T>, "an op states its tensors, or that it has none (kTensors)");
  static_assert(StatesNature<T>, "an op states kFree, kRandom, kFlow and channel_order()");
  if constexpr (StatesFields<T>)
    static_assert(detail::field_count<T>() == detail::member_count<T>(),
                  "fields() names every member of an op");
  return PlanOp<T>;
}

}  // namespace nas
