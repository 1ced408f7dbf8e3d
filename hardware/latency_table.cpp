#include "hardware/latency_table.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "spaces/error.hpp"

namespace nas {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kSchema = "nas-latency-table/1";

double time_of(const Json& entry,
               const char* key,
               const std::string& where,
               const std::string& op) {
  if (!entry.contains(key) || !entry[key].is_number() || !std::isfinite(entry[key].get<double>()) ||
      entry[key].get<double>() < 0)
    throw DataError(where + ": \"" + op + "\": " + key + " must be a time in ms, 0 or more");
  return entry[key].get<double>();
}

}  // namespace

bool is_free(const Op& op) {
  return std::holds_alternative<Identity>(op) || std::holds_alternative<Dropout>(op) ||
         std::holds_alternative<DropPath>(op);
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
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
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
  if (json.contains("conditions") && json["conditions"].is_object())
    for (const auto& [key, value] : json["conditions"].items())
      table.conditions[key] = value.is_string() ? value.get<std::string>() : value.dump();
  for (const auto& [op, entry] : json["ops"].items()) {
    if (!entry.is_object()) throw DataError(where + ": \"" + op + "\": expected an object");
    LatencyEntry& e = table.entries[op];
    e.median_ms = time_of(entry, "median", where, op);
    e.low_ms = entry.contains("low") ? time_of(entry, "low", where, op) : e.median_ms;
    e.high_ms = entry.contains("high") ? time_of(entry, "high", where, op) : e.median_ms;
    if (entry.contains("repeats") && entry["repeats"].is_number_integer())
      e.repeats = entry["repeats"].get<int>();
  }
  return table;
}

}  // namespace nas
