// The UCI handwritten digits, compiled in (origin and licence: configs/digits/README.md).
#include <cstddef>
#include <string>

#include "spaces/error.hpp"
#include "supernet/data/codecs/bytes.hpp"
#include "supernet/data/sources/sources.hpp"

extern const unsigned char nas_digits_csv_gz[];
extern const std::size_t nas_digits_csv_gz_size;

namespace nas {
namespace {

constexpr int kDigitPixels = 64;

/// Appends one line: 64 values 0..16 and the class. False when it is anything else.
bool parse_line(std::string_view line, MemoryDataset::Content& out) {
  int column = 0, value = 0;
  bool digits = false;
  for (size_t i = 0; i <= line.size(); ++i) {
    const char c = i < line.size() ? line[i] : ',';
    if (c >= '0' && c <= '9') {
      value = value * 10 + (c - '0');
      digits = true;
      continue;
    }
    if (c != ',' || !digits || column > kDigitPixels || value > 16) return false;
    // 0..16 to 0..255, rounded.
    if (column < kDigitPixels)
      out.pixels.push_back(static_cast<uint8_t>((value * 255 + 8) / 16));
    else
      out.labels.push_back(value);
    ++column;
    value = 0;
    digits = false;
  }
  return column == kDigitPixels + 1 && out.labels.back() < 10;
}

}  // namespace

std::unique_ptr<Dataset> open_digits(const DataOptions&, Faults&) {
  const std::string name = "the embedded digits";
  const Bytes text = gunzip({nas_digits_csv_gz, nas_digits_csv_gz_size}, name, 1 << 20);
  MemoryDataset::Content content;
  content.h = content.w = 8;
  std::string_view rest(reinterpret_cast<const char*>(text.data()), text.size());
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (!parse_line(rest.substr(0, end), content))
      throw DataError(name + ": line " + std::to_string(content.labels.size()) + " is damaged");
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  content.class_names = numbered_classes(10);
  // Mean and standard deviation of all pixels after scaling.
  content.normalisation = Normalisation{{0.3053087F}, {0.3758859F}};
  content.files = {{0, "digits.csv", 0}};
  content.description = "digits: " + std::to_string(content.labels.size()) +
                        " handwritten digits, 1x8x8, 10 classes (embedded)";
  return std::make_unique<MemoryDataset>(std::move(content));
}

}  // namespace nas
