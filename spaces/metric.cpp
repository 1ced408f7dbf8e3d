// What is known of a metric by name: unit, direction, range. Other names state them by their
// endings and words (`_ms`, `error`), which is a guess that the user can overrule.
#include "spaces/metric.hpp"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <limits>
#include <span>
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

bool any_of(const std::vector<std::string>& words, std::span<const std::string_view> list) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  });
}
bool any_of(const std::vector<std::string>& words, std::initializer_list<std::string_view> list) {
  return any_of(words, std::span(list.begin(), list.size()));
}

// Shares as often as counts: 0.2, 20 (percent), 2000 (wrong images).
constexpr std::string_view kErrors[] = {"error", "errors", "err", "wer", "cer"};
// More of these is a larger network, which can be what is wanted.
constexpr std::string_view kCapacity[] = {"mac",
                                          "macs",
                                          "madds",
                                          "flop",
                                          "flops",
                                          "mflops",
                                          "gflops",
                                          "param",
                                          "params",
                                          "parameters",
                                          "size"};
constexpr std::string_view kLowerIsBetter[] = {
    "loss",  "losses",     "latency", "lat",     "ms",     "us",      "ns",
    "sec",   "secs",       "second",  "seconds", "time",   "runtime", "bytes",
    "kb",    "mb",         "gb",      "memory",  "mem",    "energy",  "mj",
    "joule", "joules",     "power",   "watt",    "watts",  "cost",    "costs",
    "ppl",   "perplexity", "nll",     "ce",      "bce",    "entropy", "crossentropy",
    "rmse",  "mse",        "mae",     "regret",  "fid",    "kl",      "divergence",
    "bpc",   "violation",  "rank",    "delay",   "cycles", "duration"};
constexpr std::string_view kHigherIsBetter[] = {
    "accuracy", "acc",        "precision",   "recall",  "auc",        "auroc", "map",
    "iou",      "miou",       "bleu",        "psnr",    "ssim",       "score", "reward",
    "fps",      "throughput", "hypervolume", "quality", "likelihood", "f",     "dice"};
// Higher is better, and no share.
constexpr std::string_view kNoShares[] = {
    "psnr", "reward", "fps", "throughput", "likelihood", "per"};
// In front these turn what follows: neg_loss, minus_loss, inverse_latency.
constexpr std::string_view kTurns[] = {
    "neg", "negative", "negated", "minus", "inverse", "inv", "reciprocal"};
// And these change it so that the rest says nothing: accuracy_drop, loss_reduction, acc_std.
constexpr std::string_view kChanges[] = {
    "drop",  "gap",        "reduction", "decrease", "increase", "improvement", "gain",    "delta",
    "diff",  "difference", "change",    "free",     "saved",    "saving",      "savings", "std",
    "stdev", "stddev",     "sd",        "variance", "var",      "sem",         "ci"};

bool turns(std::string_view word) {
  return std::find(std::begin(kTurns), std::end(kTurns), word) != std::end(kTurns);
}

NameSays opposite(NameSays says) {
  if (says == NameSays::kHigher) return NameSays::kLower;
  return says == NameSays::kLower ? NameSays::kHigher : NameSays::kUnclear;
}

NameSays words_say(std::vector<std::string> words) {
  if (any_of(words, kTurns) || any_of(words, kChanges)) return NameSays::kUnclear;
  // A rate: images_per_second.
  const auto per = std::find(words.begin(), words.end(), "per");
  if (per != words.end() && per + 1 != words.end() &&
      any_of(std::vector<std::string>{per[1]},
             {"s", "sec", "second", "ms", "minute", "joule", "watt"}))
    return any_of(std::vector<std::string>(words.begin(), per), {"energy", "joules", "cost"})
               ? NameSays::kLower
               : NameSays::kHigher;
  const bool small =
      any_of(words, kLowerIsBetter) || any_of(words, kErrors) || any_of(words, kCapacity);
  const bool large = any_of(words, kHigherIsBetter);
  if (small && large) return NameSays::kUnclear;
  if (small || large) return small ? NameSays::kLower : NameSays::kHigher;
  return any_of(words, {"top"}) ? NameSays::kHigher : NameSays::kNothing;  // top1, but top1_error
}

// `top1`, `top-5`: the words alone do not hold the digit.
bool top_k(std::string_view name) {
  for (size_t at = 0; at + 3 < name.size(); ++at) {
    const auto lower = [&](size_t i) {
      return std::tolower(static_cast<unsigned char>(name[at + i]));
    };
    if (lower(0) != 't' || lower(1) != 'o' || lower(2) != 'p') continue;
    const size_t digit = at + (name[at + 3] == '-' || name[at + 3] == '_' ? 4 : 3);
    if (digit < name.size() && std::isdigit(static_cast<unsigned char>(name[digit])) != 0)
      return true;
  }
  return false;
}

}  // namespace

NameSays name_says(std::string_view name) {
  if (const Metric* metric = find_metric(name))
    return metric->better == Better::kHigher ? NameSays::kHigher : NameSays::kLower;
  std::vector<std::string> words = words_of(name);
  if (words.empty()) return NameSays::kNothing;
  // `one_minus_acc` is `1-acc`, `-loss` is neg_loss.
  if (words.size() > 2 && words[0] == "one" && words[1] == "minus") words.erase(words.begin());
  const bool sign = name[0] == '-' || name.starts_with("1-") || name.starts_with("1 -") ||
                    name.starts_with("1/") || name.starts_with("1 /");
  if (!sign && !turns(words.front())) return words_say(std::move(words));
  if (!sign) words.erase(words.begin());
  return opposite(words_say(std::move(words)));
}

bool is_accuracy(std::string_view name) {
  if (const Metric* metric = find_metric(name)) return metric->unit == MetricUnit::kShare;
  const std::vector<std::string> words = words_of(name);
  const NameSays says = name_says(name);
  if (top_k(name) && any_of(words, {"error", "err"})) return says == NameSays::kLower;
  return says == NameSays::kHigher && (any_of(words, {"accuracy", "acc"}) || top_k(name)) &&
         !any_of(words, kNoShares) && !turns(words.front()) && name[0] != '-';
}

bool may_be_share(std::string_view name) {
  if (const Metric* metric = find_metric(name)) return metric->unit == MetricUnit::kShare;
  const std::vector<std::string> words = words_of(name);
  return !unit_by_ending(name) && !any_of(words, kLowerIsBetter) && !any_of(words, kCapacity) &&
         !any_of(words, kNoShares);
}

bool is_capacity(std::string_view name) {
  return any_of(words_of(name), kCapacity);
}

bool says_percent(std::string_view name) {
  return name.find('%') != name.npos || any_of(words_of(name), {"percent", "pct", "percentage"});
}

bool never_negative(std::string_view name) {
  const Metric* metric = find_metric(name);
  if (metric != nullptr) return metric->cost || metric->unit == MetricUnit::kShare;
  // Not of differences: latency_change_ms.
  return is_accuracy(name) || (unit_by_ending(name) && name_says(name) == NameSays::kLower &&
                               !turns(words_of(name).front()));
}

bool states_unit(std::string_view name) {
  const Metric* metric = find_metric(name);
  return metric != nullptr ? metric->unit != MetricUnit::kNone : unit_by_ending(name).has_value();
}

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
