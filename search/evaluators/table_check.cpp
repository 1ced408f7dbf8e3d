// Whether a column holds shares or percents is told by its median, which a few wrong cells do not
// move: above 10 no column of shares can be, up to 1 hardly one of percents. Between the two
// nothing is said.
#include "search/evaluators/table_check.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <vector>

#include "spaces/metric.hpp"

namespace nas {
namespace {

constexpr double kPercents = 10;

struct Number {
  const CsvCell* cell;
  double value;
};

std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

class Cells {
 public:
  Cells(const TableFile& table, size_t column) {
    for (const auto& row : table.rows) {
      const CellValue value = value_of(row[column]);
      if (value.kind != CellValue::Kind::kNumber) continue;
      cells_.push_back({&row[column], value.number});
      sorted_.push_back(value.number);
      percent_ = percent_ || value.percent;
    }
    std::sort(sorted_.begin(), sorted_.end());
  }
  bool empty() const { return cells_.empty(); }
  bool written_in_percent() const { return percent_; }
  double median() const { return sorted_[sorted_.size() / 2]; }
  /// The first for which `wrong` holds.
  std::optional<OddCell> first(const std::function<bool(double)>& wrong,
                               const std::function<std::string(double)>& why) const {
    for (const Number& n : cells_)
      if (wrong(n.value))
        return OddCell{n.cell, "'" + n.cell->text.substr(0, 40) + "' " + why(n.value), true};
    return std::nullopt;
  }
  /// A value up to 1 that a hundred times over lies among those above 1.
  bool share_among_percents(double value) const {
    const auto others = std::upper_bound(sorted_.begin(), sorted_.end(), 1.0);
    return value > 0 && value <= 1 && others != sorted_.end() && 200 * value >= *others &&
           100 * value <= sorted_.back();
  }
  size_t within(double above, double most) const {
    return static_cast<size_t>(std::upper_bound(sorted_.begin(), sorted_.end(), most) -
                               std::upper_bound(sorted_.begin(), sorted_.end(), above));
  }
  size_t size() const { return cells_.size(); }

 private:
  std::vector<Number> cells_;
  std::vector<double> sorted_;
  bool percent_ = false;
};

std::string as_percent(double share) {
  return "is a share among percents; write " + text_of(100 * share) +
         ", or every cell with its unit (" + text_of(share) + "%)";
}

std::optional<OddCell> odd_accuracy(const Cells& cells, bool states_percent) {
  const double most = cells.written_in_percent() ? 1 : 100;
  if (auto odd = cells.first([](double v) { return v < 0; },
                             [](double) { return "is negative, and an accuracy never is"; }))
    return odd;
  if (auto odd =
          cells.first([&](double v) { return v > most; }, [](double) { return "is above 100 %"; }))
    return odd;
  if (cells.written_in_percent() || states_percent) return std::nullopt;
  if (cells.median() > kPercents)
    return cells.first([&](double v) { return cells.share_among_percents(v); }, as_percent);
  if (cells.median() > 1) return std::nullopt;
  return cells.first([](double v) { return v > 1; },
                     [](double v) {
                       return "is a percentage among shares; write " + text_of(v / 100) +
                              ", or every cell with its unit (" + text_of(v) + "%)";
                     });
}

// A column that may hold percents, as far as its name goes: nearly all do.
std::optional<OddCell> odd_among_percents(const Cells& cells) {
  constexpr size_t kNearlyAll = 20;  // All but one in 20.
  if (cells.written_in_percent() || cells.median() <= kPercents ||
      kNearlyAll * (cells.size() - cells.within(1, 100)) > cells.size())
    return std::nullopt;
  auto odd =
      cells.first([&](double v) { return v < 0 || v > 100 || cells.share_among_percents(v); },
                  [](double v) {
                    return v > 1 || v < 0 ? "lies outside of 0 .. 100, where nearly all others lie"
                                          : as_percent(v);
                  });
  if (odd) odd->certain = false;
  return odd;
}

}  // namespace

std::optional<OddCell> odd_cell(const TableFile& table, size_t column, const std::string& metric) {
  const Cells cells(table, column);
  if (cells.empty()) return std::nullopt;
  if (is_accuracy(metric)) return odd_accuracy(cells, says_percent(metric));
  if (never_negative(metric))
    return cells.first([](double v) { return v < 0; },
                       [&](double) { return "is negative, and " + metric + " never is"; });
  if (may_be_share(metric) && name_says(metric) == NameSays::kNothing)
    return odd_among_percents(cells);
  return std::nullopt;
}

}  // namespace nas
