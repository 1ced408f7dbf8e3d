// Whether a list holds shares or percents is told by its median, which a few wrong values do not
// move: no share exceeds 1. A value up to 1 among percents is judged by its distance to the bulk of
// the others (their lowest tenth), since the poorest networks of an honest list lie close together
// down to any value, while a share lies a hundred times too low.
#include "search/evaluators/value_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <vector>

#include "spaces/metric.hpp"

namespace nas {
namespace {

constexpr double kPercents = 10;   ///< A median above this is of percents, whatever the name.
constexpr double kFar = 10;        ///< So many times below the bulk stands apart.
constexpr double kVeryFar = 20;    ///< Where percents are small themselves.
constexpr size_t kNearlyAll = 20;  ///< All but one in 20.

std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

// 1.0 of 100 classes, 0.83 and 0.833 of 120: a hundredth of a whole number of classes, as rounded.
bool chance_level(double value) {
  if (value <= 0 || value > 1) return false;
  const double exact = 100 / std::round(100 / value);
  double unit = 1;
  for (int digits = 0; digits < 6 && std::abs(value / unit - std::round(value / unit)) > 1e-6;
       ++digits)
    unit /= 10;
  return std::abs(exact - value) <= unit / 2 * (1 + 1e-9);
}

class Values {
 public:
  explicit Values(std::span<const double> values)
      : values_(values), sorted_(values.begin(), values.end()) {
    std::sort(sorted_.begin(), sorted_.end());
    first_above_ = static_cast<size_t>(std::upper_bound(sorted_.begin(), sorted_.end(), 1.0) -
                                       sorted_.begin());
  }
  size_t size() const { return sorted_.size(); }
  double median() const { return sorted_[size() / 2]; }
  size_t above_one() const { return size() - first_above_; }
  size_t within(double above, double most) const {
    return static_cast<size_t>(std::upper_bound(sorted_.begin(), sorted_.end(), most) -
                               std::upper_bound(sorted_.begin(), sorted_.end(), above));
  }
  size_t equals(double value) const {
    return static_cast<size_t>(std::count(sorted_.begin(), sorted_.end(), value));
  }
  double front() const { return sorted_.front(); }
  double back() const { return sorted_.back(); }
  /// Of the values above 1: where nearly all of them begin.
  double bulk() const { return sorted_[first_above_ + above_one() / 10]; }
  double least_above_one() const { return sorted_[first_above_]; }
  /// Farther below the bulk than a poor network of a list that thins out downwards.
  bool detached(double value) const { return bulk() - value >= (back() - bulk()) / 4; }
  /// Of those up to 1: the largest and the smallest above 0; 0 without any.
  double largest_share() const { return first_above_ == 0 ? 0 : sorted_[first_above_ - 1]; }
  double smallest_share() const {
    const auto it = std::upper_bound(sorted_.begin(), sorted_.end(), 0.0);
    return it == sorted_.end() || *it > 1 ? 0 : *it;
  }
  std::string percents() const { return text_of(bulk()) + " .. " + text_of(back()); }
  std::string shares() const {
    return text_of(smallest_share()) + " .. " + text_of(largest_share());
  }

  using Test = std::function<bool(double)>;
  /// The first for which `wrong` holds.
  std::optional<OddValue> first(const Test& wrong,
                                const std::function<OddValue(double)>& odd) const {
    const auto it = std::find_if(values_.begin(), values_.end(), wrong);
    if (it == values_.end()) return std::nullopt;
    OddValue found = odd(*it);
    found.index = static_cast<size_t>(it - values_.begin());
    found.more = static_cast<size_t>(std::count_if(it + 1, values_.end(), wrong));
    return found;
  }

 private:
  std::span<const double> values_;
  std::vector<double> sorted_;
  size_t first_above_ = 0;
};

// A share among percents, or a network that learnt nothing.
std::optional<OddValue> low_among_percents(const Values& v, bool accuracy) {
  if (v.above_one() == 0) return std::nullopt;
  const double bulk = v.bulk(), far = v.median() > kPercents ? kFar : kVeryFar;
  const auto apart = [&](double x) {
    return x > 0 && x <= 1 && bulk >= far * x && (v.detached(x) || v.least_above_one() >= 3 * x);
  };
  // Several networks that learnt nothing have one accuracy, which as a share is none of the others.
  const auto chance = [&](double x) {
    const bool foreign = 100 * x > v.back() || 100 * x < bulk;
    return accuracy && (x == 1 || (v.equals(x) > 1 && chance_level(x) && foreign));
  };
  const auto certain = [&](double x) {
    return v.median() > kPercents && apart(x) && v.detached(x) && 200 * x >= bulk && !chance(x);
  };
  if (auto odd = v.first(certain, [&](double x) {
        return OddValue{.why = "is a share among percents (" + v.percents() + ")",
                        .instead = text_of(100 * x)};
      }))
    return odd;
  return v.first(apart, [&](double x) {
    return OddValue{.why = "lies far below the others (" + v.percents() + ") and is taken for " +
                           text_of(x) + " %",
                    .instead = text_of(100 * x),
                    .certain = false};
  });
}

// A percentage among shares. Of an error the others have to be near its hundredth: errors of other
// things than classes exceed 1.
std::optional<OddValue> high_among_shares(const Values& v, bool accuracy) {
  const double low = v.smallest_share(), high = v.largest_share();
  const auto as_percent = [&](double x) {
    return OddValue{.why = "is a percentage among shares (" + v.shares() + ")",
                    .instead = text_of(x / 100)};
  };
  const auto far = [&](double x) { return x > 1 && x <= 100 && x >= kFar * high; };
  const auto certain = [&](double x) {
    return accuracy ? x > 1 : far(x) && x / 100 >= low / 2 && x / 100 <= 2 * high;
  };
  if (auto odd = v.first(certain, as_percent)) return odd;
  return v.first(far, [&](double x) {
    OddValue odd = as_percent(x);
    odd.why = "lies far above the others (" + v.shares() + ") and is taken for a share";
    odd.certain = false;
    return odd;
  });
}

bool nearly_all_percents(const Values& v) {
  return v.median() > kPercents && kNearlyAll * (v.size() - v.within(1, 100)) <= v.size();
}

std::optional<OddValue> outside_of_percents(const Values& v) {
  if (!nearly_all_percents(v)) return std::nullopt;
  return v.first([](double x) { return x < 0 || x > 100; },
                 [](double) {
                   return OddValue{.why = "lies outside of 0 .. 100, where nearly all others lie",
                                   .certain = false};
                 });
}

// Where the name says nothing: shares and percents of one range, all in 0 .. 100.
std::optional<OddValue> shares_and_percents(const Values& v) {
  if (v.front() < 0 || v.back() > 100 || v.above_one() == 0 || v.smallest_share() == 0)
    return std::nullopt;
  const double bulk = v.bulk(), low = 100 * v.smallest_share(), high = 100 * v.largest_share();
  // 1 is 1 % sooner than 100 %.
  const bool one_range = low < 100 && low <= 2 * v.back() && high >= bulk / 2;
  if (bulk < kFar * v.largest_share() || !one_range || !v.detached(v.largest_share()))
    return std::nullopt;
  const bool percents = v.median() > 1;
  return v.first([&](double x) { return percents ? x > 0 && x <= 1 : x > 1; },
                 [&](double x) {
                   return OddValue{
                       .why = percents ? "may be a share among percents (" + v.percents() + ")"
                                       : "may be a percentage among shares (" + v.shares() + ")",
                       .instead = text_of(percents ? 100 * x : x / 100),
                       .certain = false};
                 });
}

std::optional<NamedUnit> unit_of(const std::string& name) {
  if (const Metric* known = find_metric(name)) {
    if (known->unit == MetricUnit::kNone || known->unit == MetricUnit::kShare) return std::nullopt;
    return NamedUnit{known->unit, 1};
  }
  return unit_in_name(name);
}

/// What no value of a metric can be. Its name is looked up once, not for each of thousands.
class Bounds {
 public:
  explicit Bounds(const std::string& metric)
      : metric_(metric),
        positive_(never_negative(metric)),
        accuracy_(is_accuracy(metric)),
        share_(says_share(metric)) {}
  bool share() const { return share_; }
  /// Why a value cannot be; "" where it can.
  std::string broken_by(double value, bool percent) const {
    if (value < 0 && positive_)
      return "is negative, and " +
             (accuracy_           ? "an accuracy"
              : is_error(metric_) ? "an error"
              : share_            ? "a share"
                                  : metric_) +
             " never is";
    if (value > (percent ? 1 : 100) && accuracy_) return "is above 100 %";
    if (value > 1 && share_) return "is above 1, and '" + metric_ + "' says a share";
    return "";
  }

 private:
  const std::string& metric_;
  bool positive_, accuracy_, share_;
};

}  // namespace

std::string impossible_value(const std::string& metric, double value, bool percent) {
  return Bounds(metric).broken_by(value, percent);
}

std::optional<OddValue> odd_value(std::span<const double> values,
                                  const std::string& metric,
                                  bool written_in_percent) {
  if (values.empty()) return std::nullopt;
  const Values v(values);
  const Bounds bounds(metric);
  const auto impossible = [&](double x) {
    return !bounds.broken_by(x, written_in_percent).empty();
  };
  if (auto odd = v.first(impossible, [&](double x) {
        const bool percent = x > 1 && x <= 100 && bounds.share();
        return OddValue{.why = bounds.broken_by(x, written_in_percent),
                        .instead = percent ? text_of(x / 100) : ""};
      }))
    return odd;
  if (written_in_percent) return std::nullopt;
  const bool accuracy = is_accuracy(metric), error = is_error(metric);
  if (says_percent(metric)) return error ? outside_of_percents(v) : std::nullopt;
  if (accuracy || error) {
    if (auto odd =
            v.median() > 1 ? low_among_percents(v, accuracy) : high_among_shares(v, accuracy))
      return odd;
    return error ? outside_of_percents(v) : std::nullopt;
  }
  if (!may_be_share(metric) || name_says(metric) == NameSays::kUnclear ||
      name_says(metric) == NameSays::kLower)
    return std::nullopt;
  if (auto odd = outside_of_percents(v)) return odd;
  return shares_and_percents(v);
}

std::string rename_problem(const std::string& metric,
                           const std::string& column,
                           std::span<const double> values) {
  const Quantity to = quantity_of(metric), from = quantity_of(column);
  const auto unit_to = unit_of(metric), unit_from = unit_of(column);
  if (to != Quantity::kUnknown && from != Quantity::kUnknown && to != from)
    return "'" + metric + "' is " + quantity_text(to) + ", '" + column + "' " + quantity_text(from);
  const NameSays says_to = name_says(metric), says_from = name_says(column);
  const bool turned = (says_to == NameSays::kHigher && says_from == NameSays::kLower) ||
                      (says_to == NameSays::kLower && says_from == NameSays::kHigher);
  const bool clear = says_to == NameSays::kHigher || says_to == NameSays::kLower;
  if (turned)
    return "of '" + metric + "' " + to_string(*better_of(metric)) + ", of '" + column + "' " +
           to_string(*better_of(column));
  if (clear && says_from == NameSays::kUnclear)
    return "the name '" + column + "' changes the meaning of what it names";
  if (unit_to && unit_from &&
      (unit_to->kind != unit_from->kind || unit_to->size != unit_from->size))
    return "the two names state different units, and numbers are never converted";
  const auto scale = [](const std::string& name) {
    return says_share(name) ? "a share" : says_percent(name) ? "percents" : "";
  };
  const std::string scale_to = scale(metric), scale_from = scale(column);
  if (!scale_to.empty() && !scale_from.empty() && scale_to != scale_from)
    return "'" + metric + "' says " + scale_to + ", '" + column + "' " + scale_from +
           ", and numbers are never converted";
  const auto has_unit = [](Quantity quantity) {
    return quantity != Quantity::kUnknown && quantity != Quantity::kAccuracy &&
           quantity != Quantity::kError;
  };
  if (scale_to.empty() && !scale_from.empty() && has_unit(to))
    return "'" + metric + "' is " + quantity_text(to) + ", '" + column + "' says " + scale_from;
  if (!scale_to.empty() && scale_from.empty() && has_unit(from))
    return "'" + metric + "' says " + scale_to + ", '" + column + "' is " + quantity_text(from);
  const double most = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  if (says_share(column) && !says_share(metric) && most > 1)
    return "'" + column + "' says a share, and its values reach " + text_of(most);
  if (says_percent(column) && !says_percent(metric) && most <= 1)
    return "'" + column + "' is in percent, which '" + metric + "' would not say";
  if (says_percent(metric) && !says_percent(column) && is_accuracy(metric) && !values.empty() &&
      most <= 1)
    return "the values of '" + column + "' reach " + text_of(most) + ": shares, no percents";
  return "";
}

}  // namespace nas
