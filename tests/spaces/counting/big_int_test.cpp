// Whole numbers of any size, held to 128-bit arithmetic, to digits by hand and to the laws of a
// ring.
#include "spaces/counting/big_int.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "spaces/random.hpp"

namespace nas {
namespace {

std::string digits_of(__int128 value) {
  if (value == 0) return "0";
  const bool negative = value < 0;
  std::string text;
  // Digit by digit from the negative side, which holds one number more.
  for (__int128 rest = negative ? value : -value; rest != 0; rest /= 10)
    text += static_cast<char>('0' - static_cast<int>(rest % 10));
  if (negative) text += '-';
  return {text.rbegin(), text.rend()};
}

/// Product of a decimal text with a small number, as on paper.
std::string times(const std::string& digits, unsigned factor) {
  std::string text;
  unsigned carry = 0;
  for (auto it = digits.rbegin(); it != digits.rend(); ++it) {
    carry += static_cast<unsigned>(*it - '0') * factor;
    text += static_cast<char>('0' + carry % 10);
    carry /= 10;
  }
  for (; carry > 0; carry /= 10) text += static_cast<char>('0' + carry % 10);
  return {text.rbegin(), text.rend()};
}

BigInt power(int base, int exponent) {
  BigInt value = 1;
  for (int i = 0; i < exponent; ++i) value *= base;
  return value;
}

/// Of any size up to 62 bits, small ones as often as large ones.
int64_t any_number(Rng& rng) {
  const auto value = static_cast<int64_t>(rng.next() >> (2 + rng.below(62)));
  return rng.below(2) == 0 ? value : -value;
}

TEST(BigInt, EveryIntegerTypeKeepsItsValue) {
  EXPECT_EQ(BigInt().str(), "0");
  EXPECT_EQ(BigInt(-1).str(), "-1");
  EXPECT_EQ(BigInt(size_t{7}).str(), "7");
  EXPECT_EQ(BigInt(std::numeric_limits<int64_t>::min()).str(), "-9223372036854775808");
  EXPECT_EQ(BigInt(std::numeric_limits<int64_t>::max()).str(), "9223372036854775807");
  EXPECT_EQ(BigInt(std::numeric_limits<uint64_t>::max()).str(), "18446744073709551615");
  EXPECT_EQ(BigInt(int16_t{-32768}).str(), "-32768");
}

TEST(BigInt, ArithmeticIsThatOf128Bits) {
  Rng rng(1, "big");
  for (int i = 0; i < 2000; ++i) {
    const int64_t a = any_number(rng), b = any_number(rng);
    SCOPED_TRACE(std::to_string(a) + " and " + std::to_string(b));
    const __int128 wide_a = a, wide_b = b;
    EXPECT_EQ((BigInt(a) + BigInt(b)).str(), digits_of(wide_a + wide_b));
    EXPECT_EQ((BigInt(a) - BigInt(b)).str(), digits_of(wide_a - wide_b));
    EXPECT_EQ((BigInt(a) * BigInt(b)).str(), digits_of(wide_a * wide_b));
    EXPECT_EQ(BigInt(a) <=> BigInt(b), a <=> b);
    EXPECT_EQ(BigInt(a) == BigInt(b), a == b);
    EXPECT_EQ(BigInt(a).to_int64(), a);
  }
}

TEST(BigInt, LawsHoldFarBeyond128Bits) {
  Rng rng(2, "big");
  const auto large = [&] {
    BigInt value = any_number(rng);
    for (uint64_t i = rng.below(8); i > 0; --i) value = value * any_number(rng) + any_number(rng);
    return value;
  };
  for (int i = 0; i < 300; ++i) {
    const BigInt a = large(), b = large(), c = large();
    EXPECT_EQ(a + b, b + a);
    EXPECT_EQ(a * b, b * a);
    EXPECT_EQ((a + b) + c, a + (b + c));
    EXPECT_EQ((a * b) * c, a * (b * c));
    EXPECT_EQ(a * (b + c), a * b + a * c);
    EXPECT_EQ(a - a, BigInt(0));
    EXPECT_EQ((a - b) + b, a);
    EXPECT_EQ(a<b, b> a);
    EXPECT_EQ(a < b, a - b < BigInt(0));
    EXPECT_EQ((a - b) * (a + b), a * a - b * b);
  }
}

TEST(BigInt, DigitsOfFactorialsAndPowers) {
  EXPECT_EQ(power(10, 40).str(), "1" + std::string(40, '0'));
  EXPECT_EQ((power(10, 40) - 1).str(), std::string(40, '9'));
  EXPECT_EQ(power(2, 100).str(), "1267650600228229401496703205376");
  BigInt factorial = 1;
  std::string on_paper = "1";
  for (unsigned n = 1; n <= 100; ++n) {
    factorial *= n;
    on_paper = times(on_paper, n);
    ASSERT_EQ(factorial.str(), on_paper) << n;
  }
  EXPECT_EQ(factorial.str().size(), 158u);
  EXPECT_EQ(factorial.str().substr(0, 20), "93326215443944152681");
}

TEST(BigInt, CopiesAreTheirOwnAndMovedToIsWhatWasMoved) {
  BigInt a = power(7, 50);
  const std::string before = a.str();
  BigInt copy = a;
  copy += 1;
  EXPECT_EQ(a.str(), before);
  EXPECT_EQ(copy - a, BigInt(1));
  BigInt& same = a;
  a = same;
  EXPECT_EQ(a.str(), before);
  BigInt moved = std::move(a);
  EXPECT_EQ(moved.str(), before);
  a = moved;  // What was moved from may be assigned to.
  EXPECT_EQ(a, moved);
  a *= a;
  EXPECT_EQ(a, power(7, 100));
  a -= a;
  EXPECT_EQ(a, BigInt(0));
}

TEST(BigInt, NearestOtherTypes) {
  EXPECT_EQ(power(10, 40).to_int64(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ((BigInt(0) - power(10, 40)).to_int64(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(power(10, 18).to_int64(), 1'000'000'000'000'000'000);
  for (const int exponent : {0, 1, 10, 63, 64, 100, 1000}) {
    EXPECT_EQ(power(2, exponent).to_long_double(), std::ldexp(1.0L, exponent)) << exponent;
    EXPECT_EQ((BigInt(0) - power(2, exponent)).to_long_double(), -std::ldexp(1.0L, exponent));
  }
  EXPECT_NEAR(static_cast<double>(power(10, 40).to_long_double() / 1e40L), 1.0, 1e-15);
}

TEST(BigInt, IsPrintedAsItsDigits) {
  std::ostringstream out;
  out << power(3, 41) << ' ' << BigInt(-12);
  EXPECT_EQ(out.str(), "36472996377170786403 -12");
}

}  // namespace
}  // namespace nas
