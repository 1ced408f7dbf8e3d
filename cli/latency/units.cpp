#include "cli/latency/units.hpp"

#include <algorithm>
#include <filesystem>

#include "hardware/dtype.hpp"
#include "hardware/quartiles.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

/// Devices of one name differ by less (the same board at other clocks, a laptop on battery), units
/// by a thousand.
constexpr double kFar = 50;
constexpr size_t kMostTables = 20, kFewest = 3;

/// Whether both say it, and another thing.
bool contradict(const LatencyTable& a, const LatencyTable& b, const char* key) {
  const auto x = a.conditions.find(key), y = b.conditions.find(key);
  if (x == a.conditions.end() || y == b.conditions.end()) return false;
  if (std::string_view(key) == "dtype" && !dtype_named(x->second).empty())
    return dtype_named(x->second) != dtype_named(y->second);
  return x->second != y->second;
}

/// `file:line` of a row whose reader knew the file only: where its key stands.
std::string place_in(const std::vector<ForeignFile>& files, const TimedWork& time) {
  if (time.key.empty()) return time.place;
  for (const ForeignFile& file : files) {
    if (file.name != time.place) continue;
    const size_t at = file.text.find("\"" + time.key + "\"");
    if (at == std::string::npos) continue;
    const auto end = file.text.begin() + static_cast<std::ptrdiff_t>(at);
    return file.name + ":" + std::to_string(1 + std::count(file.text.begin(), end, '\n'));
  }
  return time.place;
}

/// The median of a's times over b's; 0 where too few can be compared.
double ratio(const LatencyTable& a, const LatencyTable& b) {
  std::vector<double> ratios;
  for (const auto& [key, entry] : a.entries)
    if (const auto it = b.entries.find(key); it != b.entries.end())
      ratios.push_back(entry.median_ms / it->second.median_ms);
  if (ratios.size() < kFewest) return ratio_to_known(work_of(a), work_of(b));
  return median_of(std::move(ratios));
}

}  // namespace

void refuse_odd_unit(const Plausibility& unit, bool trust, const std::string& file) {
  if (unit.odd.empty()) return;
  const std::string text = printable(file) + ": " + unit.odd;
  if (trust) return warning(text);
  throw ConfigError(text, "Say the right unit; if the times are so, add --trust-unit.");
}

void tell_odd_rows(const Common& common, const std::vector<std::string>& odd) {
  constexpr size_t kNamed = 3;
  for (size_t i = 0; i < std::min(kNamed, odd.size()); ++i) note(common, odd[i]);
  if (odd.size() > kNamed)
    note(common, std::to_string(odd.size() - kNamed) + " more rows are odd in that way");
}

Plausibility check_unit(const Common& common,
                        const std::vector<TimedWork>& times,
                        const SaidUnit& said,
                        const std::vector<ForeignFile>& files) {
  const Plausibility unit = judge_unit(times, said.unit, said.whole, said.device);
  refuse_odd_unit(unit, said.trust, files.front().name);
  std::vector<std::string> odd;
  const std::string wrong =
      wrong_rows(times, said, odd, [&](const TimedWork& time) { return place_in(files, time); });
  tell_odd_rows(common, odd);
  if (wrong.empty()) return unit;
  if (!said.trust)
    throw DataError(wrong +
                    "\nCorrect the rows, or leave them out; if they are so, add "
                    "--trust-unit.");
  warning(wrong);
  return unit;
}

std::string far_from_known(const LatencyTable& table, const TimeUnit& unit, const Store& store) {
  const auto device = table.conditions.find("device");
  if (device == table.conditions.end()) return "";
  std::vector<LatencyTableRow> rows = store.latency_tables();
  if (rows.size() > kMostTables)
    rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(kMostTables));
  for (const LatencyTableRow& row : rows) {
    if (row.device != device->second || row.id == table.id) continue;
    LatencyTable known;
    try {
      known = latency_table_from_json(row.table_json, "latency table " + row.id);
    } catch (const DataError&) {  // Damaged, or of another version: told where it is used.
      continue;
    }
    if (known.grouping != table.grouping || known.batch() != table.batch()) continue;
    if (contradict(known, table, "dtype") || contradict(known, table, "cpu") ||
        contradict(known, table, "gpu"))
      continue;
    const double factor = ratio(table, known);
    if (factor == 0 || (factor <= kFar && factor >= 1 / kFar)) continue;
    std::string likely;
    for (const char* name : {"s", "ms", "us", "ns"}) {
      const double other = factor * time_unit(name)->to_ms(1) / unit.to_ms(1);
      if (name != unit.name && other < kFar && other > 1 / kFar) likely = name;
    }
    return "read in " + unit.name + " its times are " +
           (factor > 1 ? format_number(factor, 3) + " times"
                       : "1/" + format_number(1 / factor, 3) + " of") +
           " those of table " + printable(row.id) + ", which is of the same device (" +
           printable(device->second) + ")" +
           (likely.empty() ? "" : "; are they in " + likely + "?");
  }
  return "";
}

void refuse_far_from_known(const LatencyTable& table,
                           const SaidUnit& said,
                           const std::string& db,
                           const std::string& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(db, ignored)) return;
  Plausibility unit;
  unit.odd = far_from_known(table, said.unit, Store(db, Store::Mode::kRead));
  refuse_odd_unit(unit, said.trust, file);
}

}  // namespace nas::cli
