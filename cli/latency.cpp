#include "cli/latency.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "spaces/error.hpp"

namespace nas::cli {

LatencyTable open_latency_table(const Store& store, const std::string& name) {
  if (std::filesystem::is_regular_file(name)) {
    std::ifstream file(name, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    LatencyTable table = latency_table_from_json(text.str(), name);
    if (table.id.empty()) table.id = name;
    return table;
  }
  const auto row = store.latency_table(name);
  if (!row)
    throw ConfigError(
        "there is no latency table '" + name + "', neither as a file nor in " + store.path(),
        "make one with: nas measure --space SPACE");
  return latency_table_from_json(row->table_json, "latency table " + row->id);
}

}  // namespace nas::cli
