#pragma once
// What the fuzzer of latency tables feeds and the corpus test replays: the tables' own form, every
// foreign form, and answers of runners. Each answers normally or throws an Error with a message.
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>

#include "hardware/work_lines.hpp"
#include "spaces/error.hpp"

namespace nas::fuzz {

inline void require_times(const LatencyTable& table) {
  if (table.entries.empty()) std::abort();
  for (const auto& [key, entry] : table.entries)
    if (!(entry.low_ms > 0) || !(entry.low_ms <= entry.median_ms) ||
        !(entry.median_ms <= entry.high_ms) || !std::isfinite(entry.high_ms))
      std::abort();
}

inline void read_latency(std::string_view bytes) {
  const std::string text(bytes);
  ImportOptions options;
  options.conditions = {{"device", "fuzz"}, {"batch", "1"}, {"dtype", "float32"}};
  const auto answers = [](auto&& reader) {
    try {
      reader();
    } catch (const Error& e) {
      if (std::string(e.what()).empty()) std::abort();
    }
  };
  answers([&] {
    const LatencyTable table = latency_table_from_json(text, "fuzz.json");
    require_times(table);
    const LatencyTable again = latency_table_from_json(to_json(table), "again.json");
    if (again.entries.size() != table.entries.size()) std::abort();
  });
  answers([&] { format_of("", {"fuzz", text}); });
  for (const LatencyFormat& format : latency_formats())
    answers([&] {
      const Imported read = import_latency({{"fuzz", text}}, format.name, options);
      if (read.table) {
        require_times(*read.table);
        if (format.write != nullptr) format.write(*read.table);
      } else {
        to_csv(*read.rows);
      }
      judge_unit(read.work, options.unit, read.rows.has_value(), "gpu");
    });
  answers([&] {
    const WorkResults results = read_results({{"fuzz", text}}, options, {{"work", text}});
    if (results.table) require_times(*results.table);
  });
}

}  // namespace nas::fuzz
