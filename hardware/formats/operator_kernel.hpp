#pragma once
// What a row of a runtime's profile is called here.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hardware/formats/reading.hpp"
#include "hardware/kernel_key.hpp"

namespace nas {

/// Makes keys of the grouping `fused` of rows that name an operator and its sizes. The file, the
/// options and the table outlive it.
class OperatorKernels {
 public:
  /// DataError, ConfigError where the columns op, input and output are not there or not named.
  OperatorKernels(const ForeignFile& file, const ImportOptions& options, const Csv& csv);

  /// The keys that the row's time is of: none where no network here has such an operator (counted
  /// in left_out()). Behind the first stand those of the same work in another form, for which a row
  /// of their own is better: the mean over an image, flattened or not. DataError
  /// (file:line:column) for sizes that are none.
  std::vector<std::string> of(const std::vector<CsvCell>& row);

  /// Names of operators that are left out, with their numbers of rows.
  const std::map<std::string, size_t>& left_out() const { return left_out_; }

 private:
  std::string matrix_product(const std::vector<CsvCell>& row, const std::string& op) const;
  std::string merge(const std::vector<CsvCell>& row, const std::string& op) const;
  void check_window(const CsvCell& cell, const FusedKernel& key) const;
  static std::string concat(const std::vector<Shape>& inputs, const Shape& out);
  std::string window(const std::vector<CsvCell>& row, const std::string& op) const;
  std::vector<std::string> mean(const std::vector<CsvCell>& row) const;

  std::optional<size_t> column(const std::string& role, const std::vector<std::string>& usual);
  size_t needed(const std::optional<size_t>& column, const std::string& role) const;
  bool square(const std::vector<CsvCell>& row, const std::optional<size_t>& column) const;
  std::vector<int64_t> numbers(const CsvCell& cell) const;
  int64_t whole(const CsvCell& cell) const;
  Shape image(const CsvCell& cell, std::vector<int64_t> sizes) const;
  /// All shapes of a cell, of `each` numbers.
  std::vector<Shape> images(const CsvCell& cell, size_t each) const;
  Shape image(const CsvCell& cell) const;
  Shape vector(const CsvCell& cell) const;
  void check_batch(const CsvCell& cell, int64_t images) const;
  std::string act(const std::vector<CsvCell>& row) const;

  const ForeignFile& file_;
  const ImportOptions& options_;
  const Csv& csv_;
  std::optional<size_t> op_, input_, output_, kernel_, stride_, groups_, dilation_, act_;
  std::map<std::string, size_t> left_out_;
};

}  // namespace nas
