// What is said of an op (text, JSON, shape, signature) is one visit of its fields; the compiler
// says which op does not state itself.
#include "spaces/ops/visit_op.hpp"

namespace nas {
namespace {

template <typename... Ops>
constexpr bool all_state_themselves(std::variant<Ops...>*) {
  return (states_itself<Ops>() && ...);
}
static_assert(all_state_themselves(static_cast<Op*>(nullptr)));

template <typename T>
using Bare = std::remove_cvref_t<T>;

}  // namespace

std::string to_string(const Shape& shape) {
  if (shape.vector()) return std::to_string(shape.c);
  if (shape.form == Form::kSequence) return std::to_string(shape.h) + ":" + std::to_string(shape.c);
  return std::to_string(shape.c) + "x" + std::to_string(shape.h) + "x" + std::to_string(shape.w);
}

Dims dims_of(const Shape& shape) {
  switch (shape.form) {
    case Form::kImage:
      return {{shape.c, shape.h, shape.w, 0}, 3};
    case Form::kVector:
      return vector_of(shape.c);
    case Form::kSequence:
      return {{shape.h, shape.c, 0, 0}, 2};
  }
  return {};
}

std::string_view suffix(Role role) {
  switch (role) {
    case Role::kWeight:
      return ".weight";
    case Role::kBias:
      return ".bias";
    case Role::kRunningMean:
      return ".running_mean";
    case Role::kRunningVar:
      return ".running_var";
  }
  return "";
}

int64_t Dims::elements() const {
  int64_t n = 1;
  for (const int64_t size : span()) n *= size;
  return n;
}

void detail::throw_misfit(std::string text, std::span<const Shape> inputs, const char* why) {
  text += " on [";
  for (size_t i = 0; i < inputs.size(); ++i) text += (i > 0 ? ", " : "") + to_string(inputs[i]);
  throw InternalShapeError(text + "]: " + why);
}

std::string attributes_text(const Op& op) {
  std::string text;
  std::visit(
      [&text](const auto& o) {
        o.fields([&text](auto value, const char* = nullptr, const char* key = nullptr) {
          if (key != nullptr)
            ((text += ' ') += key) += "=" + std::to_string(static_cast<int64_t>(value));
        });
      },
      op);
  return text;
}

Shape infer_shape(const Op& op, std::span<const Shape> inputs) {
  return visit_op(op, [inputs](const auto& o) -> Shape {
    if (inputs.empty()) misfit(o, inputs, "has no input");
    if constexpr (ManyInputs<Bare<decltype(o)>>) {
      return o.infer(inputs);
    } else {
      if (inputs.size() != 1) misfit(o, inputs, "wants one input");
      return o.infer(inputs[0]);
    }
  });
}

int tensors_of(const Op& op, TensorSpec out[kMostTensors]) {
  return visit_op(op, [out](const auto& o) -> int {
    if constexpr (Bare<decltype(o)>::kTensors)
      return o.tensors(out);
    else
      return 0;
  });
}

Start start_of(const Op& op, const TensorSpec& spec) {
  return visit_op(op, [&spec](const auto& o) -> Start {
    if constexpr (Bare<decltype(o)>::kTensors)
      return o.start(spec);
    else
      throw std::logic_error(std::string(o.name()) + " has no tensors");
  });
}

int64_t params_of(const Op& op) {
  return visit_op(op, [](const auto& o) -> int64_t {
    if constexpr (Bare<decltype(o)>::kTensors)
      return o.params();
    else
      return 0;
  });
}

bool is_free(const Op& op) {
  return visit_op(op, [](const auto& o) { return Bare<decltype(o)>::kFree; });
}
bool is_random(const Op& op) {
  return visit_op(op, [](const auto& o) { return Bare<decltype(o)>::kRandom; });
}
bool normalises(const Op& op) {
  return visit_op(op, [](const auto& o) {
    if constexpr (Bare<decltype(o)>::kTensors)
      return Bare<decltype(o)>::kNormalises;
    else
      return false;
  });
}
bool takes_many(const Op& op) {
  return visit_op(op, [](const auto& o) { return ManyInputs<Bare<decltype(o)>>; });
}
Flow flow_of(const Op& op) {
  return visit_op(op, [](const auto& o) { return Bare<decltype(o)>::kFlow; });
}
Channels channel_order(const Op& op) {
  return visit_op(op, [](const auto& o) { return o.channel_order(); });
}

void forget_full_sizes(Op& op) {
  std::visit(
      [](auto& o) {
        if constexpr (Bare<decltype(o)>::kTensors) o.forget_full();
      },
      op);
}

}  // namespace nas
