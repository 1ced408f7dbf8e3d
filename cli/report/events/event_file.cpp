// The numbers of fields are those of TensorFlow's event.proto, summary.proto, tensor.proto and
// tensor_shape.proto; the frame is that of its record_writer.
#include "cli/report/events/event_file.hpp"

#include <array>
#include <bit>

namespace nas::cli {
namespace {

// ---- Protocol buffers: a key (number of the field, kind of its value), then the value.

enum Kind : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void put_varint(std::string& to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) to += static_cast<char>(value | 0x80);
  to += static_cast<char>(value);
}

template <typename T>
void put_little_endian(std::string& to, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) to += static_cast<char>(value >> (8 * i) & 0xff);
}

void put_key(std::string& to, uint32_t field, Kind kind) {
  put_varint(to, field << 3 | kind);
}

void put_number(std::string& to, uint32_t field, uint64_t value) {
  put_key(to, field, kVarint);
  put_varint(to, value);
}

void put_bytes(std::string& to, uint32_t field, std::string_view bytes) {
  put_key(to, field, kBytes);
  put_varint(to, bytes.size());
  to += bytes;
}

void put_double(std::string& to, uint32_t field, double value) {
  put_key(to, field, kFixed64);
  put_little_endian(to, std::bit_cast<uint64_t>(value));
}

void put_float(std::string& to, uint32_t field, float value) {
  put_key(to, field, kFixed32);
  put_little_endian(to, std::bit_cast<uint32_t>(value));
}

// ---- Messages

constexpr uint32_t kEventSummary = 5, kSummaryValue = 1, kValueTag = 1;

std::string event(double wall, int64_t step) {
  std::string message;
  put_double(message, 1, wall);
  if (step != 0) put_number(message, 2, static_cast<uint64_t>(step));
  return message;
}

/// A tensor of one text, and the plugin that shows it.
std::string text_value(const std::string& tag, const std::string& text) {
  constexpr uint64_t kString = 7;  // DT_STRING
  std::string dimension, shape, tensor, plugin, metadata, value;
  put_number(dimension, 1, 1);
  put_bytes(shape, 2, dimension);
  put_number(tensor, 1, kString);
  put_bytes(tensor, 2, shape);
  put_bytes(tensor, 8, text);
  put_bytes(plugin, 1, "text");
  put_bytes(metadata, 1, plugin);
  put_bytes(value, kValueTag, tag);
  put_bytes(value, 8, tensor);
  put_bytes(value, 9, metadata);
  return value;
}

std::array<uint32_t, 256> crc_table() {
  constexpr uint32_t kCastagnoli = 0x82f63b78;  // Reflected.
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kCastagnoli : 0);
    table[i] = crc;
  }
  return table;
}

std::string record(std::string_view data) {
  std::string frame;
  put_little_endian(frame, uint64_t{data.size()});
  put_little_endian(frame, masked_crc32c(frame));
  frame += data;
  put_little_endian(frame, masked_crc32c(data));
  return frame;
}

}  // namespace

uint32_t masked_crc32c(std::string_view data) {
  static const std::array<uint32_t, 256> table = crc_table();
  uint32_t crc = 0xffffffff;
  for (const char c : data) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return std::rotr(~crc, 15) + 0xa282ead8;
}

std::string event_file_start(double wall) {
  std::string version = event(wall, 0), start = event(wall, 0), session;
  put_bytes(version, 3, "brain.Event:2");
  put_number(session, 1, 1);  // SessionLog::START
  put_bytes(start, 7, session);
  return record(version) + record(start);
}

std::string scalar_event(double wall,
                         int64_t step,
                         const std::vector<std::pair<std::string, double>>& values) {
  std::string summary;
  for (const auto& [tag, number] : values) {
    std::string value;
    put_bytes(value, kValueTag, tag);
    put_float(value, 2, static_cast<float>(number));
    put_bytes(summary, kSummaryValue, value);
  }
  std::string message = event(wall, step);
  put_bytes(message, kEventSummary, summary);
  return record(message);
}

std::string text_event(double wall, int64_t step, const std::string& tag, const std::string& text) {
  std::string summary;
  put_bytes(summary, kSummaryValue, text_value(tag, text));
  std::string message = event(wall, step);
  put_bytes(message, kEventSummary, summary);
  return record(message);
}

}  // namespace nas::cli
