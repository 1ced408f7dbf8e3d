// Files are read with limits told in advance: what a compressed file grows to is bounded before it
// is inflated.
#include "supernet/data/codecs/bytes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

/// Closes on scope exit.
class File {
 public:
  explicit File(const std::string& path) : path_(path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) fail(std::strerror(errno));
    struct stat info {};
    const bool regular = ::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode);
    if (!regular) {
      ::close(fd_);
      fail("not a regular file");
    }
    size_ = static_cast<uint64_t>(info.st_size);
  }
  File(const File&) = delete;
  ~File() { ::close(fd_); }
  uint64_t size() const { return size_; }

  void read(uint64_t offset, uint8_t* out, uint64_t count) const {
    while (count > 0) {
      const ssize_t got =
          ::pread(fd_, out, std::min<uint64_t>(count, 1 << 30), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(std::strerror(errno));
      if (got == 0)
        fail("ends at byte " + std::to_string(offset) + ", " + std::to_string(count) +
             " bytes too early");
      out += got;
      offset += static_cast<uint64_t>(got);
      count -= static_cast<uint64_t>(got);
    }
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw DataError(printable(path_) + ": " + reason);
  }
  std::string path_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

/// Ends the stream however the loop is left.
struct Inflater {
  z_stream stream{};
  Inflater() {
    if (inflateInit2(&stream, 15 + 16) != Z_OK) throw DataError("zlib cannot be initialised");
  }
  Inflater(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }
};

}  // namespace

uint64_t file_size_of(const std::string& path) {
  return File(path).size();
}

void read_file(const std::string& path, uint64_t limit, Bytes& out) {
  const File file(path);
  if (file.size() > limit)
    throw DataError(printable(path) + ": " + std::to_string(file.size()) + " bytes; at most " +
                    std::to_string(limit) + " are read");
  out.resize(file.size());
  file.read(0, out.data(), out.size());
}

Bytes read_file(const std::string& path, uint64_t limit) {
  Bytes bytes;
  read_file(path, limit, bytes);
  return bytes;
}

void read_range(const std::string& path, uint64_t offset, uint64_t size, Bytes& out) {
  const File file(path);
  if (offset > file.size() || size > file.size() - offset)
    throw DataError(printable(path) + ": ends at byte " + std::to_string(file.size()) + "; bytes " +
                    std::to_string(offset) + " to " + std::to_string(offset + size) +
                    " were expected (changed since it was opened?)");
  out.resize(size);
  file.read(offset, out.data(), size);
}

Bytes gunzip(std::span<const uint8_t> data, const std::string& name, uint64_t limit, bool stop) {
  Inflater inflater;
  z_stream& z = inflater.stream;
  Bytes out(std::min<uint64_t>(limit + 1, std::max<uint64_t>(data.size() * 4, 4096)));
  uint64_t in_done = 0, out_done = 0;
  const auto fail = [&](const std::string& reason) {
    throw DataError(name + ": at compressed byte " + std::to_string(in_done) + ": " + reason);
  };
  while (true) {
    if (out_done == out.size()) {
      if (out_done > limit && stop) break;
      if (out_done > limit)
        fail("inflates to more than the " + std::to_string(limit) + " bytes it should hold");
      out.resize(std::min<uint64_t>(limit + 1, out.size() * 2));
    }
    const uint64_t in_now = std::min<uint64_t>(data.size() - in_done, 1 << 30);
    const uint64_t out_now = std::min<uint64_t>(out.size() - out_done, 1 << 30);
    z.next_in = const_cast<uint8_t*>(data.data()) + in_done;
    z.avail_in = static_cast<uInt>(in_now);
    z.next_out = out.data() + out_done;
    z.avail_out = static_cast<uInt>(out_now);
    const int status = inflate(&z, Z_NO_FLUSH);
    in_done += in_now - z.avail_in;
    out_done += out_now - z.avail_out;
    if (status == Z_STREAM_END) {
      if (!is_gzip(data.subspan(in_done))) break;
      inflateReset(&z);
    } else if (status == Z_BUF_ERROR || (status == Z_OK && in_done == data.size() && z.avail_out)) {
      fail("the compressed data ends too early");
    } else if (status != Z_OK) {
      fail(std::string("not valid gzip data") + (z.msg ? std::string(" (") + z.msg + ")" : ""));
    }
  }
  if (out_done > limit && !stop)
    fail("inflates to more than the " + std::to_string(limit) + " bytes it should hold");
  out.resize(std::min(out_done, limit));
  return out;
}

bool is_gzip(std::span<const uint8_t> data) {
  return data.size() >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

uint32_t read_be32(const uint8_t* p) {
  return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | uint32_t{p[3]};
}

}  // namespace nas
