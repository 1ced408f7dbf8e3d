// Single times of another unit than the rest of a table.
#include "hardware/checks/odd_rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <random>

#include "hardware/kernel_key.hpp"

namespace nas {
namespace {

using ::testing::HasSubstr;

std::string conv(int channels, int size, int kernel, bool depthwise) {
  const std::string c = std::to_string(channels), s = std::to_string(size);
  return "conv2d in=" + c + "x" + s + "x" + s + " out=" + c + "x" + s + "x" + s +
         " k=" + std::to_string(kernel) + " s=1 p=" + std::to_string(kernel / 2) +
         " d=1 g=" + (depthwise ? c : "1") + " bias=0";
}

/// A device with a call of `call` ms and so many multiply-adds and numbers a ms; every time off by
/// up to a factor of about 4 either way.
std::vector<TimedWork> table_of(double call, double macs_a_ms, double numbers_a_ms) {
  std::mt19937 rng(7);
  std::normal_distribution<double> noise(0, .5);
  std::vector<TimedWork> work;
  const auto add = [&](const std::string& key, double slower = 1) {
    TimedWork w = work_of(key, 1, 1, "t.csv:" + std::to_string(work.size() + 2));
    w.ms = (call + slower * w.macs / macs_a_ms + w.elements / numbers_a_ms) * std::exp(noise(rng));
    work.push_back(w);
  };
  for (const int channels : {16, 24, 48, 96, 192, 384})
    for (const int size : {4, 8, 16, 32, 64})
      for (const int kernel : {1, 3, 5}) {
        add(conv(channels, size, kernel, false));
        add(conv(channels, size, kernel, true), 5);
      }
  for (const int size : {4, 8, 16, 32, 64, 112})
    add("relu in=32x" + std::to_string(size) + "x" + std::to_string(size) + " out=32x" +
        std::to_string(size) + "x" + std::to_string(size));
  add("global_avg_pool in=384x4x4 out=384x1x1");
  add("linear in=384 out=1000 bias=1");
  return work;
}

size_t wrong(const std::vector<TimedWork>& work) {
  size_t count = 0;
  for (const OddRow& row : odd_rows(work)) count += row.unit ? 1 : 0;
  return count;
}

struct Device {
  const char* name;
  double call, macs, numbers;
};
constexpr Device kDevices[] = {{"server", .003, 2e7, 2e6},
                               {"phone", .01, 2e6, 3e5},
                               {"graphics", .02, 3e9, 2e8},
                               {"microcontroller", .0005, 2e3, 1e4}};

TEST(OddRows, PlausibleTablesHaveNone) {
  for (const Device& d : kDevices)
    EXPECT_EQ(wrong(table_of(d.call, d.macs, d.numbers)), 0U) << d.name;
}

// Any row of any kind, the largest, the smallest and those without a second of their kind too.
TEST(OddRows, OneRowAThousandTimesOffIsFound) {
  for (const Device& d : kDevices) {
    const std::vector<TimedWork> good = table_of(d.call, d.macs, d.numbers);
    size_t missed = 0;
    for (const double factor : {1000., 1 / 1000.})
      for (size_t i = 0; i < good.size(); ++i) {
        std::vector<TimedWork> bad = good;
        bad[i].ms *= factor;
        const std::vector<OddRow> found = odd_rows(bad);
        const bool first = !found.empty() && found[0].at == i && found[0].unit;
        missed += first ? 0 : 1;
        if (first) {
          EXPECT_EQ(wrong(bad), 1U) << d.name << " " << good[i].key;
        }
      }
    EXPECT_LE(missed, good.size() * 2 / 100) << d.name;
  }
}

TEST(OddRows, SayWhereAndWhichUnit) {
  std::vector<TimedWork> work = table_of(.01, 2e6, 3e5);
  work[40].ms *= 1000;
  const std::string text = odd_row_text(odd_rows(work).at(0), work[40], *time_unit("ms"));
  EXPECT_THAT(text, HasSubstr("t.csv:42: \"conv2d in="));
  EXPECT_THAT(text, HasSubstr("is it in us?"));
  work[40].ms /= 1e6;
  EXPECT_THAT(odd_row_text(odd_rows(work).at(0), work[40], *time_unit("ms")),
              HasSubstr("is it in s?"));
}

TEST(OddRows, ALittleOffIsOddAndNoMore) {
  std::vector<TimedWork> work = table_of(.01, 2e6, 3e5);
  for (TimedWork& w : work) w.ms = .01 + w.macs / 2e6 + w.elements / 3e5;
  work[40].ms *= 20;
  const std::vector<OddRow> found = odd_rows(work);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].at, 40U);
  EXPECT_FALSE(found[0].unit);
  EXPECT_NEAR(found[0].factor, 20, 10);
}

TEST(OddRows, HalfOfTheRowsInAnotherUnitAreFound) {
  std::vector<TimedWork> work = table_of(.01, 2e6, 3e5);
  for (size_t i = 0; i < work.size(); i += 3) work[i].ms *= 1000;
  EXPECT_GE(wrong(work), work.size() / 4);
}

// As many kinds as rows: the slope of all others was found anew for each.
TEST(OddRows, ALongTableCostsItsSorting) {
  std::vector<TimedWork> work;
  for (int i = 1; i <= 20'000; ++i) {
    const std::string size = std::to_string(i) + "x8x8";
    work.push_back(work_of("relu in=" + size + " out=" + size, .001 + 1e-6 * i, 1));
    work.push_back(work_of("f" + std::to_string(i) + " in=" + size + " out=" + size, .001 * i, 1));
  }
  const std::clock_t start = std::clock();
  EXPECT_TRUE(odd_rows(work).empty());
  EXPECT_LT(std::clock() - start, 2 * CLOCKS_PER_SEC);
}

// No work of them is known: neither odd themselves, nor what others are judged by.
TEST(OddRows, UnknownOperatorsAreNotCompared) {
  std::vector<TimedWork> work = table_of(.01, 2e6, 3e5);
  for (int i = 1; i < 40; ++i)
    work.push_back(
        work_of("foo in=" + std::to_string(i) + "x3x3 out=3x3x3", i % 2 ? 1e-7 : 1e5, 1));
  EXPECT_TRUE(odd_rows(work).empty());
  work[40].ms *= 1000;
  ASSERT_EQ(wrong(work), 1U);
  EXPECT_EQ(odd_rows(work)[0].at, 40U);
}

TEST(OddRows, NetworksToo) {
  std::vector<TimedWork> work;
  for (int i = 0; i < 30; ++i) work.push_back({10. + i, 1e8 * (1 + i), 0, "", ""});
  EXPECT_TRUE(odd_rows(work, true).empty());
  work[29].ms /= 1000;
  ASSERT_EQ(odd_rows(work, true).size(), 1U);
  EXPECT_EQ(odd_rows(work, true)[0].at, 29U);
  // Of unknown work: networks of a space may differ by a hundred.
  for (TimedWork& w : work) w.macs = 0;
  work[29].ms = 2000;
  EXPECT_TRUE(odd_rows(work, true).empty() || !odd_rows(work, true)[0].unit);
  work[29].ms = 20'000;
  EXPECT_TRUE(odd_rows(work, true).at(0).unit);
}

TEST(OddRows, NewRowsBesideKnownOnes) {
  const std::vector<TimedWork> known = table_of(.01, 2e6, 3e5);
  std::vector<TimedWork> few(known.begin() + 20, known.begin() + 23);
  EXPECT_NEAR(std::log(ratio_to_known(few, known)), 0, std::log(8));
  for (TimedWork& w : few) w.ms *= 1000;
  EXPECT_NEAR(std::log(ratio_to_known(few, known)), std::log(1000), std::log(8));
  EXPECT_EQ(ratio_to_known(few, {}), 0);
}

TEST(OddRows, NumbersOfKeys) {
  EXPECT_DOUBLE_EQ(elements_of_key("relu in=16x8x8 out=16x8x8"), 2048);
  EXPECT_DOUBLE_EQ(elements_of_key("add in=16x8x8+16x8x8 out=16x8x8"), 3072);
  EXPECT_DOUBLE_EQ(elements_of_key("linear in=64 out=10 bias=1"), 64 + 10 + 640);
  EXPECT_DOUBLE_EQ(elements_of_key("conv2d in=8x4x4 out=16x4x4 k=3 s=1 p=1 d=1 g=1 bias=0"),
                   128 + 256 + 8 * 16 * 9);
  EXPECT_DOUBLE_EQ(elements_of_key("nonsense"), 0);
}

}  // namespace
}  // namespace nas
