// Rows of text become the form that compact files have: one reader of values follows, whatever they
// were written in. A cell is judged here, where its line and column are known.
#include "search/evaluators/table_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <set>
#include <unordered_map>

#include "search/evaluators/value_check.hpp"
#include "spaces/error.hpp"
#include "spaces/metric.hpp"
#include "spaces/text/arch_text.hpp"
#include "spaces/text/notation.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas {
namespace {

[[noreturn]] void fail(const std::string& file, const CsvCell& cell, const std::string& message) {
  fail_at(file, cell.line, cell.column, message);
}

/// A column that no one named on purpose: the row numbers that pandas writes.
bool unnamed(const std::string& name) {
  return name.empty() || name.rfind("Unnamed: ", 0) == 0;
}

// What a cell may be quoted with.
std::string shown(const CsvCell& cell) {
  constexpr size_t kShown = 40;
  return "'" + cell.text.substr(0, kShown) + "'";
}

struct Column {
  int64_t numbers = 0, percents = 0, bad = 0;
  const CsvCell* first_bad = nullptr;
  std::string why;
};

Column look_at(const TableFile& table, size_t column) {
  Column found;
  for (const auto& row : table.rows) {
    const CellValue value = value_of(row[column]);
    if (value.kind == CellValue::Kind::kNumber) {
      ++found.numbers;
      found.percents += value.percent;
    } else if (value.kind == CellValue::Kind::kBad) {
      if (found.bad++ == 0) {
        found.first_bad = &row[column];
        found.why = value.why;
      }
    }
  }
  return found;
}

std::string unit_of(const std::string& metric, bool share) {
  if (share) return "share";
  if (says_percent(metric)) return "percent";
  const Metric* known = find_metric(metric);
  const auto named = unit_in_name(metric);
  const MetricUnit kind = known != nullptr ? known->unit : named ? named->kind : MetricUnit::kNone;
  const auto sized = [&](const char* name) {
    if (known != nullptr || named->size == 1) return std::string(name);
    char text[48];
    std::snprintf(text, sizeof text, "%.9g %s", named->size, name);
    return std::string(text);
  };
  switch (kind) {
    case MetricUnit::kShare:
      return "share";
    case MetricUnit::kCount:
      return sized("pieces");
    case MetricUnit::kBytes:
      return sized("bytes");
    case MetricUnit::kMilliseconds:
      return sized("ms");
    case MetricUnit::kNone:
      break;
  }
  return "";
}

class TextRows {
 public:
  TextRows(const Space& s, const TableOptions& o)
      : space(s), file(o.file), index_from(o.index_from), mean(o.repeats == Repeats::kMean) {}

  CompactTable read(const TableOptions& options, bool fingerprint) {
    if (index_from >= 0) reader.numbered(0);  // Or says that there are too many.
    const TableFile table = read_table_file(options.file, options.key);
    choose_columns(table, options);
    for (const auto& row : table.rows) add(row, table.key);
    CompactHeader header = header_of(space, fingerprint);
    header.source = std::filesystem::path(file).filename().string();
    header.source_sha256 = table.sha256;
    header.key = table.header[table.key].text;
    header.measurements = mean;
    header.repeated = repeated;
    header.without_value = without_value;
    for (CompactColumn& column : kept) header.columns.push_back(std::move(column));
    const std::string other = notation_of(space).other_numbers;
    if (index_from >= 0 && !other.empty())
      header.notes.push_back("its numbers are taken for those of nas space enumerate; " + other +
                             " is another order");
    if (without_name > 0)
      header.notes.emplace_back("numbers in a column without a name are left out");
    return CompactTable::of(compact_bytes(header, std::move(rows)), file);
  }

 private:
  /// METRIC or METRIC = COLUMN; without any, all columns of numbers that have a name.
  void choose_columns(const TableFile& table, const TableOptions& options) {
    for (const std::string& text : options.metrics) {
      // A column's own name may hold `=`.
      const size_t equal = has_column(table, text) ? std::string::npos : text.find('=');
      const std::string metric(trim(std::string_view(text).substr(0, equal)));
      const std::string name(
          equal == std::string::npos ? metric : trim(std::string_view(text).substr(equal + 1)));
      const size_t column = column_of(table, name);
      if (metric != name) check_new_name(table, metric, column);
      add_column(table, metric, column);
    }
    if (!columns.empty()) return;
    size_t blamed = table.header.size();
    for (size_t c = 0; c < table.header.size(); ++c) {
      const std::string& name = table.header[c].text;
      if (c == table.key) continue;
      const Column found = look_at(table, c);
      if (unnamed(name)) {
        if (found.numbers > 0) ++without_name;
        continue;
      }
      if (found.bad > 0 && blamed == table.header.size()) blamed = c;
      // A column of numbers but for some cells is not left out silently.
      if (found.bad > 0 && found.numbers >= found.bad)
        fail(file, *found.first_bad, name + ": " + found.why);
      if (found.bad == 0 && found.numbers > 0) add_column(table, name, column_of(table, name));
    }
    if (!columns.empty()) return;
    if (blamed == table.header.size()) fail(file, table.header[0], "has no column of numbers");
    const Column found = look_at(table, blamed);
    fail(file,
         *found.first_bad,
         "has no column of numbers: " + table.header[blamed].text + ": " + found.why);
  }

  static bool has_column(const TableFile& table, const std::string& name) {
    return std::any_of(table.header.begin(), table.header.end(), [&](const CsvCell& cell) {
      return cell.text == trim(name);
    });
  }

  void check_new_name(const TableFile& table, const std::string& metric, size_t column) const {
    std::vector<double> values;
    for (const auto& row : table.rows)
      if (const CellValue v = value_of(row[column]); v.kind == CellValue::Kind::kNumber)
        values.push_back(v.number);
    const std::string& name = table.header[column].text;
    if (const std::string problem = rename_problem(metric, name, values); !problem.empty())
      fail(file,
           table.header[column],
           "'" + metric + " = " + name + "' cannot be: " + problem +
               ". Give it a name that says what the column holds, or leave the column its own");
  }

  void add_column(const TableFile& table, const std::string& metric, size_t column) {
    for (const auto& [name, other] : columns)
      if (name == metric)
        fail(file, table.header[column], "gives the metric '" + metric + "' twice");
    const Column found = look_at(table, column);
    if (found.bad > 0) fail(file, *found.first_bad, metric + ": " + found.why);
    if (found.percents > 0 && found.percents < found.numbers) refuse_mixture(table, metric, column);
    // The name has the last word on the unit: of acc_percent 63.2% is 63.2.
    const bool as_written = found.percents > 0 && says_percent(metric);
    if (as_written) written.insert(column);
    const bool share = found.percents > 0 && !as_written;
    odd_cells.clear();
    look_for_odd_cells(table, metric, column, share);
    columns.emplace_back(metric, column);
    kept.push_back({metric, unit_of(metric, share), share, std::move(odd_cells)});
  }
  double number_of(const CellValue& value, size_t column) const {
    return written.contains(column) ? value.written : value.number;
  }

  void look_for_odd_cells(const TableFile& table,
                          const std::string& metric,
                          size_t column,
                          bool percent) {
    std::vector<double> values;
    std::vector<const CsvCell*> cells;
    for (const auto& row : table.rows) {
      const CellValue value = value_of(row[column]);
      if (value.kind != CellValue::Kind::kNumber) continue;
      values.push_back(number_of(value, column));
      cells.push_back(&row[column]);
    }
    const auto odd = odd_value(values, metric, percent);
    if (!odd) {
      tell_percents_up_to_1(metric, values);
      return;
    }
    const CsvCell& cell = *cells[odd->index];
    std::string text = metric + ": " + shown(cell) + " " + odd->why;
    if (odd->more > 0) text += " (and " + std::to_string(odd->more) + " more like it)";
    if (!odd->instead.empty()) {
      text += odd->certain ? "; write " + odd->instead
                           : "; if another unit was meant, write " + odd->instead;
      const bool low = values[odd->index] <= 1;
      if (is_accuracy(metric) || is_error(metric))
        text += low ? ". Where it is meant as it stands, say the unit: '" + metric +
                          "_percent = " + table.header[column].text +
                          "' as the metric (--column, evaluator.table.metrics)"
                    : "";
    }
    if (odd->certain) fail(file, cell, text);
    odd_cells.push_back({cell.line, cell.column, std::move(text)});
  }

  /// The unit in the name wins; that is told where the values look like shares.
  void tell_percents_up_to_1(const std::string& metric, const std::vector<double>& values) {
    if (!says_percent(metric) || values.empty()) return;
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    if (*low < 0 || *high > 1) return;
    odd_cells.push_back({0,
                         0,
                         "every value of " + metric +
                             " lies in 0 .. 1; they are taken for percents, as its name says"});
  }
  /// The first cell with a percent sign where others have none, or the other way round.
  void refuse_mixture(const TableFile& table, const std::string& metric, size_t column) const {
    std::optional<bool> percent;
    for (const auto& row : table.rows) {
      const CellValue value = value_of(row[column]);
      if (value.kind != CellValue::Kind::kNumber) continue;
      if (!percent) percent = value.percent;
      if (*percent != value.percent)
        fail(
            file,
            row[column],
            metric + ": " + shown(row[column]) + " is written " +
                (*percent ? "without %, those before it with" : "with %, those before it without"));
    }
  }

  const Space& space;
  std::string file;
  int64_t index_from;
  bool mean;  ///< Rows of one architecture are measurements of it.
  std::vector<std::pair<std::string, size_t>> columns;  ///< Metric, column.
  std::vector<CompactColumn> kept;                      ///< The same, with what is said of them.
  std::vector<CompactRow> rows;
  std::unordered_map<Architecture, size_t> forms;  ///< Row of each.
  std::vector<int> places;                         ///< Column in the file of each row's name.
  int64_t without_value = 0;           ///< Rows that name an architecture and nothing else.
  std::set<size_t> written;            ///< Columns of percents by name whose cells carry % too.
  std::vector<TableNotice> odd_cells;  ///< Of the column that is being added.
  int64_t without_name = 0;            ///< Columns of numbers that have no name.
  int64_t repeated = 0;                ///< Rows that say again what one before said.
  ArchitectureReader reader{space};

  /// For a key that numbers architectures where texts were expected.
  static std::string number_hint(const std::string& text, const std::string& said) {
    std::string_view digits = trim(text);
    if (digits.size() > 2 && digits.ends_with(".0")) digits.remove_suffix(2);
    if (!whole_number(digits) || said.find("index_from") != std::string::npos) return "";
    return ". Where the column numbers them in the order of nas space enumerate, say what the "
           "first one's number is: --index-from N, evaluator.table.index_from: N";
  }

  Architecture named(const CsvCell& cell) {
    if (index_from < 0) {
      try {
        return reader.read(cell.text);
      } catch (const ConfigError& e) {
        fail(file,
             cell,
             std::string("not an architecture of this space: ") + e.what() +
                 number_hint(cell.text, e.what()));
      }
    }
    std::string_view text = trim(cell.text);
    if (text.starts_with('#') && whole_number(text.substr(1)))
      fail(file,
           cell,
           shown(cell) +
               " is a number of nas space enumerate, which counts from 0 whatever the "
               "column does; with --index-from (evaluator.table.index_from) write bare "
               "numbers, without it all as #N");
    // As pandas writes whole numbers of a column that also has empty cells.
    if (text.size() > 2 && text.substr(text.size() - 2) == ".0") text.remove_suffix(2);
    int64_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    const int64_t count = space.count().to_int64();
    if (code != std::errc() || end != text.data() + text.size() || number < index_from ||
        number - index_from >= count)
      fail(file,
           cell,
           shown(cell) + " is no number of an architecture (" + std::to_string(index_from) +
               " to " + std::to_string(index_from + count - 1) + ")");
    return reader.numbered(number - index_from);
  }

  void add(const std::vector<CsvCell>& cells, size_t key) {
    const Architecture a = named(cells[key]);
    CompactRow row;
    bool any = false;
    for (const auto& [metric, column] : columns) {
      const CellValue value = value_of(cells[column]);
      const bool has = value.kind == CellValue::Kind::kNumber;
      row.values.push_back(has ? number_of(value, column) : NAN);
      any |= has;
    }
    if (!any) {
      ++without_value;
      return;
    }
    row.form = space.fix_inactive(a);
    row.line = cells[key].line;
    const auto [seen, first_time] = forms.emplace(row.form, rows.size());
    if (!first_time && !mean) {
      ++repeated;
      const CompactRow& before = rows[seen->second];
      if (same(before.values, row.values)) return;
      fail(file,
           cells[key],
           "repeats the architecture of line " + std::to_string(before.line) + " (column " +
               std::to_string(places[seen->second]) +
               ") with other values; keep one row of each, or say that they are measurements of "
               "one thing: evaluator.table.repeats: mean (nas bench convert --repeats mean)");
    }
    row.network = space.canonical(a);
    places.push_back(cells[key].column);
    rows.push_back(std::move(row));
  }
  static bool same(const std::vector<double>& a, const std::vector<double>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
      return x == y || (std::isnan(x) && std::isnan(y));
    });
  }
};

}  // namespace

CompactTable read_text_rows(const Space& space, const TableOptions& options, bool fingerprint) {
  return TextRows(space, options).read(options, fingerprint);
}

}  // namespace nas
