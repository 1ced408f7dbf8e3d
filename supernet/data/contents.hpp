#pragma once
// What the images of a data set hold, whatever their files are called and wherever they lie.
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "supernet/data/dataset.hpp"

namespace nas {

/// Half of a SHA-256: equal means equal bytes.
using Fingerprint = std::array<uint8_t, 16>;
/// Of the bytes behind a few numbers that stand for what they are (a size, say).
Fingerprint fingerprint_of(std::span<const int> head, std::span<const uint8_t> bytes);
/// Groups of at least two of the `indices` whose prints (by index) are equal: ascending inside, in
/// the order of their first.
std::vector<std::vector<int64_t>> equal_groups(const std::vector<Fingerprint>& prints,
                                               const std::vector<int64_t>& indices);

struct Contents {
  /// Images that lie in two splits, byte for byte.
  struct Repeated {
    int64_t images = 0;               ///< Different ones.
    int64_t first = -1, second = -1;  ///< An example: one of each split.
  };
  std::string hash;   ///< SHA-256 of the sizes of all images and the bytes of those that were read.
  int64_t every = 1;  ///< 1: all images were read; n: each n-th one.
  uint64_t bytes = 0;  ///< Of all images in their files; 0: they are in memory.
  /// train-validation, train-test, validation-test; looked for only where all images were read.
  std::array<Repeated, 3> repeated;
};
/// Of data whose files take so many bytes each n-th image is read: 1 for up to 256 MiB, so that no
/// more than about that is ever read.
int64_t content_stride(uint64_t bytes);
/// `every`: 0 for the stride that the data's size asks for. An image that cannot be read counts as
/// such: loading it tells why. Interrupted where a stop is asked for.
Contents contents_of(const Dataset& data, const Splits& splits, int64_t every = 0);

}  // namespace nas
