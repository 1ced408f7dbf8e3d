// RFC 4180 with the place of each cell. The separator is the one with which the first rows all have
// equally many cells, more than one where that can be had.
#include "spaces/text/csv.hpp"

#include <algorithm>
#include <optional>

#include "spaces/error.hpp"

namespace nas {
namespace {

using Row = std::vector<CsvCell>;

constexpr std::string_view kSeparators = ",;\t";
constexpr size_t kTried = 20;  ///< Rows that decide about the separator.

bool space(char c) {
  return c == ' ' || c == '\t';
}

class Records {
 public:
  Records(const std::string& file, std::string_view text, char separator)
      : file_(file), text_(text), separator_(separator) {
    if (text_.substr(0, 3) == "\xef\xbb\xbf") at_ = start_ = 3;
    if (text_.substr(at_, 4) == "sep=") skip_line();
  }

  /// The next record that holds something, or nothing at the end.
  std::optional<Row> next() {
    while (at_ < text_.size()) {
      const std::string_view two = text_.substr(at_, 2);
      if (two == "# " || two == "#\n" || two == "#\r") {
        skip_line();
        continue;
      }
      Row row = record();
      if (std::any_of(row.begin(), row.end(), [](const CsvCell& c) { return !c.text.empty(); }))
        return row;
    }
    return std::nullopt;
  }

 private:
  bool line_end() const { return text_[at_] == '\n' || text_[at_] == '\r'; }
  void end_line() {
    if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_;
    start_ = at_;
  }
  void skip_line() {
    while (at_ < text_.size() && !line_end()) ++at_;
    if (at_ < text_.size()) end_line();
  }
  int column() const { return static_cast<int>(at_ - start_) + 1; }
  bool blank() const { return space(text_[at_]) && text_[at_] != separator_; }
  void skip_blanks() {
    while (at_ < text_.size() && blank()) ++at_;
  }

  Row record() {
    Row row;
    for (;;) {
      row.push_back(cell());
      if (at_ >= text_.size()) return row;
      if (line_end()) {
        end_line();
        return row;
      }
      ++at_;  // The separator.
    }
  }

  CsvCell cell() {
    skip_blanks();
    CsvCell cell{"", line_, column()};
    if (at_ < text_.size() && text_[at_] == '"') {
      quoted(cell);
      skip_blanks();
      if (at_ < text_.size() && text_[at_] != separator_ && !line_end())
        fail_at(file_, line_, column(), "a quoted cell is followed by more text");
      return cell;
    }
    while (at_ < text_.size() && text_[at_] != separator_ && !line_end()) cell.text += text_[at_++];
    while (!cell.text.empty() && space(cell.text.back())) cell.text.pop_back();
    return cell;
  }

  // Quoted cells may hold separators, doubled quotes and line ends.
  void quoted(CsvCell& cell) {
    for (++at_; at_ < text_.size();) {
      if (text_[at_] == '"') {
        ++at_;
        if (at_ >= text_.size() || text_[at_] != '"') return;
      } else if (line_end()) {
        cell.text += '\n';
        end_line();
        continue;
      }
      cell.text += text_[at_++];
    }
    fail_at(file_, cell.line, cell.column, "a quoted cell does not end");
  }

  const std::string& file_;
  std::string_view text_;
  char separator_;
  size_t at_ = 0, start_ = 0;
  int line_ = 1;
};

/// Cells of the header with this separator, and whether the first rows have as many.
std::pair<size_t, bool> tried(const std::string& file, std::string_view text, char separator) {
  size_t cells = 0;
  try {
    Records records(file, text, separator);
    for (size_t i = 0; i < kTried; ++i) {
      const std::optional<Row> row = records.next();
      if (!row) break;
      if (i == 0)
        cells = row->size();
      else if (row->size() != cells)
        return {cells, false};
    }
  } catch (const DataError&) {
    return {cells, false};
  }
  return {cells, true};
}

char separator_of(const std::string& file, std::string_view text) {
  const size_t begin = text.substr(0, 3) == "\xef\xbb\xbf" ? 3 : 0;
  if (text.substr(begin, 4) == "sep=" && text.size() > begin + 4) return text[begin + 4];
  char best = ',';
  std::pair<bool, size_t> most{false, 1};
  for (const char separator : kSeparators) {
    const auto [cells, agree] = tried(file, text, separator);
    if (cells < 2 || std::pair(agree, cells) <= most) continue;
    most = {agree, cells};
    best = separator;
  }
  return best;
}

}  // namespace

void fail_at(const std::string& file, int line, int column, const std::string& message) {
  throw DataError(file +
                  (line > 0 ? ":" + std::to_string(line) + ":" + std::to_string(column) : "") +
                  ": " + message);
}

Csv read_csv(const std::string& file, std::string_view text) {
  Csv csv;
  csv.separator = separator_of(file, text);
  Records records(file, text, csv.separator);
  while (std::optional<Row> row = records.next()) {
    if (csv.header.empty()) {
      csv.header = std::move(*row);
      continue;
    }
    while (row->size() > csv.header.size() && row->back().text.empty()) row->pop_back();
    if (row->size() != csv.header.size()) {
      const size_t n = std::min(row->size(), csv.header.size() + 1);
      const CsvCell& cell = (*row)[n - 1];
      const bool more = row->size() > csv.header.size();
      fail_at(file,
              cell.line,
              cell.column,
              std::to_string(row->size()) + " cells, the header has " +
                  std::to_string(csv.header.size()) +
                  (csv.header.size() == 1 ? "; cells are separated by commas, semicolons or tabs"
                   : more ? "; a text that holds '" + std::string(1, csv.separator) +
                                "' must stand in double quotes"
                          : ""));
    }
    csv.rows.push_back(std::move(*row));
  }
  return csv;
}

}  // namespace nas
