// SGD and Adam as the framework defines them, tensor lists at a time (one call for hundreds of
// small tensors). They are our own because a supernet's step touches some parameters only: which
// ones is told by the step, and an untouched one neither decays nor ages (or does, as the released
// programs have it).
#include "supernet/train/step/optimizer.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

namespace nas {

double clip_gradient_norm(std::vector<at::Tensor> grads, double max_norm) {
  const c10::NoGradGuard no_grad;
  if (grads.empty() || max_norm <= 0) return 1.0;
  const double norm = at::stack(at::_foreach_norm(grads)).norm().item<double>();
  const double scale = std::min(1.0, max_norm / (norm + 1e-6));
  if (scale < 1.0) at::_foreach_mul_(grads, scale);
  return scale;
}

Optimizer::Optimizer(std::vector<NamedTensor> parameters, const OptimizerOptions& options)
    : options_(options), named_(std::move(parameters)), slots_(named_.size()) {
  for (const NamedTensor& p : named_) {
    tensors_.push_back(p.tensor);
    const bool norm_or_bias = p.tensor.dim() <= 1 || p.role == Role::kBias;
    decays_.push_back(options.weight_decay > 0 && (options.decay_norm_and_bias || !norm_or_bias));
  }
}

void Optimizer::forget() {
  slots_.assign(slots_.size(), {});
}

std::vector<at::Tensor> Optimizer::gradients(const std::vector<bool>& used) const {
  std::vector<at::Tensor> grads;
  for (size_t i = 0; i < tensors_.size(); ++i)
    if (used[i] && tensors_[i].grad().defined()) grads.push_back(tensors_[i].grad());
  return grads;
}

void Optimizer::step(double lr, const std::vector<bool>& used) {
  const c10::NoGradGuard no_grad;
  std::vector<size_t> active;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const bool decays = options_.untouched == Untouched::kDecay && slots_[i].steps > 0;
    if (!used[i] && !decays) continue;
    // A parameter that earlier steps moved may never have had a gradient in this process.
    if (at::Tensor& grad = tensors_[i].mutable_grad(); !grad.defined())
      grad = at::zeros_like(tensors_[i]);
    active.push_back(i);
  }
  if (active.empty()) return;
  if (options_.clip_value > 0)
    for (const size_t i : active)
      tensors_[i].mutable_grad().clamp_(-options_.clip_value, options_.clip_value);
  if (options_.kind == OptimizerKind::kSgd)
    sgd(active, lr);
  else
    adam(active, lr);
  std::vector<at::Tensor> grads;
  for (const size_t i : active) grads.push_back(tensors_[i].grad());
  at::_foreach_zero_(grads);
}

void Optimizer::sgd(const std::vector<size_t>& active, double lr) {
  std::vector<at::Tensor> params, grads, decayed, decayed_grads, moments;
  for (const size_t i : active) {
    params.push_back(tensors_[i]);
    grads.push_back(tensors_[i].grad());
    if (decays_[i]) {
      decayed.push_back(params.back());
      decayed_grads.push_back(grads.back());
    }
  }
  if (!decayed.empty()) at::_foreach_add_(decayed_grads, decayed, options_.weight_decay);
  if (options_.momentum > 0) {
    std::vector<at::Tensor> old_moments, old_grads;
    for (size_t k = 0; k < active.size(); ++k) {
      Slot& slot = slots_[active[k]];
      if (!slot.first.defined()) {
        slot.first =
            grads[k].clone();  // The first buffer is the gradient itself, as in the framework.
      } else {
        old_moments.push_back(slot.first);
        old_grads.push_back(grads[k]);
      }
      moments.push_back(slot.first);
    }
    if (!old_moments.empty()) {
      at::_foreach_mul_(old_moments, options_.momentum);
      at::_foreach_add_(old_moments, old_grads, 1.0);
    }
    if (options_.nesterov)
      at::_foreach_add_(grads, moments, options_.momentum);
    else
      grads = moments;
  }
  at::_foreach_add_(params, grads, -lr);
  for (const size_t i : active) ++slots_[i].steps;
}

void Optimizer::adam(const std::vector<size_t>& active, double lr) {
  for (const size_t i : active) {
    Slot& slot = slots_[i];
    at::Tensor& p = tensors_[i];
    at::Tensor grad = p.grad();
    if (!slot.first.defined()) {
      slot.first = at::zeros_like(p);
      slot.second = at::zeros_like(p);
    }
    ++slot.steps;
    if (decays_[i]) {
      if (options_.kind == OptimizerKind::kAdamW)
        p.mul_(1 - lr * options_.weight_decay);
      else
        grad = grad.add(p, options_.weight_decay);
    }
    slot.first.mul_(options_.beta1).add_(grad, 1 - options_.beta1);
    slot.second.mul_(options_.beta2).addcmul_(grad, grad, 1 - options_.beta2);
    const double t = static_cast<double>(slot.steps);
    const double correction1 = 1 - std::pow(options_.beta1, t);
    const double correction2 = std::sqrt(1 - std::pow(options_.beta2, t));
    p.addcdiv_(
        slot.first, slot.second.sqrt().div_(correction2).add_(options_.eps), -lr / correction1);
  }
}

std::map<std::string, at::Tensor> Optimizer::save() const {
  std::map<std::string, at::Tensor> state;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.steps == 0) continue;
    state[named_[i].name + "#steps"] = at::full({1}, slot.steps, at::kLong);
    if (slot.first.defined()) state[named_[i].name + "#first"] = slot.first;
    if (slot.second.defined()) state[named_[i].name + "#second"] = slot.second;
  }
  return state;
}

void Optimizer::load(const std::map<std::string, at::Tensor>& state) {
  size_t used = 0;
  const auto take = [&](size_t i, const char* part, at::Tensor& out) {
    const auto it = state.find(named_[i].name + part);
    if (it == state.end()) return;
    if (it->second.sizes() != tensors_[i].sizes())
      throw DataError("optimizer state of " + named_[i].name +
                      " has another shape than the parameter");
    out = it->second.to(
        tensors_[i].options().requires_grad(false), /*non_blocking=*/false, /*copy=*/true);
    ++used;
  };
  for (size_t i = 0; i < slots_.size(); ++i) {
    slots_[i] = {};
    const auto steps = state.find(named_[i].name + "#steps");
    if (steps == state.end()) continue;
    slots_[i].steps = steps->second.item<int64_t>();
    ++used;
    take(i, "#first", slots_[i].first);
    take(i, "#second", slots_[i].second);
  }
  if (used != state.size())
    throw DataError("optimizer state names parameters that the supernet does not have");
}

}  // namespace nas
