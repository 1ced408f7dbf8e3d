#include "markdown_table.hpp"

#include <sstream>

#include "spaces/text/arch_text.hpp"
#include "spaces/text/plain_text.hpp"

namespace nas::testing_toy {
namespace {

std::vector<CsvCell> cells_of(const std::string& line, int number) {
  std::vector<CsvCell> cells;
  for (size_t at = line.find('|'); at != line.npos && at + 1 < line.size();) {
    const size_t end = std::min(line.find('|', at + 1), line.size());
    CsvCell cell;
    cell.text = std::string(trim(std::string_view(line).substr(at + 1, end - at - 1)));
    cell.line = number;
    cell.column = static_cast<int>(at) + 2;
    if (end < line.size()) cells.push_back(std::move(cell));
    at = end;
  }
  return cells;
}

TableFile read(const std::string& file, const std::string& text, const std::string&) {
  TableFile table;
  table.file = file;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of("|-: ") == line.npos) continue;
    (number == 1 ? table.header : table.rows.emplace_back()) = cells_of(line, number);
  }
  return table;
}

}  // namespace

TableFormat markdown_table() {
  return {"markdown", [](std::string_view text) { return text.starts_with("|"); }, read};
}

}  // namespace nas::testing_toy
