#pragma once
// A few training steps on one device, and how far their numbers lie from those of another.
#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "supernet/train/train_options.hpp"
#include "supernet/weights/placement.hpp"

namespace nas::test {

/// A run small enough for both devices, on the handwritten digits.
struct AgreeCase {
  std::string name;
  std::string space, strategy, weights;  ///< Sections of a configuration; `weights` may be empty.
  int64_t images = 72, batch = 24;
  int steps = 3;
};

/// Where and how a case is computed.
struct Where {
  Device device = {};
  FloatType dtype = FloatType::kFloat32;
  Precision precision = Precision::kFp32;
  Layout layout = Layout::kContiguous;
};

/// What training did, on the CPU.
struct Trained {
  std::vector<double> losses;  ///< Of each step: the mean of the epoch so far.
  /// Momenta of all sets: sums of the gradients of all steps, the older ones times 0.9.
  std::map<std::string, at::Tensor> gradients;
  std::map<std::string, at::Tensor> weights;
  std::map<std::string, std::string> streams;  ///< Random streams: equal where equal paths ran.
  std::string sha256;                          ///< Of weights and momenta.
};
/// Trains `c` from its first weights. Throws what training throws.
Trained train(const AgreeCase& c, const Where& where);

/// One forward and backward pass of a drawn architecture on random images, dropout off.
Trained one_pass(const std::string& space, int draw, int64_t batch, const Where& where);

/// Distances, relative: |a - b| / |b|.
struct Distance {
  double loss = 0;      ///< The largest of all steps.
  double gradient = 0;  ///< Euclidean, of all gradients as one vector.
  /// The largest of single tensors, each measured by its own norm or, where that is less, by a
  /// thousandth of the norm of all: behind a batch norm the gradient of a bias is 0 but for
  /// rounding.
  double worst_tensor = 0;
  std::string worst_name;
};
/// std::runtime_error where the two did not train the same things.
Distance distance(const Trained& a, const Trained& b);

}  // namespace nas::test
