#pragma once
// Which end of a metric is the good one in the results of a run.
#include <map>
#include <optional>
#include <string>

#include "search/store/store.hpp"
#include "spaces/metric.hpp"

namespace nas::cli {

/// What is better of each metric: as a search was told, else as its name says.
class Directions {
 public:
  explicit Directions(const RunRow& run);
  std::optional<Better> of(const std::string& metric) const;

 private:
  std::map<std::string, Better> stated_;
};

}  // namespace nas::cli
