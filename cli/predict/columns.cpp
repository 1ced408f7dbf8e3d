#include "cli/predict/columns.hpp"

#include <algorithm>
#include <cmath>

#include "cli/command.hpp"
#include "search/evaluators/evaluators.hpp"
#include "search/evaluators/table_file.hpp"
#include "search/evaluators/value_check.hpp"
#include "spaces/error.hpp"
#include "spaces/text/plain_text.hpp"

namespace nas::cli {
namespace {

std::string place(const TableFile& table, const CsvCell& cell) {
  return table.file + ":" + std::to_string(cell.line) + ":" + std::to_string(cell.column) + ": ";
}

TableFile plain_table(const std::string& file) {
  Csv csv = read_csv(file, read_text_file(file, "a table of numbers"));
  TableFile table{file, std::move(csv.header), std::move(csv.rows)};
  if (table.rows.empty()) throw DataError(file + " has no rows");
  return table;
}

bool numeric(const TableFile& table, size_t column) {
  bool any = false;
  for (const auto& row : table.rows) {
    const CellValue value = value_of(row[column]);
    if (value.kind == CellValue::Kind::kBad) return false;
    any = any || value.kind == CellValue::Kind::kNumber;
  }
  return any;
}

/// NaN where a cell holds nothing.
std::vector<double> numbers(const TableFile& table, size_t column) {
  std::vector<double> values;
  for (const auto& row : table.rows) {
    const CellValue value = value_of(row[column]);
    if (value.kind == CellValue::Kind::kBad)
      throw DataError(place(table, row[column]) + table.header[column].text + ": " + value.why);
    values.push_back(value.kind == CellValue::Kind::kNumber ? value.number : NAN);
  }
  return values;
}

void add(PredictedColumns& to, const std::string& name, std::vector<double> values, Better truth) {
  if (direction_of(name, truth) == Better::kLower) {
    to.negated.insert(name);
    for (double& v : values) v = -v;
  }
  to.complete.resize(values.size(), true);
  for (size_t i = 0; i < values.size(); ++i)
    if (std::isnan(values[i])) to.complete[i] = false;
  to.rankers.emplace_back(name, std::move(values));
}

void keep_complete(std::vector<double>& values, const std::vector<bool>& complete) {
  size_t n = 0;
  for (size_t i = 0; i < values.size(); ++i)
    if (complete[i]) values[n++] = values[i];
  values.resize(n);
}

}  // namespace

Rankers as_written(Rankers rankers, const std::set<std::string>& negated) {
  for (auto& [name, values] : rankers)
    if (negated.contains(name))
      for (double& v : values) v = -v;
  return rankers;
}

Better direction_of(const std::string& column, Better truth) {
  const NameSays says = name_says(column);
  if (says == NameSays::kHigher) return Better::kHigher;
  const Quantity quantity = quantity_of(column);
  const bool mistake = quantity == Quantity::kError || quantity == Quantity::kLoss;
  return says == NameSays::kLower && mistake ? Better::kLower : truth;
}

PredictedColumns predicted_columns(const Space& space,
                                   const TableOptions& table,
                                   const std::vector<std::string>& names,
                                   const std::vector<Architecture>& architectures,
                                   bool each_form,
                                   const std::string& truth_column,
                                   Better truth) {
  TableOptions options = table;
  options.metrics = names;
  const TableEvaluator all(space, options, each_form);
  std::vector<std::string> columns = all.metrics();
  if (names.empty()) std::erase(columns, truth_column);
  if (columns.empty())
    throw ConfigError(table.file + " has no column of predictions besides '" + truth_column + "'",
                      "Name a file that has them with --predictions.");
  PredictedColumns result;
  for (const std::string& name : columns) {
    // One by one: a row without a value of one column still has the others'.
    options.metrics = {name};
    TableEvaluator evaluator(space, options, each_form);
    for (const std::string& text : evaluator.warnings()) warning(text);
    std::vector<double> values;
    for (const Evaluation& e : evaluator.evaluate(architectures))
      values.push_back(e.values.empty() ? NAN : e.values.begin()->second);
    add(result, name, std::move(values), truth);
  }
  return result;
}

PlainRows plain_rows(const std::string& file,
                     const std::string& truth,
                     const std::vector<std::string>& names,
                     bool lower,
                     bool higher) {
  const TableFile table = plain_table(file);
  if (truth.empty())
    throw ConfigError("which column of " + file + " is the truth is not said",
                      "Name it with --column.");
  PlainRows rows;
  rows.column = truth;
  rows.direction = truth_direction(truth, lower, higher);
  const size_t truth_at = column_of(table, truth);
  rows.truth = numbers(table, truth_at);
  std::vector<std::string> columns = names;
  if (columns.empty())
    for (size_t c = 0; c < table.header.size(); ++c)
      if (c != truth_at && !table.header[c].text.empty() && numeric(table, c))
        columns.push_back(table.header[c].text);
  if (columns.empty())
    throw ConfigError(file + " has no column of numbers besides '" + truth + "'");
  for (const std::string& name : columns)
    add(rows.predicted, name, numbers(table, column_of(table, name)), rows.direction.better);
  std::vector<bool>& complete = rows.predicted.complete;
  for (size_t i = 0; i < complete.size(); ++i)
    if (std::isnan(rows.truth[i])) complete[i] = false;
  rows.without_value = std::count(complete.begin(), complete.end(), false);
  keep_complete(rows.truth, complete);
  if (const auto odd = odd_value(rows.truth, truth); odd && odd->certain) {
    size_t row = 0;
    for (size_t kept = 0; !complete[row] || kept++ < odd->index; ++row) {
    }
    throw DataError(place(table, table.rows[row][truth_at]) + truth + ": " + odd->why);
  }
  for (auto& ranker : rows.predicted.rankers) keep_complete(ranker.second, complete);
  if (rows.truth.size() < 2)
    throw DataError(file + ": " + std::to_string(rows.truth.size()) +
                    " rows hold a value of every column; a ranking needs at least 2");
  return rows;
}

}  // namespace nas::cli
