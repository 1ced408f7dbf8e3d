#pragma once
// Comparisons for people, pull requests, CI and programs.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/report/document.hpp"
#include "cli/runs/results/comparison.hpp"

namespace nas::cli {

enum class DiffFormat { kTable, kMarkdown, kCsv, kJsonLines, kJunit, kJson };

/// How the comparisons came about, for their heads.
struct DiffHead {
  std::string base, head;  ///< As the user named them.
  double level = 0.95;
  std::string limit;  ///< As given to --fail-below; "": none.
};

/// Aligned text: a row for each metric, then what was compared with what.
std::string diff_table(const DiffHead& head, const std::vector<Comparison>& comparisons);
/// A table and details, for a comment on a pull request.
std::string diff_markdown(const DiffHead& head, const std::vector<Comparison>& comparisons);
/// For CSV and JSON lines: a row for each metric, plain numbers in its unit.
Rows diff_rows(const std::vector<Comparison>& comparisons);
/// A test case for each metric; what is worse, infeasible or undecided (with a limit) fails.
std::string diff_junit(const DiffHead& head, const std::vector<Comparison>& comparisons);
/// Schema nas-diff/1.
nlohmann::ordered_json diff_json(const DiffHead& head,
                                 const std::vector<Comparison>& comparisons,
                                 int exit_code);

/// `worse by more than the limit`, `no difference shown`: what the verdict says.
std::string verdict_text(const Comparison& comparison);

}  // namespace nas::cli
