#pragma once
// Which architectures of a custom space are one network.
#include <array>
#include <map>
#include <set>
#include <vector>

#include "spaces/custom/custom_space.hpp"

namespace nas::custom {

/// One step that data takes through the stages.
struct Step {
  /// Twice: x + x. The others without weights: every stride-th pixel, a pool, x + pool of x.
  /// Block: anything with weights, told by `block`.
  enum class Kind : uint8_t { kTwice, kSubsample, kMaxPool, kAvgPool, kPlusMax, kPlusAvg, kBlock };
  Kind kind = Kind::kBlock;
  int radius = 0, stride = 1;
  int map = 0;    ///< Size of the map that arrives.
  int block = 0;  ///< Number of what the block computes, weights of any names.
  bool operator==(const Step&) const = default;
};
/// The steps of a network in their normal form, identities left out: equal ones compute the same.
/// The converse holds for blocks, doublings, strides and maximum pools; what averages, and sums
/// with pools, come to on very small maps may have several forms.
using Steps = std::vector<Step>;

/// Appends a step, so that the whole stays in normal form.
void append(Steps& steps, Step step);

class Custom::Networks {
 public:
  explicit Networks(const Custom& space);
  /// The first architecture of `domain`, by genes, that computes what `a` (inside, inactive genes
  /// 0) computes.
  Architecture first_of(const Architecture& a, const Domain& domain);

 private:
  struct Place {
    size_t stage = 0, layer = 0;
    int depth = 0, width = 0;  ///< Layers and option of the width.
    int channels = 0, map = 0;
  };
  const Steps& steps_of(const Place& at, const Architecture& a);
  Steps steps_of(const Architecture& a);
  Block block_at(const Place& at) const;
  Place next(const Place& at, const Block& block) const;
  int after_stem(const Architecture& a) const;
  std::vector<int16_t> options(size_t param) const;
  void set(size_t param, int option);
  bool find_stage(size_t stage, int channels, int map);
  bool find_layer(const Place& at);
  bool find_candidate(const Place& at, int kind);
  bool fits(const Steps& steps) const;
  std::vector<int> state(const Place& at) const;

  const Custom& space_;
  const Model& model_;
  std::vector<Width> arriving_;    ///< By stage: the widest that arrives.
  std::vector<char> one_width_;    ///< By stage.
  std::vector<char> width_hangs_;  ///< By stage: its width is inactive where it is empty.
  std::map<std::array<int, 8>, Steps> known_;
  std::map<std::string, int> blocks_;
  Plan plan_;
  // Of one search.
  const Domain* domain_ = nullptr;
  Steps wanted_, steps_;
  Architecture found_;
  bool refused_ = false;  ///< An architecture with the wanted steps was not valid.
  std::set<std::vector<int>> dead_ends_;
};

}  // namespace nas::custom
