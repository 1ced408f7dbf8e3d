// Walking one row down one tree waits for a load and a guessed branch at every node. Architectures
// are one-hot rows, on which hundreds of trees ask the same hundred questions: each question is
// answered once for 64 rows, as the bits of a word, and a tree is then a few logical operations on
// words that give the path of all 64 (bit slicing; Lucchese et al., QuickScorer, SIGIR 2015, answer
// by masks in the same spirit, one row at a time). Where questions hardly repeat (columns of real
// numbers) eight rows walk each tree side by side instead, as many steps as it is deep, without a
// branch.
#include "predictors/trees/forest.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "spaces/base/wide.hpp"

namespace nas {
namespace {

constexpr int kMostSliced = 6;  ///< Levels: places of a path must fit into a byte.

/// The bits of a byte as the bytes of a word.
constexpr std::array<uint64_t, 256> make_spread() {
  std::array<uint64_t, 256> table{};
  for (size_t byte = 0; byte < 256; ++byte)
    for (size_t bit = 0; bit < 8; ++bit) table[byte] |= uint64_t{(byte >> bit) & 1} << (8 * bit);
  return table;
}
constexpr std::array<uint64_t, 256> kSpread = make_spread();

/// Bit r: rows[r], as a float, is not below `value`.
NAS_WIDE uint64_t not_below(const double* rows, size_t count, float value) {
  alignas(64) uint8_t bytes[ForestSums::kRows] = {};
  for (size_t r = 0; r < count; ++r)
    bytes[r] = static_cast<uint8_t>(!(static_cast<float>(rows[r]) < value));
  uint64_t bits = 0;
  for (size_t k = 0; k < ForestSums::kRows / 8; ++k) {
    uint64_t eight = 0;
    std::memcpy(&eight, bytes + 8 * k, sizeof eight);
    bits |= (eight * 0x0102040810204080U >> 56) << (8 * k);  // Each byte's bit to the top byte.
  }
  return bits;
}

constexpr int kMostShuffled = 3;  ///< Levels whose leaves fit into one vector.

/// Adds to `sums` of a whole block the leaves (eight) at their places.
NAS_WIDE void add_shuffled(const float* leaves, const uint64_t* places, double* sums) {
  using Bytes [[gnu::vector_size(8)]] = uint8_t;
  using Ints [[gnu::vector_size(32)]] = int32_t;
  using Floats [[gnu::vector_size(32)]] = float;
  using Doubles [[gnu::vector_size(64)]] = double;
  Floats all;
  std::memcpy(&all, leaves, sizeof all);
  for (size_t k = 0; k < ForestSums::kRows / 8; ++k) {
    Bytes bytes;
    std::memcpy(&bytes, places + k, sizeof bytes);
    const Ints at = __builtin_convertvector(bytes, Ints);
#ifdef __clang__
    Floats found;
    for (int j = 0; j < 8; ++j) found[j] = all[at[j]];
#else
    const Floats found = __builtin_shuffle(all, at);
#endif
    Doubles sum;
    std::memcpy(&sum, sums + 8 * k, sizeof sum);
    sum += __builtin_convertvector(found, Doubles);
    std::memcpy(sums + 8 * k, &sum, sizeof sum);
  }
}

/// Levels below each node.
std::vector<int> levels_below(const Forest& f) {
  std::vector<int> below(f.feature.size(), 0);
  for (size_t node = f.feature.size(); node-- > 0;) {
    if (f.feature[node] < 0) continue;
    const auto left = static_cast<size_t>(f.left[node]);
    below[node] = 1 + std::max(below[left], below[left + 1]);
  }
  return below;
}

}  // namespace

ForestSums::ForestSums(const Forest& forest) : roots_(forest.roots) {
  const std::vector<int> below = levels_below(forest);
  for (const int root : roots_) {
    depths_.push_back(below[static_cast<size_t>(root)]);
    depth_ = std::max(depth_, depths_.back());
  }
  std::map<Question, uint32_t> numbers;
  for (size_t i = 0; i < forest.feature.size(); ++i) {
    const bool leaf = forest.feature[i] < 0;
    nodes_.push_back({leaf ? 0 : forest.feature[i],
                      forest.value[i],
                      leaf ? static_cast<int>(i) : forest.left[i],
                      leaf ? 0 : 1});
    if (!leaf) numbers.emplace(Question{forest.feature[i], forest.value[i]}, 0);
  }
  // A question costs about as much for a row as a step of a walk.
  sliced_ = depth_ <= kMostSliced && 4 * numbers.size() <= trees() * static_cast<size_t>(depth_);
  if (!sliced_) return;
  for (auto& [question, number] : numbers) {
    number = static_cast<uint32_t>(questions_.size());
    questions_.push_back(question);
  }
  asked_.assign(trees() * ((size_t{1} << depth_) - 1), 0);
  leaves_.assign(trees() * leaves_of_tree(), 0);
  for (size_t tree = 0; tree < trees(); ++tree)
    fill(forest, tree, static_cast<size_t>(roots_[tree]), 0, 0);
}

/// `place` is that of a node among those of its level. A leaf above the last level stands below
/// all that could be asked there.
void ForestSums::fill(const Forest& forest, size_t tree, size_t node, int level, size_t place) {
  if (forest.feature[node] < 0) {
    const int more = depth_ - level;
    const auto first =
        leaves_.begin() + static_cast<std::ptrdiff_t>(tree * leaves_of_tree() + (place << more));
    std::fill(first, first + (std::ptrdiff_t{1} << more), forest.value[node]);
    return;
  }
  const auto question = std::lower_bound(
      questions_.begin(), questions_.end(), Question{forest.feature[node], forest.value[node]});
  asked_[tree * ((size_t{1} << depth_) - 1) + (size_t{1} << level) - 1 + place] =
      static_cast<uint32_t>(question - questions_.begin());
  const auto left = static_cast<size_t>(forest.left[node]);
  fill(forest, tree, left, level + 1, 2 * place);
  fill(forest, tree, left + 1, level + 1, 2 * place + 1);
}

void ForestSums::ask(const Block& block, uint64_t* answers) const {
  for (size_t q = 0; q < questions_.size(); ++q)
    answers[q] = not_below(block.values + static_cast<size_t>(questions_[q].feature) * block.step,
                           block.rows,
                           questions_[q].value);
}

void ForestSums::add(const Block& block, size_t begin, size_t end, double* sums) const {
  if (!sliced_) return walk(block, begin, end, sums);
  std::vector<uint64_t> answers(questions_.size());
  ask(block, answers.data());
  const size_t inner = (size_t{1} << depth_) - 1;
  for (size_t tree = begin; tree < end; ++tree) {
    const uint32_t* asked = asked_.data() + tree * inner;
    const float* leaves = leaves_.data() + tree * leaves_of_tree();
    // Rows that reach each node of a level; the bits of their way, level by level.
    uint64_t reach[size_t{1} << kMostSliced];
    uint64_t way[kMostSliced];
    reach[0] = ~uint64_t{0};
    for (int level = 0; level < depth_; ++level) {
      const size_t nodes = size_t{1} << level;
      way[level] = 0;
      for (size_t j = nodes; j-- > 0;) {
        const uint64_t answer = answers[asked[nodes - 1 + j]];
        const uint64_t right = reach[j] & answer;
        way[level] |= right;
        reach[2 * j + 1] = right;
        reach[2 * j] = reach[j] & ~answer;
      }
    }
    uint64_t places[kRows / kLanes];  // Of eight rows, a byte each.
    for (size_t k = 0; k < kRows / kLanes; ++k) {
      places[k] = 0;
      for (int level = 0; level < depth_; ++level)
        places[k] = places[k] << 1 | kSpread[way[level] >> (8 * k) & 255];
    }
    if (depth_ <= kMostShuffled) {
      add_shuffled(leaves, places, sums);
    } else {
      for (size_t r = 0; r < block.rows; r += 8)
        for (size_t k = 0; k < 8; ++k)
          sums[r + k] += double{leaves[places[r / 8] >> (8 * k) & 255]};
    }
  }
}

void ForestSums::walk(const Block& block, size_t begin, size_t end, double* sums) const {
  std::vector<float> values(kLanes * block.columns);  // Of eight rows, one after the other.
  for (size_t first = 0; first < block.rows; first += kLanes) {
    for (size_t c = 0; c < block.columns; ++c)
      for (size_t r = 0; r < kLanes; ++r)
        values[r * block.columns + c] =
            static_cast<float>(block.values[c * block.step + std::min(first + r, block.rows - 1)]);
    for (size_t tree = begin; tree < end; ++tree) {
      int at[kLanes];
      for (int& node : at) node = roots_[tree];
      for (int step = 0; step < depths_[tree]; ++step) {
#pragma GCC unroll 8
        for (size_t r = 0; r < kLanes; ++r) {
          const Node& n = nodes_[static_cast<size_t>(at[r])];
          const float value = values[r * block.columns + static_cast<size_t>(n.feature)];
          at[r] = n.next + (static_cast<int>(!(value < n.value)) & n.other);
        }
      }
      for (size_t r = 0; r < kLanes; ++r)
        sums[first + r] += double{nodes_[static_cast<size_t>(at[r])].value};
    }
  }
}

}  // namespace nas
