#include "supernet/optimizer.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nas {
namespace {

bool ends_with(const std::string& text, std::string_view tail) {
  return text.size() >= tail.size() &&
         text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

}  // namespace

void describe(Binder& b, OptimizerOptions& o) {
  b.choice("kind",
           o.kind,
           {{"sgd", OptimizerKind::kSgd},
            {"adam", OptimizerKind::kAdam},
            {"adamw", OptimizerKind::kAdamW}},
           "Optimizer");
  b.value("lr", o.lr, "Base learning rate").range(0, 1e3);
  b.value("momentum", o.momentum, "SGD momentum").range(0, 0.9999);
  b.value("nesterov", o.nesterov, "SGD with Nesterov momentum");
  b.value("weight_decay", o.weight_decay, "L2 penalty (adamw: decoupled)").range(0, 10);
  b.value("decay_norm_and_bias",
          o.decay_norm_and_bias,
          "Weight decay on batch-norm parameters and biases too");
  b.value("beta1", o.beta1, "Adam: decay of the first moment").range(0, 0.99999);
  b.value("beta2", o.beta2, "Adam: decay of the second moment").range(0, 0.999999);
  b.value("eps", o.eps, "Adam: added to the root").range(1e-16, 1);
  b.value("clip_norm", o.clip_norm, "Clip the global gradient norm to this; 0 off").range(0, 1e9);
  b.value("clip_value", o.clip_value, "Clamp each gradient entry to +-this; 0 off").range(0, 1e9);
  b.choice("untouched",
           o.untouched,
           {{"skip", Untouched::kSkip}, {"decay", Untouched::kDecay}},
           "Parameters that no path of the step used: left alone, or moved by momentum and weight "
           "decay");
}

void describe(Binder& b, ScheduleOptions& o) {
  b.choice("kind",
           o.kind,
           {{"constant", ScheduleKind::kConstant},
            {"cosine", ScheduleKind::kCosine},
            {"step", ScheduleKind::kStep},
            {"exponential", ScheduleKind::kExponential}},
           "Learning-rate schedule");
  b.value("per_step", o.per_step, "Change the rate every step rather than every epoch");
  b.value("lr_min", o.lr_min, "Lower end of cosine and exponential").range(0, 1e3);
  b.value("warmup_epochs", o.warmup_epochs, "Linear warm-up from 0").range(0, 1e6);
  b.list("milestones", o.milestones, "step: epochs at which the rate is multiplied by gamma");
  b.value("gamma", o.gamma, "step: factor; exponential: factor per epoch").range(0, 1);
}

double learning_rate(const ScheduleOptions& o, double base, double epoch, double epochs) {
  if (!o.per_step) epoch = std::floor(epoch);
  if (epoch < o.warmup_epochs)
    return base * (o.per_step ? epoch : epoch + 1) / std::max(o.warmup_epochs, 1.0);
  switch (o.kind) {
    case ScheduleKind::kConstant:
      return base;
    case ScheduleKind::kCosine: {
      const double progress = (epoch - o.warmup_epochs) / std::max(epochs - o.warmup_epochs, 1e-9);
      return o.lr_min +
             (base - o.lr_min) / 2 * (1 + std::cos(std::numbers::pi * std::min(progress, 1.0)));
    }
    case ScheduleKind::kStep: {
      const auto passed = std::count_if(
          o.milestones.begin(), o.milestones.end(), [&](int m) { return epoch >= m; });
      return base * std::pow(o.gamma, static_cast<double>(passed));
    }
    case ScheduleKind::kExponential:
      return std::max(o.lr_min, base * std::pow(o.gamma, epoch - o.warmup_epochs));
  }
  return base;
}

double clip_gradient_norm(const std::vector<at::Tensor>& parameters, double max_norm) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> grads;
  for (const at::Tensor& p : parameters)
    if (p.grad().defined()) grads.push_back(p.grad());
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
    const bool norm_or_bias = p.tensor.dim() <= 1 || ends_with(p.name, ".bias");
    decays_.push_back(options.weight_decay > 0 && (options.decay_norm_and_bias || !norm_or_bias));
  }
}

void Optimizer::zero_grad() {
  for (at::Tensor& t : tensors_) t.mutable_grad().reset();
}

void Optimizer::step(double lr) {
  const c10::NoGradGuard no_grad;
  std::vector<size_t> active;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    at::Tensor& grad = tensors_[i].mutable_grad();
    if (!grad.defined() && options_.untouched == Untouched::kDecay && slots_[i].steps > 0)
      grad = at::zeros_like(tensors_[i]);
    if (grad.defined()) active.push_back(i);
  }
  if (options_.clip_value > 0)
    for (const size_t i : active)
      tensors_[i].mutable_grad().clamp_(-options_.clip_value, options_.clip_value);
  if (!active.empty()) {
    if (options_.kind == OptimizerKind::kSgd)
      sgd(active, lr);
    else
      adam(active, lr);
  }
  zero_grad();
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
