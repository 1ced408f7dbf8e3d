// Only stored entries, as torch.save writes them: nothing is inflated, so no archive can grow. Read
// by the central directory, which decides in case of doubt (APPNOTE.TXT 4.3); entries that overlap
// are refused.
#include "supernet/files/zip_reader.hpp"

#include <zlib.h>

#include <algorithm>

#include "spaces/error.hpp"

namespace nas {
namespace {

// Signatures and sizes of APPNOTE.TXT 6.3.
constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr uint64_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kLocatorSize = 20;
constexpr uint64_t kMaxComment = 65535;
constexpr uint32_t kIn64 = 0xffffffff;

}  // namespace

ZipReader::ZipReader(std::span<const uint8_t> file, std::string path, bool others)
    : file_(file), path_(std::move(path)), others_(others) {
  read_directory();
}

void ZipReader::fail(const std::string& what) const {
  throw DataError(path_ + ": " + what);
}

uint64_t ZipReader::number(uint64_t offset, int bytes) const {
  if (offset > file_.size() || file_.size() - offset < static_cast<uint64_t>(bytes))
    fail("the zip archive is truncated or its offsets are wrong");
  uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i)
    value = value << 8 | file_[offset + static_cast<uint64_t>(i)];
  return value;
}

ZipReader::Directory ZipReader::find_directory() const {
  if (file_.size() < kEndSize) fail("too short for a zip archive");
  uint64_t end = file_.size() - kEndSize;
  const uint64_t stop = end > kMaxComment ? end - kMaxComment : 0;
  while (number(end, 4) != kEnd) {
    if (end == stop) fail("the zip archive has no directory: it is truncated");
    --end;
  }
  if (end < kLocatorSize || number(end - kLocatorSize, 4) != kLocator64)
    return {number(end + 10, 2), number(end + 16, 4)};
  const uint64_t end64 = number(end - kLocatorSize + 8, 8);
  if (number(end64, 4) != kEnd64) fail("the zip64 directory is not where it should be");
  return {number(end64 + 32, 8), number(end64 + 48, 8)};
}

/// Sizes and offset of 64 bits, only those that need it.
void ZipReader::read_extra(uint64_t at, uint64_t end, Entry& entry, uint64_t& stored) const {
  // No field's header passes the end of the file, so nothing here can overflow.
  for (uint64_t next = at; at + 4 <= end; at = next) {
    next = at + 4 + number(at + 2, 2);
    if (number(at, 2) != 1) continue;
    uint64_t field = at + 4;
    for (uint64_t* value : {&entry.size, &stored, &entry.offset})
      if (*value == kIn64) {
        if (field + 8 > std::min(next, end)) fail("a size of 64 bits is missing in its directory");
        *value = number(field, 8);
        field += 8;
      }
  }
}

void ZipReader::read_directory() {
  auto [count, at] = find_directory();
  uint64_t left = file_.size();
  for (uint64_t i = 0; i < count; ++i) {
    if (number(at, 4) != kCentral) fail("the directory of the zip archive is damaged");
    const uint64_t flags = number(at + 8, 2), method = number(at + 10, 2);
    Entry entry;
    entry.crc = static_cast<uint32_t>(number(at + 16, 4));
    uint64_t stored = number(at + 20, 4);
    entry.size = number(at + 24, 4);
    const uint64_t name_size = number(at + 28, 2), extra_size = number(at + 30, 2);
    const uint64_t comment_size = number(at + 32, 2);
    entry.offset = number(at + 42, 4);
    const uint64_t name_at = at + kCentralSize, extra = name_at + name_size;
    number(extra + extra_size, 0);
    const std::string name(file_.begin() + static_cast<int64_t>(name_at),
                           file_.begin() + static_cast<int64_t>(extra));
    read_extra(extra, extra + extra_size, entry, stored);
    const bool plain = method == 0 && (flags & 1) == 0 && stored == entry.size;
    at = extra + extra_size + comment_size;
    if (!plain && others_) continue;
    if (!plain)
      fail("entry '" + name + "' is compressed or encrypted; torch.save stores them plainly");
    // Else a few bytes per entry could ask for the same data again and again.
    if (entry.size > left) fail("its entries are longer than the file: truncated, or they overlap");
    left -= entry.size;
    if (!entries_.emplace(name, entry).second) fail("two entries are named '" + name + "'");
  }
}

std::span<const uint8_t> ZipReader::at(const std::string& name) const {
  const auto it = entries_.find(name);
  if (it == entries_.end()) fail("the zip archive has no entry '" + name + "'");
  const Entry& e = it->second;
  if (number(e.offset, 4) != kLocal) fail("entry '" + name + "' is not where the directory says");
  const uint64_t data = e.offset + kLocalSize + number(e.offset + 26, 2) + number(e.offset + 28, 2);
  if (data > file_.size() || file_.size() - data < e.size)
    fail("entry '" + name + "' is longer than the file");
  const std::span<const uint8_t> bytes = file_.subspan(data, e.size);
  uLong crc = crc32_z(0, bytes.data(), bytes.size());
  if (static_cast<uint32_t>(crc) != e.crc)
    fail("entry '" + name + "' is corrupt (its CRC differs)");
  return bytes;
}

std::string ZipReader::find(const std::string& tail) const {
  std::string found;
  for (const auto& [name, entry] : entries_) {
    if (!name.ends_with(tail)) continue;
    if (!found.empty()) fail("several entries end in '" + tail + "'");
    found = name;
  }
  if (found.empty()) fail("a zip archive, but not one of torch.save: no entry '" + tail + "'");
  return found;
}

}  // namespace nas
