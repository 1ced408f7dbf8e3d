// Worker threads fill a ring of batches; `next` hands them out in order.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "spaces/error.hpp"
#include "supernet/data/augment.hpp"
#include "supernet/data/dataset.hpp"
#include "supernet/data/prepare.hpp"

namespace nas {

struct Loader::State {
  struct Slot {
    Batch batch;
    std::exception_ptr error;
    bool ready = false;
  };

  State(const Dataset& d, const Normalisation& n, const DataOptions& options, uint64_t s)
      : data(d),
        shape(input_shape(d, options)),
        augmenter(n, options),
        seed(s),
        workers(std::max(1, options.workers)),
        // One more than is prepared ahead: the batch in the caller's hands.
        slots(static_cast<size_t>(std::max(1, options.prefetch)) + 1) {
    if (n.mean.size() != static_cast<size_t>(shape.c) || n.std.size() != n.mean.size())
      throw ConfigError("data.mean: " + std::to_string(n.mean.size()) + " values for images of " +
                        std::to_string(shape.c) + " channel(s)");
  }

  void run();
  void decode(int64_t k, Batch& batch, Image& image) const;
  bool claimable() const {
    return claimed < batches && claimed < handed_out + static_cast<int64_t>(slots.size()) - 1;
  }
  Slot& slot(int64_t k) { return slots[static_cast<size_t>(k) % slots.size()]; }
  void end_pass(std::unique_lock<std::mutex>& lock);

  const Dataset& data;
  const InputShape shape;
  const Augmenter augmenter;
  const uint64_t seed;
  const int workers;

  // The pass; written only while no worker is busy.
  std::vector<int64_t> order;
  int64_t batch_size = 1, batches = 0;
  uint64_t epoch = 0;
  bool augment = false;

  std::mutex mutex;
  std::condition_variable work, done;
  std::vector<Slot> slots;
  int64_t claimed = 0;     ///< Next batch for a worker.
  int64_t handed_out = 0;  ///< Next batch for the caller.
  int busy = 0;            ///< Workers that fill a slot now.
  bool quit = false;
  std::atomic<bool> cancel{false};  ///< Seen by workers between images.
  double waited = 0;
  std::vector<std::thread> threads;
};

void Loader::State::decode(int64_t k, Batch& batch, Image& image) const {
  const int64_t first = k * batch_size;
  batch.n = std::min(batch_size, static_cast<int64_t>(order.size()) - first);
  batch.c = shape.c;
  batch.h = shape.h;
  batch.w = shape.w;
  const size_t each = static_cast<size_t>(shape.c) * shape.h * shape.w;
  batch.images.resize(static_cast<size_t>(batch.n) * each);
  batch.labels.resize(static_cast<size_t>(batch.n));
  batch.indices.assign(order.begin() + first, order.begin() + first + batch.n);
  // One stream per batch: who decodes it, and when, does not matter.
  Rng rng(splitmix64(seed) + epoch, "augment", static_cast<uint64_t>(k));
  for (int64_t i = 0; i < batch.n && !cancel; ++i) {
    const int64_t index = batch.indices[static_cast<size_t>(i)];
    if (augment)
      data.load(index, image);
    else
      data.load_for_evaluation(index, image);
    resize_and_crop(image, shape.h, shape.w);
    convert_channels(image, shape.c);
    augmenter.apply(
        image, augment ? &rng : nullptr, batch.images.data() + static_cast<size_t>(i) * each);
    batch.labels[static_cast<size_t>(i)] = data.label(index);
  }
}

void Loader::State::run() {
  Image image;
  std::unique_lock lock(mutex);
  while (true) {
    work.wait(lock, [&] { return quit || claimable(); });
    if (quit) return;
    const int64_t k = claimed++;
    Slot& s = slot(k);
    ++busy;
    lock.unlock();
    std::exception_ptr error;
    try {
      decode(k, s.batch, image);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    --busy;
    s.error = error;
    s.ready = true;
    done.notify_all();
  }
}

/// No worker is busy and none will claim a batch afterwards.
void Loader::State::end_pass(std::unique_lock<std::mutex>& lock) {
  batches = 0;
  cancel = true;
  done.wait(lock, [&] { return busy == 0; });
  cancel = false;
  for (Slot& s : slots) {
    s.ready = false;
    s.error = nullptr;
  }
}

Loader::Loader(const Dataset& data,
               Normalisation normalisation,
               const DataOptions& options,
               uint64_t seed)
    : state_(std::make_unique<State>(data, normalisation, options, seed)) {}

Loader::~Loader() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->quit = true;
    state_->cancel = true;
  }
  state_->work.notify_all();
  for (std::thread& t : state_->threads) t.join();
}

void Loader::start(std::vector<int64_t> order,
                   int64_t batch,
                   uint64_t epoch,
                   bool augment,
                   bool drop_last,
                   int64_t first) {
  State& s = *state_;
  if (batch < 1) throw Error("loader: batch size " + std::to_string(batch) + " is less than 1");
  for (const int64_t i : order)
    if (i < 0 || i >= s.data.size())
      throw Error("loader: image " + std::to_string(i) + " of " + std::to_string(s.data.size()));
  std::unique_lock lock(s.mutex);
  s.end_pass(lock);
  s.order = std::move(order);
  s.batch_size = batch;
  s.epoch = epoch;
  s.augment = augment;
  const int64_t n = static_cast<int64_t>(s.order.size());
  s.claimed = s.handed_out = std::max<int64_t>(0, first);
  s.batches = drop_last ? n / batch : (n + batch - 1) / batch;
  while (static_cast<int>(s.threads.size()) < s.workers) s.threads.emplace_back([&s] { s.run(); });
  s.work.notify_all();
}

const Batch* Loader::next() {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  if (s.handed_out >= s.batches) return nullptr;
  // The slot handed out before is free from now on.
  State::Slot& slot = s.slot(s.handed_out);
  if (!slot.ready) {
    const auto before = std::chrono::steady_clock::now();
    s.done.wait(lock, [&] { return slot.ready; });
    s.waited += std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  }
  // The pass stays at a broken batch: asking again gives the same error.
  if (slot.error) std::rethrow_exception(slot.error);
  slot.ready = false;
  ++s.handed_out;
  s.work.notify_all();
  return &slot.batch;
}

int64_t Loader::batches() const {
  const std::lock_guard lock(state_->mutex);
  return state_->batches;
}

double Loader::wait_seconds() const {
  const std::lock_guard lock(state_->mutex);
  return state_->waited;
}

}  // namespace nas
