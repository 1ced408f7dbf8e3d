// A container's processes see the machine's memory in /proc/meminfo but are killed beyond the limit
// of their control group. A group may lie below others with limits of their own, so all on the way
// up to the root count; where a container shows only its own tree, the path of /proc/self/cgroup
// does not exist in it and the root of the tree is the group.
#include "hardware/usable_memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace nas {
namespace {

namespace fs = std::filesystem;

/// Version 1 writes the largest page count where there is no limit.
constexpr double kNoLimit = 1e18;

void take_limit(const fs::path& file, std::optional<double>& least) {
  std::ifstream in(file);
  double bytes = 0;
  if (!(in >> bytes) || bytes <= 0 || bytes >= kNoLimit) return;  // "max" is no number.
  least = std::min(least.value_or(bytes), bytes);
}

/// From the group up to the root of its tree.
void walk(const fs::path& root,
          const std::string& group,
          const char* file,
          std::optional<double>& least) {
  fs::path below = fs::path(group).relative_path().lexically_normal();
  take_limit(root / file, least);
  for (; !below.empty() && below != "."; below = below.parent_path())
    take_limit(root / below / file, least);
}

}  // namespace

std::optional<double> memory_limit_bytes(const std::string& groups, const std::string& root) {
  std::optional<double> least;
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {
    // NUMBER:CONTROLLERS:PATH; version 2 names no controllers.
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") walk(root, group, "memory.max", least);
    if (controllers == ",,") walk(fs::path(root) / "unified", group, "memory.max", least);
    if (controllers.find(",memory,") != std::string::npos)
      walk(fs::path(root) / "memory", group, "memory.limit_in_bytes", least);
  }
  return least;
}

std::optional<double> memory_limit_bytes() {
  std::ifstream file("/proc/self/cgroup");
  const std::string groups{std::istreambuf_iterator<char>(file), {}};
  return memory_limit_bytes(groups, "/sys/fs/cgroup");
}

double usable_memory_bytes() {
  const double physical = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                          static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  return std::min(physical, memory_limit_bytes().value_or(physical));
}

}  // namespace nas
