#pragma once
// Files of architectures with values, as cells that know their place.
#include <string>
#include <string_view>
#include <vector>

#include "spaces/text/csv.hpp"

namespace nas {

/// The cells of a table; without a value their text is empty.
struct TableFile {
  std::string file;
  std::vector<CsvCell> header;
  std::vector<std::vector<CsvCell>> rows;
  size_t key = 0;           ///< Column of the architectures.
  std::string sha256 = {};  ///< Of the file.
};

/// A form of such files. The first of a table that recognises a file's text reads it.
struct TableFormat {
  std::string name;
  bool (*recognises)(std::string_view text);
  /// Header and rows; `key`: column of the architectures, "" where it is to be found.
  TableFile (*read)(const std::string& file, const std::string& text, const std::string& key);
};
/// compact, json, csv (which takes any text): one table.
const std::vector<TableFormat>& table_formats();

/// Reads CSV (spaces/csv.hpp), a JSON array of objects, lines of JSON objects, a document that
/// `nas ... --json` printed, {"ARCHITECTURE": value or {...}, ...}, or a compact table. `key`:
/// column of the architectures; empty: architecture or arch. DataError (file:line:column),
/// ConfigError where there is no file.
TableFile read_table_file(const std::string& file,
                          const std::string& key,
                          const std::vector<TableFormat>& formats = table_formats());
/// Position of a column; DataError where it is missing or stands twice.
size_t column_of(const TableFile& table, const std::string& name);

/// What a cell says.
struct CellValue {
  enum class Kind { kNone, kNumber, kBad };
  Kind kind = Kind::kNone;
  double number = 0;
  bool percent = false;  ///< The number is a hundredth of what is written.
  std::string why;       ///< Of kBad: `'abc' is not a finite number`.
  double written = 0;    ///< The number before the percent sign.
};
/// A decimal number with an optional sign and percent sign, blanks around it. Nothing, NaN, NA,
/// N/A, null, None and `-` are no value.
CellValue value_of(const CsvCell& cell);

}  // namespace nas
