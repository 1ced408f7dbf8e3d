// Decoded images lie in one block that is mapped but untouched until an image is written: a data
// set that is never read whole never takes its memory. Each slot has a flag, taken by the first
// thread that decodes it.
#include "supernet/data/prepare.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "hardware/usable_memory.hpp"
#include "spaces/error.hpp"
#include "supernet/data/sources/sources.hpp"

namespace nas {
namespace {

/// Decoded images of one shape, filled as they are first asked for.
class PixelCache {
 public:
  PixelCache(int64_t images, size_t bytes_each)
      : each_(bytes_each),
        // calloc: pages are not touched before an image is written there.
        pixels_(static_cast<uint8_t*>(std::calloc(static_cast<size_t>(images), bytes_each)),
                std::free),
        ready_(new std::atomic<uint8_t>[static_cast<size_t>(images)]()) {}
  explicit operator bool() const { return pixels_ != nullptr; }

  bool get(int64_t index, Image& out) const {
    if (ready_[static_cast<size_t>(index)].load(std::memory_order_acquire) != kReady) return false;
    const uint8_t* first = pixels_.get() + static_cast<size_t>(index) * each_;
    out.pixels.assign(first, first + each_);
    return true;
  }
  void put(int64_t index, const Image& image) const {
    uint8_t empty = kEmpty;
    std::atomic<uint8_t>& state = ready_[static_cast<size_t>(index)];
    if (!state.compare_exchange_strong(empty, kBusy)) return;  // Another thread decoded it too.
    std::memcpy(pixels_.get() + static_cast<size_t>(index) * each_, image.pixels.data(), each_);
    state.store(kReady, std::memory_order_release);
  }

 private:
  enum : uint8_t { kEmpty, kBusy, kReady };
  size_t each_;
  std::unique_ptr<uint8_t, void (*)(void*)> pixels_;
  std::unique_ptr<std::atomic<uint8_t>[]> ready_;
};

class PreparedDataset : public Dataset {
 public:
  PreparedDataset(std::unique_ptr<Dataset> source, const DataOptions& options)
      : source_(std::move(source)),
        shape_(input_shape(*source_, options)),
        crop_pct_(options.crop_pct),
        sized_(options.resolution > 0 || options.crop_pct < 1) {
    const size_t each = static_cast<size_t>(shape_.c) * shape_.h * shape_.w;
    // Training and evaluation see different images where crop_pct says so.
    const double forms = crop_pct_ < 1 ? 2 : 1;
    const bool fits = forms * static_cast<double>(each) * static_cast<double>(size()) <=
                      usable_memory_bytes() / 4;
    if (options.cache != "auto" || !fits) return;
    cache_ = make_cache(each);
    if (crop_pct_ < 1) evaluation_cache_ = make_cache(each);
  }

  int64_t size() const override { return source_->size(); }
  int label(int64_t index) const override { return source_->label(index); }
  const std::vector<std::string>& class_names() const override { return source_->class_names(); }
  int channels() const override { return shape_.c; }
  std::optional<std::pair<int, int>> fixed_size() const override {
    return std::make_pair(shape_.h, shape_.w);
  }
  std::vector<int64_t> test_indices() const override { return source_->test_indices(); }
  std::vector<int64_t> validation_indices() const override { return source_->validation_indices(); }
  std::optional<Normalisation> known_normalisation() const override {
    // Constants of RGB data do not fit grey pixels made from it.
    return shape_.c < source_->channels() ? std::nullopt : source_->known_normalisation();
  }
  std::string describe() const override { return source_->describe(); }
  std::string where(int64_t index) const override { return source_->where(index); }
  uint64_t stored_size(int64_t index) const override { return source_->stored_size(index); }
  void read_stored(int64_t index, std::vector<uint8_t>& out) const override {
    source_->read_stored(index, out);
  }
  std::vector<Unused> unused() const override { return source_->unused(); }
  std::vector<std::string> remarks() const override { return source_->remarks(); }
  Preparation preparation() const override {
    Preparation p{source_->channels(), std::nullopt, crop_pct_};
    if (sized_)
      p.resize = {side_before_crop(shape_.h, crop_pct_), side_before_crop(shape_.w, crop_pct_)};
    return p;
  }

  void load(int64_t index, Image& out) const override {
    load_with(cache_.get(), index, out, [this](Image& image) {
      resize_and_crop(image, shape_.h, shape_.w);
    });
  }
  void load_for_evaluation(int64_t index, Image& out) const override {
    if (crop_pct_ >= 1) return load(index, out);
    load_with(evaluation_cache_.get(), index, out, [this](Image& image) {
      resize_and_crop_pct(image, shape_.h, shape_.w, crop_pct_);
    });
  }

 private:
  std::unique_ptr<PixelCache> make_cache(size_t bytes_each) const {
    auto cache = std::make_unique<PixelCache>(size(), bytes_each);
    return *cache ? std::move(cache) : nullptr;
  }
  template <typename F>
  void load_with(const PixelCache* cache, int64_t index, Image& out, const F& size_it) const {
    if (cache != nullptr && cache->get(index, out)) {
      out.c = shape_.c;
      out.h = shape_.h;
      out.w = shape_.w;
      return;
    }
    source_->load(index, out);
    size_it(out);
    convert_channels(out, shape_.c);
    if (cache != nullptr) cache->put(index, out);
  }

  std::unique_ptr<Dataset> source_;
  InputShape shape_;
  double crop_pct_;
  bool sized_;  ///< Else images are of one size already.
  std::unique_ptr<PixelCache> cache_, evaluation_cache_;
};

}  // namespace

std::unique_ptr<Dataset> prepare_dataset(std::unique_ptr<Dataset> source,
                                         const DataOptions& options) {
  const InputShape shape = input_shape(*source, options);
  const bool as_it_is =
      shape.c == source->channels() && source->fixed_size() == std::make_pair(shape.h, shape.w);
  if (as_it_is && options.crop_pct >= 1 && dynamic_cast<MemoryDataset*>(source.get()))
    return source;
  return std::make_unique<PreparedDataset>(std::move(source), options);
}

}  // namespace nas
