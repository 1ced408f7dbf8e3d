#pragma once
// What `nas latency import` and `import-results` made of files of other programs, and how it is
// told.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/latency/shared.hpp"
#include "hardware/formats/format.hpp"
#include "hardware/work_lines.hpp"

namespace nas::cli {

/// A table, or rows of whole networks.
struct TableImport {
  Imported read;
  Plausibility unit;
  std::optional<Coverage> coverage;  ///< Of the space that it is for; none where none was named.
  std::string space, out;            ///< As the user names them; "" where none was.
};
/// Schema nas-latency-import/1.
nlohmann::ordered_json table_import_json(const TableImport& imported);
void print_table_import(const TableImport& imported,
                        const MeasuredUnder& under,
                        const Common& common);

/// Answers of a runner: a table, rows, and what came of no line of work.
struct AnswersImport {
  WorkResults results;
  std::optional<Coverage> coverage;
  bool odd_unit = false;
  std::string space, rows_file;  ///< As the user names them; "" where none was.
  bool whole() const { return results.failed.empty() && results.missing.empty(); }
};
/// Schema nas-latency-import-results/1.
nlohmann::ordered_json answers_import_json(const AnswersImport& imported);
void print_answers_import(const AnswersImport& imported,
                          const MeasuredUnder& under,
                          const Common& common);

}  // namespace nas::cli
