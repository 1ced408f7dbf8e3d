#include "spaces/metric.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <tuple>
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

// The unit that the end of a name states: (kind, size of one of it in the kind's base unit).
std::optional<std::pair<MetricUnit, double>> unit_by_ending(std::string_view name) {
  static const std::vector<std::tuple<std::string_view, MetricUnit, double>> endings = {
      {"_ns", MetricUnit::kMilliseconds, 1e-6},
      {"_us", MetricUnit::kMilliseconds, 1e-3},
      {"_ms", MetricUnit::kMilliseconds, 1},
      {"_s", MetricUnit::kMilliseconds, 1e3},
      {"_seconds", MetricUnit::kMilliseconds, 1e3},
      {"_bytes", MetricUnit::kBytes, 1},
      {"_kb", MetricUnit::kBytes, 1e3},
      {"_mb", MetricUnit::kBytes, 1e6},
      {"_gb", MetricUnit::kBytes, 1e9}};
  for (const auto& [ending, kind, size] : endings)
    if (name.size() > ending.size() && name.ends_with(ending)) return std::pair{kind, size};
  return std::nullopt;
}

// Lower-case words of a name, parted at what is no letter and where a capital follows a small
// letter.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  bool inside = false, small = false;
  for (const char raw : name) {
    const auto c = static_cast<unsigned char>(raw);
    if (c >= 128 || std::isalpha(c) == 0) {
      inside = false;
      continue;
    }
    if (!inside || (small && std::isupper(c) != 0)) words.emplace_back();
    words.back() += static_cast<char>(std::tolower(c));
    inside = true;
    small = std::islower(c) != 0;
  }
  return words;
}

bool any_of(const std::vector<std::string>& words, const std::vector<std::string_view>& list) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  });
}

std::optional<Better> better_by_words(std::string_view name) {
  static const std::vector<std::string_view> lower = {
      "loss",       "losses",     "error",     "errors", "err",        "latency", "lat",
      "ms",         "us",         "ns",        "sec",    "secs",       "second",  "seconds",
      "time",       "runtime",    "mac",       "macs",   "madds",      "flop",    "flops",
      "mflops",     "gflops",     "param",     "params", "parameters", "bytes",   "kb",
      "mb",         "gb",         "memory",    "mem",    "energy",     "mj",      "joule",
      "joules",     "power",      "watt",      "watts",  "size",       "cost",    "costs",
      "perplexity", "ppl",        "nll",       "ce",     "bce",        "entropy", "crossentropy",
      "rmse",       "mse",        "mae",       "regret", "wer",        "cer",     "fid",
      "kl",         "divergence", "violation", "bpc",    "rank",       "delay",   "cycles",
      "duration"};
  static const std::vector<std::string_view> higher = {
      "accuracy", "acc",        "precision",   "recall",  "auc",        "auroc", "map",
      "iou",      "miou",       "bleu",        "psnr",    "ssim",       "score", "reward",
      "fps",      "throughput", "hypervolume", "quality", "likelihood", "f",     "dice"};
  const std::vector<std::string> words = words_of(name);
  // Words that turn the meaning of others: neg_loss, accuracy_drop, 1-error.
  if (name.starts_with("1-") || name.starts_with("1 -") ||
      any_of(words,
             {"neg",
              "negative",
              "negated",
              "inverse",
              "inv",
              "minus",
              "drop",
              "gap",
              "reduction",
              "free",
              "saved",
              "saving",
              "savings",
              "loss_reduction"}))
    return std::nullopt;
  // A rate: images_per_second.
  const auto per = std::find(words.begin(), words.end(), "per");
  if (per != words.end() && per + 1 != words.end() &&
      any_of({per[1]}, {"s", "sec", "second", "ms", "minute", "joule", "watt"}))
    return any_of({words.begin(), per}, {"energy", "joules", "cost"}) ? Better::kLower
                                                                      : Better::kHigher;
  const bool small = any_of(words, lower), large = any_of(words, higher);
  if (small != large) return small ? Better::kLower : Better::kHigher;
  if (!small && any_of(words, {"top"})) return Better::kHigher;  // top1, but top1_error
  return std::nullopt;
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
  for (const Metric& metric : known_metrics())
    if (name == metric.name) return &metric;
  return nullptr;
}

std::optional<Better> better_of(std::string_view name) {
  if (const Metric* metric = find_metric(name)) return metric->better;
  return better_by_words(name);
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
  } else if (const auto ending = unit_by_ending(metric)) {
    std::tie(kind, size) = *ending;
  } else {
    return unit == "%" ? std::optional(0.01) : factor_in(decimal_units(), unit);
  }
  switch (kind) {
    case MetricUnit::kShare:
      return unit == "%" ? std::optional(0.01) : std::nullopt;
    case MetricUnit::kCount: {
      for (const std::string_view things : {"MACs", "macs", "MAC", "params"})
        if (unit.ends_with(things) && (things == "params") == (metric == "params"))
          return unit_factor(metric, unit.substr(0, unit.size() - things.size()));
      return factor_in(decimal_units(), unit);
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
  const auto ending = unit_by_ending(metric);
  if (known == nullptr && !ending) return "k, M, G, T, %";
  switch (known != nullptr ? known->unit : ending->first) {
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
