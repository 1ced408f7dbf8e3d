#pragma once
// Files and compressed buffers as bytes, with errors that name them.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nas {

using Bytes = std::vector<uint8_t>;

/// Size in bytes. DataError naming `path` when it is not a readable regular file.
uint64_t file_size_of(const std::string& path);
/// The whole file. DataError naming `path`, also when it is larger than `limit`.
Bytes read_file(const std::string& path, uint64_t limit = uint64_t{16} << 30);
void read_file(const std::string& path, uint64_t limit, Bytes& out);
/// `size` bytes from `offset` on; DataError when the file ends before.
void read_range(const std::string& path, uint64_t offset, uint64_t size, Bytes& out);
/// Inflates gzip data (several members are joined). `name` is for messages; more than `limit` bytes
/// of output are refused, so that a small file cannot fill the memory; with `stop` they are left
/// out.
Bytes gunzip(std::span<const uint8_t> data,
             const std::string& name,
             uint64_t limit,
             bool stop = false);
bool is_gzip(std::span<const uint8_t> data);
/// Big-endian.
uint32_t read_be32(const uint8_t* p);

}  // namespace nas
