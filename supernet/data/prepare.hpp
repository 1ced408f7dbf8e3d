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

/// Evaluation at `crop_pct` < 1, as torchvision does it: the image covers height / crop_pct x width
/// / crop_pct (rounded up, as in the published evaluation of once-for-all networks), the long side
/// rounded down; the centre is cut out, half a pixel to the even side.
void resize_and_crop_pct(Image& image, int height, int width, double crop_pct);
/// `side` / crop_pct, rounded up.
int side_before_crop(int side, double crop_pct);

/// Wraps `source` so that `load` gives images of the options' resolution and channels, kept in
/// memory after their first decoding where all of them fit (a quarter of the memory that this
/// process may use).
std::unique_ptr<Dataset> prepare_dataset(std::unique_ptr<Dataset> source,
                                         const DataOptions& options);

}  // namespace nas
