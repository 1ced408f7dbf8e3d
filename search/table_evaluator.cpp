#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "search/evaluators.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

struct TextTable {
  std::vector<std::string> header;
  struct Row {
    int line = 0;
    std::vector<std::string> cells;
  };
  std::vector<Row> rows;
};

[[noreturn]] void fail(const std::string& file, int line, const std::string& message) {
  throw DataError(file + (line > 0 ? ":" + std::to_string(line) : "") + ": " + message);
}

// One CSV record (RFC 4180: quoted cells may hold commas, quotes and line ends); advances `at` and
// `line`.
std::vector<std::string> read_record(const std::string& file,
                                     const std::string& text,
                                     size_t& at,
                                     int& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  const int first_line = line;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') ++line;
    if (quoted) {
      if (c != '"')
        cells.back() += c;
      else if (at + 1 < text.size() && text[at + 1] == '"')
        cells.back() += text[++at];
      else
        quoted = false;
    } else if (c == '"' && cells.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      ++at;
      return cells;
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  if (quoted) fail(file, first_line, "a quoted cell does not end");
  return cells;
}

TextTable read_csv(const std::string& file, const std::string& text) {
  TextTable table;
  size_t at = text.rfind("\xef\xbb\xbf", 0) == 0 ? 3 : 0;
  int line = 1;
  while (at < text.size()) {
    const int row_line = line;
    std::vector<std::string> cells = read_record(file, text, at, line);
    if (cells.size() == 1 && cells[0].empty()) continue;
    if (table.header.empty()) {
      table.header = std::move(cells);
      continue;
    }
    if (cells.size() != table.header.size())
      fail(file,
           row_line,
           std::to_string(cells.size()) + " cells, the header has " +
               std::to_string(table.header.size()));
    table.rows.push_back({row_line, std::move(cells)});
  }
  return table;
}

TextTable read_json(const std::string& file, const std::string& text) {
  const auto document = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!document.is_array()) fail(file, 0, "is not a JSON array of objects");
  TextTable table;
  for (const auto& object : document) {
    if (!object.is_object()) fail(file, 0, "is not a JSON array of objects");
    for (const auto& [key, value] : object.items())
      if (std::find(table.header.begin(), table.header.end(), key) == table.header.end())
        table.header.push_back(key);
  }
  for (const auto& object : document) {
    TextTable::Row row;
    for (const std::string& key : table.header) {
      const auto it = object.find(key);
      row.cells.push_back(it == object.end() || it->is_null() ? ""
                          : it->is_string()                   ? it->get<std::string>()
                                                              : it->dump());
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

// Nothing for an empty cell; false in `ok` for what is not a finite number.
std::optional<double> number_in(const std::string& cell, bool& ok) {
  ok = true;
  if (cell.empty()) return std::nullopt;
  double value = 0;
  const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  ok = code == std::errc() && end == cell.data() + cell.size() && std::isfinite(value);
  return ok ? std::optional(value) : std::nullopt;
}

size_t column_of(const std::string& file, const TextTable& table, const std::string& name) {
  const auto it = std::find(table.header.begin(), table.header.end(), name);
  if (it != table.header.end()) return static_cast<size_t>(it - table.header.begin());
  std::string known;
  for (const std::string& column : table.header) known += (known.empty() ? "" : ", ") + column;
  const std::string near = nearest(name, table.header);
  fail(file,
       1,
       "there is no column '" + name + "'; columns: " + known +
           (near.empty() ? "" : ". Did you mean '" + near + "'?"));
}

bool has_column(const TextTable& table, const std::string& name) {
  return std::find(table.header.begin(), table.header.end(), name) != table.header.end();
}

bool all_numbers(const TextTable& table, size_t column) {
  bool any = false;
  for (const auto& row : table.rows) {
    bool ok = false;
    any |= number_in(row.cells[column], ok).has_value();
    if (!ok) return false;
  }
  return any;
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

struct TableEvaluator::Impl {
  const Space& space;
  std::string file;
  std::vector<std::pair<std::string, size_t>> columns;  ///< Metric, column.
  struct Row {
    bool exact = false;  ///< The row names the canonical form itself.
    int line = 0;
    std::map<std::string, double> values;
  };
  std::unordered_map<Architecture, Row> rows;
  bool each_form = false;
  std::unordered_map<Architecture, std::map<std::string, double>> forms;  ///< With each_form.

  void choose_columns(const TextTable& table, const TableOptions& options, size_t key) {
    for (const std::string& text : options.metrics) {
      const size_t equal = text.find('=');
      const std::string metric = trimmed(text.substr(0, equal));
      const std::string column =
          equal == std::string::npos ? metric : trimmed(text.substr(equal + 1));
      columns.emplace_back(metric, column_of(file, table, column));
    }
    if (!columns.empty()) return;
    for (size_t c = 0; c < table.header.size(); ++c)
      if (c != key && all_numbers(table, c)) columns.emplace_back(table.header[c], c);
    if (columns.empty()) fail(file, 1, "has no column of numbers");
  }

  void add(const TextTable::Row& cells, size_t key) {
    Architecture a;
    try {
      a = space.parse(cells.cells[key]);
    } catch (const Error& e) {
      fail(file, cells.line, std::string("not an architecture of this space: ") + e.what());
    }
    Row row;
    row.line = cells.line;
    for (const auto& [metric, column] : columns) {
      bool ok = false;
      const auto value = number_in(cells.cells[column], ok);
      if (!ok)
        fail(file, cells.line, metric + ": '" + cells.cells[column] + "' is not a finite number");
      if (value) row.values[metric] = *value;
    }
    if (each_form) forms.emplace(space.fix_inactive(a), row.values);
    const Architecture key_form = space.canonical(a);
    row.exact = key_form == space.fix_inactive(a);
    const auto [it, fresh] = rows.emplace(key_form, row);
    if (fresh) return;
    if (row.exact && it->second.exact && row.values != it->second.values)
      fail(file,
           cells.line,
           "repeats the architecture of line " + std::to_string(it->second.line) +
               " with other values");
    if (row.exact && !it->second.exact) it->second = std::move(row);
  }
};

TableEvaluator::TableEvaluator(const Space& space, const TableOptions& options, bool each_form)
    : impl_(new Impl{space, options.file, {}, {}, each_form, {}}) {
  std::ifstream in(options.file, std::ios::binary);
  if (!in) throw DataError(options.file + ": cannot be read (evaluator.table.file)");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) throw DataError(options.file + ": cannot be read (evaluator.table.file)");
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string::npos && (text[first] == '[' || text[first] == '{');
  const TextTable table = json ? read_json(options.file, text) : read_csv(options.file, text);
  if (table.rows.empty()) fail(options.file, 0, "has no rows");
  const std::string key_name = !options.key.empty()                ? options.key
                               : has_column(table, "architecture") ? "architecture"
                               : has_column(table, "arch")         ? "arch"
                                                                   : "architecture";
  const size_t key = column_of(options.file, table, key_name);
  impl_->choose_columns(table, options, key);
  for (const auto& row : table.rows) impl_->add(row, key);
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
        results.push_back({form->second, ""});
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

std::vector<std::string> TableEvaluator::metrics() const {
  std::vector<std::string> names;
  for (const auto& [metric, column] : impl_->columns) names.push_back(metric);
  return names;
}

std::string TableEvaluator::fidelity_json() const {
  return nlohmann::json{{"file", impl_->file}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

size_t TableEvaluator::size() const {
  return impl_->rows.size();
}

}  // namespace nas
