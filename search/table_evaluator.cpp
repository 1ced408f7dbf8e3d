#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "search/evaluators.hpp"
#include "spaces/error.hpp"
#include "spaces/sha256.hpp"

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

// An array of objects, or an object {"ARCHITECTURE": value or {...}, ...}.
TextTable read_json(const std::string& file, const std::string& text) {
  static const char* const kForms =
      "is neither a JSON array of objects nor an object of architectures and values";
  const auto document = nlohmann::ordered_json::parse(text, nullptr, false);
  std::vector<nlohmann::ordered_json> objects;
  if (document.is_object()) {
    for (const auto& [name, value] : document.items()) {
      if (!value.is_number() && !value.is_object() && !value.is_null()) fail(file, 0, kForms);
      nlohmann::ordered_json object{{"architecture", name}};
      if (value.is_object())
        object.update(value);
      else
        object["value"] = value;
      objects.push_back(std::move(object));
    }
  } else {
    if (!document.is_array()) fail(file, 0, kForms);
    objects.assign(document.begin(), document.end());
  }
  TextTable table;
  for (const auto& object : objects) {
    if (!object.is_object()) fail(file, 0, kForms);
    for (const auto& [key, value] : object.items())
      if (std::find(table.header.begin(), table.header.end(), key) == table.header.end())
        table.header.push_back(key);
  }
  for (const auto& object : objects) {
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
  if (it != table.header.end()) {
    if (std::find(it + 1, table.header.end(), name) != table.header.end())
      fail(file, 1, "has two columns '" + name + "'");
    return static_cast<size_t>(it - table.header.begin());
  }
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

// A column that would be of numbers but for some cells: says which is the first.
void blame_cell(const std::string& file, const TextTable& table, size_t key) {
  for (size_t c = 0; c < table.header.size(); ++c) {
    if (c == key) continue;
    size_t good = 0;
    const TextTable::Row* bad = nullptr;
    for (const auto& row : table.rows) {
      bool ok = false;
      good += number_in(row.cells[c], ok).has_value();
      if (!ok && bad == nullptr) bad = &row;
    }
    if (bad != nullptr && 2 * good >= table.rows.size())
      fail(file,
           bad->line,
           table.header[c] + ": '" + bad->cells[c].substr(0, 40) + "' is not a finite number");
  }
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
    int64_t forms = 1;  ///< Rows of the network.
    std::map<std::string, double> values;
    std::map<std::string, std::vector<double>> all;  ///< Of all its rows.
  };
  std::unordered_map<Architecture, Row> rows;
  bool each_form = false;
  struct Form {
    int line = 0;
    std::map<std::string, double> values;
  };
  std::unordered_map<Architecture, Form> forms;
  int64_t without_value = 0;  ///< Rows that name an architecture and nothing else.

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
    if (!columns.empty()) return;
    blame_cell(file, table, key);
    fail(file, 1, "has no column of numbers");
  }

  std::vector<Architecture> numbered;  ///< With index_from.
  std::string sha256 = {};    ///< Of the file: values of another content are another truth.
  int64_t index_from = -1;

  void number_architectures(int64_t from) {
    constexpr int kMost = 1000000;
    if (space.count() > kMost)
      throw ConfigError(
          "index_from: the space has " + space.count().str() + " architectures, too many to number",
          "give the architectures by their texts");
    index_from = from;
    space.enumerate([&](const Architecture& a) {
      numbered.push_back(a);
      return true;
    });
  }

  Architecture named(const std::string& text, int line) const {
    if (index_from < 0) {
      try {
        return space.parse(text);
      } catch (const Error& e) {
        fail(file, line, std::string("not an architecture of this space: ") + e.what());
      }
    }
    int64_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto count = static_cast<int64_t>(numbered.size());
    if (code != std::errc() || end != text.data() + text.size() || number < index_from ||
        number - index_from >= count)
      fail(file,
           line,
           "'" + text + "' is no number of an architecture (" + std::to_string(index_from) +
               " to " + std::to_string(index_from + count - 1) + ")");
    return numbered[static_cast<size_t>(number - index_from)];
  }

  void add(const TextTable::Row& cells, size_t key) {
    const Architecture a = named(cells.cells[key], cells.line);
    Row row;
    row.line = cells.line;
    for (const auto& [metric, column] : columns) {
      bool ok = false;
      const auto value = number_in(cells.cells[column], ok);
      if (!ok)
        fail(file, cells.line, metric + ": '" + cells.cells[column] + "' is not a finite number");
      if (value) row.values[metric] = *value;
    }
    if (row.values.empty()) {
      ++without_value;
      return;
    }
    const Architecture form = space.fix_inactive(a);
    const auto [seen, first_time] = forms.emplace(form, Form{row.line, row.values});
    if (!first_time) {
      if (seen->second.values == row.values) return;
      fail(file,
           cells.line,
           "repeats the architecture of line " + std::to_string(seen->second.line) +
               " with other values");
    }
    const Architecture network = space.canonical(a);
    row.exact = network == form;
    merge(rows.try_emplace(network).first->second, row);
  }

  // The row of the canonical form, else the mean of the others, whatever their order.
  static void merge(Row& into, const Row& row) {
    into.forms = into.line == 0 ? 1 : into.forms + 1;
    if (into.line == 0) into.line = row.line;
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
    : impl_(new Impl{space, options.file, {}, {}, each_form, {}, 0, {}}) {
  if (options.index_from >= 0) impl_->number_architectures(options.index_from);
  if (std::filesystem::is_directory(options.file))
    throw ConfigError(options.file + " is a folder; a table of architectures and values is needed",
                      "name a CSV or JSON file");
  std::ifstream in(options.file, std::ios::binary);
  if (!in)
    throw ConfigError(options.file + ": cannot be read", "name a CSV or JSON file that exists");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) throw DataError(options.file + ": cannot be read to its end");
  constexpr size_t kShort = 16;
  impl_->sha256 = sha256_hex(text).substr(0, kShort);
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
  for (const auto& [a, row] : impl_->rows) {
    facts.merged += row.forms - 1;
    for (const auto& [metric, values] : row.all) {
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      facts.largest_spread = std::max(facts.largest_spread, *high - *low);
    }
  }
  return facts;
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
