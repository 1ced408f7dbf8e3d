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

/// Which direction is better: as the table says, else as the words of the name do (`test_loss`,
/// `edgeLatency`, `images_per_second`); nullopt when neither tells.
std::optional<Better> better_of(std::string_view name);
const char* to_string(Better better);  ///< `higher is better`

/// Factor from a unit that a user wrote (`ms`, `MiB`, `M`, `%`) to the unit of this metric's
/// values; nullopt when the unit does not fit. Units of unknown metrics follow from endings such as
/// `_us` or `_bytes`; others take k, M, G, T and %.
std::optional<double> unit_factor(std::string_view metric, std::string_view unit);
/// The units it takes, for messages: `k, M, G, T`.
std::string unit_names(std::string_view metric);

}  // namespace nas
