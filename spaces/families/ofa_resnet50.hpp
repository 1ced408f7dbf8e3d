#pragma once
// The once-for-all ResNet50 (D form): elastic depths, expansions and widths (search.md 2.2 and 6).
#include <array>
#include <string>
#include <vector>

#include "spaces/registry.hpp"
#include "spaces/space.hpp"
#include "spaces/text/notation.hpp"

namespace nas {

struct OfaResNet50Options {
  std::vector<double> expansions{0.2, 0.25, 0.35};  ///< Middle channels per output channel.
  std::vector<double> widths{0.65, 0.8, 1.0};       ///< Times the base widths.
  int classes = 1000;
  int resolution = 224;
  int input_channels = 3;
};
void describe(Binder& b, OfaResNet50Options& o);

/// Genes: depths (the residual convolution of the stem, then blocks added to each stage),
/// expansions of all block slots, widths (middle and end of the stem, stages). The published code
/// has a third value of the first gene that means the same as 0; here it does not exist.
class OfaResNet50 final : public Space, public Notated {
 public:
  explicit OfaResNet50(const OfaResNet50Options& options);

  void build(const Architecture& a, Plan& plan) const override;
  /// Widths and expansions that round to the same channels are one network: as published, the
  /// stem's middle has 24 channels at 0.65 and at 0.8.
  Architecture canonical(Architecture a) const override;
  /// `w1.0-w0.8-res/w1.0:e0.2-e0.35/...`: the stem (widths of its middle and end, `res` for its
  /// residual convolution), then each stage's width and the expansions of its blocks. parse also
  /// takes the published `{'d': [...], 'e': [...], 'w': [...]}` and lists of choice=option.
  std::string text(const Architecture& a) const override;
  Architecture parse(std::string_view text) const override;
  Notation notation() const override;
  /// The largest network holds every tensor.
  std::vector<Architecture> cover() const override { return {largest()}; }

 private:
  static constexpr int kStages = 4;
  static constexpr std::array<int, kStages> kBaseDepths{2, 2, 4, 2};
  static constexpr int kMore = 2;  ///< Blocks that a stage may add to its base depth.
  struct Unit {
    uint32_t conv = 0, bn = 0;
  };
  struct Block {
    Unit a, b, c, shortcut;
    int expand = 0;  ///< Choice.
  };

  Unit unit(const std::string& name);
  void add_choices();
  int stem_out(size_t option) const;
  int stem_middle(size_t option) const;
  int width(int stage, size_t option) const;
  int middle(int channels, size_t option) const;
  int full_width(int stage) const { return width(stage, o_.widths.size() - 1); }
  size_t width_gene(const Architecture& a, size_t position) const {
    return static_cast<size_t>(a.genes[first_width_ + position]);
  }
  Provenance origin(const Architecture& a, size_t choice) const {
    return {static_cast<int16_t>(choice), a.genes[choice]};
  }
  int32_t stem(PlanBuilder& b, const Architecture& a) const;
  int32_t block(PlanBuilder& b,
                const Architecture& a,
                int stage,
                int j,
                const Block& names,
                int32_t x,
                int full_in) const;
  Architecture parse_lists(std::string_view text) const;
  int16_t option_of(size_t choice,
                    std::string_view word,
                    std::string_view text,
                    const std::string& where) const;

  OfaResNet50Options o_;
  size_t first_width_ = 0;
  std::array<Unit, 3> stem_{};
  std::array<std::vector<Block>, kStages> stages_;
  uint32_t classifier_ = 0;
};

}  // namespace nas
