#pragma once
// The index of a tar file: ustar, GNU and pax (long names, large sizes). Members stay in the file.
#include <cstdint>
#include <string>
#include <vector>

namespace nas {

struct TarMember {
  std::string name;
  uint64_t offset = 0;  ///< Of the content.
  uint64_t size = 0;
};

/// Regular members in order; folders, links and devices are left out. DataError naming file and
/// offset for a damaged header, a member beyond the end, a missing end mark, or a compressed file;
/// with `damage` it is told there instead, and the members before it are the answer.
std::vector<TarMember> index_tar(const std::string& path, std::string* damage = nullptr);

}  // namespace nas
