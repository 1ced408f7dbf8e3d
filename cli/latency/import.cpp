// nas latency import and export: tables of other programs.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "cli/latency/judged.hpp"
#include "cli/latency/output_file.hpp"
#include "cli/latency/results/imported.hpp"
#include "cli/latency/shared.hpp"
#include "cli/latency/subcommands.hpp"
#include "cli/latency/units.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/run_name.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/version.hpp"
#include "hardware/kernel_key.hpp"
#include "hardware/op_cases.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/registry.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const LatencyFormat& format : latency_formats()) names.push_back(format.name);
  return names;
}

struct Import {
  Common common;
  std::vector<std::string> files, columns;
  std::string format, name, space, out, layout = "nchw";
  MeasuredUnder under;
};

ImportOptions options_of(const Import& o) {
  ImportOptions options = import_options(o.under);
  options.channels_last = o.layout == "nhwc";
  for (const std::string& text : o.columns) {
    const size_t equal = text.find('=');
    if (equal == std::string::npos || equal == 0 || equal + 1 == text.size())
      throw ConfigError("--column " + text + ": expected NAME=COLUMN, such as time=avg_ms");
    options.columns[text.substr(0, equal)] = text.substr(equal + 1);
  }
  return options;
}

int import_files(const Import& o) {
  const ImportOptions options = options_of(o);
  refuse_twice(o.files);
  std::vector<std::string> inputs = o.files;
  inputs.insert(inputs.end(), {o.space, o.common.db});
  check_output("--out", o.out, inputs);
  const std::string id = checked_table_name(o.name);
  const auto space = o.space.empty() ? nullptr : load_space(o.space);
  std::vector<ForeignFile> files;
  for (const std::string& path : o.files) files.push_back(foreign_file(path));
  TableImport found{import_latency(files, o.format, options), {}, {}, o.space, o.out};
  Imported& read = found.read;
  const SaidUnit said{options.unit, o.under.device, read.rows.has_value(), o.under.trust_unit};
  found.unit = check_unit(o.common, read.work, said, files);
  if (read.rows) {
    if (o.out.empty())
      throw ConfigError(
          files.front().name + " has times of whole networks, which are kept as a file",
          "say where they go: --out networks.csv");
    if (space) require_networks(*read.rows, *space, files.front().name);
    write_whole_file(o.out, to_csv(*read.rows));
  } else {
    LatencyTable& table = *read.table;
    table.id = id;
    refuse_far_from_known(table, said, o.common.db, files.front().name);
    if (space) {
      set_space(table, *space);
      found.coverage = coverage_for(table, *space, files.front().name);
    }
    keep_latency_table(table, o.common, o.out);
  }
  if (o.common.json)
    print(json_text(table_import_json(found)));
  else
    print_table_import(found, o.under, o.common);
  return kExitOk;
}

// ---- export

struct Export {
  Common common;
  std::string table, format = "nas", space, out;
};

/// Pieces of a space in one of the groupings, each the sum of its ops in the table.
LatencyTable in_pieces(const LatencyTable& table,
                       const Space& space,
                       const std::vector<std::string>& wanted) {
  for (const std::string& name : wanted) {
    const Grouping& grouping = *find_grouping(name);
    const SpaceOps pieces_of = ops_of(space, grouping);
    LatencyTable sums = table;
    sums.grouping = name;
    sums.entries.clear();
    if (name != "fused" && !all_blocks(pieces_of)) continue;
    for (const auto& [key, block] : pieces_of.ops) {
      Pieces pieces;
      op_grouping().split(*block.plan, pieces);
      LatencyEntry sum;
      sum.repeats = 1'000'000'000;
      for (size_t i = 0; i < pieces.size(); ++i) {
        const int32_t node = pieces.nodes(i)[0];
        if (std::find(block.nodes.begin(), block.nodes.end(), node) == block.nodes.end()) continue;
        const std::string op = op_grouping().text(*block.plan, pieces, i);
        const auto it = table.entries.find(op);
        if (it == table.entries.end())
          throw DataError("table " + table.id + " has no time for the op `" + op +
                          "` of the piece " + key);
        sum.median_ms += it->second.median_ms;
        sum.low_ms += it->second.low_ms;
        sum.high_ms += it->second.high_ms;
        sum.repeats = std::min(sum.repeats, it->second.repeats);
      }
      sums.entries[key] = sum;
    }
    return sums;
  }
  throw no_blocks(space);
}

/// nas's own form: all that the table says, with its calibration, what that was learnt from, and
/// details of ops. Of a file in another unit what is read of it, in ms.
std::string own_form(NamedLatency& named) {
  LatencyTable& table = named.model.table();
  const Json json = Json::parse(named.text);
  if (table.unit == "ms" && json.value("id", "") == table.id) return json.dump(1);
  if (table.program.empty()) table.program = program_text();
  const LatencyCheck check = check_of(json);
  const std::string text = to_json(named.model);
  return check.networks.empty() ? text : with_check(text, check);
}

/// Names of the formats that hold tables, or whole networks.
std::string formats_of(bool rows) {
  std::string names;
  for (const LatencyFormat& format : latency_formats())
    if (rows ? format.write_rows != nullptr : format.write != nullptr)
      names += (names.empty() ? rows ? "" : "nas, " : ", ") + format.name;
  return names;
}

/// `--table` where it is no table but a file of whole networks, as `import` writes it.
std::optional<LatencyRows> rows_file(const std::string& name) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(name, ignored)) return std::nullopt;
  const ForeignFile file = foreign_file(name);
  const size_t first = file.text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || file.text[first] == '{') return std::nullopt;
  return rows_from_csv(file);
}

/// The whole networks that a table keeps: what it was calibrated on, or checked with.
LatencyRows rows_of(const NamedLatency& named, const std::string& format) {
  const LatencyTable& table = named.model.table();
  const LatencyCheck check = check_of(Json::parse(named.text));
  if (check.networks.empty())
    throw ConfigError("table " + printable(table.id) + " holds times of " +
                          pieces_text(table.grouping, table.entries.size()) + ", and the form " +
                          format + " holds whole networks",
                      "Its times can be written as " + formats_of(false) +
                          "; whole networks come from nas latency calibrate (the calibrated table "
                          "keeps them) or from nas latency import (the file that --out names).");
  LatencyRows rows{table.conditions, {"architecture", "latency_ms"}, {}};
  for (size_t i = 0; i < check.networks.size(); ++i)
    rows.rows.push_back({check.networks[i], Json(check.measured_ms[i]).dump()});
  return rows;
}

/// Text in a form of whole networks.
std::string rows_text(const Export& o, const LatencyFormat& format, const LatencyRows& rows) {
  const std::string text = format.write_rows(rows);
  const auto has = [&](const char* name) {
    return std::find(rows.header.begin(), rows.header.end(), name) != rows.header.end();
  };
  if (has("low_ms")) note(o.common, "the quartiles low_ms and high_ms have no place in this form");
  if (format.name == "nn-meter-data")
    note(o.common, "graphs are not known here: each line has an empty one");
  return text;
}

struct Written {
  std::string text, id, grouping;
  size_t entries = 0, rows = 0;
  bool calibrated = false;
};

Written table_text(const Export& o, NamedLatency named, const LatencyFormat* format) {
  LatencyTable& table = named.model.table();
  const bool own = format == nullptr;
  if (const auto& c = named.model.calibration(); c && !own)
    warning("table " + printable(table.id) + " is calibrated (latency = " + calibration_text(*c) +
            "), which the form " + o.format +
            " cannot say: its times are the raw ones, and their sums not what whole networks take");
  Written written;
  if (own) {
    written.text = own_form(named) + "\n";
  } else {
    const bool blocks = format->name == "once-for-all" || format->name == "dynamic-ofa";
    if (table.grouping == "ops" && !o.space.empty() &&
        (blocks || format->name == "nn-meter-kernels"))
      table = in_pieces(table,
                        *load_space(o.space),
                        blocks ? std::vector<std::string>{"ofa-mobilenetv3", "ofa-proxyless"}
                               : std::vector<std::string>{"fused"});
    written.text = format->write(table);
  }
  written.id = table.id;
  written.grouping = table.grouping;
  written.entries = table.entries.size();
  written.calibrated = own && named.model.calibration().has_value();
  return written;
}

Written written_as(const Export& o) {
  const LatencyFormat* format = o.format == "nas" ? nullptr : &format_of(o.format, {});
  const bool wants_rows = format != nullptr && format->write_rows != nullptr;
  if (const auto rows = rows_file(o.table)) {
    if (!wants_rows)
      throw ConfigError(printable(o.table) + " holds whole networks, and the form " + o.format +
                            " holds times of ops, kernels or blocks",
                        "Name a form of whole networks: --format " + formats_of(true) + ".");
    return {rows_text(o, *format, *rows), o.table, "", 0, rows->rows.size()};
  }
  NamedLatency named = named_latency(o.table, o.common.db);
  if (!wants_rows) return table_text(o, std::move(named), format);
  const LatencyRows rows = rows_of(named, o.format);
  return {rows_text(o, *format, rows), named.model.table().id, "", 0, rows.rows.size()};
}

int export_table(const Export& o) {
  check_output("--out", o.out, {o.table, o.space, o.common.db});
  const bool to_file = !o.out.empty() && o.out != "-";
  if (o.common.json && !to_file && o.format != "nas")
    throw ConfigError("--json says what was written, and without --out the table itself is printed",
                      "Add --out FILE, or leave --json out.");
  const Written written = written_as(o);
  if (!to_file) return print(written.text.substr(0, written.text.size() - 1)), kExitOk;
  write_whole_file(o.out, written.text);
  if (o.common.json) {
    Json document{{"schema", "nas-latency-export/1"},
                  {"table", written.id},
                  {"format", o.format},
                  {"grouping", written.grouping},
                  {"entries", written.entries},
                  {"calibrated", written.calibrated},
                  {"out", o.out}};
    if (written.rows > 0) document["rows"] = written.rows;
    print(json_text(document));
  } else if (written.rows > 0) {
    print_prose(std::to_string(written.rows) + " whole networks of " + printable(written.id) +
                " written to " + o.out);
  } else {
    print_prose("table " + written.id + ": " + pieces_text(written.grouping, written.entries) +
                " written to " + o.out);
  }
  return kExitOk;
}

}  // namespace

std::function<int()> add_latency_import(CLI::App& command) {
  CLI::App& app = *command.add_subcommand("import", "Read a table of another program");
  auto o = std::make_shared<Import>();
  app.add_option("file", o->files, "Files of one table; -: standard input")->required();
  app.add_option("--format", o->format, "Form of the files (default: told by what they hold)")
      ->check(CLI::IsMember(format_names()))
      ->type_name("FORMAT");
  add_measured_under(app, o->under);
  app.add_option("--column",
                 o->columns,
                 "NAME=COLUMN: what a format calls a column, and what the file calls it; "
                 "repeatable")
      ->type_name("NAME=COLUMN")
      ->allow_extra_args(false);
  app.add_option("--layout", o->layout, "Order of sizes in shapes of operator tables")
      ->check(CLI::IsMember({"nchw", "nhwc"}))
      ->capture_default_str();
  app.add_option("--name", o->name, "Id of the table (default: made up)");
  app.add_option("--space", o->space, "The space it is for, which the table then names");
  app.add_option("--out",
                 o->out,
                 "Also write the table to this file (JSON); of whole networks, the CSV to write");
  add_common(app, o->common);
  return [o] { return import_files(*o); };
}

std::function<int()> add_latency_export(CLI::App& command) {
  CLI::App& app = *command.add_subcommand("export", "Write a table in the form of another program");
  auto o = std::make_shared<Export>();
  std::vector<std::string> names{"nas"};
  for (const LatencyFormat& format : latency_formats()) names.push_back(format.name);
  app.add_option("table",
                 o->table,
                 "Latency table: id (nas latency list), last or file; or a CSV of whole networks "
                 "(import --out)")
      ->required();
  app.add_option("--format", o->format, "Form to write")
      ->check(CLI::IsMember(names))
      ->type_name("FORMAT")
      ->capture_default_str();
  app.add_option(
      "--space", o->space, "Whose blocks or kernels are added up from a table of single ops");
  app.add_option("--out", o->out, "File to write; -: standard output (default)");
  add_common(app, o->common);
  return [o] { return export_table(*o); };
}

}  // namespace nas::cli
