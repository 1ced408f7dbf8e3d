#pragma once
// Cost metrics: exact and free, from the Plan of an architecture.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "spaces/space.hpp"

namespace nas {

/// macs, params, activation_bytes and peak_bytes from the Plan; further metrics that are functions
/// of the Plan (latency_ms of a table) are added by name.
class CostModel {
 public:
  explicit CostModel(const Space& space) : space_(space) {}
  /// `metric` of a Plan, e.g. a latency table's sum. Must be pure.
  void add(const std::string& metric,
           std::function<double(const Plan&)> cost,
           const std::string& source = "plan",
           const std::string& fidelity_json = "{}");

  std::vector<std::string> metrics() const;
  bool knows(const std::string& metric) const;
  /// Where a metric comes from, for the store.
  std::string source(const std::string& metric) const;
  std::string fidelity_json(const std::string& metric) const;
  std::map<std::string, double> of(const Architecture& a) const;
  const Space& space() const { return space_; }

 private:
  const Space& space_;
  struct Extra {
    std::function<double(const Plan&)> cost;
    std::string source, fidelity_json;
  };
  std::map<std::string, Extra> more_;
  mutable Plan plan_;  ///< Reused, so that a call allocates little. One thread per CostModel.
};

}  // namespace nas
