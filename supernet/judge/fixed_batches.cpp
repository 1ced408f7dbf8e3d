// Batches are cut into parts that differ by one image at most: with the statistics of the batch a
// small rest would be judged by poor ones. Decoded images are kept where they fit, since the same
// ones are asked for by hundreds of subnets.
#include "supernet/judge/fixed_batches.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <atomic>

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
                           Layout layout,
                           bool keep)
    : state_(std::make_unique<State>(data, std::move(indices), device, layout)) {
  const auto n = static_cast<int64_t>(state_->indices.size());
  const int64_t parts = std::max<int64_t>(1, (n + batch - 1) / batch);
  state_->batch = std::max<int64_t>(1, (n + parts - 1) / parts);
  state_->larger_batches = n - parts * (state_->batch - 1);
  const InputShape shape = input_shape(data.dataset, data.options);
  const int64_t bytes = n * shape.c * shape.h * shape.w * static_cast<int64_t>(sizeof(float));
  state_->cached = keep && Kept::reserve(bytes);
  if (state_->cached) state_->kept_bytes = bytes;
}

FixedBatches::~FixedBatches() = default;
int64_t FixedBatches::size() const {
  return static_cast<int64_t>(state_->indices.size());
}
size_t FixedBatches::count() const {
  const State& s = *state_;
  const int64_t rest = size() - s.larger_batches * s.batch;
  return static_cast<size_t>(s.larger_batches + (rest > 0 ? rest / (s.batch - 1) : 0));
}
int64_t FixedBatches::batch() const {
  return state_->batch;
}

bool FixedBatches::by_kernels() const {
  return state_->device.is_cpu() && state_->layout == Layout::kChannelsLast;
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

bool FixedBatches::load() {
  State& s = *state_;
  if (!s.cached) return false;
  if (!s.complete) each([](const Item&) {});
  return true;
}

const std::vector<FixedBatches::Item>& FixedBatches::items() const {
  return state_->items;
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

BnTable mean_statistics(const Plan& plan, const BnTable& sums, int64_t batches, bool all) {
  if (batches == 0) throw DataError("batch-norm recalibration: the training split is empty");
  BnTable table;
  for (const auto& [id, stats] : sums) {
    // Nodes without running statistics use the batch's wherever they run.
    if (!all && !std::get<BatchNorm>(plan.nodes[static_cast<size_t>(id)].op).running) continue;
    const auto n = static_cast<double>(batches);
    table[id] = {stats.mean.div(n), stats.var.div(n)};
  }
  return table;
}

BnTable recalibrate(const Plan& plan, TensorSource& tensors, FixedBatches& data, bool all) {
  const c10::NoGradGuard no_grad;
  BnTable sums;
  ForwardOptions options;
  options.bn = ForwardOptions::Bn::kCollect;
  options.table = &sums;
  options.kernels = data.by_kernels();
  int64_t batches = 0;
  data.each([&](const FixedBatches::Item& item) {
    forward(plan, tensors, item.images, options);
    ++batches;
  });
  return mean_statistics(plan, sums, batches, all);
}

}  // namespace nas
