#pragma once
// Tables of other programs. A format is one file of this folder and one row of latency_formats().
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardware/latency_table.hpp"
#include "hardware/time_unit.hpp"

namespace nas {

/// A foreign file as text. `name` is what messages call it.
struct ForeignFile {
  std::string name;
  std::string text;
};

/// Latencies of whole networks, for `nas predict` and calibration: one row each, the features or
/// the architecture first, `latency_ms` last.
struct LatencyRows {
  std::map<std::string, std::string> conditions;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};
/// CSV; conditions stand above the header as lines `# key: value`, which readers of tables skip.
std::string to_csv(const LatencyRows& rows);
/// What to_csv() wrote. DataError (file:line) for a file without a column latency_ms, or with a
/// time that is no number above 0.
LatencyRows rows_from_csv(const ForeignFile& file);
/// The conditions that stand so above the header of a CSV text, each with its line; keys in small
/// letters. DataError, with the name of the file, for one that is said twice and differs.
std::map<std::string, std::pair<std::string, int>> csv_conditions(std::string_view text,
                                                                  const std::string& file);

/// What an import must know beside the file.
struct ImportOptions {
  TimeUnit unit;
  std::map<std::string, std::string> conditions;  ///< device, batch, dtype ...
  /// What a format calls its columns -> what the file calls them.
  std::map<std::string, std::string> columns;
  bool channels_last = false;  ///< Shapes of operator tables are height, width, channels.
};

struct Imported {
  std::optional<LatencyTable> table;  ///< Of ops, kernels or blocks.
  std::optional<LatencyRows> rows;    ///< Of whole networks.
  std::vector<TimedWork> work;        ///< Its times, to judge the unit by.
  std::vector<std::string> notes;     ///< What was left out, and the like.
};

struct LatencyFormat {
  std::string name;
  std::string summary;
  /// Whether a text is of this form, told by what it holds. The first format that says yes reads
  /// it; false for all texts: it has to be named.
  bool (*recognises)(std::string_view text);
  /// DataError (file:line) for what the format does not allow: times that are no positive numbers,
  /// one key with two times, columns that are missing.
  Imported (*read)(const ForeignFile& file, const ImportOptions& options);
  /// The text of a table in this form, or null where it cannot be written; DataError for a table of
  /// another grouping.
  std::string (*write)(const LatencyTable& table) = nullptr;
  /// Names that ImportOptions::columns may have.
  std::vector<std::string> columns = {};
  /// The text of whole networks in this form, which reads back as the same rows, or null where it
  /// holds none; DataError for rows of another kind.
  std::string (*write_rows)(const LatencyRows& rows) = nullptr;
};
const std::vector<LatencyFormat>& latency_formats();

/// The format of that name, or the one that recognises the text where `name` is empty. ConfigError
/// with the nearest name, or with what was looked for.
const LatencyFormat& format_of(const std::string& name, const ForeignFile& file);

/// Reads a file, or several that make up one table (one for each resolution). DataError where a key
/// has two times, or where parts are of different kinds.
Imported import_latency(const std::vector<ForeignFile>& files,
                        const std::string& format,
                        const ImportOptions& options);

// The formats.
bool is_once_for_all(std::string_view text);
Imported read_once_for_all(const ForeignFile& file, const ImportOptions& options);
std::string write_once_for_all(const LatencyTable& table);
bool is_dynamic_ofa(std::string_view text);
Imported read_dynamic_ofa(const ForeignFile& file, const ImportOptions& options);
std::string write_dynamic_ofa(const LatencyTable& table);
bool is_fbnet(std::string_view text);
std::string write_fbnet(const LatencyTable& table);
Imported read_fbnet(const ForeignFile& file, const ImportOptions& options);
bool is_hat(std::string_view text);
Imported read_hat(const ForeignFile& file, const ImportOptions& options);
std::string write_hat(const LatencyRows& rows);
bool is_nn_meter_kernels(std::string_view text);
Imported read_nn_meter_kernels(const ForeignFile& file, const ImportOptions& options);
std::string write_nn_meter_kernels(const LatencyTable& table);
bool is_nn_meter_data(std::string_view text);
Imported read_nn_meter_data(const ForeignFile& file, const ImportOptions& options);
std::string write_nn_meter_data(const LatencyRows& rows);
bool is_hw_nas_bench(std::string_view text);
Imported read_hw_nas_bench(const ForeignFile& file, const ImportOptions& options);
std::string write_hw_nas_bench(const LatencyRows& rows);
bool is_network_csv(std::string_view text);
Imported read_network_csv(const ForeignFile& file, const ImportOptions& options);
std::string write_network_csv(const LatencyRows& rows);
bool is_operator_csv(std::string_view text);
Imported read_operator_csv(const ForeignFile& file, const ImportOptions& options);
std::string write_operator_csv(const LatencyTable& table);

}  // namespace nas
