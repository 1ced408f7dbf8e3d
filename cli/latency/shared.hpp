#pragma once
// What subcommands of `nas latency` share.
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "hardware/formats/format.hpp"
#include "hardware/latency_table.hpp"
#include "hardware/op_cases.hpp"

namespace nas::cli {

/// Exit code where the command ended well and something asked for lacks, or moved too far.
constexpr int kExitLacking = 3;

/// A table by id, `last` or file; the store is opened only where it is no file.
LatencyTable named_latency_table(const std::string& name, const std::string& db);

/// Keeps a table in the store under its id, which is made up where it is empty; with `out` also as
/// a file.
void keep_latency_table(LatencyTable& table, const Common& common, const std::string& out);

/// `--unit`, `--device`, `--batch`, `--dtype` (required) and `--threads`, `--governor`,
/// `--library`,
/// `--condition KEY=VALUE`: what an import has to know.
struct MeasuredUnder {
  std::string unit, device, dtype, threads, governor, library;
  int64_t batch = 0;
  bool trust_unit = false;
  std::vector<std::string> more;
};
void add_measured_under(CLI::App& app, MeasuredUnder& under);
/// `--trust-unit`: take times that can hardly be in the unit that is said.
void add_trust_unit(CLI::App& app, bool& trust);
/// ConfigError for times that can hardly be in their unit; with `trust` a warning.
void refuse_odd_unit(const Plausibility& unit, bool trust, const std::string& file);
/// The number format of `--dtype` by its one name; ConfigError with what is known.
std::string checked_dtype(const std::string& text);

/// ConfigError for a unit or a condition that is none.
ImportOptions import_options(const MeasuredUnder& under);

/// Keys of ops from a file, one a line (as `nas latency plan --budget N --out` writes them), each
/// once. DataError (file:line) for one that is not in `needed`.
std::vector<std::string> read_op_keys(const std::string& file, const SpaceOps& needed);

/// The text of a file (`-`: standard input) for the readers of hardware/formats.
ForeignFile foreign_file(const std::string& path);

/// "single ops", "kernels" or "blocks": what a table of that grouping holds.
std::string pieces_text(const std::string& grouping, size_t count);

}  // namespace nas::cli
