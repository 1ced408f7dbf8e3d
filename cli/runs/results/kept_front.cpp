#include "cli/runs/results/kept_front.hpp"

#include <set>

#include "search/noise.hpp"

namespace nas::cli {
namespace {

/// `--noise`: architectures that none of the others dominates beyond noise.
std::vector<bool> beyond_noise(const FrontOptions& o,
                               const Results& table,
                               const std::vector<Objective>& objectives,
                               const std::vector<Point>& points) {
  std::vector<std::map<std::string, double>> values;
  for (const Entry& entry : table.entries) values.push_back(entry.values);
  std::vector<std::vector<Noise>> noise(points.size());
  bool any = false;
  for (const Objective& objective : objectives) {
    const std::vector<Noise> of_metric = noise_of(values, objective.metric);
    for (size_t i = 0; i < points.size(); ++i) {
      noise[i].push_back(of_metric[i]);
      any |= of_metric[i].error > 0;
    }
  }
  if (!any && !points.empty())
    throw ConfigError(
        "--noise: no architecture was measured more than once, so that nothing is known of noise",
        "A table with repeated rows and evaluator.table.repeats: mean, or a metric METRIC_spread "
        "beside METRIC, tells it.");
  return dominated_beyond_noise(points, noise, o.noise);
}

}  // namespace

FrontFacts keep_front(const FrontOptions& o,
                      Results& table,
                      const std::vector<Objective>& objectives) {
  FrontFacts facts;
  if (objectives.empty()) return facts;
  std::vector<Point> points;
  for (const Entry& entry : table.entries) {
    Point point;
    for (const Objective& objective : objectives)
      point.push_back(entry.values.at(objective.metric) * objective.sign());
    points.push_back(point);
  }
  const std::vector<int> ranks = non_dominated_ranks(points);
  std::vector<bool> dominated;
  for (const int rank : ranks) dominated.push_back(rank > 0);
  if (o.noise > 0) dominated = beyond_noise(o, table, objectives, points);
  std::vector<Entry> front;
  std::set<Point> seen;  // Of equal points the first.
  for (size_t i = 0; i < points.size(); ++i) {
    if (dominated[i]) continue;
    if (!seen.insert(points[i]).second && !o.equal) {
      ++facts.equal;
      continue;
    }
    facts.uncertain += ranks[i] > 0;
    front.push_back(table.entries[i]);
  }
  table.entries = std::move(front);
  return facts;
}

void tell_front(const Common& common, const FrontOptions& o, const FrontFacts& facts) {
  if (facts.equal > 0)
    note(common,
         std::to_string(facts.equal) +
             (facts.equal == 1 ? " architecture has" : " architectures have") +
             " the values of one that is shown and " + (facts.equal == 1 ? "is" : "are") +
             " left out (--equal shows all)");
  if (facts.uncertain > 0)
    note(common,
         std::to_string(facts.uncertain) +
             (facts.uncertain == 1 ? " architecture is" : " architectures are") +
             " dominated as measured, but not beyond noise (confidence " + format_number(o.noise) +
             ")");
}

}  // namespace nas::cli
