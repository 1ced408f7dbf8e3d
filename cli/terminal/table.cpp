#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "cli/command.hpp"
#include "cli/report/markup.hpp"
#include "cli/terminal/fold.hpp"
#include "cli/terminal/table_style.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

// What would move the cursor or colour the rest of the terminal is shown instead of sent.
std::string shown_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    char code[8];
    std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned char>(c));
    out += c == '\n' || c == '\t' || c == '\r' ? std::string(code) : std::string(1, c);
  }
  return printable(out);
}

bool numeric(const std::string& cell) {
  if (cell.empty() || cell == "-") return true;
  const size_t start = cell[0] == '-' || cell[0] == '+' || cell[0] == '.' ? 1 : 0;
  if (start >= cell.size() || cell[start] < '0' || cell[start] > '9') return false;
  // 40.8M, 3m20s, 1e-05, 96.1%; a date or an id is not a number.
  return cell.find_first_of(":_/,|") == std::string::npos && cell.size() < 16 &&
         std::count(cell.begin(), cell.end(), '-') <= 1 &&
         std::count_if(cell.begin(), cell.end(), [](unsigned char c) { return std::isalpha(c); }) <=
             3;
}

std::string trim_zeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string formatted(const char* format, int digits, double value) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, format, digits, value);
  return buffer;
}

}  // namespace

Table::Table(std::vector<std::string> header) {
  row(std::move(header));
}

void Table::row(std::vector<std::string> cells) {
  if (!rows_.empty()) cells.resize(rows_.front().size());
  for (std::string& cell : cells) cell = shown_text(cell);
  rows_.push_back(std::move(cells));
}

namespace {

using Lines = std::vector<std::string>;

// Pieces that lines may be made of: each ends with a blank or with one of `signs`.
Lines pieces_of(const std::string& text, const char* signs) {
  const bool path = text.find(' ') != std::string::npos && names_a_path(text);
  if (path) return {text};  // To be copied.
  Lines pieces(1);
  for (size_t i = 0; i < text.size(); ++i) {
    pieces.back() += text[i];
    const bool end = text[i] == ' ' || std::strchr(signs, text[i]) != nullptr;
    if (end && i + 1 < text.size() && text[i + 1] != ' ') pieces.emplace_back();
  }
  return pieces;
}

std::string without_end_blanks(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

Lines broken(const std::string& text, size_t width, const char* signs) {
  Lines lines(1);
  for (const std::string& piece : pieces_of(text, signs)) {
    const std::string joined = lines.back() + piece;
    if (!lines.back().empty() && display_width(without_end_blanks(joined)) > width)
      lines.push_back(piece);
    else
      lines.back() = joined;
  }
  for (std::string& line : lines) line = without_end_blanks(line);
  return lines;
}

/// One column while a table is laid out.
struct Column {
  size_t natural = 0;  ///< Widest cell or header.
  size_t cells = 0;    ///< Widest cell.
  size_t least = 0;    ///< With every break taken that may be.
  bool right = true;   ///< Numbers.
};

class Layout {
 public:
  explicit Layout(const std::vector<Lines>& rows) : rows_(rows), columns_(rows.front().size()) {
    for (size_t c = 0; c < columns_.size(); ++c) {
      Column& column = columns_[c];
      column.right = rows.size() > 1;
      for (size_t r = 0; r < rows.size(); ++r) {
        const std::string& cell = rows[r][c];
        column.natural = std::max(column.natural, display_width(cell));
        if (r > 0) column.cells = std::max(column.cells, display_width(cell));
        for (const std::string& piece : pieces_of(cell, signs_of(r, c)))
          column.least = std::max(column.least, display_width(without_end_blanks(piece)));
        if (r > 0 && !numeric(cell)) column.right = false;
      }
      // Prose in a very narrow column is no help.
      constexpr size_t kProse = 24;
      if (c + 1 == columns_.size())
        column.least = std::max(column.least, std::min(column.natural, kProse));
      widths_.push_back(column.natural);
      shown_.push_back(c);
    }
  }

  std::string text(size_t width) {
    if (width > 0) fit(width);
    std::string text;
    for (size_t r = 0; r < rows_.size(); ++r) add_row(r, text);
    std::string left_out;
    for (size_t c = 0; c < columns_.size(); ++c)
      if (std::find(shown_.begin(), shown_.end(), c) == shown_.end())
        left_out += (left_out.empty() ? "" : ", ") + rows_[0][c];
    if (!left_out.empty())
      text += "\n" +
              wrap_words("(no room at " + std::to_string(width) + " columns for: " + left_out + ")",
                         width);
    return text;
  }

 private:
  // Headers such as peak_activation_bytes, and architectures or what else stands first.
  const char* signs_of(size_t row, size_t column) const {
    if (row == 0) return "_.";
    return column == 0 || rows_[0][column] == "architecture" ? "/|,;+" : "";
  }

  size_t total() const {
    size_t sum = 2 * (shown_.size() - 1);
    for (const size_t c : shown_) sum += widths_[c];
    return sum;
  }

  // Headers give first, then cells; of these the widest, each down to its least width.
  void shrink(size_t width) {
    for (const bool headers : {true, false}) {
      while (total() > width) {
        size_t best = columns_.size();
        for (const size_t c : shown_) {
          const Column& column = columns_[c];
          const size_t least = headers ? std::max(column.least, column.cells) : column.least;
          if (widths_[c] > least && (best == columns_.size() || widths_[c] > widths_[best]))
            best = c;
        }
        if (best == columns_.size()) break;
        --widths_[best];
      }
    }
  }

  void fit(size_t width) {
    shrink(width);
    constexpr size_t kFewest = 2;
    while (total() > width && shown_.size() > kFewest) {
      // A column without a name is a mark of its row.
      const auto last = std::find_if(
          shown_.rbegin(), shown_.rend(), [&](size_t c) { return !rows_[0][c].empty(); });
      if (last == shown_.rend() || *last < kFewest) break;
      shown_.erase(std::next(last).base());
      for (const size_t c : shown_) widths_[c] = columns_[c].natural;
      shrink(width);
    }
    // A path in the last column that fits nowhere: the rest gains nothing by being narrow.
    if (total() > width)
      for (size_t i = 0; i + 1 < shown_.size(); ++i)
        widths_[shown_[i]] =
            std::max(widths_[shown_[i]], std::min(columns_[shown_[i]].natural, width / 2));
  }

  void add_row(size_t r, std::string& text) const {
    std::vector<Lines> cells;
    size_t height = 1;
    for (const size_t c : shown_) {
      cells.push_back(broken(rows_[r][c], widths_[c], signs_of(r, c)));
      height = std::max(height, cells.back().size());
    }
    for (size_t line = 0; line < height; ++line) {
      std::string out;
      for (size_t i = 0; i < shown_.size(); ++i) {
        const size_t c = shown_[i];
        // Headers stand on the line above the first row.
        const size_t skipped = r == 0 ? height - cells[i].size() : 0;
        const std::string part =
            line >= skipped && line - skipped < cells[i].size() ? cells[i][line - skipped] : "";
        const size_t used = display_width(part);
        const std::string pad(widths_[c] > used ? widths_[c] - used : 0, ' ');
        out += (i == 0 ? "" : "  ") + (columns_[c].right ? pad + part : part + pad);
      }
      text += (text.empty() ? "" : "\n") + without_end_blanks(out);
    }
  }

  const std::vector<Lines>& rows_;
  std::vector<Column> columns_;
  std::vector<size_t> widths_, shown_;
};

}  // namespace

namespace {

TableStyle chosen_style = TableStyle::kText;

std::string markdown(const std::vector<std::vector<std::string>>& rows) {
  std::string text = "\n";
  for (size_t r = 0; r < rows.size(); ++r) {
    text += "|";
    for (const std::string& cell : rows[r]) text += " " + escaped_markdown(cell) + " |";
    text += "\n";
    if (r > 0) continue;
    text += "|";
    for (size_t c = 0; c < rows[0].size(); ++c) {
      const bool right =
          rows.size() > 1 && std::all_of(rows.begin() + 1, rows.end(), [c](const auto& row) {
            return numeric(row[c]);
          });
      text += right ? " ---: |" : " --- |";
    }
    text += "\n";
  }
  return text;
}

}  // namespace

void set_table_style(TableStyle style) {
  chosen_style = style;
}

TableStyle table_style() {
  return chosen_style;
}

std::string Table::text(size_t width) const {
  if (table_style() == TableStyle::kMarkdown) return markdown(rows_);
  return Layout(rows_).text(width);
}

std::string format_number(double value, int significant) {
  if (!std::isfinite(value)) return "-";
  const double size = std::fabs(value);
  if (size == 0) return "0";  // Also of a negative zero.
  if (size < 1e-4 || size >= 1e15) return formatted("%.*g", significant, value);
  if (value == std::floor(value)) return formatted("%.*f", 0, value);
  const int before = static_cast<int>(std::floor(std::log10(size))) + 1;
  return trim_zeros(formatted("%.*f", std::max(0, significant - before), value));
}

std::string format_count(double value) {
  if (!std::isfinite(value)) return "-";
  static const char* const kSuffixes[] = {"", "k", "M", "G", "T", "P"};
  int power = 0;
  double scaled = value;
  while (std::fabs(scaled) >= 999.95 && power < 5) {
    scaled /= 1000;
    ++power;
  }
  if (power == 0) return format_number(value);
  const double size = std::fabs(scaled);
  return trim_zeros(formatted("%.*f", size >= 100 ? 1 : 2, scaled)) + kSuffixes[power];
}

std::string format_seconds(double s) {
  if (!std::isfinite(s) || s < 0) return "-";
  if (s < 0.0995) return format_number(s * 1000, 3) + "ms";
  if (s < 59.95) return formatted("%.*f", s < 9.995 ? 2 : 1, s) + "s";
  const auto whole = static_cast<long long>(std::llround(s));
  char buffer[64];
  if (whole < 3600) {
    std::snprintf(buffer, sizeof buffer, "%lldm%02llds", whole / 60, whole % 60);
  } else if (whole < 86400) {
    std::snprintf(buffer, sizeof buffer, "%lldh%02lldm", whole / 3600, whole % 3600 / 60);
  } else {
    std::snprintf(buffer, sizeof buffer, "%lldd%02lldh", whole / 86400, whole % 86400 / 3600);
  }
  return buffer;
}

}  // namespace nas::cli
