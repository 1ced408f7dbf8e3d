// libpng reports errors by longjmp; the same care as in jpeg_codec.cpp.
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "spaces/error.hpp"
#include "supernet/data/codecs/image_codec.hpp"

namespace nas::detail {
namespace {

struct PngDecoder {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const uint8_t* bytes = nullptr;
  size_t size = 0, at = 0;
  char message[160] = "";
  ~PngDecoder() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* d = static_cast<PngDecoder*>(png_get_error_ptr(png));
  std::snprintf(d->message, sizeof d->message, "%s (at byte %zu)", text, d->at);
  png_longjmp(png, 1);
}
void on_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep out, size_t count) {
  auto* d = static_cast<PngDecoder*>(png_get_io_ptr(png));
  if (count > d->size - d->at) png_error(png, "the file ends too early");
  std::memcpy(out, d->bytes + d->at, count);
  d->at += count;
}

bool read_header(PngDecoder& d) {
  if (setjmp(png_jmpbuf(d.png))) return false;
  png_set_read_fn(d.png, &d, read_bytes);
  png_set_user_limits(d.png, kLongestSide, kLongestSide);
  // Text and profile chunks inflate too; pixels are not counted here.
  png_set_chunk_malloc_max(d.png, 8U << 20);
  png_set_chunk_cache_max(d.png, 64);
  png_read_info(d.png, d.info);
  return true;
}

/// Everything to 8-bit grey or RGB.
bool convert(PngDecoder& d) {
  if (setjmp(png_jmpbuf(d.png))) return false;
  const int colour = png_get_color_type(d.png, d.info);
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(d.png);
  if (colour == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(d.png);
  png_set_scale_16(d.png);
  png_set_strip_alpha(d.png);
  png_set_interlace_handling(d.png);
  png_read_update_info(d.png, d.info);
  return true;
}

bool read_rows(PngDecoder& d, png_bytepp rows) {
  if (setjmp(png_jmpbuf(d.png))) return false;
  png_read_image(d.png, rows);
  png_read_end(d.png, nullptr);
  return true;
}

}  // namespace

void decode_png(std::span<const uint8_t> bytes, const std::string& name, Image& out) {
  PngDecoder d;
  d.bytes = bytes.data();
  d.size = bytes.size();
  d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d, on_error, on_warning);
  if (d.png) d.info = png_create_info_struct(d.png);
  if (!d.info) throw DataError(name + ": libpng cannot be initialised");
  const auto fail = [&] { throw DataError(name + ": PNG cannot be decoded: " + d.message); };
  if (!read_header(d)) fail();
  const int64_t width = png_get_image_width(d.png, d.info);
  const int64_t height = png_get_image_height(d.png, d.info);
  check_image_size(width, height, name);
  if (!convert(d)) fail();
  out.c = png_get_channels(d.png, d.info);
  out.h = static_cast<int>(height);
  out.w = static_cast<int>(width);
  const size_t stride = png_get_rowbytes(d.png, d.info);
  if ((out.c != 1 && out.c != 3) || stride != static_cast<size_t>(width) * out.c)
    throw DataError(name + ": PNG of an unexpected form (" + std::to_string(out.c) + " channels)");
  thread_local std::vector<uint8_t> pixels;
  std::vector<png_bytep> rows(static_cast<size_t>(height));
  pixels.resize(stride * static_cast<size_t>(height));
  for (size_t y = 0; y < rows.size(); ++y) rows[y] = pixels.data() + y * stride;
  if (!read_rows(d, rows.data())) fail();
  planar_from_interleaved(pixels.data(), out);
}

}  // namespace nas::detail
