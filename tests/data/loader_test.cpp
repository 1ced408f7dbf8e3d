// The loader: order, determinism whatever the workers, resume, stopping, errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "spaces/error.hpp"
#include "supernet/data/augment.hpp"
#include "supernet/data/dataset.hpp"
#include "supernet/data/prepare.hpp"

namespace nas {
namespace {

DataOptions synthetic(int64_t size = 200) {
  DataOptions o;
  o.kind = "synthetic";
  o.synthetic_size = size;
  o.synthetic_resolution = 16;
  o.crop_padding = 2;
  o.flip = true;
  o.cutout = 4;
  return o;
}

std::vector<int64_t> everything(const Dataset& data) {
  std::vector<int64_t> order(static_cast<size_t>(data.size()));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

struct Pass {
  std::vector<std::vector<float>> images;
  std::vector<std::vector<int64_t>> indices, labels;
  bool operator==(const Pass&) const = default;
};

Pass read_pass(const Dataset& data,
               DataOptions o,
               int workers,
               int64_t first = 0,
               uint64_t epoch = 3,
               bool augment = true) {
  o.workers = workers;
  o.prefetch = 3;
  Loader loader(data, normalisation_of(data, everything(data), o), o, 7);
  loader.start(everything(data), 32, epoch, augment, false, first);
  Pass pass;
  while (const Batch* b = loader.next()) {
    EXPECT_EQ(b->images.size(), static_cast<size_t>(b->n * b->c * b->h * b->w));
    pass.images.push_back(b->images);
    pass.indices.push_back(b->indices);
    pass.labels.push_back(b->labels);
  }
  EXPECT_EQ(loader.next(), nullptr);
  return pass;
}

TEST(Loader, DeliversEveryImageInOrderWithItsLabel) {
  const DataOptions o = synthetic();
  const auto data = open_dataset(o);
  const Pass pass = read_pass(*data, o, 3);
  ASSERT_EQ(pass.indices.size(), 7U);  // 6 * 32 + 8
  int64_t expected = 0;
  for (size_t k = 0; k < 7; ++k)
    for (size_t i = 0; i < pass.indices[k].size(); ++i, ++expected) {
      EXPECT_EQ(pass.indices[k][i], expected);
      EXPECT_EQ(pass.labels[k][i], data->label(expected));
    }
  EXPECT_EQ(expected, 200);
}

TEST(Loader, ContentDoesNotDependOnWorkers) {
  const DataOptions o = synthetic();
  const auto data = open_dataset(o);
  const Pass one = read_pass(*data, o, 1);
  EXPECT_TRUE(one == read_pass(*data, o, 2));
  EXPECT_TRUE(one == read_pass(*data, o, 5));
}

TEST(Loader, ResumesWithinAPass) {
  const DataOptions o = synthetic();
  const auto data = open_dataset(o);
  const Pass whole = read_pass(*data, o, 2), rest = read_pass(*data, o, 2, 4);
  ASSERT_EQ(rest.images.size(), 3U);
  for (size_t k = 0; k < 3; ++k) EXPECT_EQ(rest.images[k], whole.images[k + 4]);
}

TEST(Loader, EpochsAndSeedsDiffer) {
  const DataOptions o = synthetic();
  const auto data = open_dataset(o);
  EXPECT_NE(read_pass(*data, o, 1, 0, 3).images[0], read_pass(*data, o, 1, 0, 4).images[0]);
  // Without augmentation they do not.
  EXPECT_EQ(read_pass(*data, o, 1, 0, 3, false).images[0],
            read_pass(*data, o, 1, 0, 4, false).images[0]);
}

TEST(Loader, DropsOrKeepsThePartialLastBatch) {
  const DataOptions o = synthetic(70);
  const auto data = open_dataset(o);
  Loader loader(*data, normalisation_of(*data, everything(*data), o), o, 0);
  loader.start(everything(*data), 32, 0, false, true);
  EXPECT_EQ(loader.batches(), 2);
  loader.start(everything(*data), 32, 0, false, false);
  EXPECT_EQ(loader.batches(), 3);
  loader.next();
  loader.next();
  EXPECT_EQ(loader.next()->n, 6);
  loader.start({5, 5, 9}, 4, 0, false, true);
  EXPECT_EQ(loader.next(), nullptr);
  loader.start({5, 5, 9}, 4, 0, false, false);
  EXPECT_THAT(loader.next()->indices, testing::ElementsAre(5, 5, 9));
}

TEST(Loader, StopsAtAnyMoment) {
  const DataOptions base = synthetic(2000);
  const auto data = open_dataset(base);
  const Normalisation n = normalisation_of(*data, {0, 1, 2}, base);
  for (int round = 0; round < 20; ++round) {
    DataOptions o = base;
    o.workers = 1 + round % 4;
    Loader loader(*data, n, o, 1);
    loader.start(everything(*data), 64, 0, true, true);
    for (int i = 0; i < round % 5; ++i) ASSERT_NE(loader.next(), nullptr);
    if (round % 2) {
      loader.start(everything(*data), 16, 1, true, true);
      ASSERT_EQ(loader.next()->indices[15], 15);
    }
  }
}

/// Fails at one image.
class Broken : public Dataset {
 public:
  int64_t size() const override { return 100; }
  int label(int64_t) const override { return 0; }
  void load(int64_t i, Image& out) const override {
    if (i == 41) throw DataError("broken.jpg: ends too early");
    out = {1, 4, 4, std::vector<uint8_t>(16, static_cast<uint8_t>(i))};
  }
  const std::vector<std::string>& class_names() const override { return names_; }
  int channels() const override { return 1; }
  std::optional<std::pair<int, int>> fixed_size() const override { return std::make_pair(4, 4); }
  std::string describe() const override { return "broken"; }
  std::string where(int64_t) const override { return "broken"; }

 private:
  std::vector<std::string> names_{"a"};
};

TEST(Loader, RethrowsAWorkersErrorAtItsBatch) {
  const Broken data;
  DataOptions o;
  o.workers = 3;
  Loader loader(data, {{0.F}, {1.F}}, o, 0);
  loader.start(everything(data), 10, 0, false, false);
  for (int i = 0; i < 4; ++i) ASSERT_NE(loader.next(), nullptr);
  for (int i = 0; i < 2; ++i) {
    try {
      loader.next();
      FAIL() << "no error";
    } catch (const DataError& e) {
      EXPECT_STREQ(e.what(), "broken.jpg: ends too early");
    }
  }
  // The loader is still usable.
  loader.start({1, 2}, 2, 0, false, false);
  EXPECT_EQ(loader.next()->images[16], 2.0F / 255.0F);
}

TEST(Loader, RefusesWhatCannotBe) {
  const Broken data;
  Loader loader(data, {{0.F}, {1.F}}, DataOptions{}, 0);
  EXPECT_THROW(loader.start({100}, 2, 0, false, false), Error);
  EXPECT_THROW(loader.start({-1}, 2, 0, false, false), Error);
  EXPECT_THROW(loader.start({1}, 0, 0, false, false), Error);
  EXPECT_THROW(Loader(data, {{0.F, 0.F, 0.F}, {1.F, 1.F, 1.F}}, DataOptions{}, 0), ConfigError);
}

TEST(Augmenter, NormalisesWithoutAStream) {
  const Augmenter a({{0.5F}, {0.25F}}, DataOptions{});
  const Image image{1, 1, 3, {0, 51, 255}};
  float out[3];
  a.apply(image, nullptr, out);
  EXPECT_FLOAT_EQ(out[0], -2.0F);
  EXPECT_FLOAT_EQ(out[1], -1.2F);
  EXPECT_FLOAT_EQ(out[2], 2.0F);
}

TEST(Augmenter, CropMovesTheImageOverBlack) {
  DataOptions o;
  o.crop_padding = 1;
  const Augmenter a({{0.5F}, {0.5F}}, o);
  const Image image{1, 3, 3, std::vector<uint8_t>(9, 255)};
  Rng rng(0, "test");
  std::array<int, 10> seen{};
  for (int i = 0; i < 900; ++i) {
    float out[9];
    a.apply(image, &rng, out);
    int white = 0;
    for (const float v : out) {
      ASSERT_TRUE(v == 1.0F || v == -1.0F);  // the image or the raw zero, normalised
      white += v == 1.0F;
    }
    ++seen[static_cast<size_t>(white)];
  }
  // 9 offsets: 4 corners leave 4 pixels, 4 edges 6, the centre 9.
  EXPECT_NEAR(seen[4], 400, 60);
  EXPECT_NEAR(seen[6], 400, 60);
  EXPECT_NEAR(seen[9], 100, 40);
}

TEST(Augmenter, FlipsHalfOfTheImages) {
  DataOptions o;
  o.flip = true;
  const Augmenter a({{0.F}, {1.F}}, o);
  const Image image{1, 2, 2, {0, 255, 51, 102}};
  Rng rng(0, "test");
  int flipped = 0;
  for (int i = 0; i < 1000; ++i) {
    float out[4];
    a.apply(image, &rng, out);
    if (out[0] == 1.0F) {
      ++flipped;
      EXPECT_FLOAT_EQ(out[2], 0.4F);
      EXPECT_FLOAT_EQ(out[3], 0.2F);
    } else {
      EXPECT_FLOAT_EQ(out[2], 0.2F);
    }
  }
  EXPECT_NEAR(flipped, 500, 60);
}

TEST(Augmenter, CutoutZeroesASquareAfterNormalising) {
  DataOptions o;
  o.cutout = 2;
  const Augmenter a({{0.5F, 0.5F, 0.5F}, {0.5F, 0.5F, 0.5F}}, o);
  const Image image{3, 4, 4, std::vector<uint8_t>(48, 255)};
  Rng rng(0, "test");
  for (int i = 0; i < 200; ++i) {
    float out[48];
    a.apply(image, &rng, out);
    int zeros = 0;
    for (int p = 0; p < 16; ++p) {
      EXPECT_EQ(out[p], out[16 + p]);
      EXPECT_EQ(out[p], out[32 + p]);
      zeros += out[p] == 0.0F;
    }
    EXPECT_TRUE(zeros == 4 || zeros == 2 || zeros == 1) << zeros;
  }
}

TEST(Resize, KeepsConstantsAndHalvesByAveraging) {
  Image flat{3, 7, 9, std::vector<uint8_t>(189, 77)};
  resize_image(flat, 20, 4);
  EXPECT_EQ(flat.pixels, std::vector<uint8_t>(240, 77));
  // 4 -> 2: triangle of half-width 2 around 1 and 3: weights (3, 3, 1) / 7 of the pixels inside.
  Image row{1, 1, 4, {0, 70, 140, 210}};
  resize_image(row, 1, 2);
  EXPECT_EQ(row.pixels[0], std::lround((0 * 3 + 70 * 3 + 140 * 1) / 7.0));
  EXPECT_EQ(row.pixels[1], std::lround((70 * 1 + 140 * 3 + 210 * 3) / 7.0));
  // 2 -> 4: linear between centres.
  Image two{1, 1, 2, {0, 100}};
  resize_image(two, 1, 4);
  EXPECT_THAT(two.pixels, testing::ElementsAre(0, 25, 75, 100));
}

TEST(Resize, CutsTheCentre) {
  Image wide{1, 2, 6, {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}};
  resize_and_crop(wide, 2, 2);
  EXPECT_THAT(wide.pixels, testing::ElementsAre(2, 3, 12, 13));
}

TEST(Channels, ConvertBothWays) {
  Image grey{1, 1, 2, {7, 9}};
  convert_channels(grey, 3);
  EXPECT_THAT(grey.pixels, testing::ElementsAre(7, 9, 7, 9, 7, 9));
  Image rgb{3, 1, 1, {100, 200, 50}};
  convert_channels(rgb, 1);
  EXPECT_THAT(rgb.pixels, testing::ElementsAre(153));  // 29.9 + 117.4 + 5.7
}

}  // namespace
}  // namespace nas
