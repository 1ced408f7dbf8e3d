// Splits, normalisation and the `data:` section.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "spaces/error.hpp"
#include "supernet/data/dataset.hpp"

namespace nas {
namespace {

using testing::HasSubstr;

std::vector<int> per_class(const Dataset& data, const std::vector<int64_t>& indices) {
  std::vector<int> counts(data.class_names().size());
  for (const int64_t i : indices) ++counts[static_cast<size_t>(data.label(i))];
  return counts;
}

TEST(Digits, AreThePublishedOnes) {
  const auto data = open_dataset(DataOptions{});
  EXPECT_EQ(data->size(), 1797);
  EXPECT_EQ(data->channels(), 1);
  EXPECT_EQ(data->fixed_size(), std::make_pair(8, 8));
  std::vector<int64_t> all(1797);
  for (int64_t i = 0; i < 1797; ++i) all[static_cast<size_t>(i)] = i;
  EXPECT_THAT(per_class(*data, all),
              testing::ElementsAre(178, 182, 177, 183, 181, 182, 181, 179, 174, 180));
  Image first;
  data->load(0, first);
  EXPECT_EQ(data->label(0), 0);
  // First row of the file: 0,0,5,13,9,1,0,0.
  EXPECT_THAT(std::vector<int>(first.pixels.begin(), first.pixels.begin() + 8),
              testing::ElementsAre(0, 0, 80, 207, 143, 16, 0, 0));
  // The stated normalisation is the measured one.
  DataOptions grey;
  const Normalisation n = normalisation_of(*data, all, grey);
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < 1797; ++i) {
    data->load(i, first);
    for (const uint8_t p : first.pixels) sum += p / 255.0, squares += p / 255.0 * p / 255.0;
  }
  const double mean = sum / (1797 * 64);
  EXPECT_NEAR(n.mean[0], mean, 1e-5);
  EXPECT_NEAR(n.std[0], std::sqrt(squares / (1797 * 64) - mean * mean), 1e-5);
}

TEST(Splits, AreDisjointStratifiedAndComplete) {
  const DataOptions o;
  const auto data = open_dataset(o);
  const Splits s = make_splits(*data, o);
  EXPECT_EQ(s.test.size(), 359U);        // 0.2 of 1797
  EXPECT_EQ(s.validation.size(), 288U);  // 0.2 of 1438
  EXPECT_EQ(s.train.size(), 1150U);
  std::set<int64_t> all;
  for (const auto* list : {&s.train, &s.validation, &s.test}) {
    EXPECT_TRUE(std::is_sorted(list->begin(), list->end()));
    all.insert(list->begin(), list->end());
  }
  EXPECT_EQ(all.size(), 1797U);
  const std::vector<int> whole = per_class(*data, {all.begin(), all.end()});
  const std::vector<int> test = per_class(*data, s.test);
  for (size_t k = 0; k < 10; ++k) EXPECT_NEAR(test[k], 0.2 * whole[k], 1.0);
}

TEST(Splits, DependOnTheSplitSeedOnly) {
  DataOptions o;
  const auto data = open_dataset(o);
  const Splits a = make_splits(*data, o), b = make_splits(*data, o);
  EXPECT_EQ(a.hash, b.hash);
  EXPECT_EQ(a.hash.size(), 64U);
  o.workers = 5;
  EXPECT_EQ(make_splits(*data, o).hash, a.hash);
  o.split_seed = 1;
  const Splits c = make_splits(*data, o);
  EXPECT_NE(c.hash, a.hash);
  EXPECT_NE(c.test, a.test);
}

TEST(Splits, LimitShortensTrainingOnlyAndIsStratified) {
  DataOptions o;
  const auto data = open_dataset(o);
  const Splits whole = make_splits(*data, o);
  o.limit = 100;
  const Splits s = make_splits(*data, o);
  EXPECT_EQ(s.train.size(), 100U);
  EXPECT_EQ(s.validation, whole.validation);
  EXPECT_EQ(s.test, whole.test);
  for (const int n : per_class(*data, s.train)) EXPECT_NEAR(n, 10, 1);
  EXPECT_TRUE(
      std::includes(whole.train.begin(), whole.train.end(), s.train.begin(), s.train.end()));
  o.limit = 100000;
  EXPECT_EQ(make_splits(*data, o).train, whole.train);
}

TEST(Splits, NoTrainingImagesIsAnError) {
  DataOptions o;
  o.kind = "synthetic";
  o.synthetic_size = 2;
  o.synthetic_classes = 2;
  o.test = 0.5;
  o.validation = 0.9;
  EXPECT_THROW(make_splits(*open_dataset(o), o), DataError);
}

TEST(Normalisation, StatedOrMeasured) {
  DataOptions o;
  o.kind = "synthetic";
  const auto data = open_dataset(o);
  const Splits s = make_splits(*data, o);
  const Normalisation measured = normalisation_of(*data, s.train, o);
  ASSERT_EQ(measured.mean.size(), 3U);
  Image image;
  double sum = 0, n = 0;
  for (const int64_t i : s.train) {
    data->load(i, image);
    for (size_t p = 0; p < 1024; ++p) sum += image.pixels[1024 + p] / 255.0, n += 1;
  }
  EXPECT_NEAR(measured.mean[1], sum / n, 1e-6);
  o.mean = {0.5};
  o.std = {0.25};
  EXPECT_THAT(normalisation_of(*data, s.train, o).std, testing::ElementsAre(0.25F, 0.25F, 0.25F));
  o.mean = {0.5, 0.5};
  o.std = {1, 1};
  EXPECT_THROW(normalisation_of(*data, s.train, o), ConfigError);
}

TEST(Synthetic, NearestClassMeanLearnsItButNotPerfectly) {
  DataOptions o;
  o.kind = "synthetic";
  o.synthetic_resolution = 16;
  o.synthetic_size = 600;
  const auto data = open_dataset(o);
  std::vector<std::vector<double>> means(10, std::vector<double>(768));
  Image image;
  for (int64_t i = 0; i < 400; ++i) {
    data->load(i, image);
    for (size_t p = 0; p < 768; ++p)
      means[static_cast<size_t>(data->label(i))][p] += image.pixels[p] / 40.0;
  }
  int right = 0;
  for (int64_t i = 400; i < 600; ++i) {
    data->load(i, image);
    size_t best = 0;
    double least = 1e18;
    for (size_t k = 0; k < 10; ++k) {
      double d = 0;
      for (size_t p = 0; p < 768; ++p) d += std::pow(image.pixels[p] - means[k][p], 2);
      if (d < least) least = d, best = k;
    }
    right += static_cast<int>(best) == data->label(i);
  }
  EXPECT_GT(right, 120);
}

TEST(Synthetic, OtherSeedOtherImages) {
  DataOptions o;
  o.kind = "synthetic";
  Image a, b, c;
  open_dataset(o)->load(5, a);
  open_dataset(o)->load(5, b);
  o.synthetic_seed = 1;
  open_dataset(o)->load(5, c);
  EXPECT_EQ(a.pixels, b.pixels);
  EXPECT_NE(a.pixels, c.pixels);
}

TEST(Prepared, ResolutionAndChannelsAsStated) {
  DataOptions o;
  o.resolution = 12;
  o.channels = 3;
  for (const char* cache : {"auto", "off"}) {
    o.cache = cache;
    const auto data = open_dataset(o);
    EXPECT_EQ(data->channels(), 3);
    EXPECT_EQ(data->fixed_size(), std::make_pair(12, 12));
    Image a, b;
    data->load(9, a);
    data->load(9, b);  // from the cache
    EXPECT_EQ(a.pixels.size(), 432U);
    EXPECT_EQ(a.pixels, b.pixels);
    EXPECT_EQ(b.h, 12);
    EXPECT_EQ(b.c, 3);
    EXPECT_EQ(normalisation_of(*data, {0}, o).mean.size(), 3U);
  }
}

std::string problems_of(const std::string& yaml) {
  try {
    read_yaml_as<DataOptions>({yaml, "data.yaml", 0, {}});
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(DataSection, ReadsAndRefuses) {
  EXPECT_EQ(problems_of("kind: digits\nflip: true\nmean: [0.5]\nstd: [0.5]\n"), "");
  EXPECT_THAT(problems_of("kind: cifar11\n"), HasSubstr("cifar10"));
  EXPECT_THAT(problems_of("kind: cifar10\n"), HasSubstr("needs the folder"));
  EXPECT_THAT(problems_of("path: somewhere\n"), HasSubstr("reads no files"));
  EXPECT_THAT(problems_of("validation: 0.6\ntest: 0.5\n"), HasSubstr("no training images"));
  EXPECT_THAT(problems_of("mean: [0.5]\n"), HasSubstr("mean and std go together"));
  EXPECT_THAT(problems_of("mean: [0.5]\nstd: [0]\n"), HasSubstr("greater than 0"));
  EXPECT_THAT(problems_of("channels: 2\n"), HasSubstr("0, 1 or 3"));
  EXPECT_THAT(problems_of("workers: 0\n"), HasSubstr("workers"));
}

TEST(DataSection, MissingPathsAreNamed) {
  DataOptions o;
  o.kind = "auto";
  o.path = "/nowhere/at/all";
  try {
    open_dataset(o);
    FAIL() << "no error";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("/nowhere/at/all"));
  }
}

}  // namespace
}  // namespace nas
