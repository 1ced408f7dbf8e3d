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
/// Nothing in the name speaks against a share: `value`, `test`, `error`; not `latency`, `loss`.
bool may_be_share(std::string_view name);
/// More of it is a larger network (macs, params, flops): wanting more can be meant.
bool is_capacity(std::string_view name);
bool says_percent(std::string_view name);    ///< `acc_percent`, `top1(%)`
bool never_negative(std::string_view name);  ///< Accuracies, costs, names with a unit.
bool states_unit(std::string_view name);     ///< By the table or an ending such as `_us`.

/// Factor from a unit that a user wrote (`ms`, `MiB`, `M`, `%`) to the unit of this metric's
/// values; nullopt when the unit does not fit. Units of unknown metrics follow from endings such as
/// `_us` or `_bytes`; others take k, M, G, T and %.
std::optional<double> unit_factor(std::string_view metric, std::string_view unit);
/// The units it takes, for messages: `k, M, G, T`.
std::string unit_names(std::string_view metric);

}  // namespace nas
