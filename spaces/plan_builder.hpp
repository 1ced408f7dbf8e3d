#pragma once
// PlanBuilder: how the space families make plans.
#include <functional>
#include <initializer_list>
#include <span>
#include <type_traits>

#include "spaces/plan.hpp"

namespace nas {

/// Appends nodes with inferred shapes; used by the space families. What nodes belong to (their
/// provenance) is a stack of (choice, option) pairs: `choose` and `under` hold for what is built
/// inside them, `origin` for the nodes that follow it there.
class PlanBuilder {
 public:
  PlanBuilder(Plan& plan, const SymbolTable& symbols, Shape input);

  /// `branch(option)` builds one option of a choice from here and returns its output, a node that
  /// was there before if it builds none. Called with the option that `genes` has; in a relaxed plan
  /// (relaxed.hpp) with every option that takes part, whose outputs are then mixed. So a choice
  /// whose options stand side by side, with outputs of one shape, is built with this; one that
  /// decides sizes or places is read from the genes.
  template <typename F>
  int32_t choose(std::span<const int16_t> genes, size_t choice, F&& branch) {
    if (plan_.relaxation_ != nullptr && mixes(choice)) [[unlikely]]
      return mix(choice, branch);
    const int16_t option = genes[choice];
    return under({static_cast<int16_t>(choice), option}, [&] { return branch(option); });
  }
  /// What `f` builds belongs to this option, too, beside what holds outside.
  template <typename F>
  int32_t under(Provenance option, F&& f) {
    const Frame frame(*this, option);
    return f();
  }
  /// Provenance of the nodes that follow, beside that of the choices they are built under; pairs
  /// without a choice (-1) are left out, {} is for fixed parts.
  void origin(std::initializer_list<Provenance> origins) {
    size_ = base_;
    for (const Provenance& p : origins)
      if (p.choice >= 0) push(p);
    written_ = false;
  }

  /// Appends `op`; returns its id. `name` is an interned symbol (0 for ops without parameters).
  /// Throws InternalShapeError naming op and shapes when shapes do not fit. Pass the op itself,
  /// not an `Op`, where it is known: that is the fast way.
  template <OneInput T>
  int32_t add(const T& op, uint32_t name, int32_t input) {
    return append(op, op.infer(plan_.shape_of(input)), name, {&input, 1});
  }
  template <ManyInputs T>
  int32_t add(const T& op, uint32_t name, std::span<const int32_t> inputs) {
    static constexpr size_t kFew = 16;
    if (inputs.empty() || inputs.size() > kFew) [[unlikely]]
      return add(Op(op), name, inputs);
    Shape shapes[kFew];
    for (size_t i = 0; i < inputs.size(); ++i) shapes[i] = plan_.shape_of(inputs[i]);
    return append(op, op.infer(std::span<const Shape>(shapes, inputs.size())), name, inputs);
  }
  template <ManyInputs T>
  int32_t add(const T& op, uint32_t name, std::initializer_list<int32_t> inputs) {
    return add(op, name, std::span<const int32_t>(inputs.begin(), inputs.size()));
  }
  int32_t add(const Op& op, uint32_t name, std::span<const int32_t> inputs);
  int32_t add(const Op& op, uint32_t name, std::initializer_list<int32_t> inputs) {
    return add(op, name, std::span<const int32_t>(inputs.begin(), inputs.size()));
  }
  /// The layer that makes the logits: Plan::classifier.
  int32_t classifier(const Linear& op, uint32_t name, int32_t input) {
    return plan_.classifier = add(op, name, input);
  }
  /// One more input of the network; returns its id.
  int32_t input(const Shape& shape) {
    plan_.input_shapes.push_back(shape);
    return Plan::input_id(plan_.input_shapes.size() - 1);
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
    if (!written_) write_origins();
    const auto first = static_cast<uint32_t>(plan_.input_pool.size());
    for (const int32_t input : inputs) plan_.input_pool.push_back(input);
    into_->push_back(
        Node{op, out, name, first, static_cast<uint16_t>(inputs.size()), size_, origin_first_});
    return static_cast<int32_t>(plan_.nodes.size() + plan_.auxiliary.size()) - 1;
  }

  /// Provenance that holds until its end.
  class Frame {
   public:
    Frame(PlanBuilder& b, Provenance p) : b_(b), base_(b.base_), size_(b.size_) {
      b.push(p);
      b.base_ = b.size_;
      b.written_ = false;
    }
    ~Frame() {
      b_.base_ = base_;
      b_.size_ = size_;
      b_.written_ = false;
    }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

   private:
    PlanBuilder& b_;
    uint16_t base_, size_;
  };

  void push(Provenance p);
  void write_origins() {
    origin_first_ = static_cast<uint32_t>(plan_.origin_pool.size());
    plan_.origin_pool.insert(plan_.origin_pool.end(), stack_, stack_ + size_);
    written_ = true;
  }
  bool mixes(size_t choice) const;
  int32_t mix(size_t choice, const std::function<int32_t(int16_t)>& branch);

  static constexpr uint16_t kMostOrigins = 16;

  Plan& plan_;
  std::vector<Node>* into_;
  Provenance stack_[kMostOrigins];
  uint16_t base_ = 0;  ///< Where those that origin() set begin.
  uint16_t size_ = 0;
  bool written_ = true;  ///< Whether the pool has the stack as it is, at origin_first_.
  uint32_t origin_first_ = 0;
};

}  // namespace nas
