#pragma once
// The DARTS cell space: a normal and a reduction cell, each used many times (gradient_matching.md
// section 2.1).
#include <array>
#include <string>
#include <vector>

#include "spaces/registry.hpp"
#include "spaces/space.hpp"
#include "spaces/text/notation.hpp"

namespace nas {

struct DartsOptions {
  /// search: C=16, L=8, batch norms in cells without affine parameters, pools with a batch norm.
  /// final: C=36, L=20, batch norms affine, pools without.
  enum class Form { kSearch, kFinal };
  Form form = Form::kSearch;
  int width = 0;   ///< C; 0: that of the form.
  int layers = 0;  ///< Cells; 0: those of the form.
  int classes = 10;
  int resolution = 32;
  int input_channels = 3;
  bool none = false;     ///< `none` as the first option of every edge (the original eight).
  double drop_path = 0;  ///< Drops the output of an edge that is no skip.
  double auxiliary = 0;  ///< Weight of the auxiliary head's loss; 0: no head.
};
void describe(Binder& b, DartsOptions& o);

/// A cell has two inputs and four nodes, each the sum of two edges; its output is their
/// concatenation. Genes of a cell, normal before reduction: for each node (but the first) which
/// pair of earlier nodes it reads, then the operations of the two edges, sources ascending. So
/// every gene is always active and every genome is one genotype: (180 * 7^8)^2 of them. Weights
/// belong to (cell, edge, operation), whatever the other edges are.
class Darts final : public Space, public Notated {
 public:
  static constexpr int kNodes = 4;
  static constexpr int kInputs = 2;  ///< Of a cell: the two cells before it.
  explicit Darts(const DartsOptions& options);

  void build(const Architecture& a, Plan& plan) const override;
  /// The first genotype, by genes, whose nodes compute the same: see darts_canonical.cpp.
  Architecture canonical(Architecture a) const override;
  /// `sep_conv_3x3~0 skip_connect~1 | ... ; ...`: nodes joined by '|', the reduction cell after
  /// ';'. parse also takes the published `Genotype(normal=[('sep_conv_3x3', 0), ...], ...)`.
  std::string text(const Architecture& a) const override;
  Architecture parse(std::string_view text) const override;
  Notation notation() const override;
  Architecture smallest() const override;
  Architecture largest() const override;
  std::vector<Architecture> cover() const override;

 protected:
  /// Whom a node reads decides what its operations cost in a reduction cell.
  std::vector<std::vector<size_t>> joint_sizes() const override;

 private:
  class CellSums;
  enum OpKind { kNone, kMaxPool, kAvgPool, kSkip, kSep3, kSep5, kDil3, kDil5 };
  struct Layer {
    uint32_t conv = 0, bn = 0;
  };
  /// depthwise, pointwise, batch norm; twice for a separable convolution.
  struct Separable {
    std::array<uint32_t, 2> depthwise{}, pointwise{}, bn{};
  };
  struct Reduce {
    std::array<uint32_t, 2> conv{};
    uint32_t bn = 0;
  };
  struct Edge {
    std::array<Separable, 4> convs{};  ///< sep3, sep5, dil3, dil5.
    uint32_t pool_bn[2] = {0, 0};      ///< max, avg.
    Reduce skip;
  };
  struct Cell {
    bool reduction = false;
    int width = 0;
    Layer one[2];   ///< Preprocessing of the inputs by a 1x1 convolution,
    Reduce halved;  ///< or of input 0 by halving, after a reduction cell.
    bool halve = false;
    std::vector<Edge> edges;
  };
  /// Positions of a node's genes in its cell type.
  struct NodeGenes {
    int pair = -1, first = 0, second = 0;
  };

  size_t cell_genes() const { return choices_.size() / 2; }
  std::array<int, 2> sources(const Architecture& a, size_t offset, int node) const;
  OpKind kind(int16_t option) const;
  BatchNorm batch_norm(int channels, bool affine) const;
  int32_t relu_conv_bn(PlanBuilder& b, const Layer& names, int32_t x, int out) const;
  int32_t halve(PlanBuilder& b, const Reduce& names, int32_t x, int out) const;
  int32_t separable(PlanBuilder& b, const Edge& edge, OpKind kind, int32_t x, int stride) const;
  int32_t edge(PlanBuilder& b, const Edge& names, OpKind kind, int32_t x, int stride) const;
  void auxiliary_head(PlanBuilder& b, int32_t x) const;
  int32_t cell(
      PlanBuilder& b, const Cell& cell, const Architecture& a, int32_t x0, int32_t x1) const;
  void name_cell(Cell& cell, const std::string& prefix);
  void add_choices(const std::string& type);
  Architecture parse_genotype(std::string_view text) const;
  void set_cell(Architecture& a,
                size_t offset,
                const std::string& type,
                const std::vector<std::pair<std::string, int>>& edges,
                std::string_view text) const;

  DartsOptions o_;
  std::vector<std::string> op_names_;
  std::array<NodeGenes, kNodes> node_genes_;
  std::vector<Cell> cells_;
  uint32_t stem_conv_ = 0, stem_bn_ = 0, classifier_ = 0;
  Layer auxiliary_layers_[2];
  uint32_t auxiliary_classifier_ = 0;
};

}  // namespace nas
