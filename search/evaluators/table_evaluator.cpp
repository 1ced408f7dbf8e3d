// Values of a file, looked up by network. A published table may list one network in several forms,
// each measured on its own: that of the canonical form counts, else their mean, so that the answer
// does not depend on the order of the rows.
#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>

#include "search/evaluators/evaluators.hpp"
#include "search/evaluators/table_file.hpp"
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

}  // namespace

struct TableEvaluator::Impl {
  Impl(const Space& s, const TableOptions& options, bool keep_forms)
      : space(s), file(options.file), each_form(keep_forms), index_from(options.index_from) {}

  const Space& space;
  std::string file;
  std::string sha256 = {};  ///< Of the file: values of another content are another truth.
  std::vector<std::pair<std::string, size_t>> columns;  ///< Metric, column.
  struct Row {
    bool exact = false;  ///< The row names the canonical form itself.
    int64_t forms = 0;   ///< Rows of the network.
    std::map<std::string, double> values;
    std::map<std::string, std::vector<double>> all;  ///< Of all its rows.
  };
  std::unordered_map<Architecture, Row> rows;
  bool each_form;
  struct Form {
    int line = 0, column = 0;
    std::map<std::string, double> values;
  };
  std::unordered_map<Architecture, Form> forms;
  int64_t without_value = 0;  ///< Rows that name an architecture and nothing else.

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
    if (found.percents > 0 && !as_written) percents.push_back(metric);
    look_for_odd_cells(table, metric, column, found.percents > 0 && !as_written);
    columns.emplace_back(metric, column);
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
    odd_cells.push_back(file + ":" + std::to_string(cell.line) + ":" + std::to_string(cell.column) +
                        ": " + text);
  }

  /// The unit in the name wins; that is told where the values look like shares.
  void tell_percents_up_to_1(const std::string& metric, const std::vector<double>& values) {
    if (!says_percent(metric) || values.empty()) return;
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    if (*low < 0 || *high > 1) return;
    odd_cells.push_back(file + ": every value of " + metric +
                        " lies in 0 .. 1; they are taken for percents, as its name says");
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

  std::vector<std::string> percents;   ///< Metrics written with %.
  std::set<size_t> written;            ///< Columns of percents by name whose cells carry % too.
  std::vector<std::string> odd_cells;  ///< What to tell of cells that can be meant.
  int64_t without_name = 0;            ///< Columns of numbers that have no name.
  int64_t repeated = 0;                ///< Rows that say again what one before said.
  int64_t index_from;
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
    Row row;
    for (const auto& [metric, column] : columns) {
      const CellValue value = value_of(cells[column]);
      if (value.kind == CellValue::Kind::kNumber) row.values[metric] = number_of(value, column);
    }
    if (row.values.empty()) {
      ++without_value;
      return;
    }
    const Architecture form = space.fix_inactive(a);
    const auto [seen, first_time] =
        forms.emplace(form, Form{cells[key].line, cells[key].column, row.values});
    if (!first_time) {
      ++repeated;
      if (seen->second.values == row.values) return;
      fail(file,
           cells[key],
           "repeats the architecture of line " + std::to_string(seen->second.line) + " (column " +
               std::to_string(seen->second.column) +
               ") with other values; keep one row of each, or their mean");
    }
    const Architecture network = space.canonical(a);
    row.exact = network == form;
    merge(rows.try_emplace(network).first->second, row);
  }

  // The row of the canonical form, else the mean of the others, whatever their order.
  static void merge(Row& into, const Row& row) {
    ++into.forms;
    for (const auto& [metric, value] : row.values) into.all[metric].push_back(value);
    if (row.exact) {
      into.exact = true;
      into.values = row.values;
    }
    if (into.exact) return;
    for (const auto& [metric, values] : into.all) {
      // Sorted, so that rounding does not depend on the order of the rows either.
      std::vector<double> sorted = values;
      std::sort(sorted.begin(), sorted.end());
      double sum = 0;
      for (const double v : sorted) sum += v;
      into.values[metric] = sum / static_cast<double>(sorted.size());
    }
  }
};

TableEvaluator::TableEvaluator(const Space& space, const TableOptions& options, bool each_form)
    : impl_(new Impl(space, options, each_form)) {
  if (options.index_from >= 0) impl_->reader.numbered(0);  // Or says that there are too many.
  const TableFile table = read_table_file(options.file, options.key);
  impl_->sha256 = table.sha256;
  impl_->choose_columns(table, options);
  for (const auto& row : table.rows) impl_->add(row, table.key);
}

TableEvaluator::~TableEvaluator() = default;

std::vector<Evaluation> TableEvaluator::evaluate(std::span<const Architecture> architectures) {
  std::vector<Evaluation> results;
  for (const Architecture& a : architectures) {
    if (impl_->each_form) {
      const auto form = impl_->forms.find(impl_->space.fix_inactive(a));
      if (form == impl_->forms.end())
        results.push_back({{}, "not in " + impl_->file});
      else
        results.push_back({form->second.values, ""});
      continue;
    }
    const auto it = impl_->rows.find(impl_->space.canonical(a));
    if (it == impl_->rows.end())
      results.push_back({{}, "not in " + impl_->file});
    else
      results.push_back({it->second.values, ""});
  }
  return results;
}

std::vector<Architecture> TableEvaluator::architectures() const {
  std::vector<Architecture> list;
  if (impl_->each_form)
    for (const auto& [a, form] : impl_->forms) list.push_back(a);
  else
    for (const auto& [a, row] : impl_->rows) list.push_back(a);
  std::sort(list.begin(), list.end());
  return list;
}

TableEvaluator::Facts TableEvaluator::facts() const {
  Facts facts;
  facts.without_value = impl_->without_value;
  facts.repeated = impl_->repeated;
  for (const auto& [a, row] : impl_->rows) {
    facts.merged += row.forms - 1;
    for (const auto& [metric, values] : row.all) {
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      facts.largest_spread = std::max(facts.largest_spread, *high - *low);
    }
  }
  return facts;
}

std::vector<std::string> TableEvaluator::notes() const {
  std::vector<std::string> notes;
  const auto rows = [&](int64_t n) { return std::to_string(n) + (n == 1 ? " row" : " rows"); };
  for (const std::string& metric : impl_->percents)
    notes.push_back(impl_->file + ": " + metric +
                    " is written in percent and read as a fraction (63.2% is 0.632)");
  if (impl_->repeated > 0)
    notes.push_back(impl_->file + ": " + rows(impl_->repeated) +
                    " repeat an earlier one (same architecture, same values) and count once");
  const std::string other = notation_of(impl_->space).other_numbers;
  if (impl_->index_from >= 0 && !other.empty())
    notes.push_back(impl_->file + ": its numbers are taken for those of nas space enumerate; " +
                    other + " is another order");
  if (impl_->without_name > 0)
    notes.push_back(impl_->file + ": numbers in a column without a name are left out");
  return notes;
}

std::vector<std::string> TableEvaluator::warnings() const {
  return impl_->odd_cells;
}

std::vector<std::string> TableEvaluator::metrics() const {
  std::vector<std::string> names;
  for (const auto& [metric, column] : impl_->columns) names.push_back(metric);
  return names;
}

std::string TableEvaluator::fidelity_json() const {
  return nlohmann::json{{"file", impl_->file}, {"sha256", impl_->sha256}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

size_t TableEvaluator::size() const {
  return impl_->rows.size();
}

}  // namespace nas
