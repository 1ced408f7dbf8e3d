#pragma once
// What is known about a metric by its name: unit, direction, range. The one place that says so;
// limits, objectives, fronts, rankings and help ask here.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nas {

enum class Better { kHigher, kLower };
enum class MetricUnit {
  kNone,
  kShare,         ///< 0..1; may be written in percent.
  kCount,         ///< Whole things: multiply-accumulates, parameters.
  kBytes,         ///< Bytes.
  kMilliseconds,  ///< Milliseconds.
};

struct Metric {
  const char* name;
  MetricUnit unit;
  Better better;
  double low, high;  ///< Every value lies here, ends included; high may be infinite.
  const char* summary;
  bool cost;  ///< Follows from the architecture alone; wanting more of it can be meant.
};
/// All metrics that commands of this program produce for an architecture.
const std::vector<Metric>& known_metrics();
/// Null for names that only a user's table or program knows.
const Metric* find_metric(std::string_view name);

/// What a name says about its direction: the table, else its words (`test_loss`, `edgeLatency`,
/// `images_per_second`). Names that turn a known one are read as such (`neg_loss`, `-loss`,
/// `1-acc`, `inverse_latency`). kUnclear: words that change the meaning of others (`accuracy_drop`,
/// `acc_std`) or contradict them (`acc_loss`); who needs the direction has to ask.
enum class NameSays { kNothing, kHigher, kLower, kUnclear };
NameSays name_says(std::string_view name);
/// The same; nullopt where the name says nothing or nothing clear.
std::optional<Better> better_of(std::string_view name);
const char* to_string(Better better);  ///< `higher is better`

/// The name is that of an accuracy (or a top-k error): a share from 0 to 1 or 0 to 100 percent.
bool is_accuracy(std::string_view name);
/// The name is that of an error of classes (`err`, `test_error`, `1-acc`): a share or percents, but
/// a word error rate may exceed 1. Not `mean_squared_error`, not a top-k error.
bool is_error(std::string_view name);
/// Nothing in the name speaks against a share: `value`, `test`, `error`; not `latency`, `loss`.
bool may_be_share(std::string_view name);
/// More of it is a larger network (macs, params, flops): wanting more can be meant.
bool is_capacity(std::string_view name);
bool says_percent(std::string_view name);  ///< `acc_percent`, `top1(%)`
/// Its values lie in 0 .. 1: `acc_share`, `fraction`, `error_ratio`; not `memory_ratio`.
bool says_share(std::string_view name);
/// Accuracies, errors, costs, times, energies; not `latency_change_ms`, `log_latency`.
bool never_negative(std::string_view name);

/// A unit that a name states: `_us`, `(ms)`, `MB`, `params_m`.
struct NamedUnit {
  MetricUnit kind;
  double size;  ///< One of it in milliseconds, bytes or pieces.
};
std::optional<NamedUnit> unit_in_name(std::string_view name);
bool states_unit(std::string_view name);  ///< By the table or by its name.
/// Which units a number of a metric takes whose name states none.
enum class UnitsTaken {
  kAny,       ///< k, M, G, T, %
  kDecimal,   ///< k, M, G, T
  kPercent,   ///< %
  kNone,      ///< It has no unit: loss.
  kUnstated,  ///< It has one, but nothing says which: latency.
};
UnitsTaken units_taken(std::string_view name);

/// What is measured, as far as the name tells.
enum class Quantity {
  kUnknown,
  kAccuracy,
  kError,
  kLoss,
  kTime,
  kBytes,
  kEnergy,
  kPower,
  kMacs,
  kFlops,  ///< One multiply-accumulate is one or two of them.
  kParameters,
};
Quantity quantity_of(std::string_view name);
const char* quantity_text(Quantity quantity);  ///< `an accuracy`, `a size in bytes`

/// Factor from a unit that a user wrote (`ms`, `MiB`, `M`, `%`) to the unit of this metric's
/// values; nullopt when the unit does not fit. Units of unknown metrics follow from their names
/// (unit_in_name(), else units_taken()).
std::optional<double> unit_factor(std::string_view metric, std::string_view unit);
/// The units it takes, for messages: `k, M, G, T`.
std::string unit_names(std::string_view metric);

}  // namespace nas
