// libjpeg reports errors by longjmp. The function that sets the jump holds no objects with
// destructors, and everything that it allocates belongs to the caller or to libjpeg's own pools.
#include <csetjmp>
#include <cstdio>
// jpeglib.h needs <cstdio> before it.
#include <jerror.h>
#include <jpeglib.h>

#include "spaces/error.hpp"
#include "supernet/data/codecs/image_codec.hpp"

namespace nas::detail {
namespace {

/// Progressive files may repeat scans at no cost to the file but at full cost to the reader.
constexpr int kMostScans = 200;

struct JpegDecoder {
  jpeg_decompress_struct info;  // First, so that the callbacks find the rest.
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  bool created;
};

[[noreturn]] void leave(j_common_ptr info) {
  auto* d = reinterpret_cast<JpegDecoder*>(info);
  info->err->format_message(info, d->message);
  longjmp(d->jump, 1);
}

void on_message(j_common_ptr info, int level) {
  if (level != -1) return;
  // Warnings that mean missing or damaged pixels; the others (e.g. bytes between segments) are
  // common in good files.
  const int code = info->err->msg_code;
  if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
      code == JWRN_BOGUS_PROGRESSION)
    leave(info);
}

void on_progress(j_common_ptr info) {
  auto* d = reinterpret_cast<JpegDecoder*>(info);
  if (d->info.input_scan_number <= kMostScans) return;
  std::snprintf(d->message, sizeof d->message, "more than %d scans", kMostScans);
  longjmp(d->jump, 1);
}

/// False: `d.message` says why.
bool read_header(JpegDecoder& d, std::span<const uint8_t> bytes) {
  if (setjmp(d.jump)) return false;
  jpeg_create_decompress(&d.info);
  d.created = true;
  d.info.progress = &d.progress;
  jpeg_mem_src(&d.info, bytes.data(), static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&d.info, TRUE);
  const J_COLOR_SPACE space = d.info.jpeg_color_space;
  const bool ink = space == JCS_CMYK || space == JCS_YCCK;
  d.info.out_color_space = space == JCS_GRAYSCALE ? JCS_GRAYSCALE : ink ? JCS_CMYK : JCS_RGB;
  d.info.mem->max_memory_to_use = 512L << 20;
  return true;
}

/// `rows`: [height, width, components].
bool read_rows(JpegDecoder& d, uint8_t* rows) {
  if (setjmp(d.jump)) return false;
  jpeg_start_decompress(&d.info);
  const size_t stride = static_cast<size_t>(d.info.output_width) * d.info.output_components;
  while (d.info.output_scanline < d.info.output_height) {
    JSAMPROW row = rows + d.info.output_scanline * stride;
    jpeg_read_scanlines(&d.info, &row, 1);
  }
  jpeg_finish_decompress(&d.info);
  return true;
}

/// Adobe writes inverted inks: 255 is none.
void rgb_from_cmyk(std::vector<uint8_t>& pixels, bool inverted) {
  const size_t n = pixels.size() / 4;
  const auto light = [inverted](uint8_t ink) { return inverted ? ink : 255 - ink; };
  for (size_t i = 0; i < n; ++i) {
    const int k = light(pixels[4 * i + 3]);
    for (size_t c = 0; c < 3; ++c)
      pixels[3 * i + c] = static_cast<uint8_t>((light(pixels[4 * i + c]) * k + 127) / 255);
  }
}

struct Destroy {
  JpegDecoder& d;
  ~Destroy() {
    if (d.created) jpeg_destroy_decompress(&d.info);
  }
};

}  // namespace

void decode_jpeg(std::span<const uint8_t> bytes, const std::string& name, Image& out) {
  JpegDecoder d{};
  d.info.err = jpeg_std_error(&d.errors);
  d.errors.error_exit = leave;
  d.errors.emit_message = on_message;
  d.progress.progress_monitor = on_progress;
  const Destroy guard{d};
  const auto fail = [&] { throw DataError(name + ": JPEG cannot be decoded: " + d.message); };
  if (!read_header(d, bytes)) fail();
  check_image_size(d.info.image_width, d.info.image_height, name);
  const size_t components = d.info.out_color_space == JCS_GRAYSCALE ? 1
                            : d.info.out_color_space == JCS_CMYK    ? 4
                                                                    : 3;
  thread_local std::vector<uint8_t> rows;
  rows.resize(static_cast<size_t>(d.info.image_width) * d.info.image_height * components);
  if (!read_rows(d, rows.data())) fail();
  if (components == 4) rgb_from_cmyk(rows, d.info.saw_Adobe_marker != 0);
  out.c = components == 1 ? 1 : 3;
  out.h = static_cast<int>(d.info.image_height);
  out.w = static_cast<int>(d.info.image_width);
  planar_from_interleaved(rows.data(), out);
}

}  // namespace nas::detail
