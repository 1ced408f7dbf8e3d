// Limits are held against what is known of their metric (spaces/metric.hpp): a bound outside its
// range is a mistake of unit or sign, and told before the search instead of by an empty result.
#include "search/limits.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "spaces/error.hpp"
#include "spaces/metric.hpp"

namespace nas {
namespace {

// Twelve digits: 0.57 times 100 is to read 57.
std::string number(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.12g", value);
  return text;
}

bool strict(const Constraint& limit) {
  return limit.relation == Constraint::Relation::kLess ||
         limit.relation == Constraint::Relation::kGreater;
}

bool share(const Metric* metric) {
  return metric != nullptr && metric->unit == MetricUnit::kShare;
}

// As the user wrote it, but for k, M and the like.
std::string written(const Constraint& limit) {
  const std::string text = to_string(limit);
  return limit.percent ? text.substr(0, text.rfind(' ') + 1) + number(*limit.percent) + "%" : text;
}

// `accuracy >= 75` where accuracies lie in 0..1.
[[noreturn]] void share_expected(const Constraint& limit, const std::string& where) {
  const bool percent = limit.bound > 1 && limit.bound <= 100;
  throw ConfigError(
      where + ": '" + written(limit) + "': " + limit.metric + " is a share from 0 to 1",
      percent ? "Did you mean " + number(limit.bound / 100) + " or " + number(limit.bound) + "%?"
              : "Write for example 0.75 or 75%.");
}

void check_range(const Constraint& limit, const Metric& metric, const std::string& where) {
  const std::string text = where + ": '" + written(limit) + "': ";
  if (limit.bound > metric.high) share_expected(limit, where);
  if (limit.bound < metric.low)
    throw ConfigError(text + limit.metric + " is never below " + number(metric.low),
                      "No network is told apart by this limit; check sign and value.");
  const bool none =
      limit.upper() ? limit.bound <= metric.low : strict(limit) && limit.bound >= metric.high;
  if (none)
    throw ConfigError(text + "no network that is of use meets this (" + limit.metric + " lies in " +
                          number(metric.low) + " .. " +
                          (std::isinf(metric.high) ? "infinity" : number(metric.high)) + ")",
                      "Loosen the limit.");
}

// What the name alone says of a metric of a table or program: beyond that no value lies, in
// whatever unit it is.
void check_name(const Constraint& limit, const Constraint& resolved, const std::string& where) {
  const std::string& name = limit.metric;
  const std::string text = where + ": '" + written(limit) + "': ";
  const bool share_or_percent = is_accuracy(name) || is_error(name);
  if (never_negative(name)) {
    if (resolved.bound < 0)
      throw ConfigError(text + name + " is never below 0",
                        "No network is told apart by this limit; check sign and value.");
    if (!share_or_percent && !says_share(name) && resolved.upper() && resolved.bound <= 0)
      throw ConfigError(text + "no network meets this", "Loosen the limit.");
  }
  double most = std::numeric_limits<double>::infinity();
  if (is_accuracy(name) || (share_or_percent && (says_percent(name) || !resolved.upper())))
    most = 100;
  if (says_share(name)) most = 1;
  if (resolved.bound > most)
    throw ConfigError(
        text + name + " is never above " + number(most) + (most > 1 ? ", were it in percent" : ""),
        "No network is told apart by this limit; check unit and value.");
}

// Whatever the scale, a share ends at 100 %.
void check_percent(const Constraint& limit, const std::string& where) {
  if (limit.percent.value_or(0) > 100)
    throw ConfigError(
        where + ": '" + written(limit) + "': 100% is the most that " + limit.metric + " can be",
        "Write a percentage from 0% to 100%.");
}

// What the values that were seen say about a limit.
class Sight {
 public:
  Sight(const Constraint& limit, const Constraint& resolved, const KnownValues& known)
      : limit_(limit),
        at_(resolved),
        values_(known.seen),
        scale_(known.scale),
        complete_(known.complete) {
    std::sort(values_.begin(), values_.end());
    met_ = static_cast<size_t>(std::count_if(
        values_.begin(), values_.end(), [&](double value) { return at_.holds(value); }));
  }
  bool all() const { return met_ == values_.size(); }
  bool none() const { return met_ == 0; }
  std::string range() const {
    return "the values of '" + at_.metric + "' lie in " + number(values_.front()) + " .. " +
           number(values_.back()) +
           (scale_ == ValueScale::kPercents && shares() ? " (percent)" : "");
  }

  /// The bound that must have been meant, as a hint; "" where the limit can be meant as it is.
  std::string meant() const {
    const bool useless = all() || (none() && complete_);
    std::string hint;
    if (scale_ == ValueScale::kFractions && at_.bound > 1) hint = meant_of_shares();
    // Percents by name may all be below 1: then nothing tells.
    if (scale_ == ValueScale::kPercents && at_.bound > 0 && at_.bound < 1 && values_.back() > 1)
      hint = meant_of_percents();
    // 0.5% of shares 0.5 .. 0.85.
    if (scale_ == ValueScale::kFractions && useless && limit_.percent.value_or(0) > 0 &&
        inside(*limit_.percent))
      hint = percent_text(100 * *limit_.percent);
    return hint.empty() && useless ? meant_by_thousands() : hint;
  }

 private:
  bool inside(double value) const { return value >= values_.front() && value <= values_.back(); }
  bool shares() const { return may_be_share(at_.metric); }
  double median() const { return values_[values_.size() / 2]; }
  static std::string percent_text(double percent) {
    return "Did you mean " + number(percent) + "%?";
  }
  static std::string both(double here, double percent) {
    return "Did you mean " + number(here) + " or " + number(percent) + "%?";
  }

  // A bound above 1 of values up to 1: all or none meet it.
  std::string meant_of_shares() const {
    const double share = at_.bound / 100;
    if (!is_accuracy(at_.metric) && (!shares() || !inside(share))) return "";
    return share <= 1 ? both(share, at_.bound) : "Write for example 0.75 or 75%.";
  }

  // A bound below 1 of values up to 100. That of accuracies cannot be meant, even where a diverged
  // network or two lie below it; `0.8%` can. Other shares may be as small as an error of 0.8 %.
  std::string meant_of_percents() const {
    constexpr double kPercents = 10;  // A median above this is of percents, whatever else is there.
    const bool percents = median() > kPercents, useless = all() || none();
    const double percent = 100 * at_.bound;
    const std::string hint = limit_.percent ? percent_text(percent) : both(percent, percent);
    if (is_accuracy(at_.metric) && !limit_.percent && (useless || percents)) return hint;
    if (!shares() || !inside(percent) || !percents) return "";
    const bool few =
        !at_.upper() && !limit_.percent && 20 * (values_.size() - met_) <= values_.size();
    return useless || few ? hint : "";
  }

  // A limit that lets all pass can be generous; one a hundred times beyond all values that lies
  // among them in another unit (20M of a column in millions, 5000 of milliseconds) is not, unless
  // the name states the unit. Of sizes a thousand times is generous still (1G of small networks).
  std::string meant_by_thousands() const {
    const bool stated = states_unit(at_.metric) && (all() || limit_.unit);
    if (at_.bound <= 0 || values_.front() < 0 || stated) return "";
    constexpr double kFar = 100;
    if (std::max(at_.bound / values_.back(), values_.front() / at_.bound) < kFar) return "";
    for (const double factor : {1e3, 1e6, 1e9}) {
      if (factor < 1e6 && all() && is_capacity(at_.metric)) continue;
      for (const double meant : {at_.bound / factor, at_.bound * factor})
        if (inside(meant))
          return "Did you mean " + number(meant) + "? Write the number in the unit of the values.";
    }
    return "";
  }

  const Constraint& limit_;
  const Constraint& at_;
  std::vector<double> values_;
  ValueScale scale_;
  bool complete_;
  size_t met_ = 0;
};

// Against the values that were seen: what cannot be meant, and what tells nothing apart.
void check_sight(const Constraint& limit,
                 const Constraint& resolved,
                 const KnownValues& known,
                 const std::string& where,
                 std::vector<std::string>* notes) {
  if (known.seen.empty()) return;
  const Sight sight(limit, resolved, known);
  const std::string text = where + ": '" + written(limit) + "': ";
  if (const std::string meant = sight.meant(); !meant.empty())
    throw ConfigError(text + sight.range() +
                          (sight.all()    ? ", so that all meet this"
                           : sight.none() ? ", so that none meets this"
                                          : ", so that this cannot be what is meant"),
                      meant + (sight.all() ? " As it stands it limits nothing." : ""));
  if (sight.none() && known.complete)
    throw ConfigError(text + sight.range() + ", so that none meets this", "Loosen the limit.");
  if (sight.all() && notes != nullptr)
    notes->push_back("'" + written(limit) + "' limits nothing: " + sight.range());
}

}  // namespace

ValueScale scale_of(const std::vector<double>& values) {
  if (values.empty()) return ValueScale::kUnknown;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (*low < 0 || *high > 100) return ValueScale::kOther;
  return *high > 1 ? ValueScale::kPercents : ValueScale::kFractions;
}

KnownValues values_of(std::vector<double> seen, bool complete) {
  KnownValues known;
  known.scale = scale_of(seen);
  known.seen = std::move(seen);
  known.complete = complete;
  return known;
}

double resolve_value(const Constraint& value, ValueScale scale, const std::string& where) {
  if (!value.percent) return value.bound;
  // A unit in the name wins, whatever the values are.
  if (says_percent(value.metric) && find_metric(value.metric) == nullptr) return *value.percent;
  if (!may_be_share(value.metric))
    throw ConfigError(where + ": '" + value.metric + "' is no share, so that " +
                          number(*value.percent) + "% means nothing",
                      "Write the number in the unit of the values.");
  if (scale == ValueScale::kFractions) return value.bound;
  // The number itself: 7 / 100 * 100 is another double than 7.
  if (scale == ValueScale::kPercents) return *value.percent;
  const Metric* metric = find_metric(value.metric);
  if (scale == ValueScale::kOurs && metric != nullptr) return value.bound;
  if (scale == ValueScale::kOther)
    throw ConfigError(where + ": '" + value.metric +
                          "' holds values outside of 0 .. 100, so that " + number(*value.percent) +
                          "% means nothing",
                      "Write the number in the unit of the values.");
  throw ConfigError(
      where + ": '" + value.metric + "' may be a share or in percent, so that " +
          number(*value.percent) + "% can mean two things",
      "Write " + number(value.bound) + " or " + number(*value.percent) + ", as the values are.");
}

Constraint resolve_limit(const Constraint& limit,
                         const KnownValues& of_values,
                         const std::string& where,
                         std::vector<std::string>* notes) {
  KnownValues known = of_values;
  if (says_percent(limit.metric) && known.scale == ValueScale::kFractions)
    known.scale = ValueScale::kPercents;
  const Metric* metric = find_metric(limit.metric);
  check_percent(limit, where);
  Constraint resolved = limit;
  resolved.bound = resolve_value(limit, known.scale, where);
  resolved.percent.reset();
  resolved.unit = false;
  const bool percents = known.scale == ValueScale::kPercents;
  if (percents && is_accuracy(limit.metric) && resolved.bound > 100)
    throw ConfigError(where + ": '" + written(limit) + "': the values of '" + limit.metric +
                          "' are in percent, and 100 is the most",
                      "Write a number from 0 to 100.");
  const bool negative = resolved.bound < 0 || (resolved.bound <= 0 && resolved.upper());
  if (metric != nullptr &&
      (known.scale == ValueScale::kOurs || metric->cost || (share(metric) && negative)))
    check_range(resolved, *metric, where);
  if (metric == nullptr) check_name(limit, resolved, where);
  check_sight(limit, resolved, known, where, notes);
  return resolved;
}

double resolve_reference(const Constraint& value,
                         const KnownValues& known,
                         const std::string& where) {
  const double resolved = resolve_value(value, known.scale, where);
  const Metric* metric = find_metric(value.metric);
  const std::string text = where + ": '" + value.metric + " = " +
                           (value.percent ? number(*value.percent) + "%" : number(value.bound)) +
                           "': ";
  if (metric != nullptr && known.scale == ValueScale::kOurs &&
      (resolved < metric->low || resolved > metric->high))
    throw ConfigError(text + "lies outside of what " + value.metric + " can be",
                      share(metric) ? "It is a share from 0 to 1." : "It is never negative.");
  if (never_negative(value.metric) && resolved < 0)
    throw ConfigError(text + value.metric + " is never negative", "Check sign and value.");
  if (known.seen.empty() || resolved <= 0) return resolved;
  if (known.scale == ValueScale::kPercents && is_accuracy(value.metric) && resolved > 100)
    throw ConfigError(text + "the values are in percent, and 100 is the most",
                      "Write a number from 0 to 100.");
  // Any number of the right scale can be meant, and much else is only odd: as a limit that is held
  // by some and not by others would be.
  Constraint as_limit = value;
  as_limit.bound = resolved;
  as_limit.percent.reset();
  const auto better = better_of(value.metric);
  as_limit.relation = better == Better::kLower ? Constraint::Relation::kLessEqual
                                               : Constraint::Relation::kGreaterEqual;
  if (const std::string meant = Sight(value, as_limit, known).meant(); !meant.empty())
    throw ConfigError(
        text + Sight(value, as_limit, known).range() + ", so that this cannot be what is meant",
        meant);
  return resolved;
}

std::string scale_hint(const Constraint& limit, const KnownValues& known) {
  if (known.seen.empty()) return "";
  const KnownValues all{.scale = known.scale, .seen = known.seen, .complete = true};
  const Sight sight(limit, limit, all);
  return sight.none() ? sight.meant() : "";
}

Constraint resolve_limit(const Constraint& limit, ValueScale scale, const std::string& where) {
  return resolve_limit(limit, KnownValues{.scale = scale}, where);
}

void refuse_contradictions(const std::vector<Constraint>& limits, const std::string& where) {
  for (const Constraint& most : limits) {
    for (const Constraint& least : limits) {
      if (!most.upper() || least.upper() || most.metric != least.metric) continue;
      const bool touch = most.bound == least.bound && !strict(most) && !strict(least);
      if (least.bound < most.bound || touch) continue;
      throw ConfigError(where + ": '" + to_string(least) + "' and '" + to_string(most) +
                            "' leave nothing between them",
                        "Loosen one of them.");
    }
  }
}

std::string objective_problem(const Objective& objective) {
  const auto better = better_of(objective.metric);
  if (!better || objective.maximize == (*better == Better::kHigher)) return "";
  if (is_capacity(objective.metric)) return "";
  return to_string(objective) + " looks for the worst networks: of " + objective.metric + ", " +
         nas::to_string(*better);
}

std::vector<std::string> objective_warnings(const std::vector<Objective>& objectives) {
  std::vector<std::string> warnings;
  for (const Objective& objective : objectives) {
    const auto better = better_of(objective.metric);
    if (!better || objective.maximize == (*better == Better::kHigher)) continue;
    warnings.push_back(
        "objective '" + to_string(objective) + "': of " + objective.metric + ", " +
        nas::to_string(*better) +
        (objective.maximize ? "; did you mean minimize?" : "; did you mean maximize?"));
  }
  return warnings;
}

}  // namespace nas
