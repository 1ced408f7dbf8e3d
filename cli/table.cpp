#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/command.hpp"

namespace nas::cli {
namespace {

// Columns a UTF-8 text takes on a terminal, counting one for each code point.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; }));
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

std::string printed(const char* format, int digits, double value) {
  char buffer[400];
  std::snprintf(buffer, sizeof buffer, format, digits, value);
  return buffer;
}

}  // namespace

Table::Table(std::vector<std::string> header) {
  rows_.push_back(std::move(header));
}

void Table::row(std::vector<std::string> cells) {
  cells.resize(rows_.front().size());
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  const size_t columns = rows_.front().size();
  std::vector<size_t> widths(columns, 0);
  std::vector<bool> right(columns, rows_.size() > 1);
  for (size_t r = 0; r < rows_.size(); ++r) {
    for (size_t c = 0; c < columns; ++c) {
      widths[c] = std::max(widths[c], width_of(rows_[r][c]));
      if (r > 0 && !numeric(rows_[r][c])) right[c] = false;
    }
  }
  std::string text;
  for (const std::vector<std::string>& row : rows_) {
    std::string line;
    for (size_t c = 0; c < columns; ++c) {
      const std::string pad(widths[c] - width_of(row[c]), ' ');
      line += c == 0 ? "" : "  ";
      line += right[c] ? pad + row[c] : row[c] + pad;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += (text.empty() ? "" : "\n") + line;
  }
  return text;
}

std::string format_number(double value, int significant) {
  if (!std::isfinite(value)) return "-";
  const double size = std::fabs(value);
  if (size != 0 && (size < 1e-4 || size >= 1e15)) return printed("%.*g", significant, value);
  if (value == std::floor(value)) return printed("%.*f", 0, value);
  const int before = size >= 1 ? static_cast<int>(std::floor(std::log10(size))) + 1
                               : static_cast<int>(std::floor(std::log10(size))) + 1;
  return trim_zeros(printed("%.*f", std::max(0, significant - before), value));
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
  return trim_zeros(printed("%.*f", size >= 100 ? 1 : 2, scaled)) + kSuffixes[power];
}

std::string format_seconds(double s) {
  if (!std::isfinite(s) || s < 0) return "-";
  if (s < 0.0995) return format_number(s * 1000, 3) + "ms";
  if (s < 59.95) return printed("%.*f", s < 9.995 ? 2 : 1, s) + "s";
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
