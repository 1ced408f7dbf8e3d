#pragma once
// What `nas latency plan` and `nas latency check` found, and how it is told.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/report/document.hpp"
#include "hardware/checks/odd_rows.hpp"
#include "hardware/latency_table.hpp"
#include "hardware/op_cases.hpp"
#include "hardware/prediction/choose.hpp"

namespace nas::cli {

/// A distinct piece of work of a space.
struct PlannedOp {
  std::string key;
  double networks_percent = 0;  ///< Of the networks looked at, those that have it.
  double uses = 0;              ///< Times that such a network has it, in the mean.
  double macs = 0;
  std::string needs;               ///< Options that bring it about.
  std::optional<double> table_ms;  ///< None: the table lacks it, or there is no table.
};

struct OpPlan {
  std::string space, grouping;
  SpaceOps::How how = SpaceOps::How::kSampled;
  int64_t built = 0, looked_at = 0;  ///< See SpaceOps.
  std::string table;                 ///< Id of the table that it is held against; "": none.
  std::vector<PlannedOp> ops;
  bool exact() const { return how != SpaceOps::How::kSampled; }
  size_t lacking() const;
};
/// In that form on standard output (JSON: schema nas-latency-plan/1); with a table also in words.
void print_op_plan(const OpPlan& plan, Format format);

/// The ops or networks that tell most about all others, best first.
struct FewChosen {
  std::string space, grouping;
  std::string what;               ///< ops or networks.
  std::string named, table, out;  ///< The space and files as the user named them; "": none.
  int budget = 0;
  std::vector<std::string> list;  ///< Keys or architectures.
  Candidates among;               ///< Of networks: those that were looked at.
  bool ops() const { return what == "ops"; }
};
/// One a line, without a last line end.
std::string lines_of(const FewChosen& few);
/// Schema nas-latency-plan/1.
nlohmann::ordered_json few_chosen_json(const FewChosen& few);
/// The list, or where it was written and what may be done with it.
void print_few_chosen(const FewChosen& few, const Common& common);

/// Whether a search would take a table for a space.
struct TableCheck {
  std::string domain;  ///< The space, or the part of it.
  Coverage coverage;
  TableSpace made_for = TableSpace::kUnsaid;
  const LatencyTable& table;
  std::vector<TimedWork> work;       ///< Of its rows,
  std::vector<OddRow> odd;           ///< and those that no other row of the kind bears out.
  std::vector<std::string> unknown;  ///< Keys of no operator that is known here: not compared.
  /// Where a search would refuse it.
  bool refused() const;
};
/// Schema nas-latency-check/1.
nlohmann::ordered_json table_check_json(const TableCheck& check);
/// `named`, `table_named`, `fix`: space, table and part of the space as the user said them. Of the
/// ops that lack the first `most` are named (0: all).
void print_table_check(const TableCheck& check,
                       const Space& space,
                       const std::string& named,
                       const std::string& table_named,
                       const std::vector<std::string>& fix,
                       size_t most,
                       const Common& common);

}  // namespace nas::cli
