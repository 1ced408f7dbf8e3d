#pragma once
// A table of a device of which few ops were measured, from a complete table of another device.
#include <Eigen/Core>
#include <string>
#include <vector>

#include "hardware/latency_table.hpp"

namespace nas {

/// What a signature says of its op, in numbers: 1, log of the known time, and its kind (op, and for
/// convolutions kernel and depthwise or not) as columns of 0 and 1. Rows in the order of `keys`.
Eigen::MatrixXd op_features(const LatencyTable& known, const std::vector<std::string>& keys);

struct Transferred {
  LatencyTable table;
  double scale = 1;       ///< Geometric mean of new over known times.
  double held_out = 0;    ///< Mean relative error of ops left out in turn, a share.
  double scale_only = 0;  ///< The same of the scale alone.
  size_t measured = 0;    ///< Ops that were measured; they keep their times.
};

/// log(new / known) as a linear function of op_features(), shrunk towards one scale for all ops as
/// far as leaving measured ops out one by one says. `part` has the new device's conditions.
/// DataError where fewer than four ops are in both, or another batch or dtype was measured.
Transferred transfer(const LatencyTable& known, const LatencyTable& part);

}  // namespace nas
