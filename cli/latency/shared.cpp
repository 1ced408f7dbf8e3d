#include "cli/latency/shared.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

#include "cli/report/document.hpp"
#include "cli/runs/run_name.hpp"
#include "cli/validators.hpp"
#include "cli/version.hpp"
#include "hardware/dtype.hpp"
#include "hardware/kernel_key.hpp"
#include "search/store/store.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/error.hpp"
#include "spaces/text/plain_text.hpp"
#include "spaces/text/read_architecture.hpp"

namespace nas::cli {

using Json = nlohmann::ordered_json;

LatencyTable named_latency_table(const std::string& name, const std::string& db) {
  return std::move(named_latency(name, db).model.table());
}

std::string calibration_text(const Calibration& c) {
  // Rounding, and no time of an op.
  constexpr double kNothing = 1e-12;
  const double a = c.a < kNothing ? 0 : c.a, spread = c.spread < kNothing ? 0 : c.spread;
  std::string text = format_number(a) + " ms + " + format_number(c.b) + " x sum";
  if (std::abs(c.c) > kNothing)
    text += (c.c < 0 ? " - " : " + ") + format_number(std::abs(c.c)) + " ms x ops";
  return text + ", +- " + format_number(100 * spread, 2) + " %";
}

std::string unused_table(const Store& store, const std::string& name) {
  std::string unused = name;
  for (int i = 2; store.latency_table(unused); ++i) unused = name + "-" + std::to_string(i);
  return unused;
}

void with_stored_table(const std::string& id, const std::function<void()>& rest) {
  try {
    rest();
  } catch (const DataError& e) {
    throw DataError(std::string(e.what()) + " (the table is in the store as " + id + ")");
  }
}

void write_table_file(const std::string& file, const std::string& text, const std::string& id) {
  if (file.empty()) return;
  with_stored_table(id, [&] { write_whole_file(file, text + "\n"); });
}

void tell_renamed_space(const LatencyTable& table, const Space& space, const Common& common) {
  if (table.space.empty() || table.space == space.name() || table.fingerprint.empty() ||
      !space.has_fingerprint(table.fingerprint))
    return;
  note(common,
       "latency table " + printable(table.id) + " names the space '" + printable(table.space) +
           "', but its fingerprint is that of '" + space.name() +
           "': it is taken as of the latter");
}

void keep_latency_table(LatencyTable& table, const Common& common, const std::string& out) {
  Store store(common.db);
  if (!table.id.empty() && store.latency_table(table.id))
    throw ConfigError("there is a latency table '" + table.id + "' already",
                      "choose another --name");
  if (table.id.empty()) table.id = new_run_id("latency");
  if (table.created.empty()) table.created = utc_now();
  table.program = program_text();
  const auto device = table.conditions.find("device");
  store.add_latency_table({table.id,
                           table.space,
                           device == table.conditions.end() ? "" : device->second,
                           json_line(Json(table.conditions)),
                           to_json(table),
                           table.created});
  write_table_file(out, to_json(table), table.id);
}

void add_measured_under(CLI::App& app, MeasuredUnder& under) {
  app.add_option("--unit", under.unit, "Unit of the times: s, ms, us or ns")->required();
  app.add_option("--device", under.device, "What they were measured on, as you call it")
      ->type_name("TEXT")
      ->required();
  app.add_option("--batch", under.batch, "Images at once in every time")
      ->check(positive_number())
      ->required();
  app.add_option("--dtype", under.dtype, "Numbers of the networks, such as float32 or int8")
      ->required();
  app.add_option("--threads", under.threads, "Threads that computed")->check(positive_number());
  app.add_option("--governor", under.governor, "Governor or clocks of the device");
  app.add_option("--library", under.library, "What ran the ops, with its version");
  add_trust_unit(app, under.trust_unit);
  app.add_option("--condition", under.more, "More that should be known: KEY=VALUE; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_trust_unit(CLI::App& app, bool& trust) {
  app.add_flag("--trust-unit",
               trust,
               "Take the times even where they can hardly be in the unit that is said");
}

Coverage coverage_for(const LatencyTable& table, const Space& space, const std::string& file) {
  Coverage found = coverage_of(table, space);
  if (found.needed > 0 && found.missing.size() == found.needed)
    throw ConfigError(printable(file) + " has no time of anything that " + space.name() +
                          " needs (" + pieces_text(table.grouping, found.needed) + ", such as " +
                          printable(found.missing.front()) + ")",
                      "leave --space out, or name the space that the times are of");
  return found;
}

Json coverage_json(const Coverage& coverage) {
  return {{"needed", coverage.needed}, {"missing", coverage.missing.size()}};
}

std::string coverage_text(const Coverage& coverage, const std::string& space) {
  return "of the " + std::to_string(coverage.needed) + " that " + space + " needs it lacks " +
         std::to_string(coverage.missing.size());
}

void require_networks(const LatencyRows& rows, const Space& space, const std::string& file) {
  if (rows.header.empty() || rows.header.front() != "architecture") return;
  ArchitectureReader reader(space);
  for (const auto& row : rows.rows) try {
      reader.read(row.front());
    } catch (const Error& e) {
      throw DataError(printable(file) + ": '" + printable(row.front()) +
                      "' is no architecture of " + space.name() + ": " + e.what());
    }
}

std::string checked_dtype(const std::string& text) {
  const std::string name = dtype_named(text);
  if (name.empty())
    throw ConfigError("--dtype '" + printable(text) + "' is no number format",
                      std::string("expected one of ") + kDtypes);
  return name;
}

ImportOptions import_options(const MeasuredUnder& under) {
  ImportOptions options;
  const auto unit = time_unit(under.unit);
  if (!unit)
    throw ConfigError("--unit " + under.unit + " is no unit of time",
                      std::string("expected one of ") + kTimeUnits);
  options.unit = *unit;
  auto& conditions = options.conditions;
  for (const std::string& text : under.more) {
    const size_t equal = text.find('=');
    if (equal == std::string::npos || equal == 0)
      throw ConfigError("--condition " + printable(text) + ": expected KEY=VALUE");
    const std::string key = text.substr(0, equal);
    for (const char* own : {"unit", "device", "batch", "dtype", "threads", "governor", "library"})
      if (key == own)
        throw ConfigError(
            "--condition " + printable(text) + ": " + own + " is an option of its own",
            "Say it once, with --" + key + ".");
    if (!is_utf8(text)) throw ConfigError("--condition " + printable(text) + " is no UTF-8");
    if (!conditions.emplace(key, text.substr(equal + 1)).second)
      throw ConfigError("--condition " + printable(text) + ": " + printable(key) +
                        " is said twice");
  }
  const auto put = [&conditions](const char* name, const std::string& value) {
    if (value.empty()) return;
    if (!is_utf8(value)) throw ConfigError(std::string("--") + name + " is no UTF-8");
    conditions[name] = value;
  };
  put("device", under.device);
  put("batch", std::to_string(under.batch));
  put("dtype", checked_dtype(under.dtype));
  put("threads", under.threads);
  put("governor", under.governor);
  put("library", under.library);
  if (under.device.find_first_not_of(" \t") == std::string::npos)
    throw ConfigError("--device is empty", "say what the times were measured on");
  return options;
}

std::vector<std::string> read_op_keys(const std::string& file, const SpaceOps& needed) {
  std::vector<std::string> keys;
  const std::string text = read_text_file(file, "list of ops");
  int number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == line.npos || line.starts_with('#')) continue;
    const std::string key(line);
    if (!needed.ops.contains(key)) {
      std::string near;
      for (const std::string& each : nearest_keys(key, needed.ops))
        near += (near.empty() ? "" : ", ") + ("`" + each + "`");
      throw DataError(file + ":" + std::to_string(number) + ": `" + printable(key) +
                      "` is no op that is needed; the nearest: " + near);
    }
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  if (keys.empty()) throw DataError(file + ": holds no ops");
  return keys;
}

ForeignFile foreign_file(const std::string& path) {
  return {path == "-" ? "stdin" : path, read_text_file(path, "file of latencies")};
}

std::string unsaid(const std::map<std::string, std::string>& conditions,
                   const std::vector<std::string>& keys) {
  std::vector<std::string> lacking;
  for (const std::string& key : keys)
    if (const auto it = conditions.find(key); it == conditions.end() || it->second.empty())
      lacking.push_back(key);
  std::string text;
  for (size_t i = 0; i < lacking.size(); ++i)
    text += (i == 0 ? "" : i + 1 == lacking.size() ? " and " : ", ") + lacking[i];
  return text;
}

void tell_unsaid(const LatencyTable& a, const LatencyTable& b, const std::string& consequence) {
  for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    std::vector<std::string> said;
    for (const char* key : {"batch", "dtype", "threads"})
      if (!unsaid(one->conditions, {key}).empty() && unsaid(other->conditions, {key}).empty())
        said.emplace_back(key);
    if (said.empty()) continue;
    warning("table " + printable(one->id) + " does not say its " + unsaid({}, said) + ", table " +
            printable(other->id) + " does: " + consequence);
  }
}

std::string pieces_text(const std::string& grouping, size_t count) {
  const std::string one = grouping == "ops" ? "op" : grouping == "fused" ? "kernel" : "block";
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

}  // namespace nas::cli
