#include <gtest/gtest.h>

#include <limits>

#include "cli/command.hpp"

namespace nas::cli {
namespace {

TEST(Table, NumbersRightTextLeft) {
  Table table({"name", "macs", "top1"});
  table.row({"a", "40.8M", "96.1%"});
  table.row({"größer", "1.69M", "-"});
  EXPECT_EQ(table.text(),
            "name     macs   top1\n"
            "a       40.8M  96.1%\n"
            "größer  1.69M      -");
  EXPECT_EQ(Table({"only", "header"}).text(), "only  header");
}

TEST(Table, ShortRowsAreFilled) {
  Table table({"a", "b"});
  table.row({"x"});
  EXPECT_EQ(table.text(), "a  b\nx");
}

TEST(Format, Numbers) {
  EXPECT_EQ(format_number(0.91234), "0.9123");
  EXPECT_EQ(format_number(0.5), "0.5");
  EXPECT_EQ(format_number(1234.5678), "1235");
  EXPECT_EQ(format_number(0), "0");
  EXPECT_EQ(format_number(-3), "-3");
  EXPECT_EQ(format_number(270906), "270906");
  EXPECT_EQ(format_number(1.5e-7), "1.5e-07");
  EXPECT_EQ(format_number(0.00123456), "0.001235");
  EXPECT_EQ(format_number(std::numeric_limits<double>::quiet_NaN()), "-");
  EXPECT_EQ(format_number(std::numeric_limits<double>::infinity()), "-");
}

TEST(Format, Counts) {
  EXPECT_EQ(format_count(40'800'000), "40.8M");
  EXPECT_EQ(format_count(1'690'000), "1.69M");
  EXPECT_EQ(format_count(270'906), "270.9k");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(999'999), "1M");
  EXPECT_EQ(format_count(0), "0");
}

TEST(Format, Seconds) {
  EXPECT_EQ(format_seconds(3720), "1h02m");
  EXPECT_EQ(format_seconds(200), "3m20s");
  EXPECT_EQ(format_seconds(12.34), "12.3s");
  EXPECT_EQ(format_seconds(1.234), "1.23s");
  EXPECT_EQ(format_seconds(0.0123), "12.3ms");
  EXPECT_EQ(format_seconds(59.99), "1m00s");
  EXPECT_EQ(format_seconds(90000), "1d01h");
  EXPECT_EQ(format_seconds(-1), "-");
}

}  // namespace
}  // namespace nas::cli
