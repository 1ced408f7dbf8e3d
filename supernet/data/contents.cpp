// The hash of the splits covers labels and order; two data sets of equal labels would pass for one.
// So the bytes of the images are hashed too, at every opening: all of them where they are in memory
// or take less than a few hundred megabytes to read (a second), else the size of every file and the
// bytes of evenly spaced ones. JPEG and PNG files that were changed keep their size next to never,
// and a data set that was exchanged differs in all of its files, while reading hundreds of
// gigabytes before every evaluation would make the check the longest part of it. Names and places
// are left out: a folder that was moved or renamed holds the same data.
#include "supernet/data/contents.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <tuple>

#include "spaces/base/stop.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

class Sha256 {
 public:
  Sha256() { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void add(const void* bytes, size_t size) { EVP_DigestUpdate(context_.get(), bytes, size); }
  /// 32 bytes.
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest() {
    std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &length);
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

/// The split of each image, -1 for those of none.
std::vector<int> split_of_images(const Dataset& data, const Splits& splits) {
  std::vector<int> split(static_cast<size_t>(data.size()), -1);
  int number = 0;
  for (const auto* indices : {&splits.train, &splits.validation, &splits.test}) {
    for (const int64_t i : *indices) split[static_cast<size_t>(i)] = number;
    ++number;
  }
  return split;
}

void find_repeated(const std::vector<Fingerprint>& prints,
                   const std::vector<int64_t>& readable,
                   const std::vector<int>& split,
                   Contents& contents) {
  constexpr std::array<std::pair<int, int>, 3> kPairs = {{{0, 1}, {0, 2}, {1, 2}}};
  for (const std::vector<int64_t>& group : equal_groups(prints, readable)) {
    std::array<int64_t, 3> first = {-1, -1, -1};
    for (const int64_t i : group)
      if (const int s = split[static_cast<size_t>(i)]; s >= 0 && first[static_cast<size_t>(s)] < 0)
        first[static_cast<size_t>(s)] = i;
    for (size_t p = 0; p < kPairs.size(); ++p) {
      const int64_t one = first[static_cast<size_t>(kPairs[p].first)];
      const int64_t other = first[static_cast<size_t>(kPairs[p].second)];
      if (one < 0 || other < 0) continue;
      Contents::Repeated& repeated = contents.repeated[p];
      if (repeated.images++ == 0) repeated = {1, one, other};
    }
  }
}

}  // namespace

Fingerprint fingerprint_of(std::span<const int> head, std::span<const uint8_t> bytes) {
  Sha256 sha;
  sha.add(head.data(), head.size_bytes());
  sha.add(bytes.data(), bytes.size());
  Fingerprint result;
  const auto digest = sha.digest();
  std::memcpy(result.data(), digest.data(), result.size());
  return result;
}

std::vector<std::vector<int64_t>> equal_groups(const std::vector<Fingerprint>& prints,
                                               const std::vector<int64_t>& indices) {
  std::vector<int64_t> order = indices;
  const auto print_of = [&](int64_t i) -> const Fingerprint& {
    return prints[static_cast<size_t>(i)];
  };
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::tie(print_of(a), a) < std::tie(print_of(b), b);
  });
  std::vector<std::vector<int64_t>> groups;
  for (size_t first = 0, last = 0; first < order.size(); first = last) {
    for (last = first + 1; last < order.size() && print_of(order[last]) == print_of(order[first]);)
      ++last;
    if (last - first >= 2)
      groups.emplace_back(order.begin() + static_cast<ptrdiff_t>(first),
                          order.begin() + static_cast<ptrdiff_t>(last));
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

void Dataset::read_stored(int64_t index, std::vector<uint8_t>& out) const {
  Image image;
  load(index, image);
  out = std::move(image.pixels);
}

int64_t content_stride(uint64_t bytes) {
  constexpr uint64_t kMost = uint64_t{256} << 20;
  return std::max<int64_t>(1, static_cast<int64_t>((bytes + kMost - 1) / kMost));
}

Contents contents_of(const Dataset& data, const Splits& splits, int64_t every) {
  Contents contents;
  std::vector<uint64_t> sizes(static_cast<size_t>(data.size()));
  for (int64_t i = 0; i < data.size(); ++i) {
    throw_if_stopped("looking at the data");
    contents.bytes += sizes[static_cast<size_t>(i)] = data.stored_size(i);
  }
  contents.every = every > 0 ? every : content_stride(contents.bytes);
  Sha256 all;
  std::vector<Fingerprint> prints(sizes.size());
  std::vector<int64_t> readable;
  std::vector<uint8_t> bytes;
  for (int64_t i = 0; i < data.size(); ++i) {
    const auto at = static_cast<size_t>(i);
    all.add(&sizes[at], sizeof sizes[at]);
    if (i % contents.every != 0) continue;
    throw_if_stopped("looking at the data");
    try {
      data.read_stored(i, bytes);
      prints[at] = fingerprint_of({}, bytes);
      readable.push_back(i);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error&) {
      // Stays a print of zeros.
    }
    all.add(prints[at].data(), prints[at].size());
  }
  constexpr size_t kBytes = 32;
  const auto digest = all.digest();
  for (size_t i = 0; i < kBytes; ++i) {
    contents.hash += "0123456789abcdef"[digest[i] >> 4];
    contents.hash += "0123456789abcdef"[digest[i] & 15];
  }
  if (contents.every == 1) find_repeated(prints, readable, split_of_images(data, splits), contents);
  return contents;
}

}  // namespace nas
