// Boost's cpp_int behind a pointer: its headers cost every file that counts architectures 2.6 s of
// compiling.
#include "spaces/counting/big_int.hpp"

#include <boost/multiprecision/cpp_int.hpp>
#include <ostream>

namespace nas {

struct BigInt::Number {
  boost::multiprecision::cpp_int value;
};

BigInt::BigInt(Signed value) : number_(new Number{value.value}) {}
BigInt::BigInt(Unsigned value) : number_(new Number{value.value}) {}
BigInt::BigInt(const BigInt& other) : number_(new Number(*other.number_)) {}
// What was moved from is not used again, but to be assigned to.
BigInt::BigInt(BigInt&& other) noexcept = default;
BigInt& BigInt::operator=(const BigInt& other) {
  if (this != &other) number_ = std::make_unique<Number>(*other.number_);
  return *this;
}
BigInt& BigInt::operator=(BigInt&& other) noexcept = default;
BigInt::~BigInt() = default;

BigInt& BigInt::operator+=(const BigInt& other) {
  number_->value += other.number_->value;
  return *this;
}
BigInt& BigInt::operator-=(const BigInt& other) {
  number_->value -= other.number_->value;
  return *this;
}
BigInt& BigInt::operator*=(const BigInt& other) {
  number_->value *= other.number_->value;
  return *this;
}

int BigInt::compare(const BigInt& other) const {
  return number_->value.compare(other.number_->value);
}

std::string BigInt::str() const {
  return number_->value.str();
}
long double BigInt::to_long_double() const {
  return number_->value.convert_to<long double>();
}
int64_t BigInt::to_int64() const {
  return number_->value.convert_to<int64_t>();
}

std::ostream& operator<<(std::ostream& out, const BigInt& value) {
  return out << value.str();
}

}  // namespace nas
