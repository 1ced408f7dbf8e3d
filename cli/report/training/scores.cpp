#include "cli/report/training/scores.hpp"

#include "cli/command.hpp"
#include "spaces/metric.hpp"

namespace nas::cli {
namespace {

bool in_percent(const std::string& metric) {
  const Metric* known = find_metric(metric);
  return known != nullptr && known->unit == MetricUnit::kShare;
}

}  // namespace

std::string metric_heading(const std::string& metric) {
  const std::string top = "accuracy_top";
  const std::string name = metric.starts_with(top) ? "top-" + metric.substr(top.size()) : metric;
  return name + (in_percent(metric) ? " %" : "");
}

std::string metric_in_table(const std::string& metric, double value) {
  return format_number(in_percent(metric) ? 100 * value : value);
}

}  // namespace nas::cli
