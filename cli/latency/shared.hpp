#pragma once
// What subcommands of `nas latency` share.
#include <functional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/latency/model.hpp"
#include "hardware/formats/format.hpp"
#include "hardware/latency_table.hpp"
#include "hardware/op_cases.hpp"

namespace nas::cli {

/// Exit code where the command ended well and something asked for lacks, or moved too far.
constexpr int kExitLacking = 3;

/// A table by id, `last` or file; the store is opened only where it is no file.
LatencyTable named_latency_table(const std::string& name, const std::string& db);

/// "0.2 ms + 3 x sum - 0.001 ms x ops, +- 4 %".
std::string calibration_text(const Calibration& calibration);

/// `NAME`, or `NAME-2` ... where the store has a table of that name.
std::string unused_table(const Store& store, const std::string& name);
/// Runs what comes after the table `id` was stored; a DataError then says that it is.
void with_stored_table(const std::string& id, const std::function<void()>& rest);
/// Writes the text of the stored table `id` to a file; nothing where `file` is "". DataError as
/// above.
void write_table_file(const std::string& file, const std::string& text, const std::string& id);

/// A note where the table names another space than `space`, whose fingerprint it has.
void tell_renamed_space(const LatencyTable& table, const Space& space, const Common& common);

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
/// What a new table has of what `space` needs; ConfigError where it has nothing of it: then its
/// times are of another space.
Coverage coverage_for(const LatencyTable& table, const Space& space, const std::string& file);
/// {"needed", "missing"}, and the same for people.
nlohmann::ordered_json coverage_json(const Coverage& coverage);
std::string coverage_text(const Coverage& coverage, const std::string& space);
/// DataError with the first row whose architecture is none of `space`; nothing where rows are of
/// plain columns.
void require_networks(const LatencyRows& rows, const Space& space, const std::string& file);
/// The number format of `--dtype` by its one name; ConfigError with what is known.
std::string checked_dtype(const std::string& text);

/// ConfigError for a unit or a condition that is none, or that has an option of its own.
ImportOptions import_options(const MeasuredUnder& under);

/// Keys of ops from a file, one a line (as `nas latency plan --budget N --out` writes them), each
/// once. DataError (file:line) for one that is not in `needed`.
std::vector<std::string> read_op_keys(const std::string& file, const SpaceOps& needed);

/// The text of a file (`-`: standard input) for the readers of hardware/formats.
ForeignFile foreign_file(const std::string& path);

/// Those of `keys` that are not said: "batch, threads and dtype"; "" where all are.
std::string unsaid(const std::map<std::string, std::string>& conditions,
                   const std::vector<std::string>& keys);
/// Warns where one of two tables whose times are to be compared says under what it was measured
/// (batch, dtype, threads), and the other does not.
void tell_unsaid(const LatencyTable& a, const LatencyTable& b, const std::string& consequence);

/// "single ops", "kernels" or "blocks": what a table of that grouping holds.
std::string pieces_text(const std::string& grouping, size_t count);

}  // namespace nas::cli
