#include "cli/latency/results/moved.hpp"

#include <algorithm>
#include <cmath>

#include "cli/latency/shared.hpp"
#include "cli/report/document.hpp"

namespace nas::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string percent(double ratio) {
  double change = 100 * (ratio - 1);
  if (std::abs(change) < kRoundingPercent) change = 0;
  return (change >= 0 ? "+" : "") + format_number(change, 3) + " %";
}

Json calibration_json(const std::optional<Calibration>& c) {
  if (!c) return nullptr;
  return {{"a_ms", c->a},
          {"b", c->b},
          {"c_ms", c->c},
          {"relative_spread", c->spread},
          {"networks", c->networks}};
}

Json networks_json(const NetworkChange& change) {
  return {{"space", change.space},
          {"networks", change.ratios.size()},
          {"median_ratio", json_number(change.median())},
          {"least_ratio", json_number(change.ratios.front())},
          {"largest_ratio", json_number(change.ratios.back())}};
}

void print_calibrations(const TableComparison& found) {
  const auto text = [](const std::optional<Calibration>& c) {
    return c ? "latency = " + calibration_text(*c)
             : std::string("not calibrated: the sum of its ops");
  };
  if (found.calibration_a == found.calibration_b) return;
  print_prose("calibration of " + found.named_a + ": " + text(found.calibration_a));
  print_prose("calibration of " + found.named_b + ": " + text(found.calibration_b));
  if (const auto& change = found.whole)
    print_prose("whole networks of " + change->space + ", calibrated: " +
                percent(change->median()) + " (median of " + std::to_string(change->ratios.size()) +
                ", from " + percent(change->ratios.front()) + " to " +
                percent(change->ratios.back()) + "); what stands above is of single pieces");
}

}  // namespace

Json table_comparison_json(const TableComparison& found) {
  const LatencyDiff& diff = found.diff;
  Json document{{"schema", "nas-latency-diff/1"},
                {"a", found.a},
                {"b", found.b},
                {"grouping", found.grouping},
                {"in_both", diff.both.size()},
                {"median_ratio", json_number(diff.median_ratio)},
                {"total_ratio", json_number(diff.total_ratio)},
                {"only_a", diff.only_a},
                {"only_b", diff.only_b},
                {"above", found.above},
                {"conditions", Json::array()},
                {"kinds", Json::array()},
                {"changes", Json::array()}};
  for (const auto& condition : diff.conditions)
    document["conditions"].push_back(
        {{"name", condition.name}, {"a", condition.a}, {"b", condition.b}});
  for (const KindChange& kind : diff.kinds)
    document["kinds"].push_back({{"kind", kind.kind},
                                 {"keys", kind.keys},
                                 {"beyond_noise", kind.beyond},
                                 {"median_ratio", json_number(kind.median_ratio)},
                                 {"total_ratio", json_number(kind.total_ratio)}});
  for (const LatencyChange& change : diff.both)
    document["changes"].push_back({{"key", change.key},
                                   {"a_ms", change.a.median_ms},
                                   {"b_ms", change.b.median_ms},
                                   {"ratio", json_number(change.ratio)},
                                   {"beyond_noise", change.beyond}});
  document["calibration_a"] = calibration_json(found.calibration_a);
  document["calibration_b"] = calibration_json(found.calibration_b);
  document["whole_networks"] = found.whole ? networks_json(*found.whole) : Json(nullptr);
  return document;
}

void print_table_comparison(const TableComparison& found, size_t most) {
  const LatencyDiff& diff = found.diff;
  if (!diff.conditions.empty()) {
    Table conditions({"condition", found.named_a, found.named_b});
    for (const auto& c : diff.conditions) conditions.row({c.name, c.a, c.b});
    print(conditions.text());
  }
  Table kinds({"kind", "keys", "beyond noise", "median", "sum"});
  for (const KindChange& kind : diff.kinds)
    kinds.row({kind.kind,
               std::to_string(kind.keys),
               std::to_string(kind.beyond),
               percent(kind.median_ratio),
               percent(kind.total_ratio)});
  kinds.row({"all",
             std::to_string(diff.both.size()),
             "",
             percent(diff.median_ratio),
             percent(diff.total_ratio)});
  print(kinds.text());
  const size_t shown = std::min(diff.both.size(), most);
  if (shown > 0) {
    Table changes({"key", "ms before", "ms after", "change", "beyond noise"});
    for (size_t i = 0; i < shown; ++i) {
      const LatencyChange& c = diff.both[i];
      changes.row({c.key,
                   format_number(c.a.median_ms),
                   format_number(c.b.median_ms),
                   percent(c.ratio),
                   c.beyond ? "yes" : "no"});
    }
    print(changes.text());
    if (shown < diff.both.size())
      print_prose("the " + std::to_string(shown) + " largest of " +
                  std::to_string(diff.both.size()) + "; --limit shows more");
  }
  const auto only = [&](const std::vector<std::string>& keys, const std::string& table) {
    for (size_t i = 0; i < std::min(keys.size(), most); ++i)
      print_prose("only in " + table + ": " + keys[i]);
    if (keys.size() > most)
      print_prose("only in " + table + ": " + std::to_string(keys.size() - most) + " more");
  };
  only(diff.only_a, found.named_a);
  only(diff.only_b, found.named_b);
  print_calibrations(found);
}

}  // namespace nas::cli
