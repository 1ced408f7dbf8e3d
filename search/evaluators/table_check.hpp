#pragma once
// Cells of a table that are numbers, but cannot be what their column holds.
#include <optional>
#include <string>

#include "search/evaluators/table_file.hpp"

namespace nas {

struct OddCell {
  const CsvCell* cell = nullptr;
  std::string why;
  bool certain = true;  ///< An error; else something to tell, since the column's name says nothing.
};

/// The first cell, from the top, that the other cells of its column and the name `metric` speak
/// against; nullopt where all is well. Of accuracies (spaces/metric.hpp): negative ones, those
/// above 100 %, shares among percents and percents among shares. A value up to 1 among percents is
/// a share where a hundred times it lies among the others: chance level (1.0 of 100 classes, 0.83
/// of 120) and 0 of a network that diverged do not. A column whose cells carry `%`, or whose name
/// says percent, has stated its unit. Of costs and times: negative ones.
std::optional<OddCell> odd_cell(const TableFile& table, size_t column, const std::string& metric);

}  // namespace nas
