#pragma once
// Zip archives byte by byte, by APPNOTE.TXT 6.3, with whatever a test wants wrong in them.
#include <cstdint>
#include <string>
#include <vector>

namespace nas::test {

/// Little endian.
inline std::string little(uint64_t value, int bytes) {
  std::string text;
  for (int k = 0; k < bytes; ++k, value >>= 8) text += static_cast<char>(value & 255);
  return text;
}

/// CRC-32 (IEEE 802.3), bit by bit.
inline uint32_t crc32_of(const std::string& data) {
  uint32_t crc = 0xffffffff;
  for (const char c : data) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

struct ZipEntry {
  std::string name, data;
  int method = 0, flags = 0;
  bool in_64 = false;      ///< Sizes and offset of 64 bits, in an extra field.
  std::string extra = {};  ///< In the directory, before what in_64 adds.
  std::string local_extra = {};
  std::string comment = {};
  std::string stored = {};  ///< Bytes in place of `data`, where it is compressed.
};

struct ZipEnds {
  bool directory_64 = false;
  std::string comment;
};

inline std::string zip_of(const std::vector<ZipEntry>& entries, const ZipEnds& ends = {}) {
  std::string file, directory;
  for (const ZipEntry& e : entries) {
    const std::string bytes = e.stored.empty() ? e.data : e.stored;
    const std::string crc = little(crc32_of(e.data), 4);
    const std::string offset = little(file.size(), e.in_64 ? 8 : 4);
    const std::string about = little(static_cast<uint64_t>(e.flags), 2) +
                              little(static_cast<uint64_t>(e.method), 2) + little(0, 4) + crc;
    const std::string name_size = little(e.name.size(), 2);
    file += "PK\3\4" + little(20, 2) + about + little(bytes.size(), 4) + little(e.data.size(), 4) +
            name_size + little(e.local_extra.size(), 2) + e.name + e.local_extra + bytes;
    std::string extra = e.extra;
    std::string sizes = little(bytes.size(), 4) + little(e.data.size(), 4), at = offset;
    if (e.in_64) {
      extra += little(1, 2) + little(24, 2) + little(e.data.size(), 8) + little(bytes.size(), 8) +
               offset;
      sizes = std::string(8, '\xff');
      at = std::string(4, '\xff');
    }
    directory += "PK\1\2" + little(45, 2) + little(20, 2) + about + sizes + name_size +
                 little(extra.size(), 2) + little(e.comment.size(), 2) + little(0, 8) + at +
                 e.name + extra + e.comment;
  }
  const uint64_t begin = file.size(), count = entries.size();
  file += directory;
  const uint64_t end = file.size();
  if (ends.directory_64)
    file += "PK\6\6" + little(44, 8) + little(0, 12) + little(count, 8) + little(count, 8) +
            little(directory.size(), 8) + little(begin, 8) + "PK\6\7" + little(0, 4) +
            little(end, 8) + little(1, 4);
  const bool in_64 = ends.directory_64;
  const std::string n = little(in_64 ? 0xffff : count, 2);
  return file + "PK\5\6" + little(0, 4) + n + n + little(in_64 ? 0xffffffff : directory.size(), 4) +
         little(in_64 ? 0xffffffff : begin, 4) + little(ends.comment.size(), 2) + ends.comment;
}

}  // namespace nas::test
