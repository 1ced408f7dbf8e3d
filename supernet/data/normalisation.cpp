// Byte values are counted, which is exact, and moments are taken of the counts: the result depends
// on neither the order of the images nor the number of threads.
#include <array>
#include <cmath>

#include "spaces/error.hpp"
#include "supernet/data/dataset.hpp"

namespace nas {
namespace {

constexpr size_t kMostMeasured = 10000;

/// One value serves all channels.
std::vector<float> spread(const std::vector<float>& values, size_t channels, const char* key) {
  if (values.size() == channels) return values;
  if (values.size() == 1) return std::vector<float>(channels, values[0]);
  throw ConfigError(std::string("data.") + key + ": " + std::to_string(values.size()) +
                        " values for images of " + std::to_string(channels) + " channel(s)",
                    "give one value, or one per channel");
}

Normalisation measure(const Dataset& data, const std::vector<int64_t>& train, size_t channels) {
  // Counts of byte values are exact, so the result does not depend on the order of images.
  std::vector<std::array<uint64_t, 256>> counts(channels);
  for (auto& c : counts) c.fill(0);
  const size_t step = std::max<size_t>(1, (train.size() + kMostMeasured - 1) / kMostMeasured);
  Image image;
  for (size_t i = 0; i < train.size(); i += step) {
    data.load(train[i], image);
    const size_t plane = static_cast<size_t>(image.h) * image.w;
    for (size_t c = 0; c < channels; ++c)
      for (size_t p = 0; p < plane; ++p) ++counts[c][image.pixels[c * plane + p]];
  }
  Normalisation result;
  for (const auto& histogram : counts) {
    double n = 0, sum = 0, squares = 0;
    for (size_t v = 0; v < 256; ++v) {
      const double times = static_cast<double>(histogram[v]), x = static_cast<double>(v) / 255.0;
      n += times;
      sum += times * x;
      squares += times * x * x;
    }
    const double mean = n > 0 ? sum / n : 0;
    const double variance = n > 0 ? squares / n - mean * mean : 0;
    result.mean.push_back(static_cast<float>(mean));
    // A constant channel stays as it is instead of being divided by nothing.
    result.std.push_back(variance > 1e-10 ? static_cast<float>(std::sqrt(variance)) : 1.0F);
  }
  return result;
}

}  // namespace

Normalisation normalisation_of(const Dataset& data,
                               const std::vector<int64_t>& train,
                               const DataOptions& options) {
  const size_t channels = static_cast<size_t>(data.channels());
  Normalisation result;
  if (!options.mean.empty() || !options.std.empty()) {
    result.mean.assign(options.mean.begin(), options.mean.end());
    result.std.assign(options.std.begin(), options.std.end());
  } else if (const auto known = data.known_normalisation()) {
    result = *known;
  } else {
    return measure(data, train, channels);
  }
  return {spread(result.mean, channels, "mean"), spread(result.std, channels, "std")};
}

}  // namespace nas
