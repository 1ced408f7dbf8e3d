#pragma once
// Latency tables: measured times of ops, kernels or blocks, by their keys; the latency of a network
// is the sum over its pieces. No torch here: measuring is elsewhere, looking up is free.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hardware/grouping.hpp"
#include "spaces/domain.hpp"

namespace nas {

/// Times in milliseconds, whatever unit the file had.
struct LatencyEntry {
  double median_ms = 0;
  double low_ms = 0, high_ms = 0;  ///< Quartiles of the repeats.
  int repeats = 0;
};

struct LatencyTable {
  std::string id, space, created;
  /// Space::fingerprint() of `space`, as it was when the table was made; "" in older tables.
  std::string fingerprint;
  std::string program;  ///< What wrote it: `nas 0.2.0`; "" in older tables.
  /// The file, with the line that names the space ("phone.json:4"), for messages; "" elsewhere.
  std::string place;
  std::string unit = "ms";  ///< Of the times in its file, for messages; here they are in ms.
  /// device, threads, batch, dtype, warm-up, repeats, library versions ...
  std::map<std::string, std::string> conditions;
  /// By key; of single ops nas::signature. Ops that cost nothing (nas::is_free) have none.
  std::map<std::string, LatencyEntry> entries;
  /// What an entry covers: a name of groupings().
  std::string grouping = "ops";

  /// Whether conditions say for how many images at once the times are.
  bool states_batch() const { return conditions.contains("batch"); }
  /// Images at once in every time: conditions.batch, 1 where it is not stated.
  int64_t batch() const;
  /// Sum of the medians of all pieces of `plan`, in ms for batch() images at once. DataError names
  /// the first piece without an entry, and the nearest entries. LatencyLookup does it fast.
  double predict(const Plan& plan) const;
  /// Of groupings(); std::logic_error for a name that is none.
  const Grouping& pieces() const;
};

/// Says that `table` is of `space`, as it is now.
void set_space(LatencyTable& table, const Space& space);
/// What a table says about the space it was made for.
enum class TableSpace {
  kUnsaid,   ///< Nothing.
  kSame,     ///< This one, under this name or another.
  kChanged,  ///< One of this name that builds other networks: its file was changed since.
  kOther,    ///< Another one.
};
TableSpace space_of_table(const LatencyTable& table, const Space& space);

/// Refuses a table that cannot answer for `space`: one made for another space, or for this one when
/// it built other networks (ConfigError), or without times for some of its ops (DataError lists
/// them). What is searched is then never stopped by an op without a time, or hardly ever where the
/// ops of the space cannot be listed exactly (op_cases.hpp). `command`: how to measure one, as the
/// user should type it; `argument`: how commands take the space (a file; default: its name).
void require_fit(const LatencyTable& table,
                 const Space& space,
                 const std::string& command = {},
                 const std::string& argument = {});

/// What a table has and lacks of what a part of a space needs.
struct Coverage {
  size_t needed = 0;
  std::vector<std::string> missing;
  std::map<std::string, std::vector<std::string>> nearest;  ///< By missing key: three of the table.
  bool exact = false;  ///< False: the space may need more (op_cases.hpp).
};
Coverage coverage_of(const LatencyTable& table, const Domain& domain);

/// JSON text of schema `nas-latency-table/1`, times in ms.
std::string to_json(const LatencyTable& table);
/// Reads times in the file's `unit` (s, ms, us, ns). DataError naming `where`, line and what is
/// wrong: not JSON, another schema, no or an unknown unit, a time that is not a positive number,
/// low and high that do not enclose the median, a batch that is no whole number, a key given twice,
/// bytes that are no UTF-8.
LatencyTable latency_table_from_json(const std::string& text, const std::string& where);

/// The same sum as LatencyTable::predict, for loops over many networks: keys are numbers, each of
/// which is looked up in the table once. One thread per object; the table outlives it.
class LatencyLookup {
 public:
  explicit LatencyLookup(std::shared_ptr<const LatencyTable> table);
  double predict(const Plan& plan);

 private:
  std::shared_ptr<const LatencyTable> table_;
  const Grouping& grouping_;
  Pieces pieces_;
  KeyIndex index_;
  std::vector<double> ms_;  ///< By number of a key.
};

}  // namespace nas
