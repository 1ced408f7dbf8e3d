#include "hardware/formats/format.hpp"

#include <algorithm>
#include <cctype>

#include "hardware/formats/reading.hpp"
#include "hardware/located_json.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",;\t\"\n\r#") == std::string::npos && !cell.empty() &&
      cell.front() != ' ' && cell.back() != ' ')
    return cell;
  std::string text = "\"";
  for (const char c : cell) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::replace(text.begin(), text.end(), '\r', ' ');
  return text;
}

void merge(Imported& into, Imported more, const std::string& file) {
  if (into.table.has_value() != more.table.has_value())
    throw DataError(file + ": the files are of different kinds; import them one by one");
  into.work.insert(into.work.end(), more.work.begin(), more.work.end());
  into.notes.insert(into.notes.end(), more.notes.begin(), more.notes.end());
  if (into.rows) {
    if (into.rows->header != more.rows->header)
      throw DataError(file + ":1: its columns are not those of the files before it");
    for (auto& row : more.rows->rows) into.rows->rows.push_back(std::move(row));
    return;
  }
  if (into.table->grouping != more.table->grouping)
    throw DataError(file + ": its keys are of '" + more.table->grouping +
                    "', those of the files before it of '" + into.table->grouping + "'");
  for (const auto& [key, entry] : more.table->entries) {
    const auto [it, fresh] = into.table->entries.emplace(key, entry);
    if (!fresh && !same_time(it->second.median_ms, entry.median_ms))
      throw DataError(file + ": \"" + printable(key) + "\" takes " + number_text(entry.median_ms) +
                      " ms here, but " + number_text(it->second.median_ms) +
                      " ms in a file before it");
  }
}

}  // namespace

std::string to_csv(const LatencyRows& rows) {
  std::string text;
  for (const auto& [key, value] : rows.conditions)
    text += "# " + one_line(key) + ": " + one_line(value) + "\n";
  const auto line = [&text](const std::vector<std::string>& cells) {
    for (size_t i = 0; i < cells.size(); ++i) text += (i > 0 ? "," : "") + quoted(cells[i]);
    text += "\n";
  };
  line(rows.header);
  for (const auto& row : rows.rows) line(row);
  return text;
}

LatencyRows rows_from_csv(const ForeignFile& file) {
  require_utf8(file.text, file.name);
  LatencyRows rows;
  for (const auto& [key, value] : csv_conditions(file.text, file.name))
    rows.conditions[key] = value.first;
  const Csv csv = read_csv(file.name, file.text);
  const auto latency = find_column(csv, "latency_ms");
  if (!latency)
    throw DataError(file.name + ":" +
                    std::to_string(csv.header.empty() ? 1 : csv.header.front().line) +
                    ": has no column latency_ms, so it is no file of whole networks as nas latency "
                    "import writes it; columns: " +
                    header_text(csv));
  if (const auto unit = rows.conditions.find("unit");
      unit != rows.conditions.end() && unit->second != "ms")
    throw DataError(file.name + ": says unit " + printable(unit->second) +
                    ", and its column is latency_ms");
  for (const CsvCell& cell : csv.header) rows.header.push_back(cell.text);
  for (const auto& cells : csv.rows) {
    time_of_cell(file, cells[*latency], TimeUnit{});
    rows.rows.emplace_back();
    for (const CsvCell& cell : cells) rows.rows.back().push_back(cell.text);
  }
  if (rows.rows.empty()) throw DataError(file.name + ": holds no rows");
  return rows;
}

std::map<std::string, std::pair<std::string, int>> csv_conditions(std::string_view text,
                                                                  const std::string& file) {
  std::map<std::string, std::pair<std::string, int>> conditions;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  for (int number = 1; text.starts_with("#"); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const size_t colon = line.find(": ");
    if (colon == line.npos || colon < 2) continue;
    std::string value(line.substr(colon + 2));
    while (!value.empty() && (value.back() == '\r' || value.back() == ' ')) value.pop_back();
    std::string key(line.substr(2, colon - 2));
    std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) {
      return static_cast<char>(std::tolower(c));
    });
    const auto [it, fresh] = conditions.emplace(key, std::pair(value, number));
    if (!fresh && it->second.first != value)
      throw DataError(file + ":" + std::to_string(number) + ": says " + printable(key) + " " +
                      printable(value) + ", and line " + std::to_string(it->second.second) +
                      " says " + printable(it->second.first));
  }
  return conditions;
}

const std::vector<LatencyFormat>& latency_formats() {
  static const std::vector<LatencyFormat> table = {
      {"once-for-all",
       "YAML of once-for-all: blocks of MobileNetV3 or ProxylessNAS, keys with sizes",
       is_once_for_all,
       read_once_for_all,
       write_once_for_all},
      {"dynamic-ofa",
       "JSON of DynamicOFA: the same keys, with mean, std and count",
       is_dynamic_ofa,
       read_dynamic_ofa,
       write_dynamic_ofa},
      {"fbnet",
       "FBNet's 22 layers by candidate blocks (ir_k3_e1 ...), CSV or blanks between",
       is_fbnet,
       read_fbnet,
       write_fbnet},
      {"hat",
       "CSV of HAT: whole Transformers by their features",
       is_hat,
       read_hat,
       nullptr,
       {},
       write_hat},
      {"nn-meter-kernels",
       "JSON of nn-Meter's profiled kernels: config and latency",
       is_nn_meter_kernels,
       read_nn_meter_kernels,
       write_nn_meter_kernels},
      {"nn-meter-data",
       "JSON lines of nn-Meter's data set: whole networks by id",
       is_nn_meter_data,
       read_nn_meter_data,
       nullptr,
       {"latency"},
       write_nn_meter_data},
      {"hw-nas-bench",
       "CSV with columns such as edgegpu_latency: whole networks by architecture",
       is_hw_nas_bench,
       read_hw_nas_bench,
       nullptr,
       {"architecture", "latency"},
       write_hw_nas_bench},
      {"operators",
       "CSV of operators (TFLite, trtexec): columns named with --column",
       is_operator_csv,
       read_operator_csv,
       write_operator_csv,
       {"key",
        "op",
        "input",
        "output",
        "kernel",
        "stride",
        "groups",
        "dilation",
        "act",
        "time",
        "low",
        "high",
        "repeats"}},
      {"networks",
       "CSV of whole networks (DyNAS and others): architecture and latency",
       is_network_csv,
       read_network_csv,
       nullptr,
       {"architecture", "latency"},
       write_network_csv}};
  return table;
}

const LatencyFormat& format_of(const std::string& name, const ForeignFile& file) {
  std::vector<std::string> names;
  std::string listed;
  for (const LatencyFormat& format : latency_formats()) {
    if (format.name == name || (name.empty() && format.recognises(file.text))) return format;
    names.push_back(format.name);
    listed += (listed.empty() ? "" : ", ") + format.name;
  }
  if (name.empty() && first_line(file.text).empty()) throw DataError(file.name + ": holds nothing");
  if (name.empty())
    throw ConfigError(file.name + ": what it holds is of no known form",
                      "name one with --format: " + listed);
  const std::string near = nearest(name, names);
  throw ConfigError("--format " + name + " is not known",
                    (near.empty() ? "" : "did you mean " + near + "? ") + "Known: " + listed);
}

Imported import_latency(const std::vector<ForeignFile>& files,
                        const std::string& name,
                        const ImportOptions& options) {
  std::optional<Imported> all;
  for (const ForeignFile& file : files) {
    require_utf8(file.text, file.name);
    if (file.text.find("nas-latency-table/") != std::string::npos && name.empty())
      throw ConfigError(file.name + " is a latency table of nas: name it as it is");
    const LatencyFormat& format = format_of(name, file);
    for (const auto& [role, column] : options.columns)
      if (std::find(format.columns.begin(), format.columns.end(), role) == format.columns.end()) {
        std::string known;
        for (const std::string& each : format.columns) known += (known.empty() ? "" : ", ") + each;
        throw ConfigError("--column " + role + "=" + column + ": the format " + format.name +
                              " has no such column",
                          known.empty() ? "it takes no --column" : "it has: " + known);
      }
    Imported read = format.read(file, options);
    if (all)
      merge(*all, std::move(read), file.name);
    else
      all = std::move(read);
  }
  if (!all) throw ConfigError("no file was named");
  return std::move(*all);
}

}  // namespace nas
