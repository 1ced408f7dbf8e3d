#pragma once
// Elastic chains of inverted residual blocks: the once-for-all MobileNetV3 and ProxylessNAS spaces
// and a form for small images (search.md sections 2.1, 2.3 and 6).
#include <string>
#include <vector>

#include "spaces/families/mobile_block.hpp"
#include "spaces/registry.hpp"
#include "spaces/space.hpp"
#include "spaces/text/notation.hpp"

namespace nas {

struct MobileNetOptions {
  enum class Variant { kMobileNetV3, kMobileNetV3Small32, kProxyless };
  Variant variant = Variant::kMobileNetV3;
  double width_mult = 1.0;  ///< Times the base widths, rounded to multiples of 8.
  std::vector<int> kernels{3, 5, 7};
  std::vector<int> expansions{3, 4, 6};
  std::vector<int> depths{2, 3, 4};   ///< Blocks of a stage.
  std::vector<int> resolutions{224};  ///< More than one: a choice.
  int classes = 1000;
  int input_channels = 3;
  bool kernel_transform = true;
  double dropout = 0.0;
  double drop_path = 0.0;
  bool zero_init_residual = false;
};
void describe(Binder& b, MobileNetOptions& options);

/// Genes: kernels of all block slots, expansions of all slots, depths of the elastic stages, and
/// the resolution where there is a choice.
class MobileNet final : public Space, public Notated {
 public:
  explicit MobileNet(const MobileNetOptions& options);

  void build(const Architecture& a, Plan& plan) const override;
  /// Small width_mult rounds expansions to the same channels, and stages to the same width: then
  /// several architectures are one network.
  Architecture canonical(Architecture a) const override;
  /// Blocks joined by '-', stages by '/', the resolution in front where it is a choice:
  /// `r192:k3e6-k7e4/k5e3-k5e3/...`. parse also takes the once-for-all form
  /// `{'ks': [...], 'e': [...], 'd': [...], 'r': [224]}`.
  std::string text(const Architecture& a) const override;
  Architecture parse(std::string_view text) const override;
  Notation notation() const override;
  /// The largest network holds every tensor.
  std::vector<Architecture> cover() const override { return {largest()}; }
  /// Uniform over networks without walking conditions: the fast way of the same distribution.
  void sample(Rng& rng, Architecture& out) const override;

 private:
  struct Stage {
    int width = 0, stride = 1, first_block = 0, slots = 0;
    bool se = false;
    Act act = Act::kRelu;
    int depth_choice = -1;  ///< -1: always all slots.
  };
  struct Mid {
    int channels, se;
  };
  struct Slot {
    MobileBlock block;  ///< With all sizes but kernel and middle channels.
    MobileBlockNames names;
    std::vector<Mid> mids;  ///< By option of the expansion.
  };

  int scaled(double width) const;
  void add_slots(size_t stage, int in);
  void add_choices();
  int depth(const Architecture& a, const Stage& stage) const;
  void share_blocks(size_t s, Architecture& a) const;
  int32_t conv_unit(
      PlanBuilder& b, uint32_t conv, uint32_t bn, int32_t x, int out, int kernel, int stride) const;
  int32_t head(PlanBuilder& b, int32_t x) const;
  BatchNorm batch_norm(int channels) const;

  Architecture parse_blocks(std::string_view text) const;
  Architecture parse_block_stages(std::string_view text,
                                  std::string_view body,
                                  Architecture a) const;
  Architecture parse_lists(std::string_view text) const;
  void set_depth(Architecture& a, size_t stage, int depth, std::string_view text) const;
  void set_resolution(Architecture& a, std::string_view word, std::string_view text) const;

  MobileNetOptions o_;
  std::vector<Stage> stages_;
  std::vector<Slot> slots_;
  MobileBlock fixed_block_;
  MobileBlockNames fixed_names_;
  Act stem_act_ = Act::kHSwish;
  int stem_width_ = 0, stem_stride_ = 2, expand_width_ = 0, mix_width_ = 0;
  int resolution_choice_ = -1;
  std::vector<double> depth_cumulative_;
  uint32_t stem_conv_ = 0, stem_bn_ = 0, head_conv_ = 0, head_bn_ = 0, mix_ = 0, classifier_ = 0;
};

}  // namespace nas
