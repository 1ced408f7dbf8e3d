#pragma once
// Records of TensorBoard's event files: an Event message (protocol buffers) in a TFRecord frame.
// Only the few fields that scalars and texts need, so that no library of either is needed.
//
//   frame: length (8 bytes, little endian), masked CRC32C of these, data, masked CRC32C of the data
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nas::cli {

/// CRC32C (Castagnoli) of `data`, masked as TFRecord does: rotated by 15 bits, plus a constant.
uint32_t masked_crc32c(std::string_view data);

/// What a file begins with: the version of the format, and that a program begins at step 0, so that
/// a TensorBoard which has read an earlier file of the run forgets its points. `wall`: Unix
/// seconds.
std::string event_file_start(double wall);
/// Values of one step; TensorBoard keeps them as 32-bit floats. Not finite ones stay what they are.
std::string scalar_event(double wall,
                         int64_t step,
                         const std::vector<std::pair<std::string, double>>& values);
/// Markdown on the page of texts.
std::string text_event(double wall, int64_t step, const std::string& tag, const std::string& text);

}  // namespace nas::cli
