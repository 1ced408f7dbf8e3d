#include "cli/report/document.hpp"

#include <CLI/CLI.hpp>
#include <cmath>

#include "cli/terminal/table_style.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string dumped(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// RFC 4180. Whole numbers have no `.0`, also where they are stored with values that are none.
std::string for_csv(const Json& cell) {
  constexpr double kWhole = 9e15;
  const bool whole = cell.is_number_float() && std::abs(cell.get<double>()) < kWhole &&
                     cell.get<double>() == std::round(cell.get<double>());
  const std::string text = cell.is_null()     ? ""
                           : cell.is_string() ? cell.get<std::string>()
                           : whole            ? std::to_string(cell.get<int64_t>())
                                              : dumped(cell, -1);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::string cell_text(const Json& cell) {
  if (cell.is_null()) return "-";
  // Names and messages in a store may hold anything.
  if (cell.is_string()) return printable(cell.get<std::string>());
  if (cell.is_number_float()) return format_number(cell.get<double>(), 5);
  return dumped(cell, -1);
}

void add_format(CLI::App& app, std::string& format) {
  app.add_option("--format", format, "How results are printed: table, markdown, csv, json or jsonl")
      ->check(CLI::IsMember({"table", "markdown", "csv", "json", "jsonl"}))
      ->type_name("FORMAT")
      ->capture_default_str();
}

Format chosen_format(const Common& common, const std::string& format) {
  if (common.json || format == "json") return Format::kJson;
  if (format == "markdown") set_table_style(TableStyle::kMarkdown);
  if (format == "jsonl") return Format::kJsonLines;
  return format == "csv" ? Format::kCsv : Format::kTable;
}

std::string csv_text(const Rows& rows) {
  std::string text;
  for (size_t c = 0; c < rows.header.size(); ++c) text += (c ? "," : "") + for_csv(rows.header[c]);
  for (const auto& row : rows.rows) {
    text += "\n";
    for (size_t c = 0; c < row.size(); ++c) text += (c ? "," : "") + for_csv(row[c]);
  }
  return text;
}

namespace {

Json object_of(const Rows& rows, const std::vector<Json>& row) {
  Json entry = Json::object();
  for (size_t c = 0; c < rows.header.size(); ++c) entry[rows.header[c]] = row[c];
  return entry;
}

}  // namespace

std::string json_lines(const Rows& rows) {
  std::string text;
  for (const auto& row : rows.rows)
    text += (text.empty() ? "" : "\n") + dumped(object_of(rows, row), -1);
  return text;
}

void print_rows(const Rows& rows, Format format, Json document, const std::string& key) {
  if (format == Format::kJson) {
    Json list = Json::array();
    for (const auto& row : rows.rows) list.push_back(object_of(rows, row));
    document[key] = std::move(list);
    print(dumped(document, 2));
    return;
  }
  if (format == Format::kTable) {
    Table table(rows.header);
    for (const auto& row : rows.rows) {
      std::vector<std::string> cells;
      for (const Json& cell : row) cells.push_back(cell_text(cell));
      table.row(std::move(cells));
    }
    print(table.text());
    return;
  }
  if (format == Format::kCsv) return print(csv_text(rows));
  // No rows are no lines.
  if (!rows.rows.empty()) print(json_lines(rows));
}

std::string document_text(const std::string& text, const std::string& kind) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_object() && json.contains("schema")) return text;
  Json named{{"schema", "nas-document-" + kind + "/1"}};
  if (json.is_object())
    named.update(json);
  else
    named["document"] = json.is_discarded() ? Json(text) : json;
  return json_text(named);
}

Json parsed_or_text(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_discarded() ? Json(text) : json;
}

Json json_number(double v) {
  return std::isfinite(v) ? Json(v) : Json(nullptr);
}

std::string json_text(const Json& json) {
  return dumped(json, 2);
}

std::string json_line(const Json& json) {
  return dumped(json, -1);
}

}  // namespace nas::cli
