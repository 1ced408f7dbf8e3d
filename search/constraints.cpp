#include "search/constraints.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "spaces/error.hpp"

namespace nas {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t';
}
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9') || c == '.';
}

// Reads one constraint from left to right; `at_` is the position of the next character.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Constraint constraint() {
    Constraint result;
    result.metric = name();
    result.relation = relation();
    result.bound = quantity();
    end();
    return result;
  }

  double quantity() {
    skip_spaces();
    const size_t start = at_;
    const char* first = text_.data() + at_;
    if (at_ + 1 < text_.size() && *first == '+' && first[1] != '-') ++first;
    double value = 0;
    const auto [stop, code] = std::from_chars(first, text_.data() + text_.size(), value);
    if (code == std::errc::result_out_of_range) fail(start, "a number that a double can hold");
    if (code != std::errc() || !std::isfinite(value)) fail(start, "a number such as 20M or 1.5e6");
    at_ = static_cast<size_t>(stop - text_.data());
    skip_spaces();
    if (at_ < text_.size()) value *= unit();
    if (!std::isfinite(value)) fail(start, "a number that a double can hold");
    return value;
  }

  void end() {
    skip_spaces();
    if (at_ < text_.size()) fail(at_, "the end");
  }

 private:
  std::string name() {
    skip_spaces();
    const size_t start = at_;
    if (at_ >= text_.size() || !is_name_start(text_[at_]))
      fail(at_, "the name of a metric such as macs, params or latency_ms");
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  Constraint::Relation relation() {
    skip_spaces();
    const char first = at_ < text_.size() ? text_[at_] : '\0';
    if (first != '<' && first != '>') fail(at_, "<=, <, >= or >");
    ++at_;
    const bool equal = at_ < text_.size() && text_[at_] == '=';
    if (equal) ++at_;
    if (first == '<') return equal ? Constraint::Relation::kLessEqual : Constraint::Relation::kLess;
    return equal ? Constraint::Relation::kGreaterEqual : Constraint::Relation::kGreater;
  }

  double unit() {
    switch (text_[at_]) {
      case 'k':
      case 'K':
        ++at_;
        return 1e3;
      case 'M':
        ++at_;
        return 1e6;
      case 'G':
        ++at_;
        return 1e9;
      case 'T':
        ++at_;
        return 1e12;
      default:
        fail(at_, "one of the units k, M, G, T, or the end");
    }
  }

  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  [[noreturn]] void fail(size_t position, const std::string& expected) const {
    const std::string found = position < text_.size()
                                  ? "'" + std::string(text_.substr(position, 12)) + "'"
                                  : std::string("nothing");
    throw ConfigError(
        "'" + std::string(text_) + "', character " + std::to_string(position + 1) + ": expected " +
            expected + ", found " + found,
        "Write for example \"macs <= 20M\", \"latency_ms <= 5\" or \"params < 1.5M\".");
  }

  std::string_view text_;
  size_t at_ = 0;
};

const char* relation_text(Constraint::Relation relation) {
  switch (relation) {
    case Constraint::Relation::kLess:
      return "<";
    case Constraint::Relation::kLessEqual:
      return "<=";
    case Constraint::Relation::kGreater:
      return ">";
    case Constraint::Relation::kGreaterEqual:
      return ">=";
  }
  return "?";
}

}  // namespace

bool Constraint::holds(double value) const {
  switch (relation) {
    case Relation::kLess:
      return value < bound;
    case Relation::kLessEqual:
      return value <= bound;
    case Relation::kGreater:
      return value > bound;
    case Relation::kGreaterEqual:
      return value >= bound;
  }
  return false;
}

double Constraint::violation(double value) const {
  if (!std::isfinite(value)) return holds(value) ? 0 : kMissing;
  if (holds(value)) return 0;
  const double size = bound == 0 ? 1.0 : std::abs(bound);
  return std::clamp(std::abs(value - bound) / size, kSmallest, kMissing);
}

std::string to_string(const Constraint& constraint) {
  char number[64];
  const auto [end, code] = std::to_chars(number, number + sizeof number, constraint.bound);
  return constraint.metric + " " + relation_text(constraint.relation) + " " +
         std::string(number, code == std::errc() ? end : number);
}

Constraint parse_constraint(std::string_view text) {
  return Reader(text).constraint();
}

double parse_quantity(std::string_view text) {
  Reader reader(text);
  const double value = reader.quantity();
  reader.end();
  return value;
}

double total_violation(const std::vector<Constraint>& constraints,
                       const std::map<std::string, double>& values) {
  double sum = 0;
  for (const Constraint& constraint : constraints) {
    const auto it = values.find(constraint.metric);
    sum += it == values.end() ? kMissing : constraint.violation(it->second);
  }
  return sum;
}

}  // namespace nas
