#pragma once
// Named, seeded, serialisable random streams. Distributions are our own, because those of the
// standard library differ between implementations and results must not.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nas {

/// One round of splitmix64 on `x` (the finaliser of the generator of that name).
uint64_t splitmix64(uint64_t x);

/// xoshiro256++ seeded from (seed, name), so that a new consumer never shifts the others.
class Rng {
 public:
  Rng() : Rng(0, "") {}
  Rng(uint64_t seed, std::string_view name);
  /// A stream for one index of a purpose (epoch, batch, worker), independent of call order.
  Rng(uint64_t seed, std::string_view name, uint64_t index);

  uint64_t next();
  /// In [0, 1), 53 bits.
  double uniform();
  /// In [0, n), n >= 1, without modulo bias.
  uint64_t below(uint64_t n);
  /// Standard normal (Box-Muller, one value per call, no cached half: the state is the four words).
  double normal();

  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }
  /// 0..n-1 in random order.
  std::vector<int64_t> permutation(int64_t n);

  /// 64 hex digits; `restore` throws DataError on anything else.
  std::string state() const;
  void restore(std::string_view state);
  bool operator==(const Rng&) const = default;

 private:
  std::array<uint64_t, 4> s_{};
};

/// Inverse CDF draw: the count of cumulative values <= u, so an entry of probability 0 is never
/// returned (panda.md 3.4). `cumulative` is non-decreasing and ends in 1.
size_t draw_from_cumulative(const std::vector<double>& cumulative, double u);
/// Cumulative sums of non-negative `weights` in double, divided by the last.
std::vector<double> cumulative_of(const std::vector<double>& weights);

}  // namespace nas
