#pragma once
// Evaluator: the costly truth about architectures, batch first.
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "spaces/space.hpp"

namespace nas {

/// Values by metric name; a metric that could not be measured is absent. `error` non-empty: this
/// architecture failed (never the whole batch).
struct Evaluation {
  std::map<std::string, double> values;
  std::string error;
  bool stopped = false;  ///< Not evaluated, because the user asked to stop.
};

class Evaluator {
 public:
  virtual ~Evaluator() = default;
  /// In input order. When the user asked to stop, those not done are marked `stopped`.
  virtual std::vector<Evaluation> evaluate(std::span<const Architecture> architectures) = 0;
  virtual std::vector<std::string> metrics() const = 0;
  /// Where the values come from (source column) and at what fidelity (JSON) for the store.
  virtual std::string source() const = 0;
  virtual std::string fidelity_json() const { return "{}"; }
};

}  // namespace nas
