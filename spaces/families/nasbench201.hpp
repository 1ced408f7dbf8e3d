#pragma once
// The NAS-Bench-201 cell space: 6 edges between 4 nodes, 5 operations each, 15,625 cells
// (panda.md section 2.1).
#include <array>
#include <vector>

#include "spaces/registry.hpp"
#include "spaces/space.hpp"
#include "spaces/text/notation.hpp"

namespace nas {

struct NasBench201Options {
  /// How the published benchmark trains one network, or how the supernet of one-shot methods is
  /// built: batch norm without affine parameters and running statistics, convolutions with bias.
  enum class Form { kStandalone, kSupernet };
  int width = 16;  ///< Channels of the first stage (C).
  int cells = 5;   ///< Cells per stage (N).
  int classes = 10;
  int resolution = 32;
  int input_channels = 3;
  Form form = Form::kSupernet;
  bool connected = false;  ///< Leave out the 341 cells without a path from input to output.
};

class NasBench201 final : public Space, public Notated {
 public:
  static constexpr int kEdges = 6, kOps = 5, kSize = 15625;
  enum GeneValue : int16_t { kNone, kSkip, kConv1x1, kConv3x3, kAvgPool };
  /// Target and source node of each edge, in gene order.
  static constexpr std::array<std::array<int, 2>, kEdges> kEdgeNodes{
      {{1, 0}, {2, 0}, {2, 1}, {3, 0}, {3, 1}, {3, 2}}};

  explicit NasBench201(const NasBench201Options& options);

  void build(const Architecture& a, Plan& plan) const override;
  /// The smallest index among the cells that compute the same function: terms that are always zero
  /// dropped, skips flattened, sums as multisets (4,930 classes).
  Architecture canonical(Architecture a) const override;
  /// `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`. parse also takes `3,0,3,1,0,1` (genes), `9776` or
  /// `#9776` (base-5 index), and the inputs of a node in any order.
  std::string text(const Architecture& a) const override;
  Architecture parse(std::string_view text) const override;
  Notation notation() const override;
  Architecture smallest() const override;
  Architecture largest() const override;
  std::vector<Architecture> cover() const override;

  /// Base-5 number of the genes, the first most significant. Not the published "model id".
  static int index(const Architecture& a);
  static Architecture from_index(int index);
  /// Whether some path of operations other than `none` joins input and output.
  static bool connected(const Architecture& a);

 protected:
  bool allowed(const Architecture& a, std::string* why) const override;
  bool constrained() const override { return options_.connected; }
  std::vector<SpaceRule> rules() const override;
  std::string constraints_text() const override { return options_.connected ? "connected" : ""; }

 private:
  struct Layer {
    uint32_t conv, bn;
  };
  using CellNames = std::array<std::array<Layer, 2>, kEdges>;  // [edge][1x1, 3x3]
  struct ReductionNames {
    Layer first, second;
    uint32_t shortcut;
  };

  int32_t conv_layer(
      PlanBuilder& b, const Layer& names, int32_t x, int out, int kernel, int stride) const;
  int32_t edge(PlanBuilder& b, const Layer (&names)[2], int32_t x, int gene) const;
  int32_t cell(PlanBuilder& b, const CellNames& names, const Architecture& a, int32_t x) const;
  int32_t reduction(PlanBuilder& b, const ReductionNames& names, int32_t x) const;
  BatchNorm batch_norm(int channels) const;

  NasBench201Options options_;
  std::vector<CellNames> cells_;
  std::array<ReductionNames, 2> reductions_;
  uint32_t stem_conv_, stem_bn_, head_bn_, classifier_;
};

/// Options of `family: nasbench201`.
void describe(Binder& b, NasBench201Options& options);

}  // namespace nas
