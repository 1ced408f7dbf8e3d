#pragma once
// What judging subnets is made of: batches that stay the same, and batch norms recalibrated for
// each subnet.
#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "supernet/data/run_data.hpp"
#include "supernet/executor.hpp"
#include "supernet/judge/score.hpp"

namespace nas {

/// Batches of a fixed list of images without augmentation, cut into parts that differ by one image
/// at most. The published mixture program drops the incomplete last batch instead
/// (balanced_mixture.md 3.6), because the batch statistics of a small rest are poor; equal parts
/// have no such rest, and every image counts. Decoded once where they fit into memory.
class FixedBatches {
 public:
  struct Item {
    at::Tensor images, labels;
  };
  FixedBatches(const RunData& data,
               std::vector<int64_t> indices,
               int64_t batch,
               c10::Device device,
               Layout layout,
               bool keep = true);
  ~FixedBatches();
  /// Calls f for each batch, always in the same order.
  template <typename F>
  void each(const F& f) {
    begin();
    for (Item item; next(item);) f(item);
  }
  /// Decodes all of them, if they are kept in memory: then items() may be read by several threads.
  /// False where they do not fit.
  bool load();
  const std::vector<Item>& items() const;
  int64_t size() const;  ///< Images.
  size_t count() const;  ///< Batches.
  /// Whether ForwardOptions::kernels is for networks on them: on the CPU, channels last. There
  /// LibTorch's batch norm sums the half million values of a channel in one float (a mean of equal
  /// values is off by a thousandth, and answers by percents); contiguous is what versions had that
  /// knew LibTorch's ops only: their values stay.
  bool by_kernels() const;
  int64_t batch() const;  ///< Size of the largest batches.
  /// Versions before 0.2 cut the same images otherwise: full batches, and the rest in a last one.
  bool cut_anew() const;

 private:
  void begin();
  bool next(Item& item);
  struct State;
  std::unique_ptr<State> state_;
};

/// What recalibrate() makes of the sums over so many batches. DataError when there were none.
BnTable mean_statistics(const Plan& plan, const BnTable& sums, int64_t batches, bool all);
/// Statistics of every batch-norm node of `plan` that keeps running ones: mean over batches of the
/// batch mean and of the biased batch variance (search.md 2.7). `all`: of the others too, for a
/// network that is to answer for single images.
BnTable recalibrate(const Plan& plan, TensorSource& tensors, FixedBatches& data, bool all = false);

}  // namespace nas
