// The latency of a network is taken as the sum of its ops, each measured alone: on one stream ops
// do not overlap, and `nas measure --check` says how well it holds. Times are read in their unit
// exactly: the factor is whole, so that a decimal fraction is rounded once.
#include "hardware/latency_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "hardware/located_json.hpp"
#include "hardware/op_cases.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kSchema = "nas-latency-table/1";

/// A unit of time as so many to the millisecond, or as so many milliseconds: the one that is whole,
/// so that a decimal fraction is rounded once.
struct Unit {
  double divide = 1, multiply = 1;
  double to_ms(double time) const { return time / divide * multiply; }
};

std::optional<Unit> unit_of(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  const auto is = [&name](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* n) { return name == n; });
  };
  if (is({"ms", "msec", "millisecond", "milliseconds"})) return Unit{};
  if (is({"us", "usec", "\u00b5s", "\u03bcs", "microsecond", "microseconds"})) return Unit{1e3, 1};
  if (is({"ns", "nsec", "nanosecond", "nanoseconds"})) return Unit{1e6, 1};
  if (is({"s", "sec", "second", "seconds"})) return Unit{1, 1e3};
  return std::nullopt;
}

Unit read_unit(const LocatedJson& file) {
  const Json& json = file.root;
  const std::string expected = "; expected \"unit\": one of s, ms, us, ns";
  if (!json.contains("unit"))
    throw DataError(file.where + ": does not say the unit of its times" + expected);
  const Json& unit = json["unit"];
  const auto found = unit.is_string() ? unit_of(unit.get<std::string>()) : std::nullopt;
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
                 const Unit& unit) {
  const std::string path = "ops/" + op + "/" + key;
  const std::string place = file.place(file.lines.contains(path) ? path : "ops/" + op);
  const std::string start = place + "\"" + printable(op) + "\": " + key;
  if (!entry.contains(key)) throw DataError(start + " is missing");
  const Json& value = entry[key];
  // Not finite after conversion either: 1e400 is read as infinite, 1e306 s is too many ms.
  const double ms = value.is_number() ? unit.to_ms(value.get<double>()) : 0;
  if (!std::isfinite(ms) || !(ms > 0))
    throw DataError(start + ": " + printable(value.dump()) +
                    " is no time; expected a number greater than 0");
  return ms;
}

LatencyEntry read_entry(const LocatedJson& file,
                        const std::string& op,
                        const Json& entry,
                        const Unit& unit) {
  const std::string start = file.place("ops/" + op) + "\"" + printable(op) + "\": ";
  if (!entry.is_object()) throw DataError(start + "expected an object");
  for (const char* key : {"unit", "batch"})
    if (entry.contains(key))
      throw DataError(start + key +
                      " is that of the whole table and stands at the top of the file");
  LatencyEntry e;
  e.median_ms = read_time(file, op, "median", entry, unit);
  e.low_ms = entry.contains("low") ? read_time(file, op, "low", entry, unit) : e.median_ms;
  e.high_ms = entry.contains("high") ? read_time(file, op, "high", entry, unit) : e.median_ms;
  if (e.low_ms > e.median_ms || e.high_ms < e.median_ms)
    throw DataError(start + "low and high do not enclose the median");
  if (entry.contains("repeats") && entry["repeats"].is_number_integer())
    e.repeats = entry["repeats"].get<int>();
  return e;
}

}  // namespace

int64_t LatencyTable::batch() const {
  const auto it = conditions.find("batch");
  return it == conditions.end() ? 1 : std::stoll(it->second);
}

double LatencyTable::predict(const Plan& plan) const {
  double sum = 0;
  for (const Node& node : plan.nodes) {
    if (is_free(node.op)) continue;
    const auto it = entries.find(signature(plan, node));
    if (it == entries.end())
      throw DataError("latency table " + id + " has no time for the op `" + signature(plan, node) +
                      "`; measure it with: nas measure --space ...");
    sum += it->second.median_ms;
  }
  return sum;
}

void require_fit(const LatencyTable& table, const Space& space, const std::string& command) {
  const std::string measure =
      "measure one with: " +
      (command.empty() ? "nas measure --space " + shell_word(space.name()) : command);
  if (!table.space.empty() && table.space != space.name())
    throw ConfigError("latency table " + table.id + " was measured for the space '" +
                          printable(table.space) + "', not for '" + space.name() + "'",
                      measure + "; or take \"space\" out of the file, if its times hold here too");
  bool complete = false;
  std::vector<std::string> missing;
  const auto ops = distinct_ops(space, complete);
  for (const auto& [key, op] : ops)
    if (!table.entries.contains(key)) missing.push_back(key);
  if (missing.empty()) return;
  constexpr size_t kNamed = 5;
  std::string text = "latency table " + table.id + " has no time for " +
                     std::to_string(missing.size()) + " of the " + std::to_string(ops.size()) +
                     " ops of the space '" + space.name() + "':";
  for (size_t i = 0; i < std::min(missing.size(), kNamed); ++i) text += "\n  " + missing[i];
  if (missing.size() > kNamed)
    text += "\n  and " + std::to_string(missing.size() - kNamed) + " more";
  throw DataError(text + "\n" + measure);
}

std::string to_json(const LatencyTable& table) {
  Json json{{"schema", kSchema},
            {"id", table.id},
            {"space", table.space},
            {"created", table.created},
            {"conditions", table.conditions},
            {"unit", "ms"}};
  Json ops = Json::object();
  for (const auto& [key, e] : table.entries)
    ops[key] = {
        {"median", e.median_ms}, {"low", e.low_ms}, {"high", e.high_ms}, {"repeats", e.repeats}};
  json["ops"] = std::move(ops);
  return json.dump(1);
}

LatencyTable latency_table_from_json(const std::string& text, const std::string& where) {
  const LocatedJson file = parse_located(text, where);
  const Json& json = file.root;
  if (!json.is_object() || json.value("schema", Json()) != kSchema || !json.contains("ops") ||
      !json["ops"].is_object())
    throw DataError(where + " is not a latency table (JSON of schema " + kSchema + ")");
  LatencyTable table;
  const auto text_of = [&](const char* key) {
    return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
  };
  table.id = text_of("id");
  table.space = text_of("space");
  table.created = text_of("created");
  read_conditions(file, table);
  const Unit unit = read_unit(file);
  for (const auto& [op, entry] : json["ops"].items())
    table.entries[op] = read_entry(file, op, entry, unit);
  if (table.entries.empty()) throw DataError(file.place("ops") + "holds no times");
  return table;
}

}  // namespace nas
