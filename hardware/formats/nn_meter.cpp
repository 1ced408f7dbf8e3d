// nn-Meter: kernels that its builder profiled (JSON: kernel -> id -> {config, "latency": "42.0 +-
// 1.0"}), and the data set of whole networks (JSON lines). Kernels are fused, with `same` padding
// and square images; the grouping `fused` cuts networks in the same way. Kernels that no network
// here has (shuffles, splits ...) are left out, and said.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "hardware/formats/reading.hpp"
#include "hardware/kernel_key.hpp"
#include "hardware/located_json.hpp"
#include "hardware/quartiles.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Json = nlohmann::json;

/// What a kernel's name says it ends in.
std::string_view act_of(std::string_view kernel) {
  struct Ending {
    std::string_view ending, act;
  };
  static constexpr Ending kEndings[] = {{"relu6", "relu6"},
                                        {"relu", "relu"},
                                        {"hswish", "h_swish"},
                                        {"hard_swish", "h_swish"},
                                        {"swish", "swish"},
                                        {"sigmoid", "sigmoid"}};
  for (const Ending& e : kEndings)
    if (kernel.ends_with(e.ending)) return e.act;
  return {};
}

/// Whether all that a kernel does behind its op is batch norm or an activation: `conv-bn-relu`.
bool only_known_parts(std::string_view kernel) {
  size_t at = kernel.find('-');
  while (at != std::string_view::npos) {
    kernel.remove_prefix(at + 1);
    at = kernel.find('-');
    const std::string_view part = kernel.substr(0, at);
    if (part != "bn" && act_of(part).empty()) return false;
  }
  return true;
}

class KernelReader {
 public:
  KernelReader(const LocatedJson& json, EntryReader& entries) : json_(json), entries_(entries) {}

  void read() {
    for (const auto& [kernel, profiles] : json_.root.items()) {
      if (!profiles.is_object())
        throw DataError(json_.place(kernel) + "\"" + printable(kernel) + "\": expected an object");
      for (const auto& [id, profile] : profiles.items()) one(kernel, kernel + "/" + id, profile);
    }
  }
  const std::set<std::string>& left_out() const { return left_out_; }

 private:
  [[noreturn]] void fail(const std::string& path, const std::string& why) const {
    throw DataError(json_.place(path) + "\"" + printable(path) + "\": " + why);
  }

  void one(const std::string& kernel, const std::string& path, const Json& profile) {
    if (!profile.is_object() || !profile.contains("config") || !profile["config"].is_object() ||
        !profile.contains("latency"))
      fail(path, "expected {\"config\": {...}, \"latency\": ...}");
    const Json& config = profile["config"];
    const ForeignTime time = time_of(path, profile["latency"]);
    const std::string key = key_of(kernel, path, config);
    if (key.empty())
      left_out_.insert(kernel);
    else
      entries_.add(key, time, line_of(path));
  }

  int line_of(const std::string& path) const {
    if (!json_.contains(path)) return 0;
    const std::string place = json_.place(path);
    return std::atoi(place.c_str() + json_.where.size() + 1);
  }

  /// A number, or "42.001 +- 1.0".
  ForeignTime time_of(const std::string& path, const Json& latency) const {
    if (latency.is_number()) return {latency.get<double>(), 0, 0};
    const std::string text = latency.is_string() ? latency.get<std::string>() : "";
    const size_t sign = text.find("+-");
    const auto value = number_of(text.substr(0, sign));
    const auto deviation =
        sign == std::string::npos ? std::optional(0.0) : number_of(text.substr(sign + 2));
    if (!value || !deviation)
      fail(path, "latency: " + printable(latency.dump()) + " is no time such as \"42.0 +- 1.0\"");
    return {*value, *deviation, 0};
  }

  int64_t size(const std::string& path,
               const Json& config,
               std::initializer_list<const char*> names,
               int64_t otherwise = -1) const {
    for (const char* name : names) {
      const auto it = config.find(name);
      if (it == config.end()) continue;
      if (it->is_number_integer() && it->get<int64_t>() > 0 && it->get<int64_t>() < 1'000'000)
        return it->get<int64_t>();
      fail(path, std::string(name) + ": " + printable(it->dump()) + " is no size");
    }
    if (otherwise < 0) fail(path, std::string("config has no ") + *names.begin());
    return otherwise;
  }

  std::string key_of(const std::string& kernel, const std::string& path, const Json& config) const {
    FusedKernel key;
    const auto shape = [](int64_t channels, int64_t hw) {
      return Shape{
          static_cast<int32_t>(channels), static_cast<int32_t>(hw), static_cast<int32_t>(hw)};
    };
    const bool depthwise = kernel.starts_with("dwconv");
    if (kernel.starts_with("conv") || depthwise) {
      const int64_t hw = size(path, config, {"HW"}), in = size(path, config, {"CIN"});
      key.op = "conv2d";
      key.kernel = size(path, config, {"KERNEL_SIZE", "K"});
      key.stride = size(path, config, {"STRIDES", "S"});
      key.groups = depthwise ? in : 1;
      key.inputs = {shape(in, hw)};
      key.out = shape(depthwise ? in : size(path, config, {"COUT"}), (hw - 1) / key.stride + 1);
    } else if (kernel.starts_with("fc")) {
      key.op = "linear";
      key.inputs = {Shape{static_cast<int32_t>(size(path, config, {"CIN"})), 1, 1, Form::kVector}};
      key.out = Shape{static_cast<int32_t>(size(path, config, {"COUT"})), 1, 1, Form::kVector};
    } else if (kernel.starts_with("add")) {
      key.op = "add";
      key.out = shape(size(path, config, {"CIN1", "CIN", "C1"}), size(path, config, {"HW"}));
      key.inputs = {key.out, key.out};
    } else if (kernel == "global-avgpool") {
      // Its HW is always 1, whatever was pooled: such a time is of no known size.
      return "";
    } else if (kernel == "maxpool" || kernel == "avgpool") {
      const int64_t hw = size(path, config, {"HW"}), in = size(path, config, {"CIN"});
      const int64_t k = size(path, config, {"KERNEL_SIZE", "K"});
      const int64_t s = size(path, config, {"STRIDES", "POOL_STRIDES", "S"});
      return std::string(kernel == "maxpool" ? "max_pool" : "avg_pool") +
             " in=" + to_string(shape(in, hw)) + " out=" + to_string(shape(in, (hw - 1) / s + 1)) +
             " k=" + std::to_string(k) + " s=" + std::to_string(s) + " p=" + std::to_string(k / 2);
    } else {
      return "";
    }
    if (!only_known_parts(kernel)) return "";
    key.act = act_of(kernel);
    return to_string(key);
  }

  const LocatedJson& json_;
  EntryReader& entries_;
  std::set<std::string> left_out_;
};

}  // namespace

bool is_nn_meter_kernels(std::string_view text) {
  return first_line(text).starts_with('{') && text.find("\"config\"") != std::string_view::npos &&
         text.find("\"latency\"") != std::string_view::npos &&
         (text.find("\"CIN\"") != std::string_view::npos ||
          text.find("\"CIN1\"") != std::string_view::npos);
}

Imported read_nn_meter_kernels(const ForeignFile& file, const ImportOptions& options) {
  const LocatedJson json = parse_located(file.text, file.name);
  if (!json.root.is_object()) throw DataError(file.name + ": expected an object of kernels");
  EntryReader entries(file, options, "fused");
  KernelReader reader(json, entries);
  reader.read();
  std::vector<std::string> notes;
  for (const std::string& kernel : reader.left_out())
    notes.push_back("kernels '" + kernel + "' are left out: " +
                    (kernel == "global-avgpool" ? "their size is not told (HW is always 1)"
                                                : "no network here is cut into such"));
  return entries.finish(std::move(notes));
}

bool is_nn_meter_data(std::string_view text) {
  const std::string_view line = first_line(text);
  return line.starts_with('{') && line.find("\"graph\"") != std::string_view::npos &&
         line.find("\"id\"") != std::string_view::npos;
}

Imported read_nn_meter_data(const ForeignFile& file, const ImportOptions& options) {
  LatencyRows rows{{}, {"network", "latency_ms"}, {}};
  std::vector<TimedWork> work;
  std::map<std::string, int> seen;
  std::string column = options.columns.contains("latency") ? options.columns.at("latency") : "";
  int number = 0;
  for (std::string_view rest = file.text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto fail = [&](const std::string& why) {
      throw DataError(file.name + ":" + std::to_string(number) + ": " + why);
    };
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("id") || !json["id"].is_string())
      fail("expected one JSON object with an id");
    if (column.empty()) {
      std::vector<std::string> devices;
      for (const auto& [key, value] : json.items())
        if (value.is_number()) devices.push_back(key);
      std::string listed;
      for (const std::string& device : devices) listed += (listed.empty() ? "" : ", ") + device;
      if (devices.size() != 1)
        throw ConfigError(file.name + " has times of several devices: " + listed,
                          "choose one: --column latency=DEVICE");
      column = devices.front();
    }
    const auto it = json.find(column);
    if (it == json.end()) fail("has no '" + printable(column) + "'");
    const double ms = it->is_number() ? options.unit.to_ms(it->get<double>()) : 0;
    if (!(ms > 0) || !std::isfinite(ms))
      fail(column + ": " + printable(it->dump()) + " is no time");
    const std::string id = json["id"].get<std::string>();
    if (const auto [at, fresh] = seen.emplace(id, number); !fresh)
      fail("the network '" + printable(id) + "' stands in line " + std::to_string(at->second) +
           ", too");
    rows.rows.push_back({id, number_text(ms)});
    work.push_back({ms, 0, 0, id, file.name + ":" + std::to_string(number)});
  }
  if (rows.rows.empty()) throw DataError(file.name + ": holds no rows");
  Imported result = finish_rows(std::move(rows), std::move(work), options);
  result.notes.push_back("graphs are not read: rows have the network's id and its time");
  return result;
}

std::string write_nn_meter_data(const LatencyRows& rows) {
  const size_t id = row_column(rows, "network", "nn-meter-data");
  const size_t latency = row_column(rows, "latency_ms", "nn-meter-data");
  const auto device = rows.conditions.find("device");
  std::string column = device == rows.conditions.end() ? "" : device->second;
  if (column.empty() || column == "id" || column == "graph") column = "latency";
  std::string text;
  for (const auto& row : rows.rows) {
    nlohmann::ordered_json line{{"id", row[id]}};
    line[column] = number_of(row[latency]).value_or(0);
    line["graph"] = Json::object();
    text += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return text;
}

namespace {

/// The number behind ` name=`; -1 where there is none.
int64_t number_in(const std::string& key, const std::string& name) {
  const size_t at = key.find(" " + name + "=");
  return at == key.npos ? -1 : std::atoll(key.c_str() + at + name.size() + 2);
}

/// Sizes of ` in=CxHxW` or ` out=...`; empty for what has several inputs of different sizes.
std::vector<int64_t> sizes_in(const std::string& key, const std::string& name) {
  const size_t at = key.find(" " + name + "=");
  if (at == key.npos) return {};
  std::string text = key.substr(at + name.size() + 2);
  text.resize(std::min(text.size(), text.find(' ')));
  if (const size_t plus = text.find('+'); plus != text.npos) {
    if (text.substr(0, plus) != text.substr(plus + 1)) return {};
    text.resize(plus);
  }
  std::vector<int64_t> sizes;
  for (const char* c = text.c_str();; ++c) {
    char* end = nullptr;
    sizes.push_back(std::strtoll(c, &end, 10));
    c = end;
    if (*c != 'x') return sizes;
  }
}

/// nn-Meter's name of what a kernel ends in; nullopt where it has none.
std::optional<std::string> ending_of(const std::string& key) {
  const size_t at = key.find(" act=");
  const std::string act = at == key.npos ? "none" : key.substr(at + 5);
  if (act == "none") return "";
  if (act == "h_swish") return "-hswish";
  if (act == "relu" || act == "relu6" || act == "swish" || act == "sigmoid") return "-" + act;
  return std::nullopt;
}

/// Whether the reader makes this key of it again: what the config leaves out (padding, a second
/// size) may be another.
bool reads_as(const std::string& name, const Json& config, const std::string& key) {
  const Json json{{name, {{"0", {{"config", config}, {"latency", 1}}}}}};
  try {
    const Imported read = read_nn_meter_kernels({"kernel", json.dump()}, {});
    return read.table->entries.contains(key);
  } catch (const DataError&) {  // Left out, or sizes that do not fit.
    return false;
  }
}

/// Name and config of a kernel's key; an empty name where nn-Meter has no such kernel.
std::pair<std::string, Json> kernel_of(const std::string& key) {
  const std::string op = key.substr(0, key.find(' '));
  const std::vector<int64_t> in = sizes_in(key, "in"), out = sizes_in(key, "out");
  const auto ending = ending_of(key);
  if (in.empty() || out.empty() || !ending) return {};
  if (op == "linear") return {"fc" + *ending, {{"CIN", in[0]}, {"COUT", out[0]}}};
  if (in.size() != 3) return {};
  Json config{{"HW", in[1]}, {"CIN", in[0]}};
  if (op == "add") return {"add" + *ending, config};
  config["KERNEL_SIZE"] = number_in(key, "k");
  if (op == "max_pool" || op == "avg_pool") {
    config["POOL_STRIDES"] = number_in(key, "s");
    return {op == "max_pool" ? "maxpool" : "avgpool", config};
  }
  if (op != "conv2d") return {};
  config["STRIDES"] = number_in(key, "s");
  if (number_in(key, "g") != 1) return {"dwconv-bn" + *ending, config};
  config["COUT"] = out[0];
  return {"conv-bn" + *ending, config};
}

}  // namespace

std::string write_nn_meter_kernels(const LatencyTable& table) {
  if (table.grouping != "fused")
    throw DataError("nn-Meter's form holds fused kernels; a table of '" + table.grouping +
                    "' needs --space SPACE, whose kernels are then added up from it (single ops "
                    "only), or --format operators");
  Json json = Json::object();
  std::vector<std::string> lost;
  for (const auto& [key, entry] : table.entries) {
    const auto [name, config] = kernel_of(key);
    if (name.empty() || !reads_as(name, config, key)) {
      lost.push_back(key);
      continue;
    }
    const double deviation = (entry.high_ms - entry.low_ms) / (2 * kQuartileDeviations);
    const std::string id = "nas_" + std::to_string(json.contains(name) ? json[name].size() : 0);
    json[name][id] = {{"config", config},
                      {"latency", number_text(entry.median_ms) + " +- " + number_text(deviation)}};
  }
  if (lost.empty()) return json.dump(1) + "\n";
  throw DataError("nn-Meter's form has no kernel for " + std::to_string(lost.size()) + " of the " +
                  std::to_string(table.entries.size()) + " of the table, such as \"" +
                  printable(lost.front()) +
                  "\" (it has square convolutions with `same` padding, dense or depthwise, linear "
                  "layers, sums of two, and pooling); --format operators holds them all");
}

}  // namespace nas
