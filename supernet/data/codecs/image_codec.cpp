// What an image is, its first bytes say, not its name. Sizes are read from the header alone, which
// is enough for a check of thousands of files.
#include "supernet/data/codecs/image_codec.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "spaces/error.hpp"
#include "supernet/data/codecs/bytes.hpp"

namespace nas {
namespace {

constexpr uint8_t kPngSignature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

bool is_png(std::span<const uint8_t> b) {
  return b.size() >= 8 && std::equal(kPngSignature, kPngSignature + 8, b.begin());
}
bool is_jpeg(std::span<const uint8_t> b) {
  return b.size() >= 3 && b[0] == 0xff && b[1] == 0xd8 && b[2] == 0xff;
}

std::string first_bytes(std::span<const uint8_t> b) {
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(b.size(), 8); ++i) {
    if (std::isprint(b[i]) && b[i] != '\\') {
      text += static_cast<char>(b[i]);
    } else {
      text += "\\x";
      text += "0123456789abcdef"[b[i] >> 4];
      text += "0123456789abcdef"[b[i] & 15];
    }
  }
  return text;
}

/// Walks the markers up to the frame header.
std::optional<ImageSize> peek_jpeg(std::span<const uint8_t> b) {
  size_t at = 2;
  while (at + 4 <= b.size()) {
    if (b[at] != 0xff) return std::nullopt;
    const uint8_t marker = b[at + 1];
    if (marker == 0xff) {
      ++at;
      continue;
    }
    const size_t length = static_cast<size_t>(b[at + 2]) << 8 | b[at + 3];
    const bool frame =
        marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame) {
      if (at + 10 > b.size()) return std::nullopt;
      return ImageSize{
          b[at + 9] == 1 ? 1 : 3, b[at + 5] << 8 | b[at + 6], b[at + 7] << 8 | b[at + 8]};
    }
    if (length < 2 || marker == 0xda || marker == 0xd9) return std::nullopt;
    at += 2 + length;
  }
  return std::nullopt;
}

std::optional<ImageSize> peek_png(std::span<const uint8_t> b) {
  if (b.size() < 26) return std::nullopt;
  const uint32_t w = read_be32(b.data() + 16), h = read_be32(b.data() + 20);
  if (w > INT32_MAX || h > INT32_MAX) return std::nullopt;
  const int colour = b[25];
  return ImageSize{colour == 0 || colour == 4 ? 1 : 3, static_cast<int>(h), static_cast<int>(w)};
}

}  // namespace

namespace detail {

void check_image_size(int64_t width, int64_t height, const std::string& name) {
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  if (width <= 0 || height <= 0) throw DataError(name + ": an image of " + size + " pixels");
  if (width > kLongestSide || height > kLongestSide || width * height > kMostPixels)
    throw DataError(name + ": an image of " + size + " pixels is refused (at most " +
                    std::to_string(kMostPixels) + " pixels and " + std::to_string(kLongestSide) +
                    " a side)");
}

void planar_from_interleaved(const uint8_t* in, Image& out) {
  const size_t plane = static_cast<size_t>(out.h) * out.w;
  out.pixels.resize(plane * out.c);
  uint8_t* p = out.pixels.data();
  if (out.c == 1) {
    std::copy_n(in, plane, p);
    return;
  }
  for (size_t i = 0; i < plane; ++i) {
    p[i] = in[3 * i];
    p[plane + i] = in[3 * i + 1];
    p[2 * plane + i] = in[3 * i + 2];
  }
}

}  // namespace detail

void decode_image(std::span<const uint8_t> bytes, const std::string& name, Image& out) {
  if (bytes.empty()) throw DataError(name + ": empty");
  if (is_jpeg(bytes)) return detail::decode_jpeg(bytes, name, out);
  if (is_png(bytes)) return detail::decode_png(bytes, name, out);
  throw DataError(name + ": neither JPEG nor PNG (begins with \"" + first_bytes(bytes) + "\")");
}

std::optional<ImageSize> peek_image_size(std::span<const uint8_t> head) {
  if (is_jpeg(head)) return peek_jpeg(head);
  if (is_png(head)) return peek_png(head);
  return std::nullopt;
}

bool has_image_extension(const std::string& path) {
  std::string e = std::filesystem::path(path).extension().string();
  std::transform(e.begin(), e.end(), e.begin(), [](unsigned char c) { return std::tolower(c); });
  return e == ".jpg" || e == ".jpeg" || e == ".jpe" || e == ".jfif" || e == ".png";
}

}  // namespace nas
