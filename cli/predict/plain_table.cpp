#include "cli/predict/plain_table.hpp"

#include <cctype>

#include "search/evaluators/compact_table.hpp"
#include "spaces/error.hpp"
#include "spaces/text/plain_text.hpp"

namespace nas::cli {

TableFile plain_table(const std::string& file) {
  if (CompactTable::is_file(file))
    throw ConfigError(file + " is a compact table of architectures",
                      "Name their space with --space.");
  const std::string text = read_text_file(file, "a table of numbers");
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && (text[first] == '[' || text[first] == '{'))
    throw ConfigError(file + " is JSON; plain columns are read from CSV",
                      "For a table of architectures name their space with --space.");
  Csv csv = read_csv(file, text);
  TableFile table{file, std::move(csv.header), std::move(csv.rows)};
  if (table.rows.empty()) throw DataError(file + ": has no rows");
  return table;
}

bool numeric(const TableFile& table, size_t column) {
  size_t numbers = 0;
  for (const auto& row : table.rows) {
    const CellValue value = value_of(row[column]);
    if (value.kind == CellValue::Kind::kBad) return false;
    numbers += value.kind == CellValue::Kind::kNumber;
  }
  return numbers > 0;
}

std::string first_word(const std::string& name) {
  std::string word;
  for (const char c : name) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) {
      if (word.empty()) continue;
      break;
    }
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word;
}

}  // namespace nas::cli
