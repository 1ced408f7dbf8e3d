#pragma once
// What `nas evaluate` found, of networks of a run or of one exported file, and how it is told.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/report/document.hpp"

namespace nas::cli {

/// One network that was judged.
struct JudgedNetwork {
  std::string architecture;
  std::vector<double> scores;  ///< In the order of EvaluationResult::metrics; none: it failed.
  std::string error;           ///< Why it failed; "" where it did not.
  std::string weights;         ///< Which of several sets judged it; "" where there is one.
  int64_t macs = 0, params = 0;
};

struct EvaluationResult {
  std::vector<std::string> metrics;  ///< Of the task, in its order.
  std::string run, split;
  int64_t images = 0;  ///< That each network was judged on.
  bool several_weights = false;
  nlohmann::ordered_json fidelity;  ///< As the store keeps it; null for a file.
  std::string file, file_format;    ///< An exported network; "": networks of a run.
  std::string store;                ///< Where the values are kept, "" where they are not.
  std::string read_only;            ///< The store that could not take them.
  std::vector<JudgedNetwork> networks;
};

/// Schema nas-evaluate/1. A network that failed has null in place of its scores, and its error.
nlohmann::ordered_json evaluation_json(const EvaluationResult& result);
/// Plain numbers for scripts; `weights` and `error` are columns where any network has one.
Rows evaluation_rows(const EvaluationResult& result);
/// For people, in percent.
Table evaluation_table(const EvaluationResult& result);
/// Of what the values are, and where they are kept.
std::string evaluation_note(const EvaluationResult& result);
/// In that form on standard output; the note only with a table.
void print_evaluation(const EvaluationResult& result, Format format);

}  // namespace nas::cli
