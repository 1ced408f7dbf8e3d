// Whole networks with their times: HW-NAS-Bench's tables exported as CSV (a column for each
// device), and any CSV with an architecture and a latency, as DyNAS writes them.
#include <algorithm>
#include <cctype>
#include <map>

#include "hardware/formats/reading.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

const std::vector<std::string>& architecture_names() {
  static const std::vector<std::string> names = {
      "architecture", "arch", "arch_str", "sub-network", "config", "network"};
  return names;
}

bool ends_with_latency(std::string_view name) {
  constexpr std::string_view kEnding = "_latency";
  return name.size() > kEnding.size() && name.ends_with(kEnding);
}

Imported read(const ForeignFile& file,
              const ImportOptions& options,
              const Csv& csv,
              size_t architecture,
              size_t latency) {
  check_comments(file, options);
  check_unit_in_name(file, csv.header[latency], options);
  LatencyRows rows{{}, {"architecture", "latency_ms"}, {}};
  std::vector<TimedWork> work;
  std::map<std::string, const CsvCell*> seen;
  for (const auto& cells : csv.rows) {
    const CsvCell& name = cells[architecture];
    if (name.text.empty()) fail_at(file.name, name.line, name.column, "there is no architecture");
    const double ms = time_of_cell(file, cells[latency], options.unit);
    const auto [it, fresh] = seen.emplace(name.text, &cells[latency]);
    if (!fresh && it->second->text != cells[latency].text)
      fail_at(file.name,
              cells[latency].line,
              cells[latency].column,
              "'" + printable(name.text) + "' has another time in line " +
                  std::to_string(it->second->line));
    if (!fresh) continue;
    rows.rows.push_back({name.text, number_text(ms)});
    work.push_back({ms, 0, 0, name.text, file.name + ":" + std::to_string(name.line)});
  }
  if (rows.rows.empty()) throw DataError(file.name + ": holds no rows");
  const size_t again = csv.rows.size() - rows.rows.size();
  Imported result = finish_rows(std::move(rows), std::move(work), options);
  if (again > 0)
    result.notes.push_back(std::to_string(again) + " row(s) stand twice with the same time");
  return result;
}

size_t architecture_column(const ForeignFile& file, const Csv& csv, const ImportOptions& options) {
  const auto found = column_for(file, csv, options, "architecture", architecture_names());
  if (found) return *found;
  throw ConfigError(file.name + " does not say which column is the architecture",
                    "name it: --column architecture=NAME; columns: " + header_text(csv));
}

}  // namespace

namespace {

/// Architectures and times under these names, conditions as lines above.
std::string written(const LatencyRows& rows, const std::string& format, const std::string& column) {
  const size_t architecture = row_column(rows, "architecture", format);
  const size_t latency = row_column(rows, "latency_ms", format);
  LatencyRows out{rows.conditions, {"architecture", column}, {}};
  out.conditions["unit"] = "ms";
  for (const auto& row : rows.rows) out.rows.push_back({row[architecture], row[latency]});
  return to_csv(out);
}

/// `edgegpu_latency`: small letters and digits of the device's name.
std::string device_column(const LatencyRows& rows) {
  std::string name;
  if (const auto it = rows.conditions.find("device"); it != rows.conditions.end())
    for (const char c : it->second)
      if (std::isalnum(static_cast<unsigned char>(c)))
        name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return (name.empty() ? "device" : name) + "_latency";
}

}  // namespace

std::string write_hw_nas_bench(const LatencyRows& rows) {
  return written(rows, "hw-nas-bench", device_column(rows));
}

std::string write_network_csv(const LatencyRows& rows) {
  return written(rows, "networks", "latency_ms");
}

bool is_hw_nas_bench(std::string_view text) {
  const std::string_view line = first_line(text);
  size_t devices = 0;
  for (size_t at = line.find("_latency"); at != std::string_view::npos;
       at = line.find("_latency", at + 1))
    ++devices;
  return devices > 0 && !line.starts_with('{') &&
         line.find("latency_mean") == std::string_view::npos;
}

Imported read_hw_nas_bench(const ForeignFile& file, const ImportOptions& options) {
  const Csv csv = read_csv(file.name, file.text);
  std::vector<std::string> devices;
  for (const CsvCell& cell : csv.header)
    if (ends_with_latency(cell.text)) devices.push_back(cell.text);
  std::string listed;
  for (const std::string& device : devices) listed += (listed.empty() ? "" : ", ") + device;
  if (devices.size() > 1 && !options.columns.contains("latency"))
    throw ConfigError(file.name + " has times of several devices: " + listed,
                      "choose one: --column latency=" + devices.front());
  const auto latency = column_for(file, csv, options, "latency", devices);
  if (!latency) throw DataError(file.name + ": has no column that ends in _latency");
  return read(file, options, csv, architecture_column(file, csv, options), *latency);
}

bool is_network_csv(std::string_view text) {
  const std::string_view line = first_line(text);
  return !line.starts_with('{') && !line.starts_with('[') &&
         line.find_first_of(",;\t") != std::string_view::npos &&
         (line.find("atency") != std::string_view::npos ||
          line.find("LATENCY") != std::string_view::npos);
}

Imported read_network_csv(const ForeignFile& file, const ImportOptions& options) {
  const Csv csv = read_csv(file.name, file.text);
  const auto latency =
      column_for(file, csv, options, "latency", {"latency_ms", "latency", "latency (ms)"});
  if (!latency)
    throw ConfigError(file.name + " does not say which column is the latency",
                      "name it: --column latency=NAME; columns: " + header_text(csv));
  return read(file, options, csv, architecture_column(file, csv, options), *latency);
}

}  // namespace nas
