// Images made from a seed: a smooth pattern per class, shifted at random, plus noise. Learnable by
// a small network in a few epochs, not separable by brightness alone; for tests, trials and
// benches.
#include <algorithm>
#include <cmath>

#include "spaces/random.hpp"
#include "supernet/data/sources/sources.hpp"

namespace nas {
namespace {

constexpr int kGrid = 4;  ///< Random control points per side of a pattern.

class SyntheticDataset : public Dataset {
 public:
  explicit SyntheticDataset(const DataOptions& o)
      : size_(o.synthetic_size),
        classes_(o.synthetic_classes),
        side_(o.synthetic_resolution),
        seed_(o.synthetic_seed),
        names_(numbered_classes(o.synthetic_classes)) {
    for (int k = 0; k < classes_; ++k) patterns_.push_back(make_pattern(k));
  }
  int64_t size() const override { return size_; }
  int label(int64_t index) const override { return static_cast<int>(index % classes_); }
  const std::vector<std::string>& class_names() const override { return names_; }
  int channels() const override { return 3; }
  std::optional<std::pair<int, int>> fixed_size() const override {
    return std::make_pair(side_, side_);
  }
  std::string describe() const override {
    return "synthetic: " + std::to_string(size_) + " images, 3x" + std::to_string(side_) + "x" +
           std::to_string(side_) + ", " + std::to_string(classes_) + " classes, seed " +
           std::to_string(seed_);
  }
  std::string where(int64_t index) const override {
    return "synthetic image " + std::to_string(index);
  }

  void load(int64_t index, Image& out) const override {
    Rng rng(seed_, "synthetic image", static_cast<uint64_t>(index));
    const std::vector<float>& pattern = patterns_[static_cast<size_t>(label(index))];
    const int reach = std::max(1, side_ / 8);
    const int dy = static_cast<int>(rng.below(2 * reach + 1)) - reach + side_;
    const int dx = static_cast<int>(rng.below(2 * reach + 1)) - reach + side_;
    const float light = static_cast<float>(rng.uniform() * 40 - 20);
    out.c = 3;
    out.h = out.w = side_;
    out.pixels.resize(static_cast<size_t>(3) * side_ * side_);
    size_t at = 0;
    uint64_t bits = 0;
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < side_; ++y)
        for (int x = 0; x < side_; ++x, ++at) {
          if (at % 4 == 0) bits = rng.next();
          // Sum of two uniform bytes: triangular noise, standard deviation 104 * 0.35 = 37.
          const int noise = static_cast<int>(bits & 255) + static_cast<int>(bits >> 8 & 255) - 255;
          bits >>= 16;
          const size_t from = (static_cast<size_t>(c) * side_ + (y + dy) % side_) * side_ +
                              static_cast<size_t>((x + dx) % side_);
          const float value = pattern[from] + light + 0.35F * static_cast<float>(noise);
          out.pixels[at] = static_cast<uint8_t>(std::clamp(value, 0.0F, 255.0F) + 0.5F);
        }
  }

 private:
  /// [3, side, side] around 128: random control points, interpolated bilinearly on a torus.
  std::vector<float> make_pattern(int k) const {
    Rng rng(seed_, "synthetic class", static_cast<uint64_t>(k));
    std::vector<float> grid(3 * kGrid * kGrid);
    for (float& g : grid) g = static_cast<float>(128 + 45 * rng.normal());
    std::vector<float> pattern;
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < side_; ++y)
        for (int x = 0; x < side_; ++x)
          pattern.push_back(interpolate(grid.data() + c * kGrid * kGrid, y, x));
    return pattern;
  }
  float interpolate(const float* grid, int y, int x) const {
    const float fy = static_cast<float>(y) * kGrid / static_cast<float>(side_);
    const float fx = static_cast<float>(x) * kGrid / static_cast<float>(side_);
    const int y0 = static_cast<int>(fy) % kGrid, x0 = static_cast<int>(fx) % kGrid;
    const int y1 = (y0 + 1) % kGrid, x1 = (x0 + 1) % kGrid;
    const float ty = fy - std::floor(fy), tx = fx - std::floor(fx);
    const float top = grid[y0 * kGrid + x0] * (1 - tx) + grid[y0 * kGrid + x1] * tx;
    const float low = grid[y1 * kGrid + x0] * (1 - tx) + grid[y1 * kGrid + x1] * tx;
    return top * (1 - ty) + low * ty;
  }

  int64_t size_;
  int classes_, side_;
  uint64_t seed_;
  std::vector<std::string> names_;
  std::vector<std::vector<float>> patterns_;
};

}  // namespace

std::unique_ptr<Dataset> open_synthetic(const DataOptions& options, Faults&) {
  return std::make_unique<SyntheticDataset>(options);
}

}  // namespace nas
