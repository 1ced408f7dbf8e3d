// What is known of a metric by name: unit, direction, range. Other names state them by their
// endings and words (`_ms`, `error`), which is a guess that the user can overrule.
#include "spaces/metric.hpp"

#include <limits>
#include <utility>

namespace nas {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Units = std::vector<std::pair<std::string_view, double>>;

const Units& decimal_units() {
  static const Units units = {{"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}};
  return units;
}
const Units& byte_units() {
  static const Units units = {{"B", 1},
                              {"kB", 1e3},
                              {"KB", 1e3},
                              {"MB", 1e6},
                              {"GB", 1e9},
                              {"TB", 1e12},
                              {"KiB", 1024.0},
                              {"MiB", 1048576.0},
                              {"GiB", 1073741824.0},
                              {"TiB", 1099511627776.0}};
  return units;
}
// In milliseconds. Both characters that people type for micro.
const Units& time_units() {
  static const Units units = {{"ns", 1e-6},
                              {"us", 1e-3},
                              {"\u00b5s", 1e-3},
                              {"\u03bcs", 1e-3},
                              {"ms", 1},
                              {"s", 1e3},
                              {"min", 6e4}};
  return units;
}

std::optional<double> factor_in(const Units& units, std::string_view unit) {
  for (const auto& [name, factor] : units)
    if (name == unit) return factor;
  return std::nullopt;
}

// Of a metric whose name states no unit.
std::optional<double> factor_of_unknown(std::string_view metric, std::string_view unit) {
  const UnitsTaken taken = units_taken(metric);
  if (unit == "%")
    return taken == UnitsTaken::kPercent || taken == UnitsTaken::kAny ? std::optional(0.01)
                                                                      : std::nullopt;
  return taken == UnitsTaken::kDecimal || taken == UnitsTaken::kAny
             ? factor_in(decimal_units(), unit)
             : std::nullopt;
}

}  // namespace

const std::vector<Metric>& known_metrics() {
  using U = MetricUnit;
  static const std::vector<Metric> metrics = {
      {"accuracy", U::kShare, Better::kHigher, 0, 1, "share of images classified rightly", false},
      {"accuracy_top5",
       U::kShare,
       Better::kHigher,
       0,
       1,
       "share of images whose class is among the five best",
       false},
      {"loss", U::kNone, Better::kLower, 0, kInfinity, "mean cross-entropy, in nats", false},
      {"macs", U::kCount, Better::kLower, 0, kInfinity, "multiply-accumulates of one image", true},
      {"params", U::kCount, Better::kLower, 0, kInfinity, "parameters", true},
      {"activation_bytes",
       U::kBytes,
       Better::kLower,
       0,
       kInfinity,
       "sum of all activations of one image",
       true},
      {"peak_bytes",
       U::kBytes,
       Better::kLower,
       0,
       kInfinity,
       "most activations alive at once for one image",
       true},
      {"latency_ms",
       U::kMilliseconds,
       Better::kLower,
       0,
       kInfinity,
       "predicted by a latency table",
       true}};
  return metrics;
}

const Metric* find_metric(std::string_view name) {
  // A quantile (`latency_ms@p95`) is what its metric is.
  if (const size_t at = name.rfind("@p");
      at != name.npos && at + 2 < name.size() && name[at + 2] >= '0' && name[at + 2] <= '9')
    name = name.substr(0, at);
  for (const Metric& metric : known_metrics())
    if (name == metric.name) return &metric;
  return nullptr;
}

std::optional<Better> better_of(std::string_view name) {
  switch (name_says(name)) {
    case NameSays::kHigher:
      return Better::kHigher;
    case NameSays::kLower:
      return Better::kLower;
    default:
      return std::nullopt;
  }
}

const char* to_string(Better better) {
  return better == Better::kHigher ? "higher is better" : "lower is better";
}

std::optional<double> unit_factor(std::string_view metric, std::string_view unit) {
  if (unit.empty()) return 1.0;
  MetricUnit kind = MetricUnit::kNone;
  double size = 1;
  const Metric* known = find_metric(metric);
  if (known != nullptr) {
    kind = known->unit;
  } else if (const auto named = unit_in_name(metric)) {
    kind = named->kind;
    size = named->size;
  } else {
    return factor_of_unknown(metric, unit);
  }
  switch (kind) {
    case MetricUnit::kShare:
      return unit == "%" ? std::optional(0.01) : std::nullopt;
    case MetricUnit::kCount: {
      for (const std::string_view things : {"MACs", "macs", "MAC", "params"})
        if (unit.ends_with(things) && (things == "params") == (metric == "params"))
          return unit_factor(metric, unit.substr(0, unit.size() - things.size()));
      if (const auto factor = factor_in(decimal_units(), unit)) return *factor / size;
      return std::nullopt;
    }
    case MetricUnit::kBytes: {
      if (const auto factor = factor_in(byte_units(), unit)) return *factor / size;
      return size == 1 ? factor_in(decimal_units(), unit) : std::nullopt;
    }
    case MetricUnit::kMilliseconds:
      if (const auto factor = factor_in(time_units(), unit)) return *factor / size;
      return std::nullopt;
    case MetricUnit::kNone:
      break;
  }
  return std::nullopt;
}

std::string unit_names(std::string_view metric) {
  const Metric* known = find_metric(metric);
  const auto named = unit_in_name(metric);
  if (known == nullptr && !named) {
    switch (units_taken(metric)) {
      case UnitsTaken::kAny:
        return "k, M, G, T, %";
      case UnitsTaken::kDecimal:
        return "k, M, G, T";
      case UnitsTaken::kPercent:
        return "%";
      case UnitsTaken::kNone:
      case UnitsTaken::kUnstated:
        return "";
    }
  }
  switch (known != nullptr ? known->unit : named->kind) {
    case MetricUnit::kShare:
      return "%";
    case MetricUnit::kCount:
      return "k, M, G, T";
    case MetricUnit::kBytes:
      return "B, kB, MB, GB, KiB, MiB, GiB, k, M, G, T";
    case MetricUnit::kMilliseconds:
      return "ns, us, ms, s";
    case MetricUnit::kNone:
      break;
  }
  return "";
}

}  // namespace nas
