#include "hardware/formats/reading.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "hardware/checks/odd_rows.hpp"
#include "hardware/formats/key_check.hpp"
#include "hardware/quartiles.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"
#include "spaces/metric.hpp"

namespace nas {
namespace {

std::string lower(std::string_view text) {
  std::string low(text);
  std::transform(low.begin(), low.end(), low.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return low;
}

}  // namespace

EntryReader::EntryReader(const ForeignFile& file,
                         const ImportOptions& options,
                         std::string grouping)
    : file_(file), options_(options) {
  table_.grouping = std::move(grouping);
  table_.conditions = options.conditions;
}

void EntryReader::fail(int line, const std::string& message) const {
  throw DataError(file_.name + (line > 0 ? ":" + std::to_string(line) : "") + ": " + message);
}

std::string EntryReader::add(const std::string& given, const ForeignTime& time, int line) {
  std::string why = key_problem(given, table_.grouping), key = given;
  // Another order of attributes, more blanks: the same op, under its own name.
  if (table_.grouping == "ops") key = canonical_op_key(given, why);
  if (!why.empty())
    fail(line,
         "\"" + printable(given) + "\" is no key of '" + table_.grouping + "': " + printable(why));
  const double ms = options_.unit.to_ms(time.value);
  if (!std::isfinite(ms) || !(ms > 0))
    fail(line,
         "\"" + printable(key) + "\": " + number_text(time.value) +
             " is no time; expected a number greater than 0");
  const double deviation = options_.unit.to_ms(time.deviation);
  if (!std::isfinite(deviation) || deviation < 0)
    fail(line, "\"" + printable(key) + "\": " + number_text(time.deviation) + " is no deviation");
  const double half = std::min(kQuartileDeviations * deviation, 0.999 * ms);
  const LatencyEntry entry{
      ms, ms - half, ms + half, static_cast<int>(std::min<int64_t>(time.repeats, 1'000'000'000))};
  const auto [it, fresh] = table_.entries.emplace(key, entry);
  if (fresh) {
    lines_[key] = line;
    return key;
  }
  if (!same_time(it->second.median_ms, ms))
    fail(line,
         "\"" + printable(key) + "\" has the time " + number_text(time.value) + " " +
             options_.unit.name + " here, but another in line " + std::to_string(lines_[key]));
  ++again_;
  return key;
}

/// Readers of whole documents know lines only by reading again: then the key is looked for.
std::string EntryReader::place_of(const std::string& key) const {
  const auto it = lines_.find(key);
  if (it != lines_.end() && it->second > 0) return file_.name + ":" + std::to_string(it->second);
  return file_.name;
}

Imported EntryReader::finish(std::vector<std::string> notes) {
  if (table_.entries.empty()) fail(0, "holds no times");
  Imported result;
  for (const auto& [key, entry] : table_.entries)
    result.work.push_back(work_of(key, entry.median_ms, table_.batch(), place_of(key)));
  if (again_ > 0)
    notes.push_back(std::to_string(again_) + " row(s) stand twice with the same time");
  result.table = std::move(table_);
  result.notes = std::move(notes);
  return result;
}

bool same_time(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}

void check_unit_in_name(const ForeignFile& file,
                        const CsvCell& name,
                        const ImportOptions& options) {
  const Quantity quantity = quantity_of(name.text);
  if (quantity != Quantity::kTime && quantity != Quantity::kUnknown)
    fail_at(file.name,
            name.line,
            name.column,
            "the column '" + printable(name.text) + "' is " + quantity_text(quantity) +
                " by its name, no time");
  const auto named = unit_in_name(name.text);
  if (!named || named->kind != MetricUnit::kMilliseconds) return;
  if (same_time(named->size, options.unit.to_ms(1))) return;
  fail_at(file.name,
          name.line,
          name.column,
          "the column '" + printable(name.text) + "' says its unit, and --unit says " +
              options.unit.name);
}

void check_comments(const ForeignFile& file, const ImportOptions& options) {
  for (const auto& [key, said_in_file] : csv_conditions(file.text, file.name)) {
    auto [value, line] = said_in_file;
    const auto given = options.conditions.find(key);
    std::string said = key == "unit" ? options.unit.name : "";
    if ((key == "batch" || key == "dtype") && given != options.conditions.end())
      said = given->second;
    if (key == "unit")
      if (const auto unit = time_unit(value)) value = unit->name;
    if (!said.empty() && said != value)
      throw DataError(file.name + ":" + std::to_string(line) + ": says " + key + " " +
                      printable(value) + ", and --" + key + " says " + said);
  }
}

std::optional<double> number_of(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

double time_of_cell(const ForeignFile& file, const CsvCell& cell, const TimeUnit& unit) {
  const auto number = number_of(cell.text);
  const double ms = number ? unit.to_ms(*number) : 0;
  if (!std::isfinite(ms) || !(ms > 0))
    fail_at(file.name,
            cell.line,
            cell.column,
            "'" + printable(cell.text) + "' is no time; expected a number greater than 0");
  return ms;
}

std::optional<size_t> find_column(const Csv& csv, std::string_view name) {
  for (size_t c = 0; c < csv.header.size(); ++c)
    if (lower(csv.header[c].text) == lower(name)) return c;
  return std::nullopt;
}

std::optional<size_t> column_for(const ForeignFile& file,
                                 const Csv& csv,
                                 const ImportOptions& options,
                                 const std::string& role,
                                 const std::vector<std::string>& usual) {
  if (const auto it = options.columns.find(role); it != options.columns.end()) {
    const auto found = find_column(csv, it->second);
    if (!found)
      throw DataError(file.name + ":" +
                      std::to_string(csv.header.empty() ? 1 : csv.header.front().line) +
                      ": there is no column '" + printable(it->second) + "' (--column " + role +
                      "=...); columns: " + header_text(csv));
    return found;
  }
  for (const std::string& name : usual)
    if (const auto found = find_column(csv, name)) return found;
  return std::nullopt;
}

std::string header_text(const Csv& csv) {
  std::string text;
  for (const CsvCell& cell : csv.header) text += (text.empty() ? "" : ", ") + printable(cell.text);
  return text;
}

std::string_view first_line(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.find_first_not_of(" \t\r") != std::string_view::npos && !line.starts_with("#"))
      return line;
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return {};
}

Imported finish_rows(LatencyRows rows, std::vector<TimedWork> work, const ImportOptions& options) {
  Imported result;
  rows.conditions = options.conditions;
  result.rows = std::move(rows);
  result.work = std::move(work);
  return result;
}

size_t row_column(const LatencyRows& rows, const std::string& name, const std::string& format) {
  const auto it = std::find(rows.header.begin(), rows.header.end(), name);
  if (it != rows.header.end()) return static_cast<size_t>(it - rows.header.begin());
  const auto has = [&](const char* column) {
    return std::find(rows.header.begin(), rows.header.end(), column) != rows.header.end();
  };
  throw DataError("the form " + format + " needs a column " + name +
                  ", which these rows do not have; they can be written as " +
                  (has("architecture")        ? "hw-nas-bench or networks"
                   : has("network")           ? "nn-meter-data"
                   : has("encoder_embed_dim") ? "hat"
                                              : "none of the known forms"));
}

std::string number_text(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : value > 0 ? "inf" : "-inf";
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

}  // namespace nas
