#pragma once
// The front of a search as text on a terminal.
#include <map>
#include <string>
#include <vector>

#include "search/pareto.hpp"

namespace nas::cli {

/// Values of one architecture.
using PlotValues = std::map<std::string, double>;

/// Prints what was evaluated and the front over the first two objectives, at most 80 columns wide,
/// where stdout is a terminal (a script wants numbers). The first objective goes up.
void print_front_plot(const std::vector<Objective>& objectives,
                      const std::vector<PlotValues>& evaluated,
                      const std::vector<PlotValues>& front);
/// The same as text of at most `width` columns; "" where there is nothing to see: fewer than two
/// objectives or different points.
std::string front_plot(const std::vector<Objective>& objectives,
                       const std::vector<PlotValues>& evaluated,
                       const std::vector<PlotValues>& front,
                       size_t width);

/// A value as people read it: accuracies as percent, counts short.
std::string metric_text(const std::string& metric, double value);

}  // namespace nas::cli
