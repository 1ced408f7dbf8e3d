#pragma once
// A sound PNG file without a library: one grey square, stored uncompressed.
#include <cstdint>
#include <string>

namespace nas {

inline std::string tiny_png(uint8_t grey, uint32_t side = 4) {
  const auto be32 = [](uint32_t v) {
    std::string s;
    for (int shift = 24; shift >= 0; shift -= 8) s += static_cast<char>(v >> shift);
    return s;
  };
  const auto chunk = [&](const std::string& type, const std::string& data) {
    uint32_t crc = 0xffffffff;
    for (const char c : type + data) {
      crc ^= static_cast<uint8_t>(c);
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return be32(static_cast<uint32_t>(data.size())) + type + data + be32(~crc);
  };
  std::string rows;
  for (uint32_t y = 0; y < side; ++y) rows += '\0' + std::string(side, static_cast<char>(grey));
  uint32_t a = 1, b = 0;
  for (const char c : rows) {
    a = (a + static_cast<uint8_t>(c)) % 65521;
    b = (b + a) % 65521;
  }
  const auto n = static_cast<uint16_t>(rows.size());
  std::string zlib = {0x78, 0x01, 0x01};
  for (const int v : {n & 255, n >> 8, ~n & 255, (~n >> 8) & 255}) zlib += static_cast<char>(v);
  zlib += rows + be32(b << 16 | a);
  const std::string header = be32(side) + be32(side) + std::string("\x08\0\0\0\0", 5);
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", zlib) + chunk("IEND", "");
}

}  // namespace nas
