#pragma once
// Metrics of judged networks as columns of tables.
#include <string>

namespace nas::cli {

/// `accuracy %`, `top-5 %`, `loss`.
std::string metric_heading(const std::string& metric);
std::string metric_in_table(const std::string& metric, double value);

}  // namespace nas::cli
