#pragma once
// What the readers of this folder share.
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hardware/formats/format.hpp"
#include "spaces/text/csv.hpp"

namespace nas {

/// A time as files have it.
struct ForeignTime {
  double value = 0;
  double deviation = 0;  ///< Standard deviation; 0: not known.
  int64_t repeats = 0;
};

/// Collects entries; remembers where each stood.
class EntryReader {
 public:
  EntryReader(const ForeignFile& file, const ImportOptions& options, std::string grouping);
  /// `line` 0: not known. DataError for a time that is no positive finite number and for a key that
  /// has another time already; the same time again is told in a note.
  /// Returns the key as the table has it.
  std::string add(const std::string& key, const ForeignTime& time, int line);
  [[noreturn]] void fail(int line, const std::string& message) const;
  LatencyTable& table() { return table_; }
  Imported finish(std::vector<std::string> notes = {});

 private:
  std::string place_of(const std::string& key) const;

  const ForeignFile& file_;
  const ImportOptions& options_;
  LatencyTable table_;
  std::map<std::string, int> lines_;
  size_t again_ = 0;
};

/// Whether two texts mean one measurement: they differ by rounding only.
bool same_time(double a, double b);

/// Refuses a time column whose name says another quantity (`edgegpu_energy`) or another unit than
/// the options (`latency_ms` under --unit s); DataError with its place.
void check_unit_in_name(const ForeignFile& file, const CsvCell& name, const ImportOptions& options);
/// Refuses a file whose lines `# unit: ms` above the header (to_csv()) say another unit, batch or
/// dtype than the options; DataError with the line.
void check_comments(const ForeignFile& file, const ImportOptions& options);

/// The finite decimal number that is all of `text` (blanks around it allowed).
std::optional<double> number_of(std::string_view text);
/// A positive time of a cell in the options' unit, as ms. DataError (file:line:column).
double time_of_cell(const ForeignFile& file, const CsvCell& cell, const TimeUnit& unit);

/// Position of a column; nothing where it is not there. Case does not matter.
std::optional<size_t> find_column(const Csv& csv, std::string_view name);
/// The column that `options.columns` names for `role`, or else the first of `usual` that is there;
/// nothing where there is none. DataError for a name that is not in the header.
std::optional<size_t> column_for(const ForeignFile& file,
                                 const Csv& csv,
                                 const ImportOptions& options,
                                 const std::string& role,
                                 const std::vector<std::string>& usual);
/// Names of the header, joined.
std::string header_text(const Csv& csv);

/// The first line that holds something, without a byte-order mark and comments.
std::string_view first_line(std::string_view text);

/// Plain rows of networks with their times for the plausibility of the unit.
Imported finish_rows(LatencyRows rows, std::vector<TimedWork> work, const ImportOptions& options);

/// Position of a column of rows; DataError that names the form `format` and those that hold rows of
/// this kind where it is not there.
size_t row_column(const LatencyRows& rows, const std::string& name, const std::string& format);

/// The shortest decimal that reads back as the same number.
std::string number_text(double value);

}  // namespace nas
