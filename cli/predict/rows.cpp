// Tables with architectures go through TableEvaluator, so that units, repeated rows and odd values
// are judged as for a search or a ranking; plain columns through the same cells.
#include "cli/predict/rows.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "cli/predict/plain_table.hpp"
#include "cli/report/result_rows.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/validators.hpp"
#include "hardware/formats/format.hpp"
#include "search/evaluators/compact_table.hpp"
#include "search/evaluators/evaluators.hpp"
#include "search/evaluators/table_file.hpp"
#include "search/evaluators/value_check.hpp"
#include "search/store/store.hpp"
#include "spaces/base/joined.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/metric.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/arch_text.hpp"
#include "spaces/text/plain_text.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas::cli {
namespace {

using Eigen::Index;

/// The first of them, where there are many.
std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kMost = 400;
  return joined(names).substr(0, kMost);
}

[[noreturn]] void fail(const TableFile& table, const CsvCell& cell, const std::string& what) {
  fail_at(table.file, cell.line, cell.column, what);
}

/// Rows as they come; made a matrix at the end.
struct Gathered {
  std::vector<std::vector<double>> x;
  std::vector<double> y, groups;
};

void finish(PredictRows& out, const Gathered& g) {
  const auto n = static_cast<Index>(g.x.size());
  const auto p = static_cast<Index>(out.rows.features.names.size());
  out.rows.x.resize(n, p);
  out.rows.y.resize(n);
  for (Index i = 0; i < n; ++i) {
    const auto& row = g.x[static_cast<size_t>(i)];
    for (Index c = 0; c < p; ++c) out.rows.x(i, c) = row[static_cast<size_t>(c)];
    out.rows.y[i] = g.y[static_cast<size_t>(i)];
  }
  if (g.groups.empty()) return;
  out.rows.groups.resize(n);
  for (Index i = 0; i < n; ++i) out.rows.groups[i] = g.groups[static_cast<size_t>(i)];
}

// ---- Architectures.

size_t choice_of(const Space& space, const std::string& name) {
  std::vector<std::string> names;
  for (const Choice& choice : space.choices()) names.push_back(choice.name);
  const auto it = std::find(names.begin(), names.end(), name);
  if (it != names.end()) return static_cast<size_t>(it - names.begin());
  const std::string near = nearest(name, names);
  throw ConfigError("--within " + name + ": space " + space.name() + " has no such choice",
                    near.empty() ? "`nas space show` lists them." : "Did you mean " + near + "?");
}

void put_architectures(PredictRows& out,
                       const RowOptions& o,
                       const std::vector<Architecture>& list,
                       const std::vector<double>& values) {
  out.rows.features = feature_space(*out.space);
  out.rows.x = encode(*out.space, list);
  out.rows.y = Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Index>(values.size()));
  for (const Architecture& a : list) out.labels.push_back(out.space->text(a));
  if (o.within.empty()) return;
  const size_t choice = choice_of(*out.space, o.within);
  out.rows.groups.resize(static_cast<Index>(list.size()));
  for (size_t i = 0; i < list.size(); ++i)
    out.rows.groups[static_cast<Index>(i)] =
        out.space->active(list[i], choice) ? list[i].genes[choice] : -1;
}

/// Networks of a table in the order of its rows, each once.
std::vector<Architecture> in_order(const Space& space, const TableOptions& options) {
  if (CompactTable::is_file(options.file)) {
    std::vector<Architecture> list;
    std::set<Architecture> seen;
    for (const Architecture& form : forms_in_order(CompactTable::map(options.file), space))
      if (Architecture a = space.canonical(form); seen.insert(a).second)
        list.push_back(std::move(a));
    return list;
  }
  const TableFile table = read_table_file(options.file, options.key);
  ArchitectureReader reader(space);
  std::vector<Architecture> list;
  std::set<Architecture> seen;
  for (const auto& row : table.rows) {
    const std::string& text = row[table.key].text;
    Architecture a = space.canonical(
        options.index_from < 0 ? reader.read(text)
                               : reader.numbered(std::atoll(text.c_str()) - options.index_from));
    if (seen.insert(a).second) list.push_back(std::move(a));
  }
  return list;
}

std::string only_metric(const TableEvaluator& table, const std::string& file) {
  const std::vector<std::string> metrics = table.columns();
  if (metrics.size() == 1) return metrics[0];
  throw ConfigError(file + " has several columns of numbers: " + listed(metrics),
                    "Name the one to predict with --target.");
}

void read_architecture_tables(PredictRows& out,
                              const RowOptions& o,
                              const Common& common,
                              bool keep_without) {
  if (!o.features.empty())
    throw ConfigError("--features names plain columns; with --space rows are architectures",
                      "Leave out one of the two.");
  std::vector<Architecture> list;
  std::vector<double> values;
  std::set<Architecture> seen;
  for (const std::string& file : o.data) {
    TableOptions options;
    options.file = file;
    options.key = o.key;
    options.index_from = o.index_from;
    if (keep_without && o.target.empty()) {  // Only to be predicted.
      for (Architecture& a : in_order(*out.space, options))
        if (seen.insert(a).second) list.push_back(std::move(a));
      values.resize(list.size(), NAN);
      continue;
    }
    if (!o.target.empty()) options.metrics = {o.target};
    TableEvaluator table(*out.space, options);
    for (const std::string& text : table.notes()) note(common, text);
    for (const std::string& text : table.warnings()) warning(text);
    const std::string metric = only_metric(table, file);
    if (out.target.empty()) out.target = metric;
    const std::vector<Architecture> networks = in_order(*out.space, options);
    const std::vector<Evaluation> found = table.evaluate(networks);
    for (size_t i = 0; i < networks.size(); ++i) {
      const auto value = found[i].values.find(metric);
      const bool has = value != found[i].values.end();
      if (!has && !keep_without) {
        ++out.without_target;
        continue;
      }
      if (!seen.insert(networks[i]).second) continue;
      list.push_back(networks[i]);
      values.push_back(has ? value->second : NAN);
    }
  }
  put_architectures(out, o, list, values);
}

void read_run(PredictRows& out, const RowOptions& o, const Common& common, bool keep_without) {
  const Store store(common.db, Store::Mode::kRead);
  const std::optional<RunRow> run = store.run(o.run);
  if (!run)
    throw ConfigError("no run \"" + o.run + "\" in " + store.path(), runs_are_listed(store.path()));
  Binder::Raw raw;
  raw.yaml = run->space_yaml;
  out.space = open_space(raw);
  out.run = run->id;
  out.origin = "run " + run->id;
  Results results = collect_results(store, *run, {"", o.splits, o.fidelity});
  add_free_costs(results, *run, {o.target});
  size_t shown = 0;
  for (const Fidelity& f : results.fidelities) shown += f.shown && !f.json.empty();
  if (shown > 1)
    throw ConfigError("values of different fidelity are no one target",
                      "Choose one with --split or --fidelity KEY=VALUE.");
  for (const Fidelity& f : results.fidelities)
    if (f.shown && !f.json.empty()) note(common, "learnt from: " + f.text());
  if (results.entries.empty())
    throw ConfigError("run " + run->id + " has no values of architectures",
                      "nas evaluate and nas search make them.");
  out.target = o.target.empty() && !results.metrics.empty() ? results.metrics.front() : o.target;
  if (std::find(results.metrics.begin(), results.metrics.end(), out.target) ==
      results.metrics.end()) {
    const std::string near = nearest(out.target, results.metrics);
    throw ConfigError(
        "--target: no metric \"" + out.target + "\" in run " + run->id,
        near.empty() ? "It has: " + listed(results.metrics) + "." : "Did you mean " + near + "?");
  }
  ArchitectureReader reader(*out.space);
  std::vector<Architecture> list;
  std::vector<double> values;
  for (const Entry& entry : results.entries) {
    const auto value = entry.values.find(out.target);
    if (value == entry.values.end() && !keep_without) {
      ++out.without_target;
      continue;
    }
    list.push_back(reader.read(entry.architecture));
    values.push_back(value == entry.values.end() ? NAN : value->second);
  }
  put_architectures(out, o, list, values);
}

// ---- Plain columns.

/// Columns whose sum is the target: one that has the whole name, or those named with + between.
std::vector<size_t> target_columns(const TableFile& table, const std::string& target) {
  for (const CsvCell& cell : table.header)
    if (cell.text == trim(target)) return {column_of(table, std::string(trim(target)))};
  std::vector<size_t> columns;
  for (const std::string_view part : split(target, '+'))
    columns.push_back(column_of(table, std::string(trim(part))));
  return columns;
}

/// The number of a cell; percent signs are all or none in a column.
class Column {
 public:
  Column(const TableFile& table, size_t column) : table_(table), column_(column) {}
  const std::string& name() const { return table_.header[column_].text; }
  std::optional<double> at(size_t row) {
    const CsvCell& cell = table_.rows[row][column_];
    const CellValue value = value_of(cell);
    if (value.kind == CellValue::Kind::kBad) fail(table_, cell, name() + ": " + value.why);
    if (value.kind == CellValue::Kind::kNone) return std::nullopt;
    if (percent_ && *percent_ != value.percent)
      fail(table_,
           cell,
           name() + ": '" + cell.text.substr(0, 40) + "' is written " +
               (*percent_ ? "without %, those before it with" : "with %, those before it without"));
    percent_ = value.percent;
    return value.number;
  }
  bool percent() const { return percent_.value_or(false); }

 private:
  const TableFile& table_;
  size_t column_;
  std::optional<bool> percent_;
};

/// The same where none may be missing; `why` it is needed.
double needed(const TableFile& table, Column& column, size_t row, const std::string& why) {
  const auto value = column.at(row);
  if (!value)
    fail(table,
         table.rows[row][column_of(table, column.name())],
         column.name() + ": no value; " + why);
  return *value;
}

void refuse_mixed_units(const TableFile& table, const std::vector<size_t>& columns) {
  for (size_t i = 1; i < columns.size(); ++i) {
    const std::string &a = table.header[columns[0]].text, &b = table.header[columns[i]].text;
    std::vector<double> values;
    for (const auto& row : table.rows)
      if (const CellValue v = value_of(row[columns[i]]); v.kind == CellValue::Kind::kNumber)
        values.push_back(v.number);
    if (const std::string why = rename_problem(a, b, values); !why.empty())
      fail(table,
           table.header[columns[i]],
           "'" + a + "' and '" + b + "' cannot be added to one target: " + why);
  }
}

/// All columns of numbers but the targets and what looks measured with them (`left_out`).
std::vector<std::string> default_features(const TableFile& table,
                                          const std::vector<size_t>& targets,
                                          std::vector<std::string>& left_out) {
  std::vector<std::string> names;
  std::set<std::string> measured;
  for (const size_t c : targets) measured.insert(first_word(table.header[c].text));
  measured.erase("");
  for (size_t c = 0; c < table.header.size(); ++c) {
    if (std::find(targets.begin(), targets.end(), c) != targets.end()) continue;
    const std::string& name = table.header[c].text;
    if (architecture_key({name}) != nullptr)
      fail(table,
           table.header[c],
           "column '" + name +
               "' holds architectures: name their space with --space, or the columns to learn "
               "from with --features");
    if (name.empty() || !numeric(table, c)) continue;
    (measured.contains(first_word(name)) ? left_out : names).push_back(name);
  }
  if (names.empty())
    fail(table, table.header[0], "has no column of numbers besides the target to learn from");
  return names;
}

void check_target(const TableFile& table,
                  const std::string& name,
                  const std::vector<double>& y,
                  const std::vector<size_t>& rows,
                  size_t column,
                  bool percent) {
  const auto odd = odd_value(y, name, percent);
  if (!odd) return;
  const CsvCell& cell = table.rows[rows[odd->index]][column];
  const std::string text = name + ": '" + cell.text.substr(0, 40) + "' " + odd->why +
                           (odd->instead.empty() ? "" : "; write " + odd->instead);
  if (odd->certain) fail(table, cell, text);
  warning(table.file + ":" + std::to_string(cell.line) + ":" + std::to_string(cell.column) + ": " +
          text);
}

[[noreturn]] void refuse_no_target(const TableFile& table) {
  std::vector<std::string> names;
  for (const CsvCell& c : table.header) names.push_back(c.text);
  throw ConfigError(
      "which column is to be predicted is not said; " + table.file + " has: " + listed(names),
      "Name it with --target (several as A+B: their sum).");
}

void read_plain(PredictRows& out,
                const RowOptions& o,
                const Common& common,
                const Predictor* fitted) {
  Gathered all;
  for (const std::string& file : o.data) {
    const TableFile table = plain_table(file);
    if (o.target.empty() && fitted == nullptr) refuse_no_target(table);
    const std::vector<size_t> targets =
        o.target.empty() ? std::vector<size_t>{} : target_columns(table, o.target);
    refuse_mixed_units(table, targets);
    if (out.rows.features.names.empty()) {
      std::vector<std::string> left_out;
      std::vector<std::string> names = fitted != nullptr ? fitted->features().names
                                       : !o.features.empty()
                                           ? o.features
                                           : default_features(table, targets, left_out);
      if (o.features.empty() && fitted == nullptr)
        note(common,
             "learnt from: " + listed(names) + " (--features chooses)" +
                 (left_out.empty() ? ""
                                   : "; not from " + listed(left_out) +
                                         ", which by their names were measured with the target"));
      out.rows.features = feature_space(std::move(names));
    }
    std::vector<Column> columns, sums;
    std::set<std::string> once;
    for (const std::string& name : out.rows.features.names) {
      if (!once.insert(name).second)
        throw ConfigError("--features names '" + name + "' twice", "Name each column once.");
      columns.emplace_back(table, column_of(table, name));
      if (std::find(targets.begin(), targets.end(), column_of(table, name)) != targets.end())
        throw ConfigError("'" + name + "' is the target and a feature", "Leave it out of one.");
    }
    for (const size_t c : targets) sums.emplace_back(table, c);
    std::optional<Column> group;
    if (!o.within.empty()) group.emplace(table, column_of(table, o.within));
    std::vector<double> y;
    std::vector<size_t> kept;
    for (size_t r = 0; r < table.rows.size(); ++r) {
      double sum = 0;
      bool whole = !sums.empty();
      for (Column& c : sums) {
        const auto value = c.at(r);
        whole = whole && value.has_value();
        sum += value.value_or(0);
      }
      if (!whole && fitted == nullptr) {
        ++out.without_target;
        continue;
      }
      std::vector<double> row;
      for (Column& c : columns)
        row.push_back(
            needed(table, c, r, "a feature needs one in every row (--features chooses columns)"));
      all.x.push_back(std::move(row));
      all.y.push_back(whole ? sum : NAN);
      if (group) all.groups.push_back(needed(table, *group, r, "--within needs one in every row"));
      if (whole) {
        y.push_back(sum);
        kept.push_back(r);
      }
      out.labels.push_back(file + ":" + std::to_string(table.rows[r][0].line));
    }
    if (targets.size() == 1)
      check_target(table, sums[0].name(), y, kept, targets[0], sums[0].percent());
  }
  out.target = o.target;
  finish(out, all);
}

}  // namespace

namespace {

/// What rows of one target have in common: of two devices, or of two batches, they are no one
/// thing.
constexpr const char* kOneOf[] = {"device", "batch", "dtype", "threads"};

/// What the tables say alike above their headers.
void read_conditions(PredictRows& out, const RowOptions& o) {
  std::map<std::string, std::string> first;  // Which file says so, for messages.
  for (const std::string& file : o.data) {
    if (CompactTable::is_file(file)) continue;
    const auto said = csv_conditions(read_text_file(file, "a table of numbers"), file);
    const auto target = unit_in_name(out.target);
    if (const auto unit = said.find("unit"); unit != said.end() && target) {
      const auto named = time_unit(unit->second.first);
      if (named && target->kind == MetricUnit::kMilliseconds && named->to_ms(1) != target->size)
        throw DataError(file + ":" + std::to_string(unit->second.second) + ": says unit " +
                        printable(unit->second.first) + ", and the target is called '" +
                        printable(out.target) + "'");
    }
    for (const char* key : kOneOf) {
      const auto here = said.find(key);
      const auto before = out.conditions.find(key);
      if (here != said.end() && before != out.conditions.end() &&
          before->second != here->second.first)
        throw DataError(file + ":" + std::to_string(here->second.second) + ": was measured with " +
                        key + " " + printable(here->second.first) + ", and " + first[key] +
                        " with " + printable(before->second) + "; fit one predictor for each");
    }
    for (const auto& [key, value] : said)
      if (key != "unit" && out.conditions.emplace(key, value.first).second)
        first.emplace(key, file + ":" + std::to_string(value.second));
    // What is not said of all is said of none.
    std::erase_if(out.conditions, [&](const auto& c) {
      const auto here = said.find(c.first);
      return here == said.end() || here->second.first != c.second;
    });
  }
}

}  // namespace

void add_rows(CLI::App& app, RowOptions& o) {
  app.add_option("--data",
                 o.data,
                 "CSV (or JSON) with architectures, or CSV with plain columns; repeatable")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--run", o.run, "Stored values of a run instead: id, name or last")
      ->excludes("--data");
  app.add_option(
      "--target", o.target, "Column or metric to predict; of plain columns A+B is a sum");
  app.add_option("--space", o.space, "Space of the architectures in --data")->excludes("--run");
  app.add_option("--features", o.features, "Plain columns to learn from (default: all of numbers)")
      ->delimiter(',');
  app.add_option("--key", o.key, "Column of the architectures (default: architecture or arch)");
  app.add_option("--index-from",
                 o.index_from,
                 "The key numbers architectures in the order of nas space enumerate, from this")
      ->check(CLI::Range(int64_t{0}, int64_t{1000000000}));
  app.add_option("--split-of-run", o.splits, "Values of this split of the run's images")
      ->needs("--run");
  app.add_option("--fidelity", o.fidelity, "Values of this fidelity of the run (KEY=VALUE)")
      ->needs("--run");
}

PredictRows read_rows(const RowOptions& o, const Common& common, const Predictor* fitted) {
  PredictRows out;
  const bool keep_without = fitted != nullptr;
  if (o.data.empty() && o.run.empty())
    throw ConfigError("there is nothing to learn from", "Name a table with --data, or a run.");
  for (const std::string& file : o.data) {
    if (const std::string why = unreadable(file); !why.empty()) throw ConfigError("--data " + why);
    out.origin += (out.origin.empty() ? "" : ", ") + file;
  }
  if (!o.run.empty()) {
    read_run(out, o, common, keep_without);
  } else if (!o.space.empty()) {
    out.space = load_space(o.space);
    read_architecture_tables(out, o, common, keep_without);
  } else {
    if (!o.key.empty() || o.index_from >= 0)
      throw ConfigError("--key and --index-from are about architectures",
                        "Name their space with --space.");
    read_plain(out, o, common, fitted);
  }
  if (o.run.empty()) read_conditions(out, o);
  if (out.without_target > 0)
    note(common,
         std::to_string(out.without_target) +
             (out.without_target == 1 ? " row has no target and is"
                                      : " rows have no target and are") +
             " left out");
  return out;
}

}  // namespace nas::cli
