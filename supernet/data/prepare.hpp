#pragma once
// Between a source and the loader: channel conversion, resizing and the cache of decoded images.
#include <memory>

#include "supernet/data/dataset.hpp"

namespace nas {

/// Grey to RGB by repetition, RGB to grey by ITU-R 601 luma (299 R + 587 G + 114 B) / 1000.
void convert_channels(Image& image, int channels);
/// Bilinear with the filter widened when shrinking (so that nothing aliases), to height x width.
void resize_image(Image& image, int height, int width);
/// Scales so that the image covers height x width, then cuts out the centre.
void resize_and_crop(Image& image, int height, int width);

/// Wraps `source` so that `load` gives images of the options' resolution and channels, kept in
/// memory after their first decoding where all of them fit (a quarter of the machine's memory).
std::unique_ptr<Dataset> prepare_dataset(std::unique_ptr<Dataset> source,
                                         const DataOptions& options);

}  // namespace nas
