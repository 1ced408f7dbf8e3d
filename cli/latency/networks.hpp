#pragma once
// Whole networks and how long they took: read from files, measured here, or both.
#include <map>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "hardware/latency_table.hpp"
#include "hardware/measure/measure.hpp"

namespace CLI {
class App;
}

namespace nas::cli {

struct NetworkOptions {
  std::string rows, column, unit, archs, device;
  int measure = 0, threads = 0;
  bool trust_unit = false;
  MeasureOptions options{.stop = stop_requested};
  /// Whether networks are to be measured here.
  bool measures() const { return measure > 0 || !archs.empty(); }
};
/// `--measure`, `--archs`, `--rows` with `--column` and `--unit`, `--device`, `--threads`,
/// `--warmup`, `--repeats`, `--trust-unit`.
void add_networks(CLI::App& app, NetworkOptions& options);

/// Networks with their times, and under which conditions these were taken.
struct MeasuredRows {
  std::vector<Architecture> networks;
  std::vector<double> ms;
  std::vector<std::string> places;  ///< "rows.csv:5"; "" of those that were measured here.
  std::map<std::string, std::string> conditions;
  size_t asked = 0;                   ///< Networks that were read or were to be measured.
  std::vector<Architecture> missing;  ///< Those that were not, as the user stopped.
  bool stopped = false;
};
/// Those of `--rows`, and of those to be measured the ones that are not among them. `table`: whose
/// sums are to be calibrated; it says what to measure under where the options do not. ConfigError
/// where rows were measured under other conditions than are asked for, and for times that can
/// hardly be in their unit.
MeasuredRows measured_networks(const NetworkOptions& options,
                               const Common& common,
                               const Space& space,
                               const LatencyTable& table);

/// Lines `# key: value`, which readers of tables skip.
std::string conditions_as_comments(const std::map<std::string, std::string>& conditions);
/// How the networks were asked for, as words of a command that measures the rest of them as these
/// are; without `--rows`, whose file is another one then.
std::vector<std::string> words_of(const NetworkOptions& options);

}  // namespace nas::cli
