// Normalisation is a table of 256 values for each channel, so that augmentation copies bytes
// through it instead of computing floats. Padding is black before normalisation, as if the image
// itself had been padded.
#include "supernet/data/augment.hpp"

#include <algorithm>

namespace nas {

Augmenter::Augmenter(const Normalisation& normalisation, const DataOptions& options)
    : padding_(options.crop_padding), cutout_(options.cutout), flip_(options.flip) {
  for (size_t c = 0; c < normalisation.mean.size(); ++c) {
    auto& table = tables_.emplace_back();
    for (size_t v = 0; v < 256; ++v)
      table[v] = (static_cast<float>(v) / 255.0F - normalisation.mean[c]) / normalisation.std[c];
  }
}

void Augmenter::apply(const Image& image, Rng* rng, float* out) const {
  const int h = image.h, w = image.w;
  int dy = 0, dx = 0, cut_y = 0, cut_x = 0;
  bool mirror = false;
  if (rng) {
    if (padding_ > 0) {
      const uint64_t places = 2 * static_cast<uint64_t>(padding_) + 1;
      dy = static_cast<int>(rng->below(places)) - padding_;
      dx = static_cast<int>(rng->below(places)) - padding_;
    }
    if (flip_) mirror = rng->below(2) == 1;
    if (cutout_ > 0) {
      cut_y = static_cast<int>(rng->below(static_cast<uint64_t>(h)));
      cut_x = static_cast<int>(rng->below(static_cast<uint64_t>(w)));
    }
  }
  // Columns [from, to) of the output have a source pixel; the others are padding.
  const int from = std::clamp(-dx, 0, w), to = std::clamp(w - dx, 0, w);
  for (int c = 0; c < image.c; ++c) {
    const float* table = tables_[static_cast<size_t>(c)].data();
    for (int y = 0; y < h; ++y) {
      float* row = out + (static_cast<size_t>(c) * h + y) * w;
      const int source_y = y + dy;
      if (source_y < 0 || source_y >= h) {
        std::fill_n(row, w, table[0]);
        continue;
      }
      const uint8_t* in = image.pixels.data() + (static_cast<size_t>(c) * h + source_y) * w;
      std::fill(row, row + from, table[0]);
      for (int x = from; x < to; ++x) row[x] = table[in[x + dx]];
      std::fill(row + to, row + w, table[0]);
      if (mirror) std::reverse(row, row + w);
    }
  }
  if (!rng || cutout_ <= 0) return;
  const int top = std::max(0, cut_y - cutout_ / 2),
            low = std::min(h, cut_y - cutout_ / 2 + cutout_);
  const int left = std::max(0, cut_x - cutout_ / 2),
            right = std::min(w, cut_x - cutout_ / 2 + cutout_);
  for (int c = 0; c < image.c; ++c)
    for (int y = top; y < low; ++y) {
      float* row = out + (static_cast<size_t>(c) * h + y) * w;
      std::fill(row + left, row + right, 0.0F);
    }
}

}  // namespace nas
