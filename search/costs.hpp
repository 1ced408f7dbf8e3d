#pragma once
// Cost metrics: exact and free, from the Plan of an architecture.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "search/constraints.hpp"
#include "spaces/domain.hpp"

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
  /// The same of what needs the architecture, too (a predictor of its choices).
  using OfNetwork = std::function<double(const Architecture&, const Plan&)>;
  void add_of(const std::string& metric,
              OfNetwork cost,
              const std::string& source,
              const std::string& fidelity_json);
  /// Says how far off a metric that was added may be: the standard deviation of a measurement
  /// around it, which becomes the metric METRIC_spread.
  void set_spread(const std::string& metric, OfNetwork spread);
  bool has_spread(const std::string& metric) const;
  /// `name`: the metric plus `z` spreads. std::logic_error for one without a spread.
  void add_quantile(const std::string& name, const std::string& metric, double z);

  std::vector<std::string> metrics() const;
  bool knows(const std::string& metric) const;
  /// Where a metric comes from, for the store.
  std::string source(const std::string& metric) const;
  std::string fidelity_json(const std::string& metric) const;
  std::map<std::string, double> of(const Architecture& a) const;
  /// One metric as a function of architectures, for loops over many; this outlives it.
  /// std::logic_error for a metric that is not known.
  std::function<double(const Architecture&)> function(const std::string& metric) const;
  const Space& space() const { return space_; }

 private:
  friend class CostLimits;
  const Space& space_;
  struct Extra {
    OfNetwork cost;
    std::string source, fidelity_json;
  };
  std::map<std::string, Extra> more_;
  /// The network asked for last: questions about one architecture come in a row.
  struct Built {
    Architecture architecture;
    Plan plan;  ///< Reused, so that a call allocates little.
    Cost cost;
  };
  const Built& built(const Architecture& a) const;
  mutable Built built_;  ///< One thread per CostModel.
};

/// Limits on free costs, for loops over many architectures: the Plan is built once per call, only
/// what is limited is computed, nothing is looked up by name.
class CostLimits {
 public:
  /// All metrics are known to `costs`, which outlives this and takes no further metrics.
  CostLimits(const CostModel& costs, std::vector<Constraint> constraints)
      : CostLimits(costs, std::move(constraints), costs.space()) {}
  /// For the architectures of `domain`, a part of the space of `costs`.
  CostLimits(const CostModel& costs, std::vector<Constraint> constraints, const Domain& domain);
  CostLimits(const CostLimits&) = delete;
  CostLimits& operator=(const CostLimits&) = delete;
  bool empty() const { return constraints_.empty(); }
  const std::vector<Constraint>& constraints() const { return constraints_; }
  const CostModel& costs() const { return costs_; }
  const Domain& domain() const { return domain_; }
  /// 0: all limits hold (see Constraint::violation).
  double violation(const Architecture& canonical) const;

 private:
  struct Limited {
    int64_t Cost::*of_cost;
    const CostModel::OfNetwork* of_plan;
    const Constraint* constraint;
  };
  const CostModel& costs_;
  Domain domain_;
  std::vector<Constraint> constraints_;
  std::vector<Limited> limits_;
};

}  // namespace nas
