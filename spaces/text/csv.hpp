#pragma once
// Tables of cells as spreadsheets and scripts write them.
#include <string>
#include <string_view>
#include <vector>

namespace nas {

struct CsvCell {
  std::string text;  ///< Without quotes; blanks around it are left out.
  int line = 0;      ///< 1-based.
  int column = 0;    ///< 1-based, in bytes: where the text begins.
};

struct Csv {
  char separator = ',';
  std::vector<CsvCell> header;
  std::vector<std::vector<CsvCell>> rows;  ///< Each with as many cells as the header.
};

/// RFC 4180, and besides: a byte-order mark, any line ends, `;` or tabs between the cells (what the
/// header and the first rows agree on, or a line `sep=;`), blanks around cells, lines of `# `
/// comments, empty lines, surplus empty cells at the end of a row. DataError (file:line:column) for
/// a quoted cell that does not end or is followed by text, and for a row with other cells than the
/// header has.
Csv read_csv(const std::string& file, std::string_view text);

/// Throws DataError: `file:line:column: message`; without a line `file: message`.
[[noreturn]] void fail_at(const std::string& file,
                          int line,
                          int column,
                          const std::string& message);

}  // namespace nas
