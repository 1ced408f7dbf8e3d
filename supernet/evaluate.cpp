// Batches are cut into parts that differ by one image at most: with the statistics of the batch a
// small rest would be judged by poor ones. Decoded images are kept where they fit, since the same
// ones are asked for by hundreds of subnets.
#include "supernet/evaluate.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>

#include "hardware/usable_memory.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/random.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/weights/weight_set.hpp"
#include "supernet/weights/weight_store.hpp"

namespace nas {
namespace {

/// Decoded images are kept up to this size by all FixedBatches of the process together (a run's
/// validation holds two, a probe one more, and on a GPU they lie in its memory): 1 GiB, or an
/// eighth of the memory that the process may use.
class Kept {
 public:
  static bool reserve(int64_t bytes) {
    static const int64_t most =
        std::min(int64_t{1} << 30, static_cast<int64_t>(usable_memory_bytes() / 8));
    int64_t before = all_.load();
    do {
      if (bytes > most - before) return false;
    } while (!all_.compare_exchange_weak(before, before + bytes));
    return true;
  }
  static void release(int64_t bytes) { all_ -= bytes; }

 private:
  static inline std::atomic<int64_t> all_{0};
};

}  // namespace

struct FixedBatches::State {
  State(const RunData& d, std::vector<int64_t> i, c10::Device dev, Layout l)
      : data(d), indices(std::move(i)), device(dev), layout(l) {}
  ~State() { Kept::release(kept_bytes); }
  State(const State&) = delete;

  at::Tensor tensor(const Batch& b) const {
    at::Tensor t = at::empty({b.n, b.c, b.h, b.w}, at::kFloat);
    std::copy(b.images.begin(), b.images.begin() + t.numel(), t.data_ptr<float>());
    if (layout == Layout::kChannelsLast) t = t.contiguous(at::MemoryFormat::ChannelsLast);
    return t.to(device);
  }

  /// Those of size `batch`, then those of one image less.
  void start(bool larger) {
    const auto cut = indices.begin() + larger_batches * batch;
    loader->start({larger ? indices.begin() : cut, larger ? cut : indices.end()},
                  larger ? batch : batch - 1,
                  0,
                  /*augment=*/false,
                  /*drop_last=*/false);
    rest = !larger || cut == indices.end();
  }

  bool decode(Item& item) {
    const Batch* b = loader->next();
    if (b == nullptr && !rest) {
      start(/*larger=*/false);
      b = loader->next();
    }
    if (b == nullptr) return false;
    item.images = tensor(*b);
    item.labels = at::tensor(b->labels, at::kLong).to(device);
    return true;
  }

  RunData data;
  std::vector<int64_t> indices;
  c10::Device device;
  Layout layout;
  int64_t batch = 1, larger_batches = 0;
  bool rest = false;  ///< The smaller batches have begun, or there are none.
  bool cached = false, complete = false;
  int64_t kept_bytes = 0;
  std::vector<Item> items;
  size_t position = 0;
  std::unique_ptr<Loader> loader;
};

FixedBatches::FixedBatches(const RunData& data,
                           std::vector<int64_t> indices,
                           int64_t batch,
                           c10::Device device,
                           Layout layout)
    : state_(std::make_unique<State>(data, std::move(indices), device, layout)) {
  const auto n = static_cast<int64_t>(state_->indices.size());
  const int64_t parts = std::max<int64_t>(1, (n + batch - 1) / batch);
  state_->batch = std::max<int64_t>(1, (n + parts - 1) / parts);
  state_->larger_batches = n - parts * (state_->batch - 1);
  const InputShape shape = input_shape(data.dataset, data.options);
  const int64_t bytes = n * shape.c * shape.h * shape.w * static_cast<int64_t>(sizeof(float));
  state_->cached = Kept::reserve(bytes);
  if (state_->cached) state_->kept_bytes = bytes;
}

FixedBatches::~FixedBatches() = default;
int64_t FixedBatches::size() const {
  return static_cast<int64_t>(state_->indices.size());
}
int64_t FixedBatches::batch() const {
  return state_->batch;
}

bool FixedBatches::cut_anew() const {
  const State& s = *state_;
  const int64_t smaller = s.batch > 1 ? (size() - s.larger_batches * s.batch) / (s.batch - 1) : 0;
  return smaller > 1;
}

void FixedBatches::begin() {
  State& s = *state_;
  s.position = 0;
  if (s.complete) return;
  s.items.clear();
  s.loader = std::make_unique<Loader>(s.data.dataset, s.data.normalisation, s.data.options, 0);
  s.start(/*larger=*/true);
}

bool FixedBatches::next(Item& item) {
  State& s = *state_;
  throw_if_stopped();
  if (s.complete) {
    if (s.position == s.items.size()) return false;
    item = s.items[s.position++];
    return true;
  }
  if (s.decode(item)) {
    if (s.cached) s.items.push_back(item);
    return true;
  }
  s.loader.reset();
  s.complete = s.cached;
  return false;
}

std::vector<int64_t> seeded_subset(std::vector<int64_t> indices,
                                   int64_t images,
                                   uint64_t seed,
                                   const std::string& purpose) {
  Rng rng(seed, purpose);
  rng.shuffle(indices);
  if (images > 0 && static_cast<int64_t>(indices.size()) > images)
    indices.resize(static_cast<size_t>(images));
  return indices;
}

BnTable recalibrate(const Plan& plan, TensorSource& tensors, FixedBatches& data, bool all) {
  const c10::NoGradGuard no_grad;
  BnTable sums;
  ForwardOptions options;
  options.bn = ForwardOptions::Bn::kCollect;
  options.table = &sums;
  int64_t batches = 0;
  data.each([&](const FixedBatches::Item& item) {
    forward(plan, tensors, item.images, options);
    ++batches;
  });
  if (batches == 0) throw DataError("batch-norm recalibration: the training split is empty");
  BnTable table;
  for (auto& [id, stats] : sums) {
    // Nodes without running statistics use the batch's wherever they run.
    if (!all && !std::get<BatchNorm>(plan.nodes[static_cast<size_t>(id)].op).running) continue;
    const auto n = static_cast<double>(batches);
    table[id] = {stats.mean.div(n), stats.var.div(n)};
  }
  return table;
}

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
      dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr)
    return true;
  const std::string what = error.what();
  return what.find("not enough memory") != std::string::npos ||
         what.find("can't allocate memory") != std::string::npos;
}

SubnetScorer::SubnetScorer(const Space& space,
                           WeightStore& store,
                           const RunData& data,
                           const EvaluateOptions& options,
                           const Device& device,
                           Layout layout)
    : space_(space),
      task_(task_of(space)),
      store_(store),
      options_(options),
      device_(device),
      running_(store.keeps_statistics()) {
  const Splits& splits = data.splits;
  const auto batches = [&](const std::vector<int64_t>& from,
                           int64_t images,
                           uint64_t seed,
                           const std::string& purpose,
                           int64_t batch) {
    return std::make_unique<FixedBatches>(
        data, seeded_subset(from, images, seed, purpose), batch, torch_device(device), layout);
  };
  batches_ = batches(options.split == "test"    ? splits.test
                     : options.split == "train" ? splits.train
                                                : splits.validation,
                     options.images,
                     options.seed,
                     "evaluate",
                     options.batch);
  if (batches_->size() == 0)
    throw ConfigError("the " + options.split + " split is empty",
                      "give it a share with `data." + options.split + "`");
  const RecalibrateOptions& r = options.recalibrate;
  if (running_ && r.enabled)
    calibration_ = batches(splits.train, r.images, r.seed, "recalibrate", r.batch);
}

SubnetScorer::~SubnetScorer() = default;

Score SubnetScorer::score(const Architecture& a) {
  const c10::NoGradGuard no_grad;
  const ExactProducts exact(torch_device(device_));
  space_.build(a, plan_);
  const std::shared_ptr<WeightSet> weights = store_.open(store_.owner(a));
  const std::unique_ptr<TensorSource> tensors = weights->bind(a);
  BnTable table;
  ForwardOptions forward_options;
  forward_options.bn = ForwardOptions::Bn::kBatch;
  if (calibration_) {
    table = recalibrate(plan_, *tensors, *calibration_);
    forward_options.bn = ForwardOptions::Bn::kTable;
    forward_options.table = &table;
  } else if (running_) {
    forward_options.bn = ForwardOptions::Bn::kRunning;
  }
  std::vector<double> sums(task_.metrics().size(), 0.0);
  Score score;
  batches_->each([&](const FixedBatches::Item& item) {
    const at::Tensor logits = forward(plan_, *tensors, item.images, forward_options);
    // Sorting puts NaN first, so a network that answers nothing would still be right now and then.
    if (!at::isfinite(logits).all().item<bool>())
      throw NotFiniteError(
          "logits that are NaN or infinite: the weights have diverged (train with "
          "a lower train.optimizer.lr or with train.optimizer.clip_norm)");
    const std::vector<double> batch = task_.sums(logits, item.labels);
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += batch[i];
    score.samples += item.labels.size(0);
  });
  const auto n = static_cast<double>(score.samples);
  for (size_t i = 0; i < sums.size(); ++i)
    score.values.emplace_back(task_.metrics()[i], sums[i] / n);
  return score;
}

std::string SubnetScorer::fidelity_json() const {
  nlohmann::json j;
  j["split"] = options_.split;
  j["images"] = batches_->size();
  j["batch"] = batches_->batch();
  j["seed"] = options_.seed;
  if (calibration_) {
    j["bn"] = "recalibrated";
    j["bn_images"] = calibration_->size();
    j["bn_batch"] = calibration_->batch();
    j["bn_seed"] = options_.recalibrate.seed;
  } else {
    j["bn"] = running_ ? "running" : "batch";
    // The statistics, and so the value, depend on the cut.
    if (!running_ && batches_->cut_anew()) j["cut"] = "equal";
  }
  return j.dump();
}

std::string SubnetScorer::warning() const {
  if (!running_ || calibration_) return {};
  return "batch-norm recalibration is off: subnets are judged with running statistics that mix all "
         "architectures, which makes their ranking unreliable";
}

}  // namespace nas
