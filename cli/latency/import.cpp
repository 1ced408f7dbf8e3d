// nas latency import and export: tables of other programs.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/latency/judged.hpp"
#include "cli/latency/output_file.hpp"
#include "cli/latency/results/imported.hpp"
#include "cli/latency/shared.hpp"
#include "cli/latency/subcommands.hpp"
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
  const std::string id = checked_name(o.name);
  const auto space = o.space.empty() ? nullptr : load_space(o.space);
  std::vector<ForeignFile> files;
  for (const std::string& path : o.files) files.push_back(foreign_file(path));
  TableImport found{import_latency(files, o.format, options), {}, {}, o.space, o.out};
  Imported& read = found.read;
  found.unit = judge_unit(read.work, options.unit, read.rows.has_value(), o.under.device);
  refuse_odd_unit(found.unit, o.under.trust_unit, files.front().name);
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

/// Blocks of a space, each the sum of its ops in the table.
LatencyTable in_blocks(const LatencyTable& table, const Space& space) {
  for (const char* name : {"ofa-mobilenetv3", "ofa-proxyless"}) {
    const Grouping& grouping = *find_grouping(name);
    const SpaceOps blocks = ops_of(space, grouping);
    LatencyTable sums = table;
    sums.grouping = name;
    sums.entries.clear();
    OfaBlock ignored;
    const bool all = std::all_of(blocks.ops.begin(), blocks.ops.end(), [&](const auto& block) {
      return read_ofa_key(block.first, ignored);
    });
    if (!all) continue;
    for (const auto& [key, block] : blocks.ops) {
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
                          "` of the block " + key);
        sum.median_ms += it->second.median_ms;
        sum.low_ms += it->second.low_ms;
        sum.high_ms += it->second.high_ms;
        sum.repeats = std::min(sum.repeats, it->second.repeats);
      }
      sums.entries[key] = sum;
    }
    return sums;
  }
  throw ConfigError("the networks of '" + space.name() +
                    "' do not fall into blocks that once-for-all's tables have keys for");
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

int export_table(const Export& o) {
  check_output("--out", o.out, {o.table, o.space, o.common.db});
  const bool to_file = !o.out.empty() && o.out != "-";
  if (o.common.json && !to_file && o.format != "nas")
    throw ConfigError("--json says what was written, and without --out the table itself is printed",
                      "Add --out FILE, or leave --json out.");
  NamedLatency named = named_latency(o.table, o.common.db);
  LatencyTable& table = named.model.table();
  std::string text;
  if (o.format == "nas") {
    text = own_form(named) + "\n";
  } else {
    if (const auto& c = named.model.calibration())
      warning(
          "table " + printable(table.id) + " is calibrated (latency = " + calibration_text(*c) +
          "), which the form " + o.format +
          " cannot say: its times are the raw ones, and their sums not what whole networks take");
    const LatencyFormat& format = format_of(o.format, {});
    if (format.write == nullptr)
      throw ConfigError("tables are not written as " + format.name + ", only read",
                        "known: nas, once-for-all, dynamic-ofa, operators");
    const bool blocks = format.name == "once-for-all" || format.name == "dynamic-ofa";
    if (blocks && table.grouping == "ops" && !o.space.empty())
      table = in_blocks(table, *load_space(o.space));
    text = format.write(table);
  }
  if (!to_file) return print(text.substr(0, text.size() - 1)), kExitOk;
  write_whole_file(o.out, text);
  if (o.common.json)
    print(json_text({{"schema", "nas-latency-export/1"},
                     {"table", table.id},
                     {"format", o.format},
                     {"grouping", table.grouping},
                     {"entries", table.entries.size()},
                     {"calibrated", o.format == "nas" && named.model.calibration().has_value()},
                     {"out", o.out}}));
  else
    print_prose("table " + table.id + ": " + pieces_text(table.grouping, table.entries.size()) +
                " written to " + o.out);
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
  for (const LatencyFormat& format : latency_formats())
    if (format.write != nullptr) names.push_back(format.name);
  app.add_option("table", o->table, "Latency table: id, last or file")->required();
  app.add_option("--format", o->format, "Form to write")
      ->check(CLI::IsMember(names))
      ->type_name("FORMAT")
      ->capture_default_str();
  app.add_option("--space", o->space, "Whose blocks are added up from a table of single ops");
  app.add_option("--out", o->out, "File to write; -: standard output (default)");
  add_common(app, o->common);
  return [o] { return export_table(*o); };
}

}  // namespace nas::cli
