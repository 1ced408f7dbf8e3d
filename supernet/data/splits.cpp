// Stratified splits: every class gives its share to every split.
#include <openssl/evp.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "supernet/data/dataset.hpp"

namespace nas {
namespace {

using Indices = std::vector<int64_t>;

/// How many of `total` each class gives, proportional to its size: largest remainders, ties to the
/// lower class.
std::vector<int64_t> apportion(const std::vector<Indices>& classes, int64_t total) {
  int64_t all = 0;
  for (const Indices& c : classes) all += static_cast<int64_t>(c.size());
  std::vector<int64_t> counts(classes.size(), 0);
  std::vector<std::pair<double, size_t>> remainders;
  int64_t given = 0;
  for (size_t k = 0; all > 0 && k < classes.size(); ++k) {
    const double exact = static_cast<double>(classes[k].size()) * static_cast<double>(total) /
                         static_cast<double>(all);
    counts[k] = static_cast<int64_t>(std::floor(exact));
    given += counts[k];
    remainders.emplace_back(static_cast<double>(counts[k]) - exact, k);
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; i < remainders.size() && given < total; ++i, ++given)
    ++counts[remainders[i].second];
  return counts;
}

/// Takes `total` images off the ends of the classes' lists, in order of index.
Indices take(std::vector<Indices>& classes, int64_t total) {
  const std::vector<int64_t> counts = apportion(classes, total);
  Indices taken;
  for (size_t k = 0; k < classes.size(); ++k) {
    const auto from = classes[k].end() - static_cast<ptrdiff_t>(counts[k]);
    taken.insert(taken.end(), from, classes[k].end());
    classes[k].erase(from, classes[k].end());
  }
  std::sort(taken.begin(), taken.end());
  return taken;
}

int64_t share_of(const std::vector<Indices>& classes, double share) {
  int64_t all = 0;
  for (const Indices& c : classes) all += static_cast<int64_t>(c.size());
  return std::llround(share * static_cast<double>(all));
}

std::string sha256_hex(const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_Digest(text.data(), text.size(), digest, &length, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

std::string hash_of(const Splits& s, const Dataset& data) {
  std::string text;
  const std::pair<const char*, const Indices*> named[] = {
      {"train", &s.train}, {"validation", &s.validation}, {"test", &s.test}};
  for (const auto& [name, indices] : named) {
    text += std::string(name) + "\n";
    for (const int64_t i : *indices)
      text += std::to_string(i) + ":" + std::to_string(data.label(i)) + "\n";
  }
  return sha256_hex(text);
}

}  // namespace

Splits make_splits(const Dataset& data, const DataOptions& options) {
  Splits splits;
  splits.test = data.test_indices();
  splits.validation = data.validation_indices();
  std::vector<bool> named(static_cast<size_t>(data.size()), false);
  for (const Indices* list : {&splits.test, &splits.validation})
    for (const int64_t i : *list) named[static_cast<size_t>(i)] = true;

  std::vector<Indices> classes(data.class_names().size());
  for (int64_t i = 0; i < data.size(); ++i)
    if (!named[static_cast<size_t>(i)]) classes[static_cast<size_t>(data.label(i))].push_back(i);
  for (size_t k = 0; k < classes.size(); ++k)
    Rng(options.split_seed, "split", k).shuffle(classes[k]);

  if (splits.test.empty()) splits.test = take(classes, share_of(classes, options.test));
  if (splits.validation.empty())
    splits.validation = take(classes, share_of(classes, options.validation));
  const int64_t rest = share_of(classes, 1.0);
  if (rest == 0)
    throw DataError("no training images are left of " + std::to_string(data.size()) +
                    " after the splits (data.test " + std::to_string(options.test) +
                    ", data.validation " + std::to_string(options.validation) + ")");
  splits.train = take(classes, options.limit > 0 ? std::min(options.limit, rest) : rest);
  splits.hash = hash_of(splits, data);
  return splits;
}

}  // namespace nas
