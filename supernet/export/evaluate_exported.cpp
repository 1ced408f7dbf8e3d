// The batches run side by side, one thread each, as those of a subnet do in its supernet: sums are
// cut alike, so that equal operators give equal numbers.
#include "supernet/export/evaluate_exported.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <exception>
#include <mutex>

#include "spaces/error.hpp"
#include "supernet/device.hpp"
#include "supernet/export/export.hpp"
#include "supernet/judge/fixed_batches.hpp"
#include "supernet/judge/worker_pool.hpp"

namespace nas {
namespace {

using Item = FixedBatches::Item;

std::vector<double> sums_of(ExportedNetwork& network,
                            const std::string& path,
                            const Task& task,
                            const Item& item) {
  const c10::NoGradGuard no_grad;
  const at::Tensor outputs = network.run(item.images);
  if (outputs.dim() != 2 || outputs.size(0) != item.images.size(0))
    throw DataError(path + ": does not answer one row of outputs for each image");
  if (!at::isfinite(outputs).all().item<bool>())
    throw DataError(path + ": answers with numbers that are NaN or infinite");
  return task.sums(outputs, item.labels);
}

}  // namespace

Score evaluate_exported(const std::string& path,
                        const Task& task,
                        const RunData& data,
                        const EvaluateOptions& options) {
  const std::unique_ptr<ExportedNetwork> network = open_exported(path);
  const Splits& splits = data.splits;
  const std::vector<int64_t>& from = options.split == "test"    ? splits.test
                                     : options.split == "train" ? splits.train
                                                                : splits.validation;
  FixedBatches batches(data,
                       seeded_subset(from, options.images, options.seed, "evaluate"),
                       options.batch,
                       c10::Device(c10::kCPU),
                       Layout::kContiguous);
  if (batches.size() == 0)
    throw ConfigError("the " + options.split + " split is empty",
                      "give it a share with `data." + options.split + "`");
  const int workers = compute_threads();
  const OneThreadPerOp one;
  std::vector<std::vector<double>> sums;
  if (batches.load()) {
    const std::vector<Item>& items = batches.items();
    sums.resize(items.size());
    std::mutex mutex;
    std::exception_ptr problem;
    WorkerPool pool(workers);
    pool.each(items.size(), [&](size_t k) {
      try {
        sums[k] = sums_of(*network, path, task, items[k]);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!problem) problem = std::current_exception();
      }
    });
    if (problem) std::rethrow_exception(problem);
  } else {
    batches.each([&](const Item& item) { sums.push_back(sums_of(*network, path, task, item)); });
  }
  Score score;
  score.samples = batches.size();
  for (size_t m = 0; m < task.metrics().size(); ++m) {
    double sum = 0;
    for (const std::vector<double>& batch : sums) sum += batch.at(m);
    score.values.emplace_back(task.metrics()[m], sum / static_cast<double>(score.samples));
  }
  return score;
}

}  // namespace nas
