#pragma once
// Entries of a zip archive that are stored without compression, as torch.save writes them.
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace nas {

/// Borrows `file` (the bytes of the whole archive); spans point into it. DataError naming `path` on
/// anything that is not a whole, sound archive of stored entries, among these more bytes of entries
/// than the file has: some would overlap. Checksums are verified on `at`.
class ZipReader {
 public:
  /// `others`: entries that are compressed may be there, and are left out.
  ZipReader(std::span<const uint8_t> file, std::string path, bool others = false);
  bool has(const std::string& name) const { return entries_.count(name) > 0; }
  std::span<const uint8_t> at(const std::string& name) const;
  /// The entry whose name ends in `tail`; DataError unless there is exactly one.
  std::string find(const std::string& tail) const;

 private:
  struct Entry {
    uint64_t offset = 0, size = 0;  ///< Of the local header; of the data.
    uint32_t crc = 0;
  };
  uint64_t number(uint64_t offset, int bytes) const;
  struct Directory {
    uint64_t count = 0, at = 0;  ///< Of its entries; where the first is.
  };
  Directory find_directory() const;
  void read_directory();
  void read_extra(uint64_t at, uint64_t end, Entry& entry, uint64_t& stored) const;
  [[noreturn]] void fail(const std::string& what) const;

  std::span<const uint8_t> file_;
  std::string path_;
  bool others_;
  std::map<std::string, Entry> entries_;
};

}  // namespace nas
