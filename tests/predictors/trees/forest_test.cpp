// Many rows through many trees: what one row after the other gives, to the last bit.
#include "predictors/trees/forest.hpp"

#include <gtest/gtest.h>

#include "spaces/random.hpp"

namespace nas {
namespace {

/// The sum as the definition has it.
double of(const Forest& f, const float* row, size_t begin, size_t end) {
  double sum = 0;
  for (size_t tree = begin; tree < end; ++tree) {
    auto node = static_cast<size_t>(f.roots[tree]);
    while (f.feature[node] >= 0)
      node = static_cast<size_t>(f.left[node] + (row[f.feature[node]] < f.value[node] ? 0 : 1));
    sum += double{f.value[node]};
  }
  return sum;
}

/// A tree of at most `depth` levels, some of its branches cut short.
void grow(Forest& f, Rng& rng, size_t node, int depth, int columns, bool one_hot) {
  const bool leaf = depth == 0 || rng.below(5) == 0;
  f.feature[node] = leaf ? -1 : static_cast<int>(rng.below(static_cast<uint64_t>(columns)));
  f.value[node] = leaf || !one_hot ? static_cast<float>(rng.uniform() * 2 - 1) : 0.5F;
  f.left[node] = -1;
  if (leaf) return;
  const size_t left = f.feature.size();
  f.left[node] = static_cast<int>(left);
  for (auto* list : {&f.feature, &f.left}) list->resize(left + 2, -1);
  f.value.resize(left + 2, 0);
  grow(f, rng, left, depth - 1, columns, one_hot);
  grow(f, rng, left + 1, depth - 1, columns, one_hot);
}

Forest forest_of(Rng& rng, size_t trees, int depth, int columns, bool one_hot) {
  Forest f;
  for (size_t t = 0; t < trees; ++t) {
    const size_t root = f.feature.size();
    f.roots.push_back(static_cast<int>(root));
    f.feature.push_back(-1);
    f.left.push_back(-1);
    f.value.push_back(0);
    grow(f, rng, root, depth, columns, one_hot);
  }
  return f;
}

void compare(size_t trees, int depth, int columns, bool one_hot) {
  Rng rng(static_cast<uint64_t>(100 * depth + columns), "forest");
  const Forest forest = forest_of(rng, trees, depth, columns, one_hot);
  const ForestSums sums(forest);
  ASSERT_EQ(sums.trees(), trees);
  const auto width = static_cast<size_t>(columns);
  for (const size_t count : {size_t{1}, size_t{7}, size_t{8}, size_t{9}, size_t{63}, size_t{64}}) {
    std::vector<float> rows(count * width);
    for (float& x : rows)
      x = one_hot ? static_cast<float>(rng.below(2)) : static_cast<float>(rng.uniform() * 2 - 1);
    std::vector<double> by_column((count + 3) * width, 1e9);
    for (size_t r = 0; r < count; ++r)
      for (size_t c = 0; c < width; ++c) by_column[c * (count + 3) + r] = rows[r * width + c];
    for (const auto& [begin, end] :
         {std::pair<size_t, size_t>{0, trees}, {trees / 3, trees / 2}, {1, 1}}) {
      std::vector<double> out(ForestSums::kRows, 0.25);
      sums.add({by_column.data(), count + 3, width, count}, begin, end, out.data());
      for (size_t r = 0; r < count; ++r) {
        double expected = 0.25;
        for (size_t tree = begin; tree < end; ++tree)
          expected += of(forest, &rows[r * width], tree, tree + 1);
        EXPECT_EQ(out[r], expected) << depth << " levels, row " << r << " of " << count;
      }
    }
  }
}

// Few questions, asked by many trees.
TEST(Forest, OneHotRowsAreAnsweredBySlices) {
  for (const int depth : {0, 1, 2, 3, 4, 5, 6}) compare(200, depth, 20, true);
}

TEST(Forest, NumbersAndDeepTreesAreWalked) {
  for (const int depth : {1, 3, 6}) compare(60, depth, 20, false);
  for (const int depth : {7, 12}) compare(60, depth, 20, true);
}

// A leaf must not read a column that is not there.
TEST(Forest, LeavesNeedNoColumns) {
  Forest leaf{{-1}, {-1}, {0}, {1.5F}};
  std::vector<double> out(ForestSums::kRows, 0);
  ForestSums(leaf).add({nullptr, 0, 0, 3}, 0, 1, out.data());
  EXPECT_EQ(out[2], 1.5);
}

}  // namespace
}  // namespace nas
