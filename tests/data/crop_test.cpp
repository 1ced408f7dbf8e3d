// data.crop_pct: what evaluation sees, by pixels worked out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spaces/error.hpp"
#include "supernet/data/dataset.hpp"
#include "supernet/data/prepare.hpp"

namespace nas {
namespace {

using ::testing::ElementsAre;

/// Grey, pixel (y, x) = 10 y + x.
Image ramp(int h, int w) {
  Image image{1, h, w, {}};
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) image.pixels.push_back(static_cast<uint8_t>(10 * y + x));
  return image;
}

TEST(CropPct, SideBeforeTheCropIsThatOfTheField) {
  EXPECT_EQ(side_before_crop(224, 0.875), 256);
  EXPECT_EQ(side_before_crop(192, 0.875), 220);
  EXPECT_EQ(side_before_crop(160, 0.875), 183);
  EXPECT_EQ(side_before_crop(96, 0.96), 100);
  EXPECT_EQ(side_before_crop(224, 1), 224);
}

TEST(CropPct, CutsTheCentreWhereTheSizeIsThereAlready) {
  Image image = ramp(4, 4);  // 2 / 0.5 = 4: nothing to scale.
  resize_and_crop_pct(image, 2, 2, 0.5);
  EXPECT_THAT(image.pixels, ElementsAre(11, 12, 21, 22));
}

TEST(CropPct, TheLongSideIsRoundedDownAndHalvesGoToTheEvenPixel) {
  // 4x7 to a short side of 4: stays 4x7; of the 5 columns too many 2.5 go left: 2, as round() of
  // halves does it in Python.
  Image image = ramp(4, 7);
  resize_and_crop_pct(image, 2, 2, 0.5);
  EXPECT_THAT(image.pixels, ElementsAre(12, 13, 22, 23));
  // 8x13 halves to 4x6 (6.5 rounded down), of whose columns 2 go on either side.
  Image wide{1, 8, 13, std::vector<uint8_t>(8 * 13, 77)};
  resize_and_crop_pct(wide, 2, 2, 0.5);
  EXPECT_EQ(wide.h, 2);
  EXPECT_EQ(wide.w, 2);
  EXPECT_THAT(wide.pixels, ElementsAre(77, 77, 77, 77));
}

TEST(CropPct, ScalesWithTheWidenedTriangle) {
  // 8 columns 0, 10, ..., 70 to 4: weights 1 3 3 1 (over 8) around 2 i + 0.5, at the edges 3 3 1
  // over 7.
  Image image{1, 8, 8, {}};
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x) image.pixels.push_back(static_cast<uint8_t>(10 * x));
  Image whole = image;
  resize_image(whole, 4, 4);
  EXPECT_THAT(std::vector<uint8_t>(whole.pixels.begin(), whole.pixels.begin() + 4),
              ElementsAre(7, 25, 45, 63));
  resize_and_crop_pct(image, 2, 2, 0.5);  // The middle two of these.
  EXPECT_THAT(image.pixels, ElementsAre(25, 45, 25, 45));
}

DataOptions digits(double crop_pct) {
  DataOptions o;
  o.kind = "digits";
  o.crop_pct = crop_pct;
  return o;
}

const Batch& first_batch(Loader& loader, bool augment) {
  loader.start({0, 1, 2}, 3, 0, augment, false);
  return *loader.next();
}

TEST(CropPct, IsForEvaluationAlone) {
  for (const char* cache : {"auto", "off"}) {
    DataOptions o = digits(0.5);
    o.cache = cache;
    const auto plain = open_dataset(digits(1)), cropped = open_dataset(o);
    EXPECT_EQ(cropped->fixed_size(), std::make_pair(8, 8));
    Image before, train, evaluated;
    plain->load(5, before);
    cropped->load(5, train);
    cropped->load_for_evaluation(5, evaluated);
    EXPECT_EQ(train.pixels, before.pixels);
    Image expected = before;
    resize_and_crop_pct(expected, 8, 8, 0.5);
    EXPECT_EQ(evaluated.pixels, expected.pixels);
    EXPECT_NE(evaluated.pixels, before.pixels);
    cropped->load_for_evaluation(5, evaluated);  // From the cache.
    EXPECT_EQ(evaluated.pixels, expected.pixels);

    Loader a(*plain, {{0.0F}, {1.0F}}, digits(1), 0), b(*cropped, {{0.0F}, {1.0F}}, o, 0);
    const auto values = [](const Batch& batch) { return batch.images; };
    EXPECT_EQ(values(first_batch(a, true)), values(first_batch(b, true)));
    EXPECT_NE(values(first_batch(a, false)), values(first_batch(b, false)));
  }
}

TEST(CropPct, ThePreparationIsKnown) {
  EXPECT_FALSE(open_dataset(digits(1))->preparation().resize.has_value());
  const Preparation p = open_dataset(digits(0.875))->preparation();
  EXPECT_EQ(p.resize, std::make_pair(10, 10));
  EXPECT_EQ(p.crop_pct, 0.875);
  DataOptions o = digits(1);
  o.resolution = 16;
  o.channels = 3;
  const Preparation larger = open_dataset(o)->preparation();
  EXPECT_EQ(larger.resize, std::make_pair(16, 16));
  EXPECT_EQ(larger.source_channels, 1);
}

/// What reading these values says.
std::string said(const std::string& mean, const std::string& deviation) {
  YamlSource source;
  source.text = "mean: " + mean + "\nstd: " + deviation + "\n";
  source.file = "f.yaml";
  try {
    read_yaml_as<DataOptions>(source);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(Normalisation, ValuesForPixelsUpTo255AreRefused) {
  EXPECT_EQ(said("[0.485, 0.456, 0.406]", "[0.229, 0.224, 0.225]"), "");
  EXPECT_EQ(said("[0]", "[1]"), "");
  EXPECT_EQ(said("[0.5]", "[0.00392]"), "");
  EXPECT_THAT(said("[123.675, 116.28, 103.53]", "[58.395, 57.12, 57.375]"),
              testing::AllOf(testing::HasSubstr("f.yaml:1"),
                             testing::HasSubstr("divide these by 255"),
                             testing::HasSubstr("f.yaml:2")));
  for (const char* bad :
       {"[1.01]", "[-0.1]", "[.nan]", "[.inf]", "[0.1, 0.2]", "[0.1, 0.2, 0.3, 0.4]"}) {
    EXPECT_NE(said(bad, bad), "") << bad;
  }
  EXPECT_THAT(said("[0.5]", "[0]"), testing::HasSubstr("greater than 0"));
  EXPECT_NE(said("[0.5]", "[0.1, 0.1, 0.1]"), "");
}

}  // namespace
}  // namespace nas
