#pragma once
// Architecture: a value, one option index per choice.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace nas {

struct Architecture {
  std::vector<int16_t> genes;

  bool operator==(const Architecture&) const = default;
  auto operator<=>(const Architecture&) const = default;  // NOLINT(modernize-use-nullptr): tidy 14
  /// 64-bit, the same on every machine and in every build.
  uint64_t hash() const;
};

}  // namespace nas

template <>
struct std::hash<nas::Architecture> {
  size_t operator()(const nas::Architecture& a) const noexcept { return a.hash(); }
};
