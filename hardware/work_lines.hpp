#pragma once
// Work for other runners, as JSON lines: what is to be timed, one op or one whole network a line,
// and the answers. Any program that reads JSON can answer; `nas help latency` describes both.
#include <map>
#include <string>
#include <vector>

#include "hardware/formats/format.hpp"
#include "hardware/op_cases.hpp"

namespace nas {

/// What holds for all lines of a file.
struct WorkConditions {
  int64_t batch = 1;
  std::string dtype = "float32";
};

/// One line, without its end: the id (which says all that an answer is for), the op with its
/// attributes, the shapes of its inputs and of its output with the batch in front.
std::string work_line(const std::string& key, const OpCase& op, const WorkConditions& conditions);
/// The same for a whole network: its layers in order.
std::string work_line(const Space& space, const Architecture& a, const WorkConditions& conditions);

/// What an id says.
struct WorkId {
  bool network = false;
  int64_t batch = 1;
  std::string dtype;
  std::string what;  ///< Key of an op; text of an architecture.
};
std::string id_text(const WorkId& id);
/// False for a text that is no such id.
bool read_id(const std::string& text, WorkId& id);

/// Answers of all files: ops as a table, networks as rows; nothing where there are none.
struct WorkResults {
  std::optional<LatencyTable> table;
  std::optional<LatencyRows> rows;
  std::vector<TimedWork> work, network_work;
  std::vector<std::string> failed;   ///< "ID: what the runner said".
  std::vector<std::string> missing;  ///< Of `asked`: those without an answer.
};
/// Reads lines {"id", "time"} or {"id", "times": [...]}, optionally with "low", "high", "repeats",
/// or {"id", "error"}. `options.conditions` has batch and dtype. `asked`: lines of work that were
/// asked for, or empty. DataError (file:line) for a line that is no such object, an id that was not
/// asked for or is none, another batch or dtype than the options say, a time that is no positive
/// number, and an id that is answered twice.
WorkResults read_results(const std::vector<ForeignFile>& files,
                         const ImportOptions& options,
                         const std::vector<ForeignFile>& asked = {});

}  // namespace nas
