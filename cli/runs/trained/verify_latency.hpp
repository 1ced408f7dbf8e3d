#pragma once
// Is a network as fast as was predicted? It is measured, under the conditions of the table.
#include <memory>
#include <string>

#include "cli/command.hpp"
#include "cli/results/verified_latency.hpp"
#include "search/store/store.hpp"
#include "spaces/space.hpp"

namespace nas::cli {

class LatencyVerification {
 public:
  /// `table`: id, `last`, a file, or the file of a predictor; "": that of the search `search`.
  /// ConfigError where there is none; refused as a search would refuse it.
  LatencyVerification(const Store& store,
                      const Space& space,
                      const std::string& table,
                      const std::string& search,
                      double tolerance_percent);
  ~LatencyVerification();

  /// Predicts `a` and times it. `plan`: as the space builds it; `folded`: as it is written with its
  /// batch norms merged, or null. Compared is what the prediction is of: times of single ops and of
  /// whole networks are of `plan`, those of fused kernels and blocks of `folded`.
  VerifiedLatency verify(const Architecture& a,
                         const Plan& plan,
                         const Plan* folded,
                         const Common& common);

 private:
  /// What the prediction does not say, and where the machine differs.
  void tell_conditions(const std::string& device,
                       int64_t batch,
                       const Common& common,
                       VerifiedLatency& v) const;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Adds it to what the run has of its networks (document kLatencyCheck), which `nas report` draws;
/// the same network by the same table is replaced. Nothing where the store cannot be written.
void keep_verification(Store& store,
                       const std::string& run,
                       const std::string& architecture,
                       const VerifiedLatency& verified);

}  // namespace nas::cli
