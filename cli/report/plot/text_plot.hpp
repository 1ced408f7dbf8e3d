#pragma once
// Scatter plots as text, for terminals.
#include <functional>
#include <string>
#include <vector>

namespace nas::cli {

struct TextPoints {
  char mark = '.';  ///< Later series are drawn over earlier ones.
  std::string meaning;
  std::vector<std::pair<double, double>> points;  ///< x, y; not finite ones are left out.
};

struct TextAxis {
  std::string name;
  std::function<std::string(double)> text;  ///< Of a value; as people read numbers where empty.
};

/// At most `width` columns (from 30) and `height` rows of points, axes with least and most value, a
/// legend. "" where fewer than two different points are left. ASCII only, but for names.
std::string text_scatter(const std::vector<TextPoints>& series,
                         const TextAxis& x,
                         const TextAxis& y,
                         size_t width,
                         size_t height = 14);

}  // namespace nas::cli
