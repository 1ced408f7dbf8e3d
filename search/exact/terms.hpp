#pragma once
// Terms: additive metrics of a domain as small tables over choices, and the tree in which they hang
// together. Everything in this room stands on it.
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "spaces/domain.hpp"

namespace nas::exact {

/// A metric of the architectures of a domain (inactive genes 0). Pure.
struct MetricFunction {
  std::string name;
  std::function<double(const Architecture&)> value;
  bool sum = true;  ///< False: no sum over parts by its nature (a largest value); needs a proof.
};

constexpr size_t kNone = static_cast<size_t>(-1);

/// One choice, decided where all that it depends on (`given`) has been decided: the rows of a key
/// are what it may be then. Positions of terms are in elimination order: parents come later.
struct Term {
  size_t choice = kNone;         ///< kNone: the whole architecture, from a list.
  std::vector<size_t> given;     ///< Choices that decide what follows here; rising.
  size_t parent = kNone;         ///< Term of the choice of `given` that is decided last.
  std::vector<size_t> children;  ///< Terms.
  /// Rows of key k: first[k] up to first[k + 1]. The key numbers the states of `given`.
  std::vector<uint32_t> first;
  std::vector<int16_t> state;   ///< By row: position among the allowed options, or inactive.
  std::vector<int64_t> values;  ///< By row and metric, in units of the metric.
  std::vector<uint32_t> keys;   ///< By row and child: its key.

  size_t rows() const { return state.size(); }
  size_t key_count() const { return first.size() - 1; }
};

/// Sums are whole numbers: of units of 1 for MACs, parameters and bytes; for real values of a power
/// of ten or of 2^-40 of the range, so that rounding is far below any measurement.
struct Unit {
  std::string metric;
  double size = 1;
  int64_t constant = 0;  ///< Of every architecture.
  /// Most that a sum may be off by rounding; 0 where the values are whole numbers.
  int64_t slack = 0;
  double value(int64_t sum) const { return static_cast<double>(sum) * size; }
};

class Terms {
 public:
  const Domain& domain() const { return domain_; }
  const std::vector<Term>& terms() const { return terms_; }
  const std::vector<size_t>& roots() const { return roots_; }
  const std::vector<Unit>& units() const { return units_; }
  size_t metrics() const { return units_.size(); }
  /// Position of a metric; std::logic_error where there is none.
  size_t metric(const std::string& name) const;
  int64_t value(const Term& term, size_t row, size_t metric) const {
    return term.values[row * metrics() + metric];
  }
  /// States of a choice: its allowed options and, where it may be closed, one more.
  size_t states(size_t choice) const { return states_[choice]; }

  /// Sums of an architecture inside; false when no rows lead to it.
  bool evaluate(const Architecture& a, std::vector<int64_t>& sums) const;
  /// Architectures, by the tables.
  BigInt count() const;
  /// What a row decides, written into `a`.
  void decode(const Term& term, size_t row, Architecture& a) const;
  /// An architecture with all genes 0, to decode into.
  Architecture blank() const;

 private:
  friend class Builder;
  explicit Terms(const Domain& domain) : domain_(domain) {}
  Domain domain_;
  std::vector<Term> terms_;
  std::vector<size_t> roots_;
  std::vector<size_t> states_;
  std::vector<size_t> term_of_;  ///< By choice.
  std::vector<Unit> units_;
  std::vector<Architecture> listed_;
  std::unordered_map<Architecture, uint32_t> row_of_listed_;
};

}  // namespace nas::exact
