// nn-Meter: kernels that its builder profiled (JSON: kernel -> id -> {config, "latency": "42.0 +-
// 1.0"}), and the data set of whole networks (JSON lines). Kernels are fused, with `same` padding
// and square images; the grouping `fused` cuts networks in the same way. Kernels that no network
// here has (shuffles, splits ...) are left out, and said.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "hardware/formats/reading.hpp"
#include "hardware/kernel_key.hpp"
#include "hardware/located_json.hpp"
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
    work.push_back({ms, 0});
  }
  if (rows.rows.empty()) throw DataError(file.name + ": holds no rows");
  Imported result = finish_rows(std::move(rows), std::move(work), options);
  result.notes.push_back("graphs are not read: rows have the network's id and its time");
  return result;
}

}  // namespace nas
