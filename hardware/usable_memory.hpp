#pragma once
// How much memory this process may use: the machine's, or less where a control group says so.
#include <optional>
#include <string>

namespace nas {

/// The smallest limit of this process's control groups and those above them, in bytes; nullopt
/// where there is none. Versions 1 and 2, in containers and outside.
std::optional<double> memory_limit_bytes();

/// The smaller of physical memory and that limit, in bytes.
double usable_memory_bytes();

/// memory_limit_bytes() of other trees, for tests: the text of /proc/self/cgroup and what stands
/// for /sys/fs/cgroup.
std::optional<double> memory_limit_bytes(const std::string& groups, const std::string& root);

}  // namespace nas
