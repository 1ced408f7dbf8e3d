// The outer gradient is start minus end of each path's inner steps, averaged over paths (panda.md
// 3.5), put where gradients lie, so that any outer optimizer applies it. Only parameters that a
// path touched are copied back: the others have not moved.
#include "supernet/train/step/reptile.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace nas {

Reptile::Reptile(const std::vector<NamedTensor>& parameters)
    : parameters_(parameters), momentum_(parameters.size()) {}

void Reptile::begin() {
  const c10::NoGradGuard no_grad;
  start_.clear();
  for (const NamedTensor& p : parameters_) start_.push_back(p.tensor.detach().clone());
  sum_.assign(parameters_.size(), at::Tensor());
  moved_.assign(parameters_.size(), false);
  touched_.assign(parameters_.size(), false);
  paths_ = 0;
}

void Reptile::path(const ReptileOptions& inner,
                   const std::function<void(int, std::vector<bool>&)>& backward) {
  std::vector<at::Tensor> own(parameters_.size());
  std::vector<at::Tensor>& momentum = inner.persist ? momentum_ : own;
  for (int i = 0; i < inner.steps; ++i) {
    std::vector<bool> used(parameters_.size(), false);
    backward(i, used);
    const c10::NoGradGuard no_grad;
    std::vector<at::Tensor> grads, params, buffers;
    for (size_t k = 0; k < parameters_.size(); ++k) {
      at::Tensor& grad = parameters_[k].tensor.mutable_grad();
      // One buffer for all paths goes with gradients that are zeroed, not dropped: what an earlier
      // path moved keeps its momentum in this one (panda.md 6.3).
      if (!used[k] && !(inner.persist && momentum[k].defined())) continue;
      if (!grad.defined()) grad = at::zeros_like(parameters_[k].tensor);
      moved_[k] = true;
      touched_[k] = true;
      if (!momentum[k].defined()) momentum[k] = at::zeros_like(grad);
      grads.push_back(grad);
      params.push_back(parameters_[k].tensor.detach());
      buffers.push_back(momentum[k]);
    }
    if (grads.empty()) continue;
    if (inner.clip_norm > 0) {
      const double norm = at::stack(at::_foreach_norm(grads)).norm().item<double>();
      const double scale = inner.clip_norm / (norm + 1e-6);
      if (scale < 1.0) at::_foreach_mul_(grads, scale);
    }
    if (inner.weight_decay > 0) at::_foreach_add_(grads, params, inner.weight_decay);
    at::_foreach_mul_(buffers, inner.momentum);
    at::_foreach_add_(buffers, grads, 1.0);
    at::_foreach_add_(params, buffers, -inner.lr);
    at::_foreach_zero_(grads);
  }
  const c10::NoGradGuard no_grad;
  for (size_t k = 0; k < parameters_.size(); ++k) {
    if (!touched_[k]) continue;
    touched_[k] = false;
    const at::Tensor now = parameters_[k].tensor.detach();
    const at::Tensor shift = start_[k] - now;
    sum_[k] = sum_[k].defined() ? sum_[k].add_(shift) : shift;
    now.copy_(start_[k]);
  }
  ++paths_;
}

void Reptile::finish(std::vector<bool>& used) {
  const c10::NoGradGuard no_grad;
  for (size_t k = 0; k < parameters_.size(); ++k) {
    if (!moved_[k]) continue;
    parameters_[k].tensor.mutable_grad().copy_(sum_[k].div_(static_cast<double>(paths_)));
    used[k] = true;
  }
  start_.clear();
  sum_.clear();
}

std::map<std::string, at::Tensor> Reptile::save() const {
  std::map<std::string, at::Tensor> state;
  for (size_t k = 0; k < parameters_.size(); ++k)
    if (momentum_[k].defined()) state[parameters_[k].name] = momentum_[k];
  return state;
}

void Reptile::load(const std::map<std::string, at::Tensor>& state) {
  for (size_t k = 0; k < parameters_.size(); ++k) {
    momentum_[k].reset();
    const auto it = state.find(parameters_[k].name);
    if (it != state.end())
      momentum_[k] = it->second.to(parameters_[k].tensor.device(),
                                   parameters_[k].tensor.scalar_type(),
                                   /*non_blocking=*/false,
                                   /*copy=*/true);
  }
}

}  // namespace nas
