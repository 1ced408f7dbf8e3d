#pragma once
// Single times of a table that cannot be of the unit of the others.
#include <cstddef>
#include <string>
#include <vector>

#include "hardware/latency_table.hpp"
#include "hardware/time_unit.hpp"

namespace nas {

/// The work of what `key` names, for `batch` images, with its time.
TimedWork work_of(const std::string& key, double ms, int64_t batch, std::string place = {});
/// Of all entries, in their order.
std::vector<TimedWork> work_of(const LatencyTable& table);

/// A time that stands apart from those of the same kind of work.
struct OddRow {
  size_t at = 0;        ///< Position in the list.
  double expected = 0;  ///< ms, by the rows that are nearest in work.
  double factor = 1;    ///< Time over `expected`.
  bool unit = false;    ///< So far off that another unit is the likely cause; else odd only.
  double ms = 0;        ///< Its time.
};

/// Rows whose time is far from that of others of their kind with as much work (odd_rows.cpp says
/// how far), the farthest first; in O(n log n). Rows of unknown operators (key_check.hpp) are left
/// out. `whole`: of networks. A guess for people.
std::vector<OddRow> odd_rows(const std::vector<TimedWork>& times, bool whole = false);

/// What is said of one: "PLACE: `KEY` takes 5300 ms, 1000 times what ... ; is it in us?". `unit`:
/// of the file.
std::string odd_row_text(const OddRow& row, const TimedWork& time, const TimeUnit& unit);

/// The median of (time of a new row over what the known rows of its kind and work take); 0 where
/// fewer than three can be compared. For rows that are to stand beside others in one table.
double ratio_to_known(const std::vector<TimedWork>& rows, const std::vector<TimedWork>& known);

}  // namespace nas
