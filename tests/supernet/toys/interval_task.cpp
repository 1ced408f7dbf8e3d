// A task that is no classification: one number per sample, half the squared distance as its loss.
#include <ATen/ATen.h>

#include "toys/toys.hpp"

namespace nas::test {
namespace {

class IntervalTask final : public Task {
 public:
  std::string_view name() const override { return "interval"; }
  std::span<const char* const> metrics() const override {
    static constexpr const char* kMetrics[] = {"loss"};
    return kMetrics;
  }
  std::vector<double> sums(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return {loss(outputs, targets, 0, true).sum().item<double>()};
  }
  at::Tensor loss(const at::Tensor& outputs,
                  const at::Tensor& targets,
                  double,
                  bool each) const override {
    const at::Tensor all = (outputs.squeeze(1) - targets).square() / 2;
    return each ? all : all.mean();
  }
  at::Tensor imitation(const at::Tensor& outputs,
                       const at::Tensor& taught,
                       bool each) const override {
    return loss(outputs, taught.squeeze(1), 0, each);
  }
  at::Tensor output_gradient(const at::Tensor& outputs,
                             const at::Tensor& targets,
                             double) const override {
    return outputs - targets.unsqueeze(1);
  }
  at::Tensor right(const at::Tensor& outputs, const at::Tensor& targets) const override {
    return (outputs.squeeze(1) - targets).abs().lt(0.5).sum();
  }
};

}  // namespace

const Task& interval_task() {
  static const IntervalTask task;
  return task;
}

}  // namespace nas::test
