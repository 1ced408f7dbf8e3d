#pragma once
// Oracle (a) of search.md 11: five choices of three options, a value and two costs as tables.
#include <array>

#include "search/exact/factorise.hpp"
#include "spaces/plan_builder.hpp"
#include "spaces/space.hpp"

namespace nas {

/// Choices a..e with options 0, 1, 2; its networks mean nothing.
class OracleSpace final : public Space {
 public:
  /// `conditional`: d and e are open only where a is not 0.
  explicit OracleSpace(bool conditional = false) {
    name_ = "oracle";
    input_ = {1, 1, 1, Form::kVector};
    classes_ = 1;
    for (const char* name : {"a", "b", "c", "d", "e"})
      choices_.push_back({name, {"0", "1", "2"}, {}});
    if (conditional)
      for (const size_t c : {3, 4}) choices_[c].conditions.push_back({0, {1, 2}});
  }
  void build(const Architecture&, Plan& plan) const override {
    PlanBuilder(plan, symbols_, input_).add(Identity{}, 0, Plan::kInput);
  }
};

using OracleTable = std::array<std::array<int, 3>, 5>;
constexpr OracleTable kValue{{{0, 7, 11}, {0, 5, 6}, {0, 2, 9}, {0, 4, 13}, {0, 3, 8}}};
constexpr OracleTable kCost{{{1, 4, 9}, {2, 3, 8}, {1, 2, 7}, {2, 6, 9}, {1, 5, 6}}};
constexpr OracleTable kSecond{{{3, 1, 2}, {2, 5, 1}, {4, 4, 1}, {1, 2, 6}, {2, 2, 3}}};

inline exact::MetricFunction oracle_metric(const Space& space,
                                           std::string name,
                                           const OracleTable& table) {
  return {std::move(name), [&space, table](const Architecture& a) {
            double sum = 0;
            for (size_t c = 0; c < table.size(); ++c)
              if (space.active(a, c)) sum += table[c][static_cast<size_t>(a.genes[c])];
            return sum;
          }};
}

inline std::string digits(const Architecture& a) {
  std::string text;
  for (const int16_t gene : a.genes) text += std::to_string(gene);
  return text;
}

/// `macs`, `params`, `activation_bytes` or `peak_bytes` of plans.
inline exact::MetricFunction plan_metric(const Space& space, const std::string& name) {
  const auto plan = std::make_shared<Plan>();
  exact::MetricFunction metric{name, [&space, name, plan](const Architecture& a) {
                                 space.build(a, *plan);
                                 const Cost cost = cost_of(*plan, space.counting());
                                 return static_cast<double>(name == "macs"     ? cost.macs
                                                            : name == "params" ? cost.params
                                                            : name == "activation_bytes"
                                                                ? cost.activation_bytes
                                                                : cost.peak_bytes);
                               }};
  metric.sum = name != "peak_bytes";
  return metric;
}

}  // namespace nas
