#pragma once
// Which choices of a domain act on metrics together.
#include <functional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "spaces/domain.hpp"

namespace nas::exact {

/// Why metrics are no sum of small tables.
class NotAdditive : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Values of metrics for any genes in range (those of closed choices mean nothing), each
/// architecture asked for once. A metric is a pure function of architectures whose inactive genes
/// are 0.
class Values {
 public:
  using Metric = std::function<double(const Architecture&)>;
  Values(const Space& space, std::vector<Metric> metrics)
      : space_(space), metrics_(std::move(metrics)), largest_(metrics_.size(), 0.0) {}
  /// NotAdditive for a network that cannot be built or a value that is no number.
  const std::vector<double>& of(const Architecture& genes);
  /// Whether differences of metric m are one, but for rounding.
  bool same(double x, double y, size_t m) const;
  size_t asked() const { return known_.size(); }
  size_t metrics() const { return metrics_.size(); }

 private:
  const Space& space_;
  std::vector<Metric> metrics_;
  std::vector<double> largest_;
  std::unordered_map<Architecture, std::vector<double>> known_;
};

/// By choice: those that change what its options are worth, and those that open it; rising,
/// symmetric, closed under what opens each.
using Neighbours = std::vector<std::vector<size_t>>;
Neighbours interactions(const Domain& domain,
                        const std::vector<SpaceRule>& rules,
                        Values& values,
                        int contexts,
                        uint64_t seed);

/// All choices that decide whether each is active; rising.
std::vector<std::vector<size_t>> ancestors(const std::vector<Choice>& choices);

}  // namespace nas::exact
