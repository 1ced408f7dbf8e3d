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
#include <map>

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
  leaves_.assign(trees() << depth_, 0);
  for (size_t tree = 0; tree < trees(); ++tree)
    fill(forest, tree, static_cast<size_t>(roots_[tree]), 0, 0);
}

/// `place` is that of a node among those of its level. A leaf above the last level stands below
/// all that could be asked there.
void ForestSums::fill(const Forest& forest, size_t tree, size_t node, int level, size_t place) {
  if (forest.feature[node] < 0) {
    const int more = depth_ - level;
    const auto first =
        leaves_.begin() + static_cast<std::ptrdiff_t>((tree << depth_) + (place << more));
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

void ForestSums::ask(const float* rows, size_t columns, size_t count, uint64_t* answers) const {
  for (size_t q = 0; q < questions_.size(); ++q) {
    const float* at = rows + questions_[q].feature;
    const float value = questions_[q].value;
    uint64_t bits = 0;
    for (size_t r = 0; r < count; ++r) bits |= uint64_t{!(at[r * columns] < value)} << r;
    answers[q] = bits;
  }
}

void ForestSums::add(
    const float* rows, size_t columns, size_t count, size_t begin, size_t end, double* sums) const {
  if (!sliced_) return walk(rows, columns, count, begin, end, sums);
  std::vector<uint64_t> answers(questions_.size());
  ask(rows, columns, count, answers.data());
  const size_t inner = (size_t{1} << depth_) - 1;
  for (size_t tree = begin; tree < end; ++tree) {
    const uint32_t* asked = asked_.data() + tree * inner;
    const float* leaves = leaves_.data() + (tree << depth_);
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
    for (size_t r = 0; r < count; r += 8) {
      uint64_t places = 0;  // Of eight rows, a byte each.
      for (int level = 0; level < depth_; ++level)
        places = places << 1 | kSpread[way[level] >> r & 255];
      for (size_t k = 0; k < 8; ++k) sums[r + k] += double{leaves[places >> (8 * k) & 255]};
    }
  }
}

void ForestSums::walk(
    const float* rows, size_t columns, size_t count, size_t begin, size_t end, double* sums) const {
  constexpr size_t kTogether = 8;
  for (size_t first = 0; first < count; first += kTogether) {
    const float* row[kTogether];
    for (size_t r = 0; r < kTogether; ++r) row[r] = rows + std::min(first + r, count - 1) * columns;
    for (size_t tree = begin; tree < end; ++tree) {
      int at[kTogether];
      for (int& node : at) node = roots_[tree];
      for (int step = 0; step < depths_[tree]; ++step) {
#pragma GCC unroll 8
        for (size_t r = 0; r < kTogether; ++r) {
          const Node& n = nodes_[static_cast<size_t>(at[r])];
          at[r] = n.next + (static_cast<int>(!(row[r][n.feature] < n.value)) & n.other);
        }
      }
      for (size_t r = 0; r < kTogether; ++r)
        sums[first + r] += double{nodes_[static_cast<size_t>(at[r])].value};
    }
  }
}

}  // namespace nas
