// A reader of the ustar, GNU and pax forms that keeps an index instead of files: entries are read
// where they lie. Numbers, checksums and sizes are checked against the file, so that no archive
// names bytes beyond it.
#include "supernet/data/codecs/tar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"
#include "supernet/data/codecs/bytes.hpp"

namespace nas {
namespace {

constexpr uint64_t kBlock = 512;
constexpr uint64_t kMostHeader = 1 << 20;  ///< Of a long name or a pax record.
using Block = std::array<uint8_t, kBlock>;

/// Octal text, or base 256 when the first bit is set (GNU). nullopt: neither.
std::optional<uint64_t> number(const uint8_t* field, size_t length) {
  uint64_t value = 0;
  if (field[0] & 0x80) {
    for (size_t i = 0; i < length; ++i) {
      if (value >> 55) return std::nullopt;
      value = value << 8 | (i == 0 ? field[i] & 0x7f : field[i]);
    }
    return value;
  }
  size_t i = 0;
  while (i < length && field[i] == ' ') ++i;
  for (; i < length && field[i] >= '0' && field[i] <= '7'; ++i)
    value = value << 3 | (field[i] - '0');
  if (i < length && field[i] != 0 && field[i] != ' ') return std::nullopt;
  return value;
}

std::string text(const uint8_t* field, size_t length) {
  return std::string(field, std::find(field, field + length, 0));
}

bool checksum_holds(const Block& b) {
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) sum += i >= 148 && i < 156 ? ' ' : b[i];
  return number(b.data() + 148, 8) == sum;
}

class Reader {
 public:
  explicit Reader(const std::string& path)
      : path_(path), size_(file_size_of(path)), in_(path, std::ios::binary) {}

  /// Appends them one by one: those before a damage have been found.
  void members(std::vector<TarMember>& found) {
    while (true) {
      const uint64_t start = at_;
      const Block block = read_block();
      if (std::all_of(block.begin(), block.end(), [](uint8_t x) { return x == 0; })) break;
      if (!checksum_holds(block))
        fail(start, start == 0 ? not_tar(block) : "damaged header (wrong checksum)");
      const auto size = number(block.data() + 124, 12);
      if (!size) fail(start, "the member's size is not a number");
      take(block, *size, start, found);
    }
  }

 private:
  [[noreturn]] void fail(uint64_t offset, const std::string& reason) const {
    throw DataError(printable(path_) + ": at byte " + std::to_string(offset) + ": " + reason);
  }

  static std::string not_tar(const Block& b) {
    const bool packed = is_gzip(b) ||
                        std::memcmp(b.data(),
                                    "\xfd"
                                    "7zXZ",
                                    5) == 0 ||
                        std::memcmp(b.data(), "BZh", 3) == 0 ||
                        std::memcmp(b.data(), "\x28\xb5\x2f\xfd", 4) == 0;
    return packed
               ? "a compressed file; images are read at random, so unpack it to a plain .tar first"
               : "not a tar header";
  }

  Block read_block() {
    Block block;
    if (size_ - at_ < kBlock)
      fail(at_, "the file ends without an end mark: it was probably cut short");
    read(at_, block.data(), kBlock);
    at_ += kBlock;
    return block;
  }

  void read(uint64_t offset, void* out, uint64_t count) {
    in_.seekg(static_cast<std::streamoff>(offset));
    if (!in_.read(static_cast<char*>(out), static_cast<std::streamsize>(count)))
      fail(offset, "cannot be read");
  }

  /// One header and what follows it; `at_` moves behind its content.
  void take(const Block& block,
            uint64_t header_size,
            uint64_t start,
            std::vector<TarMember>& found) {
    const char type = static_cast<char>(block[156]);
    const bool header_only = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    const uint64_t size = !header_only && long_size_ ? *long_size_ : header_size;
    if (size > size_ - at_)
      fail(start,
           "the member needs " + std::to_string(size) + " bytes, but the file ends after " +
               std::to_string(size_ - at_));
    const uint64_t content = at_;
    at_ = std::min(size_, at_ + (size + kBlock - 1) / kBlock * kBlock);
    if (header_only) return take_extension(type, content, size, start);
    if (type == 'S') fail(start, "a sparse member; write the tar without --sparse");
    std::string name = long_name_.value_or(header_name(block));
    long_name_.reset();
    long_size_.reset();
    if (type == '0' || type == '\0' || type == '7') {
      if (!name.empty() && name.back() == '/') return;  // A folder in the oldest form.
      found.push_back({std::move(name), content, size});
    }
  }

  static std::string header_name(const Block& b) {
    const std::string name = text(b.data(), 100);
    const bool ustar = std::memcmp(b.data() + 257, "ustar\0", 6) == 0;
    const std::string prefix = ustar ? text(b.data() + 345, 155) : "";
    return prefix.empty() ? name : prefix + "/" + name;
  }

  void take_extension(char type, uint64_t content, uint64_t size, uint64_t start) {
    if (type == 'g' || type == 'K') return;
    if (size > kMostHeader) fail(start, "an extended header of " + std::to_string(size) + " bytes");
    std::string body(size, '\0');
    if (size > 0) read(content, body.data(), size);
    if (type == 'L') {
      long_name_ = body.substr(0, body.find('\0'));
      return;
    }
    // pax: "LENGTH key=value\n", the length counting itself.
    std::string_view rest = body;
    while (!rest.empty()) {
      uint64_t length = 0;
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
      const size_t digits = static_cast<size_t>(end - rest.data());
      if (error != std::errc() || length <= digits + 1 || length > rest.size() ||
          rest[digits] != ' ' || rest[length - 1] != '\n')
        fail(start, "a damaged pax record");
      const std::string_view record = rest.substr(digits + 1, length - digits - 2);
      take_pax(record, start);
      rest.remove_prefix(length);
    }
  }

  void take_pax(std::string_view record, uint64_t start) {
    const size_t equals = record.find('=');
    const std::string_view key = record.substr(0, equals);
    const std::string_view value = equals == record.npos ? "" : record.substr(equals + 1);
    if (key == "path") long_name_ = std::string(value);
    if (key.substr(0, 10) == "GNU.sparse")
      fail(start, "a sparse member; write the tar without --sparse");
    if (key != "size") return;
    uint64_t size = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), size);
    if (error != std::errc() || end != value.data() + value.size())
      fail(start, "a damaged pax size");
    long_size_ = size;
  }

  std::string path_;
  uint64_t size_, at_ = 0;
  std::ifstream in_;
  std::optional<std::string> long_name_;
  std::optional<uint64_t> long_size_;
};

}  // namespace

std::vector<TarMember> index_tar(const std::string& path, std::string* damage) {
  std::vector<TarMember> found;
  try {
    Reader(path).members(found);
  } catch (const DataError& e) {
    if (!damage) throw;
    *damage = e.what();
  }
  return found;
}

}  // namespace nas
