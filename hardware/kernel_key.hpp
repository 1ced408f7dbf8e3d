#pragma once
// Keys of tables as parts: what readers of foreign files make keys of, and what keys say.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "spaces/ops/op.hpp"

namespace nas {

/// A kernel of the grouping `fused`.
struct FusedKernel {
  std::string op;  ///< conv2d, linear, add.
  std::vector<Shape> inputs;
  Shape out;
  int64_t kernel = 1, stride = 1, groups = 1, dilation = 1;  ///< Of conv2d.
  std::string_view act = {};                                 ///< Name of an activation, or empty.
};
/// `conv2d in=24x56x56 out=144x56x56 k=1 s=1 g=1 act=relu6`.
std::string to_string(const FusedKernel& kernel);

/// A block of once-for-all's tables; sizes are heights, widths, channels.
struct OfaBlock {
  std::string type;  ///< Conv, expanded_conv, Conv_1, AvgPool2D, Conv_2, Logits.
  std::vector<int64_t> input, output;
  /// Of expanded_conv: expand, kernel, stride, idskip and, of MobileNetV3, se, hs.
  std::map<std::string, int64_t> attributes;
  bool proxyless() const { return !attributes.contains("se") && !attributes.contains("hs"); }
};
/// Whether `key` is of that grammar; with `why`, what is wrong with one that is nearly so.
bool read_ofa_key(std::string_view key, OfaBlock& block, std::string* why = nullptr);

/// MACs for one image of what a key of any grouping names; 0 where it has none or does not tell.
double macs_of_key(std::string_view key);
/// Numbers that it reads and writes for one image: inputs, output and, of convolutions and linear
/// layers, weights; 0 where the key does not tell.
double elements_of_key(std::string_view key);

/// Up to `most` keys of `known` that are most like `key`: of the same kind, with numbers in near
/// proportion.
template <typename Map>
std::vector<std::string> nearest_keys(const std::string& key, const Map& known, size_t most = 3);
/// How unlike two keys are; 0: equal.
double key_distance(std::string_view a, std::string_view b);

template <typename Map>
std::vector<std::string> nearest_keys(const std::string& key, const Map& known, size_t most) {
  constexpr size_t kLookedThrough = 5'000;  // Of other kinds: tables may be long, and keys many.
  std::multimap<double, std::string> best;
  const auto look_at = [&](const std::string& other) {
    const double distance = key_distance(key, other);
    if (best.size() == most && distance >= best.rbegin()->first) return;
    best.emplace(distance, other);
    if (best.size() > most) best.erase(std::prev(best.end()));
  };
  const std::string kind = key.substr(0, key.find_first_of(" -"));
  for (auto it = known.lower_bound(kind); it != known.end() && it->first.starts_with(kind); ++it)
    look_at(it->first);
  if (best.size() < most && known.size() <= kLookedThrough) {
    best.clear();
    for (const auto& [other, value] : known) look_at(other);
  }
  std::vector<std::string> keys;
  for (auto& [distance, other] : best) keys.push_back(other);
  return keys;
}

}  // namespace nas
