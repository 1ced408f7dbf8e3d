// nas bench: published tables as one indexed file that a search opens at once.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "cli/report/document.hpp"
#include "cli/validators.hpp"
#include "search/evaluators/compact_table.hpp"
#include "search/evaluators/table_text.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Convert {
  Common common;
  std::string space, out, repeats = "refuse";
  TableOptions table;
};

struct Show {
  Common common;
  std::string file;
};

Json facts_of(const CompactTable& table, const std::string& file) {
  const CompactHeader& h = table.header();
  std::error_code error;
  Json columns = Json::array();
  for (const CompactColumn& c : h.columns)
    columns.push_back({{"name", c.name}, {"unit", c.unit.empty() ? Json(nullptr) : Json(c.unit)}});
  return {{"schema", "nas-bench/1"},
          {"file", file},
          {"bytes", std::filesystem::file_size(file, error)},
          {"space", h.space},
          {"fingerprint", h.fingerprint},
          {"networks", table.networks()},
          {"rows", table.rows()},
          {"rows_repeated", h.repeated},
          {"rows_without_value", h.without_value},
          {"measurements", h.measurements},
          {"columns", columns},
          {"source", h.source},
          {"source_sha256", h.source_sha256},
          {"sha256", table.sha256()}};
}

void print_facts(const Common& common, const Json& json) {
  if (common.json) return print(json_text(json));
  Table table({"table", json["file"].get<std::string>()});
  table.row({"space", json["space"].get<std::string>()});
  table.row({"networks", std::to_string(json["networks"].get<size_t>())});
  table.row({"rows", std::to_string(json["rows"].get<size_t>())});
  if (json["measurements"].get<bool>())
    table.row({"rows of one architecture", "measurements of it: their mean counts"});
  for (const Json& column : json["columns"])
    table.row(
        {"column",
         column["name"].get<std::string>() +
             (column["unit"].is_null() ? "" : " (" + column["unit"].get<std::string>() + ")")});
  table.row({"source", json["source"].get<std::string>()});
  table.row({"SHA-256 of the source", json["source_sha256"].get<std::string>()});
  table.row({"bytes", std::to_string(json["bytes"].get<size_t>())});
  print(table.text());
}

int convert(Convert& o) {
  if (const std::string why = unreadable(o.table.file); !why.empty()) throw ConfigError(why);
  if (CompactTable::is_file(o.table.file))
    throw ConfigError(o.table.file + " is a compact table already",
                      "nas bench show " + o.table.file + " tells what it holds.");
  std::error_code error;
  if (std::filesystem::equivalent(o.table.file, o.out, error))
    throw ConfigError("the compact table would replace its source " + o.table.file,
                      "Name another file to write.");
  o.table.repeats = o.repeats == "mean" ? Repeats::kMean : Repeats::kRefuse;
  const std::unique_ptr<Space> space = load_space(o.space);
  const CompactTable read = read_text_rows(*space, o.table, /*fingerprint=*/true);
  for (const std::string& text : read.header().notes) note(o.common, o.table.file + ": " + text);
  for (const CompactColumn& column : read.header().columns)
    for (const TableNotice& notice : column.warnings)
      warning(o.table.file +
              (notice.line > 0
                   ? ":" + std::to_string(notice.line) + ":" + std::to_string(notice.column)
                   : "") +
              ": " + notice.text);
  write_whole_file(o.out, read.bytes());
  print_facts(o.common, facts_of(CompactTable::map(o.out), o.out));
  return kExitOk;
}

int show(const Show& o) {
  if (const std::string why = unreadable(o.file); !why.empty()) throw ConfigError(why);
  if (!CompactTable::is_file(o.file))
    throw DataError(o.file + ": is no compact table (nas bench convert makes one)");
  print_facts(o.common, facts_of(CompactTable::map(o.file), o.file));
  return kExitOk;
}

}  // namespace

int run_bench(const std::vector<std::string>& args) {
  CLI::App app("Tables of published values as one indexed file", "nas bench");
  app.footer(
      "nas bench convert nb201.csv nb201.nast --space nasbench201\n"
      "nas bench convert seeds.csv seeds.nast --space nasbench201 --repeats mean\n"
      "nas bench show nb201.nast");
  app.require_subcommand(1);
  Convert c;
  CLI::App& convert_app = *app.add_subcommand(
      "convert", "Make a compact file, which every command takes for the table");
  convert_app.add_option("table", c.table.file, "CSV, JSON or JSON lines; -: standard input")
      ->required();
  convert_app.add_option("out", c.out, "File to write")->required();
  convert_app.add_option("--space", c.space, "Space of its architectures")->required();
  convert_app
      .add_option("--column",
                  c.table.metrics,
                  "Column to keep, or METRIC = COLUMN; repeatable (default: every column of "
                  "numbers)")
      ->allow_extra_args(false);
  convert_app.add_option(
      "--key", c.table.key, "Column of the architectures (default: architecture or arch)");
  convert_app
      .add_option("--index-from",
                  c.table.index_from,
                  "The key numbers architectures in the order of nas space enumerate, from this")
      ->check(CLI::Range(int64_t{0}, int64_t{1000000000}));
  convert_app
      .add_option("--repeats",
                  c.repeats,
                  "Rows that name one architecture with different values: refuse, or mean (they "
                  "are measurements)")
      ->check(CLI::IsMember({"refuse", "mean"}))
      ->capture_default_str();
  add_common(convert_app, c.common, kTakesNothing);
  Show s;
  CLI::App& show_app = *app.add_subcommand("show", "What a compact file holds");
  show_app.add_option("file", s.file, "Compact table")->required();
  add_common(show_app, s.common, kTakesNothing);
  if (!parse(app, args)) return kExitOk;
  return convert_app.parsed() ? convert(c) : show(s);
}

}  // namespace nas::cli
