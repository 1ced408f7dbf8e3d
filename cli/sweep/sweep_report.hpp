#pragma once
// What a sweep tells: its cells with their metrics, seeds put together; what would run.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/report/document.hpp"
#include "cli/sweep/sweep_runner.hpp"

namespace nas::cli {

/// `1 cell`, `2 cells`.
std::string counted(size_t n, const std::string& one);
/// {"schema": "nas-sweep/1", name, store, folder, cells, table, failed, ...}: every cell with its
/// stages and metrics; `table` has mean and sample standard deviation over the seeds of each
/// combination.
nlohmann::ordered_json sweep_document(const SweepPlan& plan,
                                      const std::vector<StageResult>& results,
                                      const SweepPlace& place);
void print_sweep(const nlohmann::ordered_json& document);
/// For CSV and JSON lines: a row for each cell, with its seed and every metric of its stages as
/// plain numbers; `error` is a column where a cell has one.
Rows sweep_rows(const nlohmann::ordered_json& document);

/// {"schema": "nas-sweep-dry-run/1", ...}: what is done, what goes on, what runs. `seconds` of each
/// stage, NaN where nobody knows.
nlohmann::ordered_json dry_run_document(const SweepPlan& plan,
                                        const std::vector<StageState>& states,
                                        const std::vector<double>& seconds,
                                        const SweepPlace& place);
void print_dry_run(const nlohmann::ordered_json& document);
Rows dry_run_rows(const nlohmann::ordered_json& document);

}  // namespace nas::cli
