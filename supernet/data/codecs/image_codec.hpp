#pragma once
// JPEG (libjpeg-turbo) and PNG (libpng) to pixels.
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "supernet/data/dataset.hpp"

namespace nas {

/// Images beyond this are refused before any memory is taken for them.
inline constexpr int64_t kMostPixels = int64_t{1} << 26;
inline constexpr int kLongestSide = 32768;

struct ImageSize {
  int c = 0, h = 0, w = 0;
};

/// Grey images give one channel, all others three: palettes are looked up, 16 bits reduced to 8,
/// alpha dropped, CMYK and YCCK converted; EXIF orientation is ignored. DataError starting with
/// `name` for what is damaged, cut short, too large, or neither JPEG nor PNG.
void decode_image(std::span<const uint8_t> bytes, const std::string& name, Image& out);
/// Size from the header alone (the first bytes of a file suffice); nullopt when it is not there.
std::optional<ImageSize> peek_image_size(std::span<const uint8_t> head);
/// .jpg .jpeg .jpe .jfif .png in any case.
bool has_image_extension(const std::string& path);

namespace detail {
void decode_jpeg(std::span<const uint8_t> bytes, const std::string& name, Image& out);
void decode_png(std::span<const uint8_t> bytes, const std::string& name, Image& out);
/// DataError when the size is 0 or beyond the limits.
void check_image_size(int64_t width, int64_t height, const std::string& name);
/// [h, w, c] to [c, h, w].
void planar_from_interleaved(const uint8_t* in, Image& out);
}  // namespace detail

}  // namespace nas
