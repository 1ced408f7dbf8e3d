// The one-hot form of architectures (search.md 2.4 and oracle 3).
#include "predictors/features.hpp"

#include <gmock/gmock.h>

#include "predictors/gaussian_kernel.hpp"
#include "predictors/linear_algebra.hpp"
#include "spaces/random.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

TEST(Features, AbsentBlocksOfTheOnceForAllSpaceAreZero) {
  const auto space = load_space("mobilenet");
  Architecture a;
  for (const char c : std::string("122222120211001122101121010222002222112120200"))
    a.genes.push_back(static_cast<int16_t>(c - '0'));
  const FeatureMatrix x = encode(*space, std::vector<Architecture>{a});
  ASSERT_EQ(x.cols(), 135);
  std::vector<int> ones;
  for (int c = 0; c < x.cols(); ++c)
    if (x(0, c) != 0) ones.push_back(c);
  EXPECT_THAT(ones,
              testing::ElementsAre(1,
                                   5,
                                   8,
                                   11,
                                   14,
                                   17,
                                   24,
                                   29,
                                   31,
                                   34,
                                   36,
                                   39,
                                   50,
                                   53,
                                   61,
                                   64,
                                   68,
                                   70,
                                   72,
                                   76,
                                   86,
                                   89,
                                   90,
                                   93,
                                   98,
                                   101,
                                   109,
                                   112,
                                   122,
                                   123,
                                   128,
                                   129,
                                   132));
  EXPECT_EQ(x.sum(), 33);
}

TEST(Features, ColumnsOfAChoiceFormAGroup) {
  const auto space = load_space("mobilenet");
  const std::vector<int> groups = feature_space(*space).groups();
  ASSERT_EQ(groups.size(), 135u);
  for (int c = 0; c < 135; ++c) EXPECT_EQ(groups[static_cast<size_t>(c)], c / 3);
  EXPECT_THAT(feature_space({"a", "b", "k=1", "k=2", "l=1", "c"}).groups(),
              testing::ElementsAre(0, 1, 2, 2, 3, 4));
}

// Factors of bits and sums over numbers say the same, also where rows are no whole tiles.
TEST(Features, KernelsOfOneHotRowsAreThoseOfNumbers) {
  Rng rng(3, "test/distances");
  FeatureMatrix a(39, 21), b(5, 21);
  for (FeatureMatrix* x : {&a, &b})
    for (Eigen::Index i = 0; i < x->size(); ++i) x->data()[i] = static_cast<double>(rng.below(2));
  Eigen::VectorXd roots(21);
  for (Eigen::Index c = 0; c < 21; ++c) roots[c] = rng.uniform();
  const auto slow = [&](const FeatureMatrix& x) {
    FeatureMatrix d(x.rows(), b.rows());
    for (Eigen::Index i = 0; i < x.rows(); ++i)
      for (Eigen::Index j = 0; j < b.rows(); ++j)
        d(i, j) = std::exp(-(x.row(i) - b.row(j)).transpose().cwiseProduct(roots).squaredNorm());
    return d;
  };
  EXPECT_LT((GaussianKernel(b, roots)(a) - slow(a)).cwiseAbs().maxCoeff(), 1e-12);
  a(2, 3) = .5;
  EXPECT_LT((GaussianKernel(b, roots)(a) - slow(a)).cwiseAbs().maxCoeff(), 1e-12);
}

TEST(Features, ThoseOfAnotherSpaceAreTold) {
  const auto mobilenet = load_space("mobilenet"), cells = load_space("nasbench201");
  const FeatureSpace a = feature_space(*mobilenet), b = feature_space(*cells);
  EXPECT_EQ(other_features(a, a), "");
  EXPECT_THAT(other_features(a, b), testing::HasSubstr("fingerprint"));
  EXPECT_THAT(other_features(a, feature_space({"x"})), testing::HasSubstr("plain columns"));
  EXPECT_THAT(other_features(feature_space({"x", "y"}), feature_space({"x", "z"})),
              testing::HasSubstr("feature 2 was 'y' when it was fitted, now it is 'z'"));
  EXPECT_THAT(other_features(feature_space({"x", "y"}), feature_space({"x"})),
              testing::HasSubstr("now it is missing"));
}

}  // namespace
}  // namespace nas
