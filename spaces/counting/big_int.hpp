#pragma once
// Whole numbers of any size: a space may have 10^40 architectures. The arithmetic (boost's cpp_int)
// stands in the .cpp, because its header costs the compiler 2.6 s wherever it is seen.
#include <compare>
#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>

namespace nas {

class BigInt {
 public:
  BigInt() : BigInt(0) {}
  template <std::signed_integral T>
  BigInt(T value) : BigInt(Signed{value}) {}  // NOLINT(google-explicit-constructor): a number
  template <std::unsigned_integral T>
  BigInt(T value) : BigInt(Unsigned{value}) {}  // NOLINT(google-explicit-constructor): a number
  BigInt(const BigInt& other);
  BigInt(BigInt&& other) noexcept;
  BigInt& operator=(const BigInt& other);
  BigInt& operator=(BigInt&& other) noexcept;
  ~BigInt();

  BigInt& operator+=(const BigInt& other);
  BigInt& operator-=(const BigInt& other);
  BigInt& operator*=(const BigInt& other);
  friend BigInt operator+(BigInt a, const BigInt& b) { return a += b; }
  friend BigInt operator-(BigInt a, const BigInt& b) { return a -= b; }
  friend BigInt operator*(BigInt a, const BigInt& b) { return a *= b; }
  friend bool operator==(const BigInt& a, const BigInt& b) { return a.compare(b) == 0; }
  friend std::strong_ordering operator<=>(const BigInt& a, const BigInt& b) {
    return a.compare(b) <=> 0;
  }
  friend std::ostream& operator<<(std::ostream& out, const BigInt& value);

  /// Decimal digits.
  std::string str() const;
  /// The nearest; what is too large for the type is its largest value.
  long double to_long_double() const;
  int64_t to_int64() const;

 private:
  struct Signed {
    int64_t value;
  };
  struct Unsigned {
    uint64_t value;
  };
  explicit BigInt(Signed value);
  explicit BigInt(Unsigned value);
  int compare(const BigInt& other) const;
  struct Number;
  std::unique_ptr<Number> number_;
};

}  // namespace nas
