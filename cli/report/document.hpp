#pragma once
// Rows for people, scripts and programs: one table printed as aligned text, CSV, JSON or JSON
// lines.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace CLI {
class App;
}

namespace nas::cli {

enum class Format { kTable, kCsv, kJson, kJsonLines };
/// `--format table|markdown|csv|json|jsonl`; --json means the same as json.
void add_format(CLI::App& app, std::string& format);
Format chosen_format(const Common& common, const std::string& format);

/// Cells are JSON values; numbers are rounded for people only.
struct Rows {
  std::vector<std::string> header;
  std::vector<std::vector<nlohmann::ordered_json>> rows;
};
/// A cell as people read it: `-` for null, rounded numbers.
std::string cell_text(const nlohmann::ordered_json& cell);
/// RFC 4180, with a header, without a last line end.
std::string csv_text(const Rows& rows);
/// An object a line, without a last line end.
std::string json_lines(const Rows& rows);
/// `key`: name of the array in the JSON document, which starts as `document` ({"schema": ...}).
void print_rows(const Rows& rows,
                Format format,
                nlohmann::ordered_json document,
                const std::string& key);

/// JSON on several lines or on one. Bytes that are no UTF-8 (names of files may hold any) become
/// U+FFFD instead of ending the program.
std::string json_text(const nlohmann::ordered_json& json);
std::string json_line(const nlohmann::ordered_json& json);
/// A document of the store as JSON text with a schema, which those of earlier versions lack.
std::string document_text(const std::string& text, const std::string& kind);
/// JSON text parsed, or the text itself where it is none.
nlohmann::ordered_json parsed_or_text(const std::string& text);
/// A number, or null when it is not finite.
nlohmann::ordered_json json_number(double v);

}  // namespace nas::cli
