#include "cli/latency/results/stored.hpp"

#include "cli/terminal/suggest.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

}  // namespace

void print_stored_tables(const StoredTables& found, Format format, const Common& common) {
  Rows rows{{"id",
             "device",
             "space",
             "grouping",
             "ops",
             "batch",
             "dtype",
             "threads",
             "calibrated",
             "unstable",
             "created"},
            {}};
  for (const StoredTable& table : found.tables)
    rows.rows.push_back({table.id,
                         or_null(table.device),
                         or_null(table.space),
                         or_null(table.grouping),
                         table.ops ? Json(*table.ops) : Json(nullptr),
                         or_null(table.batch),
                         or_null(table.dtype),
                         or_null(table.threads),
                         table.calibrated,
                         table.unstable,
                         or_null(table.created)});
  if (found.tables.empty() && format == Format::kTable)
    return note(common,
                found.db + " has no latency tables; make one with: " +
                    suggested({"measure", "--space", "SPACE"}, common));
  print_rows(
      rows,
      format,
      Json{{"schema", "nas-latency-list/1"}, {"db", found.db}, {"count", found.tables.size()}},
      "tables");
}

void print_removed_tables(const RemovedTables& removed, const Common& common) {
  if (common.json)
    return print(json_text(
        {{"schema", "nas-latency-remove/1"}, {"db", removed.db}, {"removed", removed.ids}}));
  if (removed.ids.empty()) note(common, "nothing was removed");
  for (const std::string& id : removed.ids) print_prose("removed latency table " + printable(id));
}

}  // namespace nas::cli
