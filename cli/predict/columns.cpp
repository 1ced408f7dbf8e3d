#include "cli/predict/columns.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "cli/command.hpp"
#include "cli/predict/plain_table.hpp"
#include "search/evaluators/evaluators.hpp"
#include "search/evaluators/table_file.hpp"
#include "search/evaluators/value_check.hpp"
#include "spaces/error.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas::cli {
namespace {

std::string place(const TableFile& table, const CsvCell& cell) {
  return table.file + ":" + std::to_string(cell.line) + ":" + std::to_string(cell.column) + ": ";
}

std::optional<size_t> key_column(const TableFile& table) {
  std::vector<std::string> names;
  for (const CsvCell& cell : table.header) names.push_back(cell.text);
  const std::string* key = architecture_key(names);
  if (key == nullptr) return std::nullopt;
  return column_of(table, *key);
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

/// A column as it is asked for.
struct Wanted {
  std::string name;
  std::optional<Better> better;  ///< As stated; else the name tells.
};

Wanted wanted(const std::string& text) {
  for (const auto& [prefix, better] :
       {std::pair{"maximize:", Better::kHigher}, std::pair{"minimize:", Better::kLower}})
    if (text.starts_with(prefix)) return {text.substr(std::string(prefix).size()), better};
  return {text, std::nullopt};
}

/// The columns asked for, or of `all` those whose direction is told by their name.
std::vector<Wanted> columns_wanted(const std::vector<std::string>& names,
                                   const std::vector<std::string>& all,
                                   const std::string& truth_column) {
  std::vector<Wanted> columns;
  for (const std::string& text : names) columns.push_back(wanted(text));
  if (!names.empty()) return columns;
  for (const std::string& name : all) {
    if (name == truth_column) continue;
    if (direction_of(name, Better::kHigher))
      columns.push_back({name, std::nullopt});
    else
      warning("column '" + name +
              "' is not ranked: whether more or less of it is better cannot be "
              "told (--predicted maximize:" +
              name + " or minimize:" + name + " states it)");
  }
  return columns;
}

void add(PredictedColumns& to, const Wanted& column, std::vector<double> values, Better truth) {
  const auto better = column.better ? column.better : direction_of(column.name, truth);
  if (!better)
    throw ConfigError(
        "whether more or less of '" + column.name +
            "' is better cannot be told: its name changes the meaning of what it names",
        "Write --predicted maximize:" + column.name + " or minimize:" + column.name + ".");
  if (*better == Better::kLower) {
    to.negated.insert(column.name);
    for (double& v : values) v = -v;
  }
  to.complete.resize(values.size(), true);
  for (size_t i = 0; i < values.size(); ++i)
    if (std::isnan(values[i])) to.complete[i] = false;
  to.rankers.emplace_back(column.name, std::move(values));
}

/// What cannot be a value of this name among the others: as in tables of architectures.
void check_column(const TableFile& table, size_t column, const std::vector<double>& values) {
  std::vector<double> known;
  std::vector<size_t> rows;
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isnan(values[i])) {
      known.push_back(values[i]);
      rows.push_back(i);
    }
  const std::string& name = table.header[column].text;
  const auto odd = odd_value(known, name);
  if (!odd) return;
  const CsvCell& cell = table.rows[rows[odd->index]][column];
  const std::string text = place(table, cell) + name + ": '" + cell.text + "' " + odd->why +
                           (odd->instead.empty() ? "" : "; write " + odd->instead);
  if (odd->certain) throw DataError(text);
  warning(text);
}

/// Rows that stand before, by the column that names architectures. DataError where one of them has
/// other values.
std::vector<bool> repeated_rows(const TableFile& table, const std::vector<size_t>& columns) {
  std::vector<bool> repeated(table.rows.size(), false);
  const std::optional<size_t> key = key_column(table);
  if (!key) return repeated;
  std::map<std::string, size_t> first;
  for (size_t r = 0; r < table.rows.size(); ++r) {
    const CsvCell& cell = table.rows[r][*key];
    const auto [it, fresh] = first.emplace(cell.text, r);
    if (fresh) continue;
    repeated[r] = true;
    for (const size_t c : columns) {
      const CellValue a = value_of(table.rows[it->second][c]), b = value_of(table.rows[r][c]);
      if (a.kind != b.kind || (a.kind == CellValue::Kind::kNumber && a.number != b.number))
        throw DataError(place(table, table.rows[r][c]) + "'" + cell.text +
                        "' stands twice, here with another " + table.header[c].text +
                        " than on line " + std::to_string(table.rows[it->second][c].line));
    }
  }
  return repeated;
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

std::optional<Better> direction_of(const std::string& column, Better truth) {
  const NameSays says = name_says(column);
  if (says == NameSays::kUnclear) return std::nullopt;
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
  options.metrics.clear();
  for (const std::string& text : names) options.metrics.push_back(wanted(text).name);
  const TableEvaluator all(space, options, each_form);
  const std::vector<Wanted> columns = columns_wanted(names, all.columns(), truth_column);
  if (columns.empty())
    throw ConfigError(table.file + " has no column of predictions besides '" + truth_column + "'",
                      "Name a file that has them with --predictions.");
  PredictedColumns result;
  for (const Wanted& column : columns) {
    // One by one: a row without a value of one column still has the others'.
    options.metrics = {column.name};
    TableEvaluator evaluator(space, options, each_form);
    for (const std::string& text : evaluator.warnings()) warning(text);
    std::vector<double> values;
    for (const Evaluation& e : evaluator.evaluate(architectures))
      values.push_back(e.values.empty() ? NAN : e.values.begin()->second);
    add(result, column, std::move(values), truth);
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
  check_column(table, truth_at, rows.truth);
  std::vector<std::string> all;
  if (names.empty())
    for (size_t c = 0; c < table.header.size(); ++c)
      if (c != truth_at && !table.header[c].text.empty() && numeric(table, c))
        all.push_back(table.header[c].text);
  const std::vector<Wanted> columns = columns_wanted(names, all, truth);
  if (columns.empty())
    throw ConfigError(file + " has no column of numbers besides '" + truth + "'");
  std::vector<size_t> used{truth_at};
  for (const Wanted& column : columns) {
    used.push_back(column_of(table, column.name));
    std::vector<double> values = numbers(table, used.back());
    check_column(table, used.back(), values);
    add(rows.predicted, column, std::move(values), rows.direction.better);
  }
  const std::vector<bool> repeated = repeated_rows(table, used);
  const std::optional<size_t> key = key_column(table);
  std::vector<bool>& complete = rows.predicted.complete;
  for (size_t i = 0; i < complete.size(); ++i) {
    if (std::isnan(rows.truth[i])) complete[i] = false;
    rows.repeated += repeated[i];
    rows.without_value += !complete[i] && !repeated[i];
    if (repeated[i]) complete[i] = false;
    if (complete[i])
      rows.names.push_back(key ? table.rows[i][*key].text
                               : "line " + std::to_string(table.rows[i][truth_at].line));
  }
  keep_complete(rows.truth, complete);
  for (auto& ranker : rows.predicted.rankers) keep_complete(ranker.second, complete);
  if (rows.truth.size() < 2)
    throw DataError(file + ": " + std::to_string(rows.truth.size()) +
                    " rows hold a value of every column; a ranking needs at least 2");
  return rows;
}

}  // namespace nas::cli
