#include "cli/latency/results/imported.hpp"

#include <algorithm>

#include "cli/report/document.hpp"
#include "cli/terminal/suggest.hpp"
#include "spaces/base/shell_word.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

/// How rows of whole networks are used.
std::string use_of_rows(const LatencyRows& rows, const std::string& out, const std::string& space) {
  const std::string target = " --target latency_ms";
  if (rows.header.front() == "architecture")
    return "nas predict curve --data " + out + " --space " + (space.empty() ? "SPACE" : space) +
           target;
  if (rows.header.front() == "network")
    return "join them with the architectures of a space by the column `network`, then: nas predict "
           "curve --data " +
           out + " --space SPACE" + target;
  std::string features;
  for (const std::string& name : rows.header)
    if (!name.ends_with("_ms")) features += (features.empty() ? "" : ",") + name;
  return "nas predict eval --data " + out + target + " --split mod10 --features " + features;
}

std::string under_text(const MeasuredUnder& under) {
  return " on " + under.device + ", batch " + std::to_string(under.batch) + ", " +
         checked_dtype(under.dtype);
}

}  // namespace

Json table_import_json(const TableImport& imported) {
  const Imported& read = imported.read;
  const Plausibility& unit = imported.unit;
  Json document{{"schema", "nas-latency-import/1"},
                {"table", read.table ? Json(read.table->id) : Json(nullptr)},
                {"grouping", read.table ? Json(read.table->grouping) : Json(nullptr)},
                {"entries", read.table ? read.table->entries.size() : 0},
                {"rows", read.rows ? read.rows->rows.size() : 0},
                {"out", imported.out},
                {"odd_unit", unit.odd},
                {"multiply_adds_per_second", unit.rate > 0 ? Json(unit.rate) : Json(nullptr)},
                {"notes", read.notes}};
  if (imported.coverage) document["coverage"] = coverage_json(*imported.coverage);
  return document;
}

void print_table_import(const TableImport& imported,
                        const MeasuredUnder& under,
                        const Common& common) {
  const Imported& read = imported.read;
  for (const std::string& text : read.notes) note(common, text);
  if (read.rows) {
    print_prose(std::to_string(read.rows->rows.size()) + " whole networks written to " +
                imported.out);
    print_prose("next: " + use_of_rows(*read.rows, shell_word(imported.out), imported.space));
    return;
  }
  const LatencyTable& table = *read.table;
  print_prose("latency table " + table.id + ": " +
              pieces_text(table.grouping, table.entries.size()) + under_text(under) +
              (imported.unit.rate > 0 ? "; the largest run at " + format_count(imported.unit.rate) +
                                            " multiply-adds a second"
                                      : ""));
  if (imported.coverage) print_prose(coverage_text(*imported.coverage, imported.space));
  print_prose("next: " + suggested({"latency",
                                    "check",
                                    imported.space.empty() ? "SPACE" : imported.space,
                                    "--table",
                                    table.id},
                                   common));
}

Json answers_import_json(const AnswersImport& imported) {
  const WorkResults& results = imported.results;
  Json document{{"schema", "nas-latency-import-results/1"}, {"table", nullptr}, {"rows", 0}};
  if (imported.coverage) document["coverage"] = coverage_json(*imported.coverage);
  if (results.table) {
    document["table"] = results.table->id;
    document["ops"] = results.table->entries.size();
  }
  if (results.rows) document["rows"] = results.rows->rows.size();
  document["failed"] = results.failed;
  document["missing"] = results.missing;
  document["odd_unit"] = imported.odd_unit;
  return document;
}

void print_answers_import(const AnswersImport& imported,
                          const MeasuredUnder& under,
                          const Common& common) {
  const WorkResults& results = imported.results;
  const std::string& space = imported.space;
  if (results.table)
    print_prose("latency table " + results.table->id + ": " +
                pieces_text("ops", results.table->entries.size()) + under_text(under));
  if (imported.coverage) print_prose(coverage_text(*imported.coverage, space));
  if (results.rows)
    print_prose(std::to_string(results.rows->rows.size()) + " networks written to " +
                imported.rows_file + "; a predictor from them: nas predict fit --data " +
                imported.rows_file + " --space " + (space.empty() ? "SPACE" : space) +
                " --target latency_ms --out latency.json");
  for (const std::string& failed : results.failed) print_prose("failed: " + failed);
  constexpr size_t kShown = 20;
  for (size_t i = 0; i < std::min(kShown, results.missing.size()); ++i)
    print_prose("no answer: " + results.missing[i]);
  if (results.missing.size() > kShown)
    print_prose("and " + std::to_string(results.missing.size() - kShown) + " more without answer");
  if (results.table && !space.empty())
    print_prose("next: " +
                suggested({"latency", "check", space, "--table", results.table->id}, common));
}

}  // namespace nas::cli
