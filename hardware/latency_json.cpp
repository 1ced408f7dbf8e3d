// The table's own form. Times are read in their unit exactly: the factor is whole, so that a
// decimal fraction is rounded once.
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "hardware/latency_table.hpp"
#include "hardware/located_json.hpp"
#include "hardware/time_unit.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Json = nlohmann::json;
constexpr const char* kSchema = "nas-latency-table/1";

TimeUnit read_unit(const LocatedJson& file) {
  const Json& json = file.root;
  const std::string expected = std::string("; expected \"unit\": one of ") + kTimeUnits;
  if (!json.contains("unit"))
    throw DataError(file.where + ": does not say the unit of its times" + expected);
  const Json& unit = json["unit"];
  const auto found = unit.is_string() ? time_unit(unit.get<std::string>()) : std::nullopt;
  if (!found)
    throw DataError(file.place("unit") + "unit: " + printable(unit.dump()) + " is no unit of time" +
                    expected);
  return *found;
}

/// A whole number of at least 1, also as a text ("8"): how tables of this program hold it.
std::optional<int64_t> whole(const Json& value) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) return std::nullopt;
  return number;
}

void read_conditions(const LocatedJson& file, LatencyTable& table) {
  const Json& json = file.root;
  std::optional<int64_t> batch;
  const auto take_batch = [&](const std::string& path, const Json& value) {
    const auto number = whole(value);
    if (!number)
      throw DataError(file.place(path) + path + ": " + printable(value.dump()) +
                      " is no number of images");
    if (batch && *batch != *number)
      throw DataError(file.place(path) + path + ": " + std::to_string(*number) +
                      " images, but elsewhere " + std::to_string(*batch));
    batch = number;
  };
  if (json.contains("conditions") && !json["conditions"].is_object())
    throw DataError(file.place("conditions") + "conditions: expected an object");
  if (json.contains("conditions"))
    for (const auto& [key, value] : json["conditions"].items()) {
      table.conditions[key] = value.is_string() ? value.get<std::string>() : value.dump();
      if (key == "batch") take_batch("conditions/batch", value);
      if (key == "unit")
        throw DataError(file.place("conditions/unit") +
                        "conditions/unit: the unit stands at the top of the file, as \"unit\"");
    }
  if (json.contains("batch")) take_batch("batch", json["batch"]);
  if (batch) table.conditions["batch"] = std::to_string(*batch);
}

/// One time of an entry, in ms.
double read_time(const LocatedJson& file,
                 const std::string& op,
                 const char* key,
                 const Json& entry,
                 const TimeUnit& unit) {
  const auto start = [&] {
    const std::string path = "ops/" + op + "/" + key;
    return file.place(file.contains(path) ? path : "ops/" + op) + "\"" + printable(op) +
           "\": " + key;
  };
  const auto found = entry.find(key);
  if (found == entry.end()) throw DataError(start() + " is missing");
  // Not finite after conversion either: 1e400 is read as infinite, 1e306 s is too many ms.
  const double ms = found->is_number() ? unit.to_ms(found->get<double>()) : 0;
  if (!std::isfinite(ms) || !(ms > 0))
    throw DataError(start() + ": " + printable(found->dump()) +
                    " is no time; expected a number greater than 0");
  return ms;
}

LatencyEntry read_entry(const LocatedJson& file,
                        const std::string& op,
                        const Json& entry,
                        const TimeUnit& unit) {
  const auto fail = [&](const std::string& why) {
    throw DataError(file.place("ops/" + op) + "\"" + printable(op) + "\": " + why);
  };
  if (!entry.is_object()) fail("expected an object");
  for (const char* key : {"unit", "batch"})
    if (entry.contains(key))
      fail(std::string(key) + " is that of the whole table and stands at the top of the file");
  LatencyEntry e;
  e.median_ms = read_time(file, op, "median", entry, unit);
  e.low_ms = entry.contains("low") ? read_time(file, op, "low", entry, unit) : e.median_ms;
  e.high_ms = entry.contains("high") ? read_time(file, op, "high", entry, unit) : e.median_ms;
  if (e.low_ms > e.median_ms || e.high_ms < e.median_ms)
    fail("low and high do not enclose the median");
  if (const auto it = entry.find("repeats"); it != entry.end() && it->is_number_integer())
    e.repeats = it->get<int>();
  return e;
}

void read_grouping(const LocatedJson& file, LatencyTable& table) {
  const auto it = file.root.find("grouping");
  if (it == file.root.end()) return;
  if (it->is_string() && find_grouping(it->get<std::string>()) != nullptr) {
    table.grouping = it->get<std::string>();
    return;
  }
  std::string known;
  for (const Grouping& grouping : groupings())
    known += (known.empty() ? "" : ", ") + std::string(grouping.name);
  throw DataError(file.place("grouping") + "grouping: " + printable(it->dump()) +
                  " is not known here; known: " + known);
}

/// ":LINE" of a key of the outermost object, which stands in front of long ones as a rule; the text
/// is valid. (LocatedJson::place() would read all of it again.)
std::string line_of_key(const std::string& text, const std::string& key) {
  int line = 1, depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c != '"') continue;
    const size_t start = i + 1;
    for (++i; text[i] != '"'; ++i)
      if (text[i] == '\\') ++i;
    const size_t next = text.find_first_not_of(" \t\r\n", i + 1);
    if (depth == 1 && next != text.npos && text[next] == ':' &&
        text.compare(start, i - start, key) == 0)
      return ":" + std::to_string(line);
  }
  return "";
}

}  // namespace

std::string to_json(const LatencyTable& table) {
  using Ordered = nlohmann::ordered_json;
  Ordered head{{"schema", kSchema},
               {"id", table.id},
               {"space", table.space},
               {"created", table.created},
               {"program", table.program},
               {"conditions", table.conditions},
               {"unit", "ms"}};
  if (table.program.empty()) head.erase("program");
  if (!table.fingerprint.empty()) head["fingerprint"] = table.fingerprint;
  if (table.grouping != "ops") head["grouping"] = table.grouping;
  // Sorted by key as they are; an ordered object would look through all of them for each.
  std::string text = head.dump(1, ' ', false, Ordered::error_handler_t::replace);
  text.resize(text.size() - 2);
  text += ",\n \"ops\": {";
  bool first = true;
  for (const auto& [key, e] : table.entries) {
    const Ordered entry{
        {"median", e.median_ms}, {"low", e.low_ms}, {"high", e.high_ms}, {"repeats", e.repeats}};
    text += (first ? "\n  " : ",\n  ") + Json(key).dump() + ": " + entry.dump();
    first = false;
  }
  return text + (first ? "}\n}" : "\n }\n}");
}

LatencyTable latency_table_from_json(const std::string& text, const std::string& where) {
  const LocatedJson file = parse_located(text, where);
  const Json& json = file.root;
  const auto text_of = [&](const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_string()
               ? json[key].get<std::string>()
               : "";
  };
  const std::string schema = text_of("schema");
  if (schema.starts_with("nas-latency-table/") && schema != kSchema)
    throw DataError(
        file.place("schema") + "is not a latency table of this version: schema '" +
        printable(schema) + "', and this program reads " + kSchema +
        (text_of("program").empty() ? "" : "; it was written by " + printable(text_of("program"))) +
        ". Open it with that program, or measure it again with this one.");
  if (schema != kSchema || !json.contains("ops") || !json["ops"].is_object())
    throw DataError(where + " is not a latency table (JSON of schema " + kSchema +
                    "); tables of other programs: nas latency import");
  LatencyTable table;
  table.id = text_of("id");
  table.space = text_of("space");
  table.created = text_of("created");
  table.fingerprint = text_of("fingerprint");
  table.program = text_of("program");
  if (!table.space.empty()) table.place = where + line_of_key(text, "space");
  read_grouping(file, table);
  read_conditions(file, table);
  const TimeUnit unit = read_unit(file);
  table.unit = unit.name;
  for (const auto& [op, entry] : json["ops"].items())
    table.entries.emplace_hint(table.entries.end(), op, read_entry(file, op, entry, unit));
  if (table.entries.empty()) throw DataError(file.place("ops") + "holds no times");
  return table;
}

}  // namespace nas
