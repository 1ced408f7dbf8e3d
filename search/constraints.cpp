// A limit's violation is relative to its bound, so that limits in multiply-adds and in milliseconds
// add up.
#include "search/constraints.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "spaces/error.hpp"
#include "spaces/metric.hpp"
#include "spaces/text/arch_text.hpp"

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

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
// The name of a column that is more than one plain word.
bool free_name(std::string_view text) {
  const bool letters = std::any_of(text.begin(), text.end(), is_name_start);
  const bool plain = std::all_of(text.begin(), text.end(), is_name) && !text.empty() &&
                     is_name_start(text.front());
  return letters && !plain && std::none_of(text.begin(), text.end(), is_control) &&
         text.find_first_of("=\"'") == text.npos;
}

// Reads one constraint from left to right; `at_` is the position of the next character.
/// `number`, read as `value`, times `factor`. Powers of ten move the decimal exponent: 108.683M is
/// the double nearest to 108683000 and 75 % the one nearest to 0.75; a product would be rounded
/// twice.
double scaled(std::string_view number, double value, double factor) {
  const double power = std::round(std::log10(factor));
  if (std::abs(std::pow(10.0, power) / factor - 1) > 1e-9) return value * factor;
  const size_t e = number.find_first_of("eE");
  long exponent = std::lround(power);
  if (e != number.npos)
    exponent += std::strtol(std::string(number.substr(e + 1)).c_str(), nullptr, 10);
  const std::string text = std::string(number.substr(0, e)) + "e" + std::to_string(exponent);
  // Too large or too small for a double: what the product says (infinity, 0).
  double exact = value * factor;
  std::from_chars(text.data(), text.data() + text.size(), exact);
  return exact;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Constraint constraint() {
    Constraint result;
    result.metric = name();
    result.relation = relation();
    bound(result);
    return result;
  }

  /// The number of `limit`, whose metric is known, and the end.
  void bound(Constraint& limit) {
    limit.bound = quantity(limit.metric);
    limit.percent = percent_;
    limit.unit = unit_;
    end();
  }

  /// In the unit of the metric ("": any number with k, M, G, T).
  double quantity(const std::string& metric) {
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
    if (at_ < text_.size()) {
      const size_t unit_at = at_;
      const std::string_view written = unit_word();
      const auto factor = unit_factor(metric, written);
      const std::string names = unit_names(metric);
      if (!factor || written.empty())
        fail(unit_at,
             !names.empty() ? "one of the units " + names + ", or the end"
             : units_taken(metric) == UnitsTaken::kUnstated
                 ? "the end (nothing says in which unit " + metric +
                       " is: write the bare number, as the values are)"
                 : "the end (" + metric + " has no unit)");
      unit_ = true;
      if (written == "%") percent_ = value;
      value = scaled({first, static_cast<size_t>(stop - first)}, value, *factor);
    }
    if (!std::isfinite(value)) fail(start, "a number that a double can hold");
    return value;
  }

  void end() {
    skip_spaces();
    if (at_ < text_.size()) fail(at_, "the end");
  }

 private:
  // Up to the sign of the relation where there is one: columns have names such as `acc (%)`.
  std::string name() {
    skip_spaces();
    const size_t start = at_;
    const size_t sign = text_.find_first_of("<>", start);
    const std::string_view column =
        sign == text_.npos ? std::string_view() : trim(text_.substr(start, sign - start));
    if (free_name(column)) {
      at_ = sign;
      return std::string(column);
    }
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

  // Letters of any script (µs) and %.
  std::string_view unit_word() {
    const size_t start = at_;
    while (at_ < text_.size() &&
           (text_[at_] == '%' || (static_cast<unsigned char>(text_[at_]) & 0x80) ||
            (is_name_start(text_[at_]) && text_[at_] != '_')))
      ++at_;
    return text_.substr(start, at_ - start);
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
        "Write for example \"macs <= 20M\", \"latency_ms <= 5\" or \"accuracy >= 75%\".");
  }

  std::string_view text_;
  size_t at_ = 0;
  std::optional<double> percent_;
  bool unit_ = false;
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
  const double times = std::max(std::abs(value - bound) / size, kSmallest);
  // Ever larger and never kMissing: of values that miss a bound a million-fold (a forgotten M) one
  // is still the nearest.
  constexpr double kHalf = kMissing / 2;
  return times <= kHalf ? times : kHalf + kHalf * (1 - kHalf / times);
}

std::string to_string(const Constraint& constraint) {
  // `300000`, not `3e+05`: as people write it.
  char number[64];
  const double size = std::abs(constraint.bound);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e15);
  const auto [end, code] =
      std::to_chars(number,
                    number + sizeof number,
                    constraint.bound,
                    plain ? std::chars_format::fixed : std::chars_format::general);
  return constraint.metric + " " + relation_text(constraint.relation) + " " +
         std::string(number, code == std::errc() ? end : number);
}

Constraint parse_constraint(std::string_view text) {
  return Reader(text).constraint();
}

Constraint parse_assignment(std::string_view text) {
  const size_t equal = text.find('=');
  Constraint result;
  if (equal != text.npos) result.metric = trim(text.substr(0, equal));
  if (result.metric.empty())
    throw ConfigError("'" + std::string(text) + "' is not METRIC = VALUE",
                      "Write for example: macs = 600M");
  Reader(text.substr(equal + 1)).bound(result);
  return result;
}

double parse_quantity(std::string_view text, const std::string& metric) {
  Reader reader(text);
  const double value = reader.quantity(metric);
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
