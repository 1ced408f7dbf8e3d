#pragma once
// Many numbers as text: base64 (RFC 4648) of little-endian single-precision floats.
#include <bit>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nas {

inline constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

inline std::string base64_of_floats(std::span<const float> numbers) {
  std::string text;
  text.reserve((numbers.size() * 4 + 2) / 3 * 4);
  uint32_t held = 0;
  int bytes = 0;
  const auto put = [&](uint32_t byte) {
    held = held << 8 | byte;
    if (++bytes < 3) return;
    for (int shift = 18; shift >= 0; shift -= 6) text += kBase64[held >> shift & 63];
    held = 0;
    bytes = 0;
  };
  for (const float number : numbers)
    for (int i = 0; i < 4; ++i) put(std::bit_cast<uint32_t>(number) >> (8 * i) & 255);
  if (bytes == 1) ((text += kBase64[held >> 2 & 63]) += kBase64[held << 4 & 63]) += "==";
  if (bytes == 2)
    (((text += kBase64[held >> 10 & 63]) += kBase64[held >> 4 & 63]) += kBase64[held << 2 & 63]) +=
        '=';
  return text;
}

/// std::runtime_error where the text is none.
inline std::vector<float> floats_of_base64(std::string_view text) {
  std::vector<int> values(256, -1);
  for (size_t i = 0; i < kBase64.size(); ++i)
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<int>(i);
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::vector<float> numbers;
  uint32_t held = 0, word = 0;
  int bits = 0, bytes = 0;
  for (const char c : text) {
    const int value = values[static_cast<unsigned char>(c)];
    if (value < 0) throw std::runtime_error("its numbers are no base64");
    held = (held << 6 | static_cast<uint32_t>(value)) & 0xffffff;
    if ((bits += 6) < 8) continue;
    bits -= 8;
    word |= (held >> bits & 255) << (8 * bytes);
    if (++bytes < 4) continue;
    numbers.push_back(std::bit_cast<float>(word));
    word = 0;
    bytes = 0;
  }
  if (bytes != 0) throw std::runtime_error("its numbers end in the middle of one");
  return numbers;
}

}  // namespace nas
