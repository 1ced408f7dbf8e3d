#pragma once
// Runs a Plan on the tensors a TensorSource answers: training, evaluation and export all use this.
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "spaces/plan.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {

class Lane;

/// Per-subnet statistics of one BatchNorm node: mean and (unbiased or biased, as recorded)
/// variance.
struct BnStats {
  at::Tensor mean, var;
  /// Adds to both; to nothing where they are undefined.
  void add(const BnStats& batch);
};
/// Keyed by node id of the plan.
using BnTable = std::unordered_map<int32_t, BnStats>;

/// What one batch adds to the running statistics of one norm, views of the set's buffers.
struct RunningUpdate {
  at::Tensor running_mean, running_var, mean, var;
  double momentum = 0;
  void apply() const;
};

struct ForwardOptions {
  enum class Bn {
    kBatch,    ///< Statistics of the batch; running buffers untouched.
    kTrain,    ///< Statistics of the batch; running buffers of the set updated.
    kRunning,  ///< Running buffers of the set (ops without `running` use the batch).
    kTable,    ///< `table` (recalibrated); ops not in it use the batch.
    kCollect,  ///< Statistics of the batch, whose mean and biased variance are added to `table`.
  };
  Bn bn = Bn::kBatch;
  BnTable* table = nullptr;
  /// By the kernels of supernet/shards where they take the values, without gradients (not kTrain):
  /// norms with what follows them, average pooling. Other bits than LibTorch's ops give.
  bool kernels = false;
  bool train = false;  ///< Dropout and drop-path on, drawn from `generator`.
  std::optional<at::Generator> generator;
  /// Of forward_parts(): receives what kTrain would do at once, in order.
  std::vector<RunningUpdate>* updates = nullptr;
  at::Tensor* features = nullptr;  ///< If set, receives the classifier's input ([N, F]).
  /// If set, the plan's auxiliary head runs too and its logits are put here (left as it is where
  /// the plan has none).
  at::Tensor* auxiliary = nullptr;
  /// Of a relaxed plan (spaces/relaxed.hpp), which does not run without: for each choice that is
  /// mixed a weight for each of its options ([options], on any device, differentiable), undefined
  /// for others. Options that take no part are not looked at; those of weight exactly 0 are not
  /// executed, and their weight gets the gradient 0.
  const std::vector<at::Tensor>* mixing = nullptr;
};

/// x: [N, C, H, W] on the device of the tensors; returns logits [N, classes].
at::Tensor forward(const Plan& plan,
                   TensorSource& tensors,
                   const at::Tensor& x,
                   const ForwardOptions& options);
/// The same for a plan of several inputs, in the order of Plan::input_shapes.
at::Tensor forward(const Plan& plan,
                   TensorSource& tensors,
                   std::span<const at::Tensor> inputs,
                   const ForwardOptions& options);

/// Called with the number of an output and its value.
using OnOutput = std::function<void(size_t, const at::Tensor&)>;
/// The values of some nodes (a node may be asked for twice), each handed on as soon as it is there
/// and kept no longer than other nodes need it.
void forward_each(const Plan& plan,
                  std::span<const int32_t> outputs,
                  TensorSource& tensors,
                  std::span<const at::Tensor> inputs,
                  const ForwardOptions& options,
                  const OnOutput& on_output);

/// Some images of a batch, on tensors of their own: equal storage, gradients apart.
struct BatchPart {
  TensorSource* tensors = nullptr;
  at::Tensor input;
  /// `bn`: kBatch or kTrain, which needs `updates` in the first part of the batch.
  ForwardOptions options;
};
/// The logits of the parts in this thread's lane; batch norms are those of the whole batch, whose
/// other parts run in other threads (supernet/shards). All parts go through a node before the next:
/// a thread with several of them cannot wait for itself.
std::vector<at::Tensor> forward_parts(const Plan& plan,
                                      std::span<const BatchPart> parts,
                                      Lane& lane);

/// One node of a plan on given inputs, as forward() runs it: for timing a single op.
at::Tensor run_node(const Plan& plan,
                    size_t node,
                    const std::vector<at::Tensor>& inputs,
                    TensorSource& tensors,
                    const ForwardOptions& options);

}  // namespace nas
