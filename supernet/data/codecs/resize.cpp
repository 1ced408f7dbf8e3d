// A triangle filter whose width grows with the reduction (bilinear with antialiasing, as Pillow's),
// one direction at a time: plain bilinear would skip pixels and make the network see noise.
#include <algorithm>
#include <cmath>

#include "supernet/data/prepare.hpp"

namespace nas {
namespace {

/// Weights of the source pixels that make one output pixel.
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

/// Triangle filter of half-width max(1, in/out), centres at (i + 0.5) * in / out - 0.5.
std::vector<Taps> taps_of(int in, int out) {
  const double scale = static_cast<double>(in) / out;
  const double reach = std::max(1.0, scale);
  std::vector<Taps> taps(static_cast<size_t>(out));
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(centre - reach + 0.5));
    const int last = std::min(in, static_cast<int>(centre + reach + 0.5));
    Taps& t = taps[static_cast<size_t>(i)];
    t.first = first;
    double sum = 0;
    for (int x = first; x < last; ++x) {
      const double w = std::max(0.0, 1.0 - std::abs((x + 0.5 - centre) / reach));
      t.weights.push_back(static_cast<float>(w));
      sum += w;
    }
    for (float& w : t.weights) w = static_cast<float>(w / sum);
  }
  return taps;
}

}  // namespace

void convert_channels(Image& image, int channels) {
  if (image.c == channels) return;
  const size_t plane = static_cast<size_t>(image.h) * image.w;
  if (channels == 3) {
    image.pixels.resize(3 * plane);
    std::copy_n(image.pixels.begin(), plane, image.pixels.begin() + static_cast<ptrdiff_t>(plane));
    std::copy_n(
        image.pixels.begin(), plane, image.pixels.begin() + static_cast<ptrdiff_t>(2 * plane));
  } else {
    uint8_t* p = image.pixels.data();
    for (size_t i = 0; i < plane; ++i)
      p[i] = static_cast<uint8_t>((299 * p[i] + 587 * p[plane + i] + 114 * p[2 * plane + i] + 500) /
                                  1000);
    image.pixels.resize(plane);
  }
  image.c = channels;
}

void resize_image(Image& image, int height, int width) {
  if (image.h == height && image.w == width) return;
  const std::vector<Taps> across = taps_of(image.w, width), down = taps_of(image.h, height);
  // Rows first: [c, h, width] in float, so that rounding happens once.
  std::vector<float> rows(static_cast<size_t>(image.c) * image.h * width);
  for (size_t r = 0; r < static_cast<size_t>(image.c) * image.h; ++r) {
    const uint8_t* in = image.pixels.data() + r * image.w;
    for (int x = 0; x < width; ++x) {
      const Taps& t = across[static_cast<size_t>(x)];
      float sum = 0;
      for (size_t k = 0; k < t.weights.size(); ++k)
        sum += t.weights[k] * in[t.first + static_cast<int>(k)];
      rows[r * width + x] = sum;
    }
  }
  std::vector<uint8_t> out(static_cast<size_t>(image.c) * height * width);
  std::vector<float> line(static_cast<size_t>(width));
  for (int c = 0; c < image.c; ++c)
    for (int y = 0; y < height; ++y) {
      const Taps& t = down[static_cast<size_t>(y)];
      std::fill(line.begin(), line.end(), 0.5F);
      for (size_t k = 0; k < t.weights.size(); ++k) {
        const float* in = rows.data() + (static_cast<size_t>(c) * image.h + t.first + k) * width;
        for (int x = 0; x < width; ++x) line[static_cast<size_t>(x)] += t.weights[k] * in[x];
      }
      uint8_t* to = out.data() + (static_cast<size_t>(c) * height + y) * width;
      for (int x = 0; x < width; ++x)
        to[x] = static_cast<uint8_t>(std::clamp(line[static_cast<size_t>(x)], 0.0F, 255.0F));
    }
  image.pixels = std::move(out);
  image.h = height;
  image.w = width;
}

namespace {

void crop(Image& image, int top, int left, int height, int width) {
  if (image.h == height && image.w == width) return;
  std::vector<uint8_t> out(static_cast<size_t>(image.c) * height * width);
  for (int c = 0; c < image.c; ++c)
    for (int y = 0; y < height; ++y)
      std::copy_n(
          image.pixels.data() + (static_cast<size_t>(c) * image.h + top + y) * image.w + left,
          width,
          out.data() + (static_cast<size_t>(c) * height + y) * width);
  image.pixels = std::move(out);
  image.h = height;
  image.w = width;
}

}  // namespace

void resize_and_crop(Image& image, int height, int width) {
  if (image.h == height && image.w == width) return;
  const double scale =
      std::max(static_cast<double>(height) / image.h, static_cast<double>(width) / image.w);
  // The side that decides becomes exact; the other is at least as long as wanted.
  resize_image(image,
               std::max(height, static_cast<int>(std::lround(image.h * scale))),
               std::max(width, static_cast<int>(std::lround(image.w * scale))));
  crop(image, (image.h - height) / 2, (image.w - width) / 2, height, width);
}

int side_before_crop(int side, double crop_pct) {
  // 224 / 0.875 is 256 and stays so where the quotient is a little more by rounding.
  return static_cast<int>(std::ceil(side / crop_pct - 1e-9));
}

void resize_and_crop_pct(Image& image, int height, int width, double crop_pct) {
  const int64_t h = side_before_crop(height, crop_pct), w = side_before_crop(width, crop_pct);
  if (h * image.w >= w * image.h)  // The height decides: h / image.h >= w / image.w.
    resize_image(image, static_cast<int>(h), static_cast<int>(std::max(w, h * image.w / image.h)));
  else
    resize_image(image, static_cast<int>(std::max(h, w * image.h / image.w)), static_cast<int>(w));
  const auto half = [](int rest) { return static_cast<int>(std::nearbyint(rest / 2.0)); };
  crop(image, half(image.h - height), half(image.w - width), height, width);
}

}  // namespace nas
