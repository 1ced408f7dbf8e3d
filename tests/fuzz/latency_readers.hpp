#pragma once
// What the fuzzer of latency tables feeds and the corpus test replays: the tables' own form with
// its calibration, every foreign form, and answers of runners. Each answers normally or throws an
// Error with a message.
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>

#include "hardware/checks/odd_rows.hpp"
#include "hardware/formats/key_check.hpp"
#include "hardware/prediction/latency_model.hpp"
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

/// What is written of rows is read as the same rows.
inline void require_rows_again(const LatencyFormat& format,
                               const LatencyRows& rows,
                               const ImportOptions& options) {
  const LatencyRows kept = rows_from_csv({"rows", to_csv(rows)});
  if (kept.header != rows.header || kept.rows != rows.rows) std::abort();
  if (format.write_rows == nullptr) return;
  const Imported again = import_latency({{"again", format.write_rows(kept)}}, format.name, options);
  if (!again.rows || again.rows->rows != rows.rows) std::abort();
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
  answers([&] {
    const LatencyModel model = latency_model_from_json(text, "fuzz.json");
    const auto& c = model.calibration();
    if (c && !(c->mean(1, 1) >= 0) && c->b * least_op_ms(model.table()) + c->c >= 0) std::abort();
    const LatencyModel again = latency_model_from_json(to_json(model), "again.json");
    if (again.calibration() != c) std::abort();
  });
  answers([&] { format_of("", {"fuzz", text}); });
  for (const LatencyFormat& format : latency_formats())
    answers([&] {
      const Imported read = import_latency({{"fuzz", text}}, format.name, options);
      if (read.table) {
        require_times(*read.table);
        if (format.write != nullptr) format.write(*read.table);
      } else {
        require_rows_again(format, *read.rows, options);
      }
      judge_unit(read.work, options.unit, read.rows.has_value(), "gpu");
      for (const OddRow& row : odd_rows(read.work, read.rows.has_value()))
        if (odd_row_text(row, read.work.at(row.at), options.unit).empty()) std::abort();
    });
  answers([&] { rows_from_csv({"fuzz", text}); });
  std::string why;
  if (const std::string key = canonical_op_key(text, why); !key.empty())
    if (!key_problem(key, "ops").empty() || canonical_op_key(key, why) != key) std::abort();
  answers([&] {
    const WorkResults results = read_results({{"fuzz", text}}, options, {{"work", text}});
    if (results.table) require_times(*results.table);
  });
}

}  // namespace nas::fuzz
