#include "supernet/train/observers/epoch_observer.hpp"

#include "supernet/train/observers/epoch_validation.hpp"
#include "supernet/train/observers/variance_probe.hpp"

namespace nas {
namespace {

bool due(const EpochView& view, int every) {
  return view.epoch % every == 0 || view.last;
}

class Validation final : public EpochObserver {
 public:
  explicit Validation(const ObserverContext& context) : c_(context) {}
  void after(const EpochView& view, Telemetry& metrics) override {
    const ValidationOptions& v = c_.options.validation;
    if (!due(view, v.every)) return;
    if (!judge_) {
      EvaluateOptions e = c_.evaluate;
      e.split = "validation";
      e.images = v.images;
      judge_ =
          std::make_unique<EpochValidation>(Domain(c_.space, trained_part(c_.space, c_.options)),
                                            c_.store,
                                            c_.data,
                                            e,
                                            view.strategy.only(),
                                            v.subnets,
                                            c_.seed,
                                            c_.device,
                                            c_.options.memory_format);
    }
    for (auto& entry : judge_->measure()) metrics.push_back(std::move(entry));
  }

 private:
  ObserverContext c_;
  std::unique_ptr<EpochValidation> judge_;
};

class Variance final : public EpochObserver {
 public:
  explicit Variance(const ObserverContext& context) : c_(context) {}
  void after(const EpochView& view, Telemetry& metrics) override {
    const GradientVarianceOptions& v = c_.options.gradient_variance;
    if (!due(view, v.every)) return;
    if (!probe_)
      probe_ = std::make_unique<VarianceProbe>(Domain(c_.space, trained_part(c_.space, c_.options)),
                                               c_.store,
                                               c_.data,
                                               v.images,
                                               c_.seed,
                                               c_.device,
                                               c_.options.memory_format);
    const VarianceReport r =
        probe_->measure(view.strategy.image_probabilities(), c_.options.label_smoothing);
    for (auto& entry : metrics_of(r)) metrics.push_back(std::move(entry));
  }

 private:
  ObserverContext c_;
  std::unique_ptr<VarianceProbe> probe_;
};

}  // namespace

std::unique_ptr<EpochObserver> validation_observer(const ObserverContext& context) {
  if (context.options.validation.every <= 0 || context.data.splits.validation.empty())
    return nullptr;
  return std::make_unique<Validation>(context);
}

std::unique_ptr<EpochObserver> variance_observer(const ObserverContext& context) {
  if (context.options.gradient_variance.every <= 0) return nullptr;
  return std::make_unique<Variance>(context);
}

}  // namespace nas
