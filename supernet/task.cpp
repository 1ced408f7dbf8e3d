// Classification. Soft targets go through the same fused cross-entropy as hard ones: its value is
// that of KL divergence plus the teacher's entropy, a constant, so the gradients are those of
// distillation (search.md 2.7).
#include "supernet/task.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <stdexcept>

#include "spaces/space.hpp"

namespace nas {
namespace {

at::Reduction::Reduction reduction(bool each) {
  // Each sample's loss only where samples are weighted: the fused mean is faster.
  return each ? at::Reduction::None : at::Reduction::Mean;
}

class Classification final : public Task {
 public:
  std::string_view name() const override { return "classification"; }
  std::span<const char* const> metrics() const override {
    static constexpr const char* kMetrics[] = {"accuracy", "accuracy_top5", "loss"};
    return kMetrics;
  }

  std::vector<double> sums(const at::Tensor& outputs, const at::Tensor& targets) const override {
    const double loss =
        at::cross_entropy_loss(outputs.to(at::kFloat), targets, {}, at::Reduction::Sum)
            .item<double>();
    const int64_t k = std::min<int64_t>(5, outputs.size(1));
    const at::Tensor best = std::get<1>(outputs.topk(k, 1));
    const at::Tensor hit = best.eq(targets.unsqueeze(1));
    return {static_cast<double>(hit.select(1, 0).sum().item<int64_t>()),
            static_cast<double>(hit.sum().item<int64_t>()),
            loss};
  }

  at::Tensor loss(const at::Tensor& outputs,
                  const at::Tensor& targets,
                  double smoothing,
                  bool each) const override {
    return at::cross_entropy_loss(
        outputs, targets, {}, reduction(each), /*ignore_index=*/-100, smoothing);
  }

  at::Tensor imitation(const at::Tensor& outputs,
                       const at::Tensor& taught,
                       bool each) const override {
    return at::cross_entropy_loss(outputs, taught.softmax(1), {}, reduction(each));
  }

  at::Tensor output_gradient(const at::Tensor& outputs,
                             const at::Tensor& targets,
                             double smoothing) const override {
    at::Tensor gap = outputs.softmax(1);
    if (smoothing > 0) gap = gap - smoothing / static_cast<double>(gap.size(1));
    const at::Tensor column = targets.unsqueeze(1);
    return gap.scatter_add(1, column, at::full_like(column, smoothing - 1.0, gap.options()));
  }

  at::Tensor right(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return outputs.argmax(1).eq(targets).sum();
  }
};

}  // namespace

double Score::value(std::string_view name) const {
  for (const auto& [metric, value] : values)
    if (metric == name) return value;
  throw std::out_of_range("no metric '" + std::string(name) + "' in a score");
}

const Task& classification() {
  static const Classification task;
  return task;
}

std::span<const Task* const> tasks() {
  static const Task* const kTasks[] = {&classification()};
  return kTasks;
}

const Task& task_of(const Space& space) {
  for (const Task* task : tasks())
    if (task->name() == space.task()) return *task;
  throw std::logic_error("no task '" + std::string(space.task()) + "', which space " +
                         space.name() + " asks for");
}

}  // namespace nas
