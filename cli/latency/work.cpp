// nas latency export-work and import-results: JSON lines to any runner and back.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <memory>
#include <unordered_set>

#include "cli/latency/output_file.hpp"
#include "cli/latency/results/imported.hpp"
#include "cli/latency/shared.hpp"
#include "cli/latency/subcommands.hpp"
#include "cli/latency/units.hpp"
#include "cli/report/document.hpp"
#include "cli/runs/fix.hpp"
#include "cli/runs/run_name.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/validators.hpp"
#include "hardware/formats/reading.hpp"
#include "hardware/work_lines.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/architecture_list.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

// ---- export-work

struct Work {
  Common common;
  std::string space, missing_from, only, networks, out;
  std::vector<std::string> fix;
  WorkConditions conditions;
};

/// `--networks`: a number of random ones, or a file of architectures; each once, as an id is
/// answered once.
std::vector<Architecture> networks_of(const Work& o, const Domain& domain) {
  int64_t count = 0;
  const char* end = o.networks.data() + o.networks.size();
  const auto [stop, error] = std::from_chars(o.networks.data(), end, count);
  std::vector<Architecture> list;
  std::unordered_set<Architecture> seen;
  const auto add = [&](const Architecture& a) {
    if (seen.insert(a).second) list.push_back(a);
  };
  if (error != std::errc() || stop != end) {
    for (const Architecture& a : read_architecture_file(domain.space(), o.networks)) add(a);
    return list;
  }
  if (count < 1 || count > 1'000'000)
    throw ConfigError("--networks " + o.networks + ": expected 1 to 1000000, or a file");
  if (domain.count() < count)
    throw ConfigError("--networks " + o.networks + ": " + domain.name() + " has only " +
                      domain.count().str() + " networks");
  Rng rng(o.common.seed, "latency/networks");
  constexpr const char* kDoing = "the networks were drawn";
  // Of a space that is asked for nearly whole, the last are drawn long: taken in order instead.
  for (int64_t i = 0; i < 20 * count && list.size() < static_cast<size_t>(count); ++i) {
    throw_if_stopped(kDoing);
    add(domain.sample(rng));
  }
  if (list.size() < static_cast<size_t>(count))
    domain.enumerate([&](const Architecture& a) {
      throw_if_stopped(kDoing);
      add(a);
      return list.size() < static_cast<size_t>(count);
    });
  return list;
}

struct Lines {
  std::string text;
  size_t count = 0;
  bool exact = true;
};

Lines lines_of(const Work& o, const Space& space, const Domain& domain) {
  Lines lines;
  const auto add = [&](const std::string& line) {
    throw_if_stopped("the lines of work were made");
    lines.text += line + "\n";
    ++lines.count;
  };
  if (!o.networks.empty()) {
    for (const Architecture& a : networks_of(o, domain)) add(work_line(space, a, o.conditions));
    return lines;
  }
  std::optional<LatencyTable> table;
  if (!o.missing_from.empty()) {
    table = named_latency_table(o.missing_from, o.common.db);
    if (table->grouping != "ops")
      throw ConfigError("table " + table->id + " has times of '" + table->grouping +
                        "', and work is given out in single ops");
  }
  SpaceOps ops = ops_of(domain);
  lines.exact = ops.exact();
  if (!o.only.empty()) {
    std::map<std::string, OpCase> few;
    for (const std::string& key : read_op_keys(o.only, ops)) few[key] = ops.ops.at(key);
    ops.ops = std::move(few);
  }
  for (const auto& [key, op] : ops.ops)
    if (!table || !table->entries.contains(key)) add(work_line(key, op, o.conditions));
  return lines;
}

int export_work(Work o) {
  check_output("--out", o.out, {o.space, o.missing_from, o.only, o.networks, o.common.db});
  const bool to_file = !o.out.empty() && o.out != "-";
  if (o.common.json && !to_file)
    throw ConfigError(
        "--json says what was written, and without --out the lines themselves are "
        "printed, which are JSON",
        "Add --out FILE, or leave --json out.");
  const auto space = load_space(o.space);
  const Domain domain = fixed_domain(*space, o.fix);
  if (!o.networks.empty() && !(o.missing_from.empty() && o.only.empty()))
    throw ConfigError("--networks writes whole networks, --missing-from and --only single ops",
                      "write one after the other, into two files");
  o.conditions.dtype = checked_dtype(o.conditions.dtype);
  Lines lines;
  try {
    lines = lines_of(o, *space, domain);
  } catch (const Interrupted& e) {
    throw Interrupted(std::string(e.what()) + "; nothing was written");
  }
  const auto& [text, count, exact] = lines;
  if (!to_file) {
    if (!text.empty()) print(text.substr(0, text.size() - 1));
    return kExitOk;
  }
  write_whole_file(o.out, text);
  if (o.common.json) {
    print(json_text({{"schema", "nas-latency-export-work/1"},
                     {"space", domain.name()},
                     {"out", o.out},
                     {"lines", count},
                     {"exact", exact}}));
    return kExitOk;
  }
  print_prose(std::to_string(count) + (o.networks.empty() ? " ops" : " networks") + " of " +
              domain.name() + " written to " + o.out +
              (exact ? "" : " (the ops of this space could only be sampled)"));
  if (count > 0)
    print_prose("next: answer each line (nas help latency), then " +
                suggested({"latency",
                           "import-results",
                           "ANSWERS",
                           "--work",
                           o.out,
                           "--unit",
                           "ms",
                           "--device",
                           "DEVICE",
                           "--batch",
                           std::to_string(o.conditions.batch),
                           "--dtype",
                           o.conditions.dtype},
                          o.common));
  return kExitOk;
}

// ---- import-results

struct Results {
  Common common;
  std::vector<std::string> files, work;
  std::string name, space, out, rows, add_to;
  MeasuredUnder under;
};

std::string condition(const LatencyTable& table, const char* name) {
  const auto it = table.conditions.find(name);
  return it == table.conditions.end() ? "" : it->second;
}

/// "FILE:LINE: " of the answer for an op; "FILE: " where it is not found as it is written here.
std::string place_of_answer(const std::vector<ForeignFile>& files, const std::string& key) {
  const std::string written = Json(key).dump();
  // An id ends with the key.
  const std::string_view end = std::string_view(written).substr(1);
  for (const ForeignFile& file : files)
    if (const size_t at = file.text.find("/" + std::string(end)); at != std::string::npos)
      return file.name + ":" +
             std::to_string(1 + std::count(file.text.begin(),
                                           file.text.begin() + static_cast<std::ptrdiff_t>(at),
                                           '\n')) +
             ": ";
  return files.front().name + ": ";
}

/// The entries of `old` beside those of `table`; conditions that decide about times must agree, and
/// so must times that both have.
void add_old(LatencyTable& table,
             const LatencyModel& model,
             const std::vector<ForeignFile>& files) {
  const LatencyTable& old = model.table();
  if (old.grouping != table.grouping)
    throw ConfigError("table " + old.id + " has times of '" + old.grouping +
                      "', not of single ops");
  for (const char* name : {"device", "batch", "dtype", "threads", "governor", "library"}) {
    const std::string here = condition(table, name), there = condition(old, name);
    if (!here.empty() && here != there)
      throw ConfigError("--add-to " + old.id + ": it was measured with " + name + " '" + there +
                            "', this with '" + here + "'",
                        "times of other conditions do not add up; make a table of its own");
  }
  for (const auto& [key, entry] : old.entries) {
    const auto [it, fresh] = table.entries.emplace(key, entry);
    if (!fresh && !same_time(it->second.median_ms, entry.median_ms))
      throw DataError(place_of_answer(files, key) + "`" + printable(key) + "` takes " +
                      number_text(it->second.median_ms) + " ms here, and " +
                      number_text(entry.median_ms) + " ms in table " + printable(old.id) +
                      " (--add-to); take the one that is wrong out, or make a table of its own");
  }
  std::map<std::string, std::string> conditions = old.conditions;
  // What held for the old table alone.
  for (const char* key :
       {"calibrated_from", "calibrated_with", "stopped", "ops_complete", "continued_from"})
    conditions.erase(key);
  for (const auto& [key, value] : table.conditions) conditions[key] = value;
  table.conditions = std::move(conditions);
  if (const auto& c = model.calibration())
    warning("table " + printable(old.id) + " is calibrated (latency = " + calibration_text(*c) +
            "); the new table holds times of ops only. Calibrate it anew: nas latency calibrate");
  if (!table.space.empty()) return;
  table.space = old.space;
  table.fingerprint = old.fingerprint;
}

/// New rows that are to stand beside those of `old` are judged by these: of a few ops no unit can
/// be told, of a few beside a whole table it can.
void check_beside(const std::vector<TimedWork>& rows,
                  const LatencyTable& old,
                  const SaidUnit& said,
                  const std::string& file) {
  constexpr double kFar = 50;  // As between rows of one kind (odd_rows.cpp).
  const double ratio = ratio_to_known(rows, work_of(old));
  if (ratio == 0 || (ratio < kFar && ratio > 1 / kFar)) return;
  Plausibility unit;
  unit.odd = "read in " + said.unit.name + " its times are " +
             (ratio > 1 ? format_number(ratio, 3) + " times"
                        : "1/" + format_number(1 / ratio, 3) + " of") +
             " what table " + printable(old.id) +
             " (--add-to) says of as much work; not in one "
             "unit?";
  refuse_odd_unit(unit, said.trust, file);
}

void check_files(const Results& o) {
  refuse_twice(o.files);
  std::vector<std::string> inputs = o.files;
  inputs.insert(inputs.end(), o.work.begin(), o.work.end());
  inputs.insert(inputs.end(), {o.add_to, o.space, o.common.db});
  check_output("--out", o.out, inputs);
  check_output("--rows", o.rows, inputs);
  if (!o.out.empty() && !o.rows.empty() && same_file(o.out, o.rows))
    throw ConfigError("--out and --rows name one file", "Name two.");
}

int import_results(const Results& o) {
  const ImportOptions options = import_options(o.under);
  check_files(o);
  const std::string id = checked_table_name(o.name);
  const auto space = o.space.empty() ? nullptr : load_space(o.space);
  std::vector<ForeignFile> files, work;
  for (const std::string& path : o.files) files.push_back(foreign_file(path));
  for (const std::string& path : o.work) work.push_back(foreign_file(path));
  AnswersImport found{read_results(files, options, work), {}, false, o.space, o.rows};
  WorkResults& results = found.results;
  if (!results.table && !results.rows && results.failed.empty())
    throw DataError(files.front().name + ": holds no answers");
  if (results.rows && o.rows.empty())
    throw ConfigError(files.front().name + " has times of whole networks",
                      "say where they go: --rows networks.csv");
  for (const bool whole : {false, true}) {
    const SaidUnit said{options.unit, o.under.device, whole, o.under.trust_unit};
    const Plausibility unit =
        check_unit(o.common, whole ? results.network_work : results.work, said, files);
    found.odd_unit = found.odd_unit || !unit.odd.empty();
  }
  if (results.rows && space) require_networks(*results.rows, *space, files.front().name);
  if (results.table) {
    LatencyTable& table = *results.table;
    table.id = id;
    if (space) set_space(table, *space);
    const SaidUnit said{options.unit, o.under.device, false, o.under.trust_unit};
    if (!o.add_to.empty()) {
      const LatencyModel old = named_latency(o.add_to, o.common.db).model;
      check_beside(results.work, old.table(), said, files.front().name);
      add_old(table, old, files);
    }
    refuse_far_from_known(table, said, o.common.db, files.front().name);
    if (space) found.coverage = coverage_for(table, *space, files.front().name);
    keep_latency_table(table, o.common, o.out);
  }
  if (results.rows) write_whole_file(o.rows, to_csv(*results.rows));
  if (o.common.json)
    print(json_text(answers_import_json(found)));
  else
    print_answers_import(found, o.under, o.common);
  return found.whole() ? kExitOk : kExitLacking;
}

}  // namespace

std::function<int()> add_latency_export_work(CLI::App& command) {
  CLI::App& app = *command.add_subcommand(
      "export-work", "Write ops or networks as JSON lines, for a runner on any device");
  auto o = std::make_shared<Work>();
  app.add_option("space", o->space, "Space: a name or a file")->required();
  add_fix(app, o->fix);
  app.add_option("--missing-from",
                 o->missing_from,
                 "Only ops that this latency table lacks: id (nas latency list), last or file");
  app.add_option("--only",
                 o->only,
                 "Only the ops of this file, one a line (nas latency plan --budget N --out FILE)");
  app.add_option("--networks",
                 o->networks,
                 "Whole networks instead of ops: so many random ones, or those of a file")
      ->type_name("N|FILE");
  app.add_option("--batch", o->conditions.batch, "Images at once")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--dtype", o->conditions.dtype, "Numbers of the networks")->capture_default_str();
  app.add_option("--out", o->out, "File to write; -: standard output (default)");
  add_common(app, o->common, kTakesDb | kTakesSeed);
  return [o] { return export_work(*o); };
}

std::function<int()> add_latency_import_results(CLI::App& command) {
  CLI::App& app =
      *command.add_subcommand("import-results", "Make a table of what a runner answered");
  auto o = std::make_shared<Results>();
  app.add_option("file", o->files, "Answers, JSON lines; -: standard input")->required();
  add_measured_under(app, o->under);
  app.add_option("--work", o->work, "Lines of work: what was asked for must be answered")
      ->allow_extra_args(false);
  app.add_option("--name", o->name, "Id of the table (default: made up)");
  app.add_option("--space", o->space, "The space it is for, which the table then names");
  app.add_option("--add-to",
                 o->add_to,
                 "Take in the times of this table: id (nas latency list), last or file");
  app.add_option("--out", o->out, "Also write the table to this file (JSON)");
  app.add_option("--rows", o->rows, "File for times of whole networks (CSV)");
  add_common(app, o->common);
  return [o] { return import_results(*o); };
}

}  // namespace nas::cli
