#pragma once
// Whether times can be in the unit that is said, as commands ask it: by what devices can do, by the
// other rows, and by tables of the same device that are in the store.
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "hardware/checks/odd_rows.hpp"
#include "hardware/formats/format.hpp"
#include "search/store/store.hpp"

namespace nas::cli {

/// What the times are said to be.
struct SaidUnit {
  TimeUnit unit;
  std::string device;
  bool whole = false;  ///< Of whole networks.
  bool trust = false;  ///< `--trust-unit`: what is odd is a warning.
};

/// ConfigError for times that can hardly be in their unit; with `trust` a warning.
void refuse_odd_unit(const Plausibility& unit, bool trust, const std::string& file);

/// The same for a list of times, then DataError (file:line) for single ones that must be of another
/// unit than the rest; a note for those that are only odd. Returns what the list says of the
/// device.
Plausibility check_unit(const Common& common,
                        const std::vector<TimedWork>& times,
                        const SaidUnit& said,
                        const std::vector<ForeignFile>& files);

/// Why a table cannot be in its unit, by tables of the same device in `store`; "" where it can, or
/// where there is none to compare with. At most the 20 newest are read.
std::string far_from_known(const LatencyTable& table, const TimeUnit& unit, const Store& store);
/// ConfigError for that; with `trust` a warning. Nothing where `db` does not exist.
void refuse_far_from_known(const LatencyTable& table,
                           const SaidUnit& said,
                           const std::string& db,
                           const std::string& file);

/// Lines about rows that must be of another unit ("" where there are none); others are added to
/// `odd`. `place`: of a row that does not know its own.
template <typename Place>
std::string wrong_rows(const std::vector<TimedWork>& times,
                       const SaidUnit& said,
                       std::vector<std::string>& odd,
                       const Place& place) {
  constexpr size_t kNamed = 5;
  std::string text;
  size_t wrong = 0;
  for (const OddRow& row : odd_rows(times, said.whole)) {
    TimedWork time = times[row.at];
    if (row.unit && ++wrong > kNamed) continue;
    time.place = place(time);
    const std::string line = odd_row_text(row, time, said.unit);
    if (row.unit)
      text += (text.empty() ? "" : "\n") + line;
    else
      odd.push_back(line);
  }
  if (wrong > kNamed)
    text += "\nand " + std::to_string(wrong - kNamed) + " more of " + std::to_string(times.size());
  return text;
}

/// Notes about odd rows: a few in full.
void tell_odd_rows(const Common& common, const std::vector<std::string>& odd);

}  // namespace nas::cli
