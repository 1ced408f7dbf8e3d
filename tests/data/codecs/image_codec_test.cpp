// Pixels of PNG files built here, what is refused, and resizing held to numbers by hand.
#include "supernet/data/codecs/image_codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "spaces/error.hpp"
#include "supernet/data/prepare.hpp"
#include "tiny_png.hpp"

namespace nas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
std::string why(const std::string& bytes) {
  try {
    Image image;
    decode_image(bytes_of(bytes), "the.file", image);
  } catch (const DataError& e) {
    return e.what();
  }
  return "";
}

TEST(ImageCodec, APngGivesItsPixels) {
  const std::string png = tiny_png(77);
  Image image;
  decode_image(bytes_of(png), "a", image);
  EXPECT_EQ(image.pixels.size(), static_cast<size_t>(image.c) * image.h * image.w);
  for (const uint8_t p : image.pixels) EXPECT_EQ(p, 77);
  const auto size = peek_image_size(bytes_of(png));
  ASSERT_TRUE(size);
  EXPECT_EQ(size->h, image.h);
  EXPECT_EQ(size->w, image.w);
  EXPECT_EQ(size->c, image.c);
}

TEST(ImageCodec, WhatIsNoImageIsToldByName) {
  const std::string png = tiny_png(5);
  EXPECT_THAT(why(png.substr(0, png.size() - 20)), HasSubstr("the.file"));
  EXPECT_THAT(why("GIF89a......"), HasSubstr("GIF89a"));
  EXPECT_THAT(why(""), HasSubstr("the.file"));
  EXPECT_THAT(why("\xff\xd8\xff\xe0 no jpeg at all"), HasSubstr("the.file"));
  EXPECT_FALSE(peek_image_size(bytes_of("GIF89a......")));
  EXPECT_FALSE(peek_image_size(bytes_of(png.substr(0, 10))));
  EXPECT_THROW(detail::check_image_size(0, 5, "x"), DataError);
  EXPECT_THROW(detail::check_image_size(kLongestSide, kLongestSide, "x"), DataError);
  EXPECT_NO_THROW(detail::check_image_size(8192, 8192, "x"));
}

TEST(ImageCodec, NamesOfImages) {
  for (const char* name : {"a.jpg", "A.JPEG", "b.Png", "c.jfif", "x/y.jpe"})
    EXPECT_TRUE(has_image_extension(name)) << name;
  for (const char* name : {"a.gif", "png", "a.png.txt", ".png/"})
    EXPECT_FALSE(has_image_extension(name)) << name;
}

Image ramp(int h, int w) {
  Image image;
  image.c = 1;
  image.h = h;
  image.w = w;
  image.pixels.resize(static_cast<size_t>(h) * w);
  for (int i = 0; i < h * w; ++i)
    image.pixels[static_cast<size_t>(i)] = static_cast<uint8_t>(10 * (i % w));
  return image;
}

TEST(Resize, ShrinkingIsAWeightedMeanAndKeepsConstants) {
  Image image = ramp(2, 4);  // Rows of 0, 10, 20, 30.
  resize_image(image, 2, 2);
  // Triangle of half-width 2 about 0.5 and 2.5: (3 * 0 + 3 * 10 + 20) / 7 and its mirror.
  EXPECT_THAT(image.pixels, ElementsAre(7, 23, 7, 23));
  Image grey = ramp(5, 7);
  std::fill(grey.pixels.begin(), grey.pixels.end(), uint8_t{123});
  resize_image(grey, 3, 11);
  EXPECT_EQ(grey.pixels.size(), 33u);
  for (const uint8_t p : grey.pixels) EXPECT_EQ(p, 123);
}

TEST(Resize, EnlargingIsBilinear) {
  Image image = ramp(1, 2);  // 0, 10.
  resize_image(image, 1, 4);
  EXPECT_THAT(image.pixels, ElementsAre(0, 3, 8, 10));  // 0, 2.5, 7.5, 10, rounded half up.
}

TEST(Resize, TheCentreIsCutOut) {
  Image image = ramp(2, 6);
  resize_and_crop(image, 2, 2);
  EXPECT_THAT(image.pixels, ElementsAre(20, 30, 20, 30));
  EXPECT_EQ(side_before_crop(224, 0.875), 256);
  EXPECT_EQ(side_before_crop(224, 0.9), 249);
}

TEST(Channels, GreyAndLuma) {
  Image image;
  image.c = 3;
  image.h = image.w = 1;
  image.pixels = {200, 100, 50};
  convert_channels(image, 1);
  EXPECT_THAT(image.pixels, ElementsAre((299 * 200 + 587 * 100 + 114 * 50 + 500) / 1000));
  convert_channels(image, 3);
  EXPECT_THAT(image.pixels, ElementsAre(124, 124, 124));
}

}  // namespace
}  // namespace nas
