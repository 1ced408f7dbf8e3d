// An id carries all that an answer is for (kind, batch, dtype, and the key of the op or the text of
// the architecture), so that results can be read without the work that they answer: no numbering
// to get out of step, and an answer measured at another batch shows.
#include "hardware/work_lines.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "hardware/checks/odd_rows.hpp"
#include "hardware/dtype.hpp"
#include "hardware/formats/key_check.hpp"
#include "hardware/located_json.hpp"
#include "hardware/quartiles.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Json = nlohmann::ordered_json;

Json shape_json(const Shape& shape, int64_t batch) {
  Json sizes = Json::array({batch});
  const Dims dims = dims_of(shape);
  for (const int64_t size : dims.span()) sizes.push_back(size);
  return sizes;
}

Json op_json(const Plan& plan, const Node& node, int64_t batch) {
  Json out{{"op", std::string(op_name(node.op))}, {"inputs", Json::array()}};
  for (const int32_t input : plan.inputs(node))
    out["inputs"].push_back(shape_json(plan.shape_of(input), batch));
  out["output"] = shape_json(node.out, batch);
  Json& attributes = out["attributes"] = Json::object();
  std::visit(
      [&attributes](const auto& op) {
        op.fields([&attributes](auto value, const char* name = nullptr, const char* = nullptr) {
          if (name != nullptr) attributes[name] = value;
        });
      },
      node.op);
  return out;
}

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json head(const WorkId& id) {
  return {{"schema", "nas-latency-work/1"}, {"id", id_text(id)}};
}

/// Lines of a text that hold something, with their numbers.
template <typename F>
void each_line(const ForeignFile& file, F&& f) {
  require_utf8(file.text, file.name);
  int number = 0;
  for (std::string_view rest = file.text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    ++number;
    if (line.find_first_not_of(" \t\r") != std::string_view::npos)
      f(line, file.name + ":" + std::to_string(number) + ": ");
  }
}

/// One object of a line, no key of it twice.
nlohmann::json object_of(std::string_view line, const std::string& place) {
  bool twice = false;
  std::vector<std::vector<std::string>> keys;
  using Event = nlohmann::json::parse_event_t;
  const nlohmann::json json = nlohmann::json::parse(
      line,
      [&](int, Event event, nlohmann::json& parsed) {
        if (event == Event::object_start) keys.emplace_back();
        if (event == Event::object_end) keys.pop_back();
        if (event == Event::key) {
          const auto& key = parsed.get_ref<const std::string&>();
          twice =
              twice || std::find(keys.back().begin(), keys.back().end(), key) != keys.back().end();
          keys.back().push_back(key);
        }
        return true;
      },
      false);
  if (!json.is_object())
    throw DataError(place + (line.find("NaN") != line.npos || line.find("Infinity") != line.npos
                                 ? "NaN and Infinity are no JSON; a failure is \"error\": \"why\""
                                 : "expected one JSON object on a line"));
  if (twice) throw DataError(place + "a key stands twice");
  return json;
}

std::string id_of(const nlohmann::json& json, const std::string& place) {
  const auto id = json.find("id");
  if (id == json.end() || !id->is_string())
    throw DataError(place + "there is no \"id\"; copy it from the line of work");
  return id->get<std::string>();
}

class ResultReader {
 public:
  ResultReader(const ImportOptions& options, const std::vector<ForeignFile>& asked)
      : options_(options) {
    for (const ForeignFile& file : asked)
      each_line(file, [&](std::string_view line, const std::string& place) {
        asked_.emplace(id_of(object_of(line, place), place), false);
      });
  }

  void read(const ForeignFile& file) {
    each_line(file, [&](std::string_view line, const std::string& place) {
      one(object_of(line, place), place);
    });
  }

  WorkResults finish() {
    for (const auto& [id, answered] : asked_)
      if (!answered) results_.missing.push_back(id);
    if (results_.rows) results_.rows->conditions = options_.conditions;
    return std::move(results_);
  }

 private:
  void one(const nlohmann::json& json, const std::string& place) {
    std::string text = id_of(json, place);
    WorkId id;
    const std::string shown = "\"" + printable(text) + "\"";
    if (!read_id(text, id)) throw DataError(place + shown + " is no id of a line of work");
    const auto batch = options_.conditions.find("batch"), dtype = options_.conditions.find("dtype");
    if (batch != options_.conditions.end() && batch->second != std::to_string(id.batch))
      throw DataError(place + shown + " asked for " + std::to_string(id.batch) +
                      " image(s) at once, and --batch says " + batch->second);
    if (dtype != options_.conditions.end() && dtype->second != id.dtype &&
        dtype->second != dtype_named(id.dtype))
      throw DataError(place + shown + " asked for " + printable(id.dtype) + ", and --dtype says " +
                      printable(dtype->second));
    if (!id.network) {
      // Another order of attributes, more blanks: the same op, under its own name.
      std::string why;
      const std::string key = canonical_op_key(id.what, why);
      if (key.empty()) throw DataError(place + shown + " names no op: " + printable(why));
      id.what = key;
      if (asked_.find(text) == asked_.end()) text = id_text(id);
    }
    if (!asked_.empty()) {
      const auto it = asked_.find(text);
      if (it == asked_.end()) throw DataError(place + shown + " was not asked for");
      it->second = true;
    }
    if (const auto [it, fresh] = places_.emplace(text, place); !fresh)
      throw DataError(place + shown +
                      " is answered already: " + it->second.substr(0, it->second.size() - 2));
    if (const auto error = json.find("error"); error != json.end()) {
      results_.failed.push_back(text + ": " +
                                (error->is_string() ? error->get<std::string>() : error->dump()));
      return;
    }
    add(id, entry_of(json, place), place.substr(0, place.size() - 2));
  }

  double time_of(const nlohmann::json& value, const char* name, const std::string& place) const {
    const double ms = value.is_number() ? options_.unit.to_ms(value.get<double>()) : 0;
    if (!std::isfinite(ms) || !(ms > 0))
      throw DataError(place + name + ": " + printable(value.dump()) +
                      " is no time; expected a number greater than 0");
    return ms;
  }

  LatencyEntry entry_of(const nlohmann::json& json, const std::string& place) const {
    if (json.contains("unit")) {
      const auto& unit = json["unit"];
      const auto own = unit.is_string() ? time_unit(unit.get<std::string>()) : std::nullopt;
      if (!own || own->name != options_.unit.name)
        throw DataError(place + "unit: " + printable(unit.dump()) + ", and --unit says " +
                        options_.unit.name);
    }
    LatencyEntry entry;
    if (const auto times = json.find("times"); times != json.end()) {
      if (json.contains("time") || !times->is_array() || times->empty())
        throw DataError(place + "times: expected a list of times, and no \"time\" beside it");
      std::vector<double> all;
      for (const auto& time : *times) all.push_back(time_of(time, "times", place));
      std::sort(all.begin(), all.end());
      return {sorted_quantile(all, 0.5),
              sorted_quantile(all, 0.25),
              sorted_quantile(all, 0.75),
              static_cast<int>(std::min<size_t>(all.size(), 1'000'000'000))};
    }
    const auto time = json.find("time");
    if (time == json.end()) throw DataError(place + "there is neither time, times nor error");
    entry.median_ms = entry.low_ms = entry.high_ms = time_of(*time, "time", place);
    if (const auto it = json.find("low"); it != json.end())
      entry.low_ms = time_of(*it, "low", place);
    if (const auto it = json.find("high"); it != json.end())
      entry.high_ms = time_of(*it, "high", place);
    if (entry.low_ms > entry.median_ms || entry.high_ms < entry.median_ms)
      throw DataError(place + "low and high do not enclose the time");
    if (const auto it = json.find("repeats"); it != json.end()) {
      if (!it->is_number_integer() || it->get<int64_t>() < 1)
        throw DataError(place + "repeats: " + printable(it->dump()) + " is no number of repeats");
      entry.repeats = static_cast<int>(std::min<int64_t>(it->get<int64_t>(), 1'000'000'000));
    }
    return entry;
  }

  void add(const WorkId& id, const LatencyEntry& entry, const std::string& place) {
    if (id.network) {
      if (!results_.rows)
        results_.rows = LatencyRows{{}, {"architecture", "low_ms", "high_ms", "latency_ms"}, {}};
      std::vector<std::string> row{id.what};
      for (const double ms : {entry.low_ms, entry.high_ms, entry.median_ms})
        row.push_back(nlohmann::json(ms).dump());
      results_.rows->rows.push_back(std::move(row));
      results_.network_work.push_back({entry.median_ms, 0, 0, id.what, place});
      return;
    }
    if (!results_.table) {
      results_.table.emplace();
      results_.table->conditions = options_.conditions;
    }
    results_.table->entries[id.what] = entry;
    results_.work.push_back(work_of(id.what, entry.median_ms, id.batch, place));
  }

  const ImportOptions& options_;
  std::map<std::string, bool> asked_;  ///< Id -> whether it was answered.
  std::map<std::string, std::string> places_;
  WorkResults results_;
};

}  // namespace

std::string id_text(const WorkId& id) {
  return std::string(id.network ? "net" : "op") + "/" + std::to_string(id.batch) + "/" + id.dtype +
         "/" + id.what;
}

bool read_id(const std::string& text, WorkId& id) {
  std::string_view rest = text;
  const auto part = [&rest] {
    const std::string_view first = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), first.size() + 1));
    return first;
  };
  const std::string_view kind = part(), batch = part();
  id.dtype = std::string(part());
  id.what = std::string(rest);
  id.network = kind == "net";
  const auto [end, error] = std::from_chars(batch.data(), batch.data() + batch.size(), id.batch);
  return (kind == "op" || kind == "net") && error == std::errc() &&
         end == batch.data() + batch.size() && id.batch > 0 && !id.dtype.empty() &&
         !id.what.empty();
}

std::string work_line(const std::string& key, const OpCase& op, const WorkConditions& conditions) {
  Json json = head({false, conditions.batch, conditions.dtype, key});
  json.update(op_json(*op.plan, op.plan->nodes[op.node], conditions.batch));
  json["batch"] = conditions.batch;
  json["dtype"] = conditions.dtype;
  return line_of(json);
}

std::string work_line(const Space& space, const Architecture& a, const WorkConditions& conditions) {
  const Plan plan = space.plan(a);
  Json json = head({true, conditions.batch, conditions.dtype, space.text(a)});
  json["op"] = "network";
  json["space"] = space.name();
  json["architecture"] = space.text(a);
  json["inputs"] = Json::array();
  for (const Shape& shape : plan.input_shapes)
    json["inputs"].push_back(shape_json(shape, conditions.batch));
  json["output"] = shape_json(plan.nodes.back().out, conditions.batch);
  Json& layers = json["layers"] = Json::array();
  for (const Node& node : plan.nodes) {
    Json layer = op_json(plan, node, conditions.batch);
    if (!is_free(node.op))
      layer["id"] = id_text({false, conditions.batch, conditions.dtype, signature(plan, node)});
    Json& from = layer["from"] = Json::array();
    for (const int32_t input : plan.inputs(node)) from.push_back(input);
    layers.push_back(std::move(layer));
  }
  json["batch"] = conditions.batch;
  json["dtype"] = conditions.dtype;
  return line_of(json);
}

WorkResults read_results(const std::vector<ForeignFile>& files,
                         const ImportOptions& options,
                         const std::vector<ForeignFile>& asked) {
  ResultReader reader(options, asked);
  for (const ForeignFile& file : files) reader.read(file);
  return reader.finish();
}

}  // namespace nas
