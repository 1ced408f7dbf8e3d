// JSON is brought to the columns and rows of a CSV file, with the place of each cell, so that one
// reader of architectures and values follows and its errors name line and column in either form.
#include "search/evaluators/table_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>

#include "search/evaluators/compact_table.hpp"
#include "spaces/base/sha256.hpp"
#include "spaces/error.hpp"
#include "spaces/text/arch_text.hpp"
#include "spaces/text/literal.hpp"
#include "spaces/text/plain_text.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas {
namespace {

using Kind = Literal::Kind;

constexpr const char* kForms =
    "is neither an array of objects, lines of objects nor an object of architectures and values";

/// JSON in its forms, brought to columns and rows.
class JsonTable {
 public:
  JsonTable(const std::string& file, const std::string& text, const std::string& key)
      : file_(file), text_(text), key_(key), places_(text) {}

  TableFile read() {
    out_.file = file_;
    std::vector<Literal> values;
    try {
      for (size_t at = text_.find_first_not_of(" \t\r\n"); at < text_.size();
           at = text_.find_first_not_of(" \t\r\n", at))
        values.push_back(parse_literal(text_, at));
    } catch (const LiteralError& e) {
      const auto [line, column] = places_.of(e.at);
      fail_at(file_, line, column, std::string("is not valid JSON: ") + e.what());
    }
    if (values.size() == 1 && values[0].is(Kind::kMap)) unwrap(values[0]);
    if (values.size() == 1 && values[0].is(Kind::kList)) {
      std::vector<Literal> items = std::move(values[0].items);
      values = std::move(items);
      for (const Literal& value : values)
        if (!is_record(value)) fail(value, kForms);
    }
    for (const Literal& value : values) {
      if (is_record(value))
        add_record(value);
      else
        add_map(value);
    }
    for (auto& row : out_.rows) row.resize(out_.header.size());
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const Literal& at, const std::string& what) const {
    const auto [line, column] = places_.of(position(at));
    fail_at(file_, line, column, what);
  }
  size_t position(const Literal& value) const {
    return static_cast<size_t>(value.source.data() - text_.data());
  }

  const std::string* key_of(const Literal& map) const {
    if (key_.empty()) return architecture_key(map.keys);
    const auto it = std::find(map.keys.begin(), map.keys.end(), key_);
    return it == map.keys.end() ? nullptr : &*it;
  }
  /// An object with the column of architectures; one without it is a map of architectures.
  bool is_record(const Literal& value) const {
    return value.is(Kind::kMap) && key_of(value) != nullptr;
  }
  /// {"schema": ..., "architectures": [{...}]} becomes its array.
  void unwrap(Literal& document) const {
    if (document.find("schema") == nullptr || is_record(document)) return;
    for (Literal& value : document.items)
      if (value.is(Kind::kList) && !value.items.empty() && is_record(value.items[0])) {
        Literal inner = std::move(value);
        document = std::move(inner);
        return;
      }
  }

  CsvCell cell_of(const Literal& value) const {
    const auto [line, column] = places_.of(position(value));
    if (value.is(Kind::kNull)) return {"", line, column};
    return {std::string(ArchitectureReader::text_of(value)), line, column};
  }
  void put(std::vector<CsvCell>& row, const std::string& name, CsvCell cell) {
    const auto [it, fresh] = columns_.try_emplace(name, out_.header.size());
    if (fresh) out_.header.push_back({name, cell.line, cell.column});
    if (row.size() <= it->second) row.resize(it->second + 1);
    row[it->second] = std::move(cell);
  }
  void put_all(std::vector<CsvCell>& row, const Literal& map) {
    if (const std::string* twice = doubled_key(map))
      fail(map, "the key '" + twice->substr(0, 64) + "' is given twice");
    for (size_t i = 0; i < map.keys.size(); ++i) put(row, map.keys[i], cell_of(map.items[i]));
  }

  void add_record(const Literal& record) {
    std::vector<CsvCell> row;
    put_all(row, record);
    out_.rows.push_back(std::move(row));
  }
  void add_map(const Literal& map) {
    if (!map.is(Kind::kMap)) fail(map, kForms);
    for (size_t i = 0; i < map.keys.size(); ++i) {
      const Literal& value = map.items[i];
      if (value.is(Kind::kList)) fail(value, kForms);
      std::vector<CsvCell> row;
      CsvCell name = cell_of(value);
      name.text = map.keys[i];
      put(row, key_.empty() ? "architecture" : key_, std::move(name));
      if (value.is(Kind::kMap))
        put_all(row, value);
      else
        put(row, "value", cell_of(value));
      out_.rows.push_back(std::move(row));
    }
  }

  const std::string& file_;
  const std::string& text_;
  const std::string& key_;
  TextPlaces places_;
  TableFile out_;
  std::map<std::string, size_t> columns_;
};

std::vector<std::string> names_of(const std::vector<CsvCell>& header) {
  std::vector<std::string> names;
  for (const CsvCell& cell : header) names.push_back(cell.text);
  return names;
}

std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool means_no_value(std::string text) {
  static constexpr std::array kNone = {
      "", "-", "nan", "+nan", "-nan", "na", "n/a", "<na>", "null", "none", "#n/a"};
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kNone.begin(), kNone.end(), text) != kNone.end();
}

}  // namespace

const std::vector<TableFormat>& table_formats() {
  static const std::vector<TableFormat> table = {
      {"compact",
       CompactTable::is_one,
       [](const std::string& file, const std::string& text, const std::string&) {
         return compact_cells(CompactTable::of(text, file), file);
       }},
      {"json",
       [](std::string_view text) {
         const size_t first = text.find_first_not_of(" \t\r\n");
         return first != text.npos && (text[first] == '[' || text[first] == '{');
       },
       [](const std::string& file, const std::string& text, const std::string& key) {
         return JsonTable(file, text, key).read();
       }},
      {"csv",
       [](std::string_view) { return true; },
       [](const std::string& file, const std::string& text, const std::string&) {
         Csv csv = read_csv(file, text);
         return TableFile{file, std::move(csv.header), std::move(csv.rows)};
       }},
  };
  return table;
}

TableFile read_table_file(const std::string& file,
                          const std::string& key,
                          const std::vector<TableFormat>& formats) {
  const std::string text = CompactTable::is_file(file)
                               ? bytes_of(file)
                               : read_text_file(file, "a table of architectures and values");
  const auto format = std::find_if(
      formats.begin(), formats.end(), [&](const TableFormat& f) { return f.recognises(text); });
  if (format == formats.end()) fail_at(file, 0, 0, "is in no known form of tables");
  TableFile table = format->read(file, text, key);
  if (table.rows.empty()) fail_at(file, 0, 0, "has no rows");
  const std::vector<std::string> names = names_of(table.header);
  const std::string* found = key.empty() ? architecture_key(names) : nullptr;
  table.sha256 = sha256_hex(text);
  if (CompactTable::is_one(text) && key.empty()) return table;  // Whatever its column is called.
  table.key = column_of(table, found != nullptr ? *found : key.empty() ? "architecture" : key);
  return table;
}

size_t column_of(const TableFile& table, const std::string& name) {
  const std::vector<std::string> names = names_of(table.header);
  const auto it = std::find(names.begin(), names.end(), name);
  if (it != names.end()) {
    const auto second = std::find(it + 1, names.end(), name);
    const auto at = static_cast<size_t>(second - names.begin());
    if (second != names.end())
      fail_at(table.file,
              table.header[at].line,
              table.header[at].column,
              "has two columns '" + name + "'");
    return static_cast<size_t>(it - names.begin());
  }
  std::string known;
  for (const std::string& column : names) known += (known.empty() ? "" : ", ") + column;
  const std::string near = nearest(name, names);
  fail_at(table.file,
          table.header[0].line,
          table.header[0].column,
          "there is no column '" + name + "'; columns: " + known.substr(0, 400) +
              (near.empty() ? "" : ". Did you mean '" + near + "'?") +
              (names.size() == 1 ? ". Cells are separated by commas, semicolons or tabs." : ""));
}

namespace {

/// As spreadsheets and web pages write numbers: blanks that do not break lines are blanks, the
/// minus sign of typography is a minus.
std::string plain_number(std::string text) {
  const std::pair<std::string_view, std::string_view> forms[] = {
      {"\u00a0", " "}, {"\u2007", " "}, {"\u202f", " "}, {"\u2009", " "}, {"\u2212", "-"}};
  for (const auto& [form, plain] : forms)
    for (size_t at = 0; (at = text.find(form, at)) != text.npos; at += plain.size())
      text.replace(at, form.size(), plain);
  return text;
}

}  // namespace

CellValue value_of(const CsvCell& cell) {
  const std::string plain = plain_number(cell.text);
  std::string_view text = trim(plain);
  if (means_no_value(std::string(text))) return {};
  const auto bad = [&](const std::string& what) {
    return CellValue{CellValue::Kind::kBad, 0, false, "'" + cell.text.substr(0, 40) + "' " + what};
  };
  CellValue value{CellValue::Kind::kNumber, 0, text.back() == '%', {}};
  if (value.percent) text = trim(text.substr(0, text.size() - 1));
  const bool plus = !text.empty() && text[0] == '+';
  if (plus) text.remove_prefix(1);
  const bool signs = plus && !text.empty() && (text[0] == '+' || text[0] == '-');
  const bool commas = !text.empty() && text.find(',') != text.npos &&
                      text.find_first_not_of("+-0123456789.,eE") == text.npos;
  if (commas) return bad("holds a comma; write decimals with a point and no thousands separators");
  // Through the exponent: 63.2 % is the double nearest to 0.632.
  const bool exponent = text.find_first_of("eE") != text.npos;
  const std::string digits = std::string(text) + (value.percent && !exponent ? "e-2" : "");
  const auto [end, code] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value.number);
  if (text.empty() || text.back() == 'e' || signs || code != std::errc() ||
      end != digits.data() + digits.size() || !std::isfinite(value.number))
    return bad("is not a finite number");
  value.written = value.number;
  if (value.percent && exponent)
    value.number /= 100;
  else if (value.percent)
    std::from_chars(text.data(), text.data() + text.size(), value.written);
  return value;
}

}  // namespace nas
