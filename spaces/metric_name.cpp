// What the name of a metric says: its words are looked up in lists, since tables and programs of
// users name what they measure as they like.
#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <span>
#include <tuple>
#include <utility>

#include "spaces/metric.hpp"

namespace nas {
namespace {

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
// Errors of numbers, not of classes: of any size.
constexpr std::string_view kOfNumbers[] = {"squared",
                                           "square",
                                           "absolute",
                                           "abs",
                                           "mean",
                                           "rms",
                                           "relative",
                                           "rel",
                                           "quantization",
                                           "quantisation",
                                           "reconstruction",
                                           "prediction",
                                           "l"};
// Qualities that are shares.
constexpr std::string_view kShares[] = {
    "accuracy", "acc", "recall", "auc", "auroc", "iou", "miou", "dice"};
// Measured in a unit that has a zero: never below it.
constexpr std::string_view kPhysical[] = {
    "latency", "lat",    "ms",      "us",       "ns",        "sec",   "secs", "second",
    "seconds", "time",   "runtime", "bytes",    "kb",        "mb",    "gb",   "memory",
    "mem",     "energy", "mj",      "joule",    "joules",    "power", "watt", "watts",
    "delay",   "cycles", "fps",     "duration", "throughput"};
// Numbers that were moved or bent: nothing is known of their range.
constexpr std::string_view kBent[] = {"log",
                                      "ln",
                                      "z",
                                      "zscore",
                                      "norm",
                                      "normalized",
                                      "normalised",
                                      "standardized",
                                      "centered",
                                      "centred",
                                      "scaled",
                                      "residual",
                                      "relative",
                                      "rel",
                                      "logit"};
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
    "loss",  "losses",     "latency", "lat",     "ms",     "us",       "ns",
    "sec",   "secs",       "second",  "seconds", "time",   "runtime",  "bytes",
    "kb",    "mb",         "gb",      "memory",  "mem",    "energy",   "mj",
    "joule", "joules",     "power",   "watt",    "watts",  "cost",     "costs",
    "ppl",   "perplexity", "nll",     "ce",      "bce",    "entropy",  "crossentropy",
    "rmse",  "mse",        "mae",     "regret",  "fid",    "kl",       "divergence",
    "bpc",   "violation",  "rank",    "delay",   "cycles", "duration", "ece"};
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

// `1-acc`, `one_minus_top1`: of a share the other share.
bool other_share(std::string_view name) {
  for (const std::string_view start : {"1-", "1 -", "1_minus", "one_minus", "one-minus"})
    if (name.starts_with(start)) return true;
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
  if (words.empty() || any_of(words, kBent)) return false;
  const NameSays says = name_says(name);
  if (top_k(name) && any_of(words, {"error", "err"})) return says == NameSays::kLower;
  return says == NameSays::kHigher && (any_of(words, kShares) || top_k(name)) &&
         !any_of(words, kNoShares) && !turns(words.front()) && name[0] != '-';
}

bool is_error(std::string_view name) {
  if (find_metric(name) != nullptr || is_accuracy(name)) return false;
  const std::vector<std::string> words = words_of(name);
  if (words.empty() || name_says(name) != NameSays::kLower || any_of(words, kBent)) return false;
  if (other_share(name)) return any_of(words, kShares) || top_k(name);
  return any_of(words, kErrors) && !any_of(words, kOfNumbers) && !turns(words.front()) &&
         name[0] != '-' && !unit_in_name(name);
}

bool may_be_share(std::string_view name) {
  if (const Metric* metric = find_metric(name)) return metric->unit == MetricUnit::kShare;
  const std::vector<std::string> words = words_of(name);
  return !unit_in_name(name) && !any_of(words, kLowerIsBetter) && !any_of(words, kCapacity) &&
         !any_of(words, kNoShares);
}

bool is_capacity(std::string_view name) {
  return any_of(words_of(name), kCapacity);
}

bool says_percent(std::string_view name) {
  return name.find('%') != name.npos ||
         any_of(words_of(name), {"percent", "pct", "perc", "percentage"});
}

bool says_share(std::string_view name) {
  const std::vector<std::string> words = words_of(name);
  if (says_percent(name) || any_of(words, kBent) || name_says(name) == NameSays::kUnclear)
    return false;
  return any_of(words, {"share", "fraction", "frac", "proportion"}) ||
         (any_of(words, {"ratio"}) && (is_accuracy(name) || is_error(name)));
}

bool never_negative(std::string_view name) {
  const Metric* metric = find_metric(name);
  if (metric != nullptr) return metric->cost || metric->unit == MetricUnit::kShare;
  if (is_accuracy(name) || is_error(name) || says_share(name)) return true;
  const std::vector<std::string> words = words_of(name);
  // Not of differences: latency_change_ms.
  return !words.empty() && !turns(words.front()) && name[0] != '-' && !any_of(words, kBent) &&
         (name_says(name) == NameSays::kLower || any_of(words, {"fps", "throughput"})) &&
         name_says(name) != NameSays::kUnclear &&
         (unit_in_name(name) || any_of(words, kPhysical) || any_of(words, kCapacity));
}

std::optional<NamedUnit> unit_in_name(std::string_view name) {
  using U = MetricUnit;
  static const std::vector<std::tuple<std::string_view, U, double>> units = {
      {"ns", U::kMilliseconds, 1e-6},
      {"us", U::kMilliseconds, 1e-3},
      {"usec", U::kMilliseconds, 1e-3},
      {"ms", U::kMilliseconds, 1},
      {"msec", U::kMilliseconds, 1},
      {"milliseconds", U::kMilliseconds, 1},
      {"sec", U::kMilliseconds, 1e3},
      {"secs", U::kMilliseconds, 1e3},
      {"seconds", U::kMilliseconds, 1e3},
      {"bytes", U::kBytes, 1},
      {"kb", U::kBytes, 1e3},
      {"mb", U::kBytes, 1e6},
      {"gb", U::kBytes, 1e9},
      {"kib", U::kBytes, 1024.0},
      {"mib", U::kBytes, 1048576.0},
      {"gib", U::kBytes, 1073741824.0},
      {"mflops", U::kCount, 1e6},
      {"gflops", U::kCount, 1e9},
      {"mmacs", U::kCount, 1e6},
      {"gmacs", U::kCount, 1e9},
      {"mparams", U::kCount, 1e6}};
  // At the end only: short enough to be part of another name.
  static const std::vector<std::tuple<std::string_view, U, double>> last = {
      {"s", U::kMilliseconds, 1e3},
      {"k", U::kCount, 1e3},
      {"m", U::kCount, 1e6},
      {"g", U::kCount, 1e9}};
  const std::vector<std::string> words = words_of(name);
  // Neither a share nor a rate has one of these.
  if (words.empty() || any_of(words, kShares) || top_k(name) ||
      std::find(words.begin(), words.end(), "per") != words.end() || name.find('/') != name.npos)
    return std::nullopt;
  // Characters that people type for micro are no letters here.
  for (const std::string_view micro : {"\u00b5s", "\u03bcs"})
    if (name.find(micro) != name.npos) return NamedUnit{U::kMilliseconds, 1e-3};
  // Two words by their capitals.
  for (const auto& [binary, size] : std::initializer_list<std::pair<std::string_view, double>>{
           {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}})
    if (words.size() > 1 && name.find(binary) != name.npos) return NamedUnit{U::kBytes, size};
  for (size_t i = words.size(); i-- > 0;)
    for (const auto& [word, kind, size] : units)
      if (word == words[i] && (words.size() > 1 || kind == U::kCount)) return NamedUnit{kind, size};
  if (words.size() < 2) return std::nullopt;
  for (const auto& [word, kind, size] : last)
    if (word == words.back() && (kind != U::kCount || any_of(words, kCapacity)))
      return NamedUnit{kind, size};
  return std::nullopt;
}

bool states_unit(std::string_view name) {
  const Metric* metric = find_metric(name);
  return metric != nullptr ? metric->unit != MetricUnit::kNone : unit_in_name(name).has_value();
}

UnitsTaken units_taken(std::string_view name) {
  const std::vector<std::string> words = words_of(name);
  if (any_of(words, kPhysical)) return UnitsTaken::kUnstated;
  if (is_accuracy(name) || is_error(name)) return UnitsTaken::kPercent;
  if (any_of(words, {"loss", "losses", "nll", "perplexity", "ppl"})) return UnitsTaken::kNone;
  return any_of(words, kLowerIsBetter) || any_of(words, kCapacity) ? UnitsTaken::kDecimal
                                                                   : UnitsTaken::kAny;
}

Quantity quantity_of(std::string_view name) {
  const std::vector<std::string> words = words_of(name);
  const auto unit = unit_in_name(name);
  if (any_of(words, {"energy", "mj", "joule", "joules"})) return Quantity::kEnergy;
  if (any_of(words, {"power", "watt", "watts"})) return Quantity::kPower;
  if (any_of(words, {"param", "params", "parameters", "mparams"})) return Quantity::kParameters;
  if (any_of(words, {"flop", "flops", "mflops", "gflops"})) return Quantity::kFlops;
  if (any_of(words, {"mac", "macs", "madds", "mmacs", "gmacs"})) return Quantity::kMacs;
  if (any_of(words, {"latency", "lat", "time", "runtime", "delay", "duration"}))
    return Quantity::kTime;
  if (any_of(words, {"memory", "mem"})) return Quantity::kBytes;
  if (unit && unit->kind == MetricUnit::kMilliseconds) return Quantity::kTime;
  if (unit && unit->kind == MetricUnit::kBytes) return Quantity::kBytes;
  // top1_error has the range of a top1, and is none.
  if (is_accuracy(name))
    return name_says(name) == NameSays::kLower ? Quantity::kError : Quantity::kAccuracy;
  if (is_error(name)) return Quantity::kError;
  if (any_of(words, {"loss", "losses", "nll", "ce", "perplexity", "ppl"})) return Quantity::kLoss;
  return Quantity::kUnknown;
}

const char* quantity_text(Quantity quantity) {
  switch (quantity) {
    case Quantity::kAccuracy:
      return "an accuracy";
    case Quantity::kError:
      return "an error";
    case Quantity::kLoss:
      return "a loss";
    case Quantity::kTime:
      return "a time";
    case Quantity::kBytes:
      return "a size in bytes";
    case Quantity::kEnergy:
      return "an energy";
    case Quantity::kPower:
      return "a power";
    case Quantity::kMacs:
      return "a number of multiply-accumulates";
    case Quantity::kFlops:
      return "a number of operations (one or two for each multiply-accumulate)";
    case Quantity::kParameters:
      return "a number of parameters";
    case Quantity::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace nas
