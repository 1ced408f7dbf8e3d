// A teacher is a copy: the weights it was cut from go on training.
#include "supernet/train/step/teacher.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "spaces/error.hpp"
#include "supernet/executor.hpp"

namespace nas {
namespace {

class FrozenTensors final : public TensorSource {
 public:
  explicit FrozenTensors(const std::map<std::string, at::Tensor>& tensors) : tensors_(tensors) {}
  at::Tensor get(const Plan& plan, const Node& node, const TensorSpec& spec) override {
    const std::string name = plan.tensor_name(node, spec.role);
    const auto it = tensors_.find(name);
    if (it == tensors_.end() ||
        it->second.sizes() !=
            at::IntArrayRef(spec.shape.size, static_cast<size_t>(spec.shape.rank)))
      throw DataError("the teacher has no tensor '" + name + "' of this network's shape");
    return it->second;
  }

 private:
  const std::map<std::string, at::Tensor>& tensors_;
};

}  // namespace

Teacher::Teacher(const Plan& plan, TensorSource& tensors) {
  const c10::NoGradGuard no_grad;
  for (const Node& node : plan.nodes) {
    TensorSpec specs[kMostTensors];
    const int n = tensors_of(node.op, specs);
    for (int i = 0; i < n; ++i)
      // Running statistics are not needed: the teacher uses those of the batch.
      if (!is_buffer(specs[i].role))
        tensors_[plan.tensor_name(node, specs[i].role)] =
            tensors.get(plan, node, specs[i]).detach().contiguous().clone();
  }
}

Teacher::Teacher(std::map<std::string, at::Tensor> tensors) : tensors_(std::move(tensors)) {}

void Teacher::place(const at::Tensor& like) {
  // The same layout whether copied from a supernet or read from a checkpoint, so that a resumed run
  // computes the same bits.
  const auto layout = like.suggest_memory_format();
  for (auto& [name, t] : tensors_) {
    t = t.detach().to(like.device(), like.scalar_type());
    t = t.dim() == 4 ? t.contiguous(layout) : t.contiguous();
  }
  placed_ = true;
}

std::unique_ptr<TensorSource> Teacher::bind(const at::Tensor& like) {
  const c10::NoGradGuard no_grad;
  if (!placed_) place(like);
  return std::make_unique<FrozenTensors>(tensors_);
}

}  // namespace nas
