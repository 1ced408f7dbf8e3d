// The inverted residual of MobileNetV2/V3 as once-for-all has it (Cai et al. 2020): expansion,
// depthwise kernel, squeeze-and-excitation, projection. Widths are rounded to multiples of 8 by the
// rule of the published code, of which a tenth at most may be lost.
#include "spaces/families/mobile_block.hpp"

#include <algorithm>
#include <cmath>

namespace nas {
namespace {

Conv2d pointwise(const MobileBlock& block, int in, int out, int full_in, int full_out) {
  return {.in = in, .out = out, .init = block.init, .full_in = full_in, .full_out = full_out};
}

BatchNorm norm(const MobileBlock& block, int channels, int full) {
  BatchNorm bn = block.bn;
  bn.channels = channels;
  bn.full = full;
  return bn;
}

}  // namespace

int divisible_by_8(double v) {
  int n = std::max(8, static_cast<int>(std::floor((v + 4.0) / 8.0)) * 8);
  if (n < 0.9 * v) n += 8;
  return n;
}

MobileBlockNames MobileBlockNames::intern(SymbolTable& symbols, const std::string& prefix) {
  MobileBlockNames names;
  names.expand_conv = symbols.intern(prefix + ".expand.conv");
  names.expand_bn = symbols.intern(prefix + ".expand.bn");
  names.depth_conv = symbols.intern(prefix + ".depth.conv");
  names.depth_bn = symbols.intern(prefix + ".depth.bn");
  names.se_reduce = symbols.intern(prefix + ".se.reduce");
  names.se_expand = symbols.intern(prefix + ".se.expand");
  names.point_conv = symbols.intern(prefix + ".point.conv");
  names.point_bn = symbols.intern(prefix + ".point.bn");
  return names;
}

int32_t add_squeeze_excitation(
    PlanBuilder& b, Conv2d reduce, Conv2d expand, std::pair<uint32_t, uint32_t> names, int32_t x) {
  reduce.bias = expand.bias = true;
  int32_t scale = b.add(GlobalAvgPool{.keep = true}, 0, x);
  scale = b.add(reduce, names.first, scale);
  scale = b.add(Activation{Act::kRelu}, 0, scale);
  scale = b.add(expand, names.second, scale);
  scale = b.add(Activation{Act::kHSigmoid}, 0, scale);
  return b.add(Mul{}, 0, {x, scale});
}

int32_t add_mobile_block(PlanBuilder& b,
                         const MobileBlock& block,
                         const MobileBlockNames& names,
                         const MobileBlockOrigin& origin,
                         int32_t x) {
  const int32_t input = x;
  if (block.expand) {
    b.origin({origin.expand, origin.depth});
    x = b.add(
        pointwise(block, block.in, block.mid, block.full_in, block.full_mid), names.expand_conv, x);
    x = b.add(norm(block, block.mid, block.full_mid), names.expand_bn, x);
    x = b.add(Activation{block.act}, 0, x);
  }
  // The depthwise weights belong to the kernel and to the width at once.
  b.origin({origin.kernel, origin.expand, origin.depth});
  x = b.add(Conv2d{.in = block.mid,
                   .out = block.mid,
                   .kernel = static_cast<int16_t>(block.kernel),
                   .stride = static_cast<int16_t>(block.stride),
                   .padding = static_cast<int16_t>(block.kernel / 2),
                   .groups = block.mid,
                   .init = block.init,
                   .full_kernel = static_cast<int16_t>(block.full_kernel),
                   .full_in = block.full_mid,
                   .full_out = block.full_mid,
                   .kernel_transform = block.kernel_transform},
            names.depth_conv,
            x);
  b.origin({origin.expand, origin.depth});
  x = b.add(norm(block, block.mid, block.full_mid), names.depth_bn, x);
  x = b.add(Activation{block.act}, 0, x);
  if (block.se_mid > 0)
    x = add_squeeze_excitation(
        b,
        pointwise(block, block.mid, block.se_mid, block.full_mid, block.full_se),
        pointwise(block, block.se_mid, block.mid, block.full_se, block.full_mid),
        {names.se_reduce, names.se_expand},
        x);
  x = b.add(
      pointwise(block, block.mid, block.out, block.full_mid, block.full_out), names.point_conv, x);
  BatchNorm last = norm(block, block.out, block.full_out);
  last.zero_gamma = block.zero_init && block.residual;
  x = b.add(last, names.point_bn, x);
  if (!block.residual) return x;
  if (block.drop_path > 0.0) x = b.add(DropPath{static_cast<float>(block.drop_path)}, 0, x);
  return b.add(Add{}, 0, {x, input});
}

}  // namespace nas
