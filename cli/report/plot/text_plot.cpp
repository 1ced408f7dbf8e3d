#include "cli/report/plot/text_plot.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "cli/command.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

struct Range {
  double low = INFINITY, high = -INFINITY;
  void take(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  /// Cell 0..n-1 of a value.
  size_t cell(double v, size_t n) const {
    if (!(high > low)) return n / 2;
    const double at = (v - low) / (high - low) * static_cast<double>(n - 1);
    return static_cast<size_t>(std::lround(std::clamp(at, 0.0, static_cast<double>(n - 1))));
  }
};

std::string text_of(const TextAxis& axis, double value) {
  return axis.text ? axis.text(value) : format_number(value);
}

std::string padded(const std::string& text, size_t width) {
  const size_t used = display_width(text);
  return (used < width ? std::string(width - used, ' ') : "") + text;
}

bool drawn(const std::pair<double, double>& p) {
  return std::isfinite(p.first) && std::isfinite(p.second);
}

}  // namespace

std::string text_scatter(const std::vector<TextPoints>& series,
                         const TextAxis& x,
                         const TextAxis& y,
                         size_t width,
                         size_t height) {
  constexpr size_t kLeast = 30, kFewestRows = 3;
  width = std::max(width, kLeast);
  height = std::max(height, kFewestRows);
  Range of_x, of_y;
  std::set<std::pair<double, double>> different;
  for (const TextPoints& s : series)
    for (const auto& p : s.points) {
      if (!drawn(p)) continue;
      of_x.take(p.first);
      of_y.take(p.second);
      different.insert(p);
    }
  if (different.size() < 2) return "";
  const std::string top = text_of(y, of_y.high), bottom = text_of(y, of_y.low);
  const size_t margin = std::min(width / 3, std::max(display_width(top), display_width(bottom)));
  const size_t columns = width - margin - 2;
  std::vector<std::string> rows(height, std::string(columns, ' '));
  for (const TextPoints& s : series)
    for (const auto& p : s.points)
      if (drawn(p))
        rows[height - 1 - of_y.cell(p.second, height)][of_x.cell(p.first, columns)] = s.mark;
  std::string text = cut_to_width(printable(y.name), width);
  for (size_t r = 0; r < height; ++r) {
    const std::string label = r == 0 ? top : r + 1 == height ? bottom : "";
    std::string line = rows[r];
    line.erase(line.find_last_not_of(' ') + 1);
    text += "\n" + padded(cut_to_width(label, margin), margin) + " |" + line;
  }
  text += "\n" + std::string(margin + 1, ' ') + "+" + std::string(columns, '-') + "\n";
  const std::string left = text_of(x, of_x.low), right = text_of(x, of_x.high);
  const size_t used = display_width(left) + display_width(right) + 2;
  std::string middle = columns > used ? cut_to_width(printable(x.name), columns - used) : "";
  const size_t gap =
      columns > used + display_width(middle) ? columns - used - display_width(middle) : 0;
  text += std::string(margin + 2, ' ') + left + std::string(1 + gap / 2, ' ') + middle +
          std::string(1 + gap - gap / 2, ' ') + right;
  std::string legend;
  for (const TextPoints& s : series)
    if (!s.points.empty() && !s.meaning.empty())
      legend += (legend.empty() ? "" : "   ") + std::string(1, s.mark) + " " + printable(s.meaning);
  if (!legend.empty()) text += "\n" + cut_to_width(legend, width);
  return text;
}

}  // namespace nas::cli
