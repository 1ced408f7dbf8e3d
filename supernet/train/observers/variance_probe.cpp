// Measured on weights that stand still and on one fixed path: else the variance among paths would
// hide that among images.
#include "supernet/train/observers/variance_probe.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <numeric>

#include "spaces/random.hpp"
#include "supernet/executor.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {
namespace {

std::vector<int64_t> some_positions(size_t train_size, int64_t images, uint64_t seed) {
  std::vector<int64_t> all(train_size);
  std::iota(all.begin(), all.end(), int64_t{0});
  return seeded_subset(std::move(all), images, seed, "gradient_variance");
}

std::vector<int64_t> indices_at(const RunData& data, const std::vector<int64_t>& positions) {
  std::vector<int64_t> indices;
  for (const int64_t p : positions) indices.push_back(data.splits.train[static_cast<size_t>(p)]);
  return indices;
}

constexpr int64_t kBatch = 512;

}  // namespace

VarianceProbe::VarianceProbe(const Domain& domain,
                             WeightStore& store,
                             const RunData& data,
                             int64_t images,
                             uint64_t seed,
                             const Device& device,
                             Layout layout)
    : space_(domain.space()),
      store_(store),
      positions_(some_positions(data.splits.train.size(), images, seed)),
      batches_(data, indices_at(data, positions_), kBatch, torch_device(device), layout) {
  Rng rng(seed, "gradient_variance/path");
  path_ = domain.sample(rng);
}

VarianceReport VarianceProbe::measure(const std::vector<double>& q, double label_smoothing) {
  const c10::NoGradGuard no_grad;
  const Plan plan = space_.plan(path_);
  const bool bias = plan.classifier_layer().bias;
  const std::shared_ptr<WeightSet> weights = store_.open(store_.owner(path_));
  const std::unique_ptr<TensorSource> tensors = weights->bind(path_);
  std::vector<at::Tensor> logits, labels, features;
  batches_.each([&](const FixedBatches::Item& item) {
    at::Tensor h;
    ForwardOptions options;
    options.features = &h;
    logits.push_back(forward(plan, *tensors, item.images, options));
    features.push_back(h);
    labels.push_back(item.labels);
  });
  std::vector<double> here;
  if (!q.empty())
    for (const int64_t p : positions_) here.push_back(q[static_cast<size_t>(p)]);
  return gradient_variance(last_layer_gradients(task_of(space_),
                                                at::cat(logits),
                                                at::cat(labels),
                                                label_smoothing,
                                                at::cat(features),
                                                bias),
                           std::move(here));
}

}  // namespace nas
