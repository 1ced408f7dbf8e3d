#include "cli/report/plot/front_plot.hpp"

#include <algorithm>

#include "cli/command.hpp"
#include "cli/report/plot/text_plot.hpp"
#include "spaces/metric.hpp"

namespace nas::cli {
namespace {

constexpr size_t kWidest = 80;

TextPoints points_of(char mark,
                     const std::string& meaning,
                     const std::vector<PlotValues>& list,
                     const std::vector<Objective>& objectives) {
  TextPoints points{mark, meaning, {}};
  for (const PlotValues& values : list) {
    const auto y = values.find(objectives[0].metric), x = values.find(objectives[1].metric);
    if (x != values.end() && y != values.end()) points.points.emplace_back(x->second, y->second);
  }
  return points;
}

std::string axis_name(const Objective& objective) {
  return objective.metric + (objective.maximize ? " (more is better)" : " (less is better)");
}

}  // namespace

std::string metric_text(const std::string& metric, double value) {
  if (metric.starts_with("accuracy") && value >= 0 && value <= 1)
    return format_number(100 * value) + " %";
  if (metric == "macs" || metric == "params") return format_count(value);
  return format_number(value);
}

std::string front_plot(const std::vector<Objective>& objectives,
                       const std::vector<PlotValues>& evaluated,
                       const std::vector<PlotValues>& front,
                       size_t width) {
  if (objectives.size() < 2) return "";
  const auto axis = [&](const Objective& o) {
    return TextAxis{axis_name(o), [metric = o.metric](double v) { return metric_text(metric, v); }};
  };
  return text_scatter({points_of('.', "evaluated", evaluated, objectives),
                       points_of('o', "front", front, objectives)},
                      axis(objectives[1]),
                      axis(objectives[0]),
                      std::min(width, kWidest));
}

void print_front_plot(const std::vector<Objective>& objectives,
                      const std::vector<PlotValues>& evaluated,
                      const std::vector<PlotValues>& front) {
  if (!interactive(1)) return;
  const size_t width = output_width(1);
  const std::string text = front_plot(objectives, evaluated, front, width == 0 ? kWidest : width);
  if (!text.empty()) print(text + "\n");
}

}  // namespace nas::cli
