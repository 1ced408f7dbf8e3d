#pragma once
// Which few things to measure, so that most is learnt of all others.
#include <Eigen/Core>
#include <span>
#include <vector>

#include "hardware/latency_table.hpp"

namespace nas {

/// `budget` different rows of x that make det(X'X + prior I) large (D-optimal): the best next row
/// again and again, then exchanges while one helps. `first`: rows that are in anyway. The order is
/// that of their worth: a shorter list is the beginning of it. All rows where budget allows.
std::vector<int> d_optimal(const Eigen::MatrixXd& x,
                           int budget,
                           double prior = 1e-3,
                           std::span<const int> first = {});

/// Among which networks was chosen.
struct Candidates {
  int64_t looked_at = 0;
  int64_t different = 0;  ///< Those of them with different work (Domain::canonical).
  bool all = false;       ///< Whether they were all of the domain; else they were drawn.
};

/// Networks of `domain` to measure for a calibration of `table` (null: none is there yet): the
/// smallest, the largest, and those of `candidates` random ones (by `seed`; all where there are no
/// more) that tell most about sum, number of ops, memory traffic, and single options. `among`: the
/// candidates. Interrupted where the user stops.
std::vector<Architecture> choose_networks(const Domain& domain,
                                          const LatencyTable* table,
                                          int budget,
                                          uint64_t seed,
                                          int candidates = 2000,
                                          Candidates* among = nullptr);

/// Ops of a table of another device that tell most about the others (transfer.hpp).
std::vector<std::string> choose_ops(const LatencyTable& known, int budget);

}  // namespace nas
