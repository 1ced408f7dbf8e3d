// Each kind of block is a chain of units (convolution, batch norm, activation); only the order of
// kernels and widths differs.
#include "spaces/custom/custom_blocks.hpp"

#include <algorithm>
#include <cmath>

#include "spaces/families/mobile_block.hpp"

namespace nas::custom {
namespace {

struct Kernel {
  int now, full, stride;
};

BatchNorm norm(Width width) {
  BatchNorm bn;
  bn.channels = width.now;
  bn.full = width.full;
  return bn;
}

Conv2d conv(Width in, Width out, Kernel kernel, bool depthwise) {
  Conv2d c;
  c.in = in.now;
  c.full_in = in.full;
  c.out = out.now;
  c.full_out = out.full;
  c.kernel = static_cast<int16_t>(kernel.now);
  c.full_kernel = static_cast<int16_t>(kernel.full);
  c.stride = static_cast<int16_t>(kernel.stride);
  c.padding = static_cast<int16_t>(kernel.now / 2);
  c.groups = depthwise ? in.now : 1;
  c.init = Init::kKaimingNormalFanOut;
  return c;
}

int times(int channels, double factor) {
  // A depthwise convolution of one channel could not be told from a dense one.
  return std::max(2, static_cast<int>(std::lround(channels * factor)));
}

class Chain {
 public:
  Chain(PlanBuilder& b, const Block& block, const BlockNames& names, int32_t x)
      : b_(b), block_(block), names_(names), x_(x) {}

  void unit(Width in, Width out, Kernel kernel, bool depthwise, bool activate) {
    x_ = b_.add(conv(in, out, kernel, depthwise), names_.conv[part_], x_);
    x_ = b_.add(norm(out), names_.bn[part_], x_);
    ++part_;
    if (activate) act();
  }
  void act() { x_ = b_.add(Activation{block_.act}, 0, x_); }
  void squeeze_excite(Width mid) {
    const Width squeezed{times(mid.now, block_.se), times(mid.full, block_.se)};
    x_ = add_squeeze_excitation(b_,
                                conv(mid, squeezed, {1, 1, 1}, false),
                                conv(squeezed, mid, {1, 1, 1}, false),
                                {names_.se_reduce, names_.se_expand},
                                x_);
  }
  void pool(bool max) {
    x_ = b_.add(Pool{max,
                     static_cast<int16_t>(block_.kernel),
                     static_cast<int16_t>(block_.stride),
                     static_cast<int16_t>(block_.kernel / 2)},
                0,
                x_);
  }
  void plus(int32_t other) { x_ = b_.add(Add{}, 0, {x_, other}); }
  int32_t id() const { return x_; }

 private:
  PlanBuilder& b_;
  const Block& block_;
  const BlockNames& names_;
  int32_t x_;
  size_t part_ = 0;
};

void mbconv(Chain& chain, const Block& block, Kernel kernel, int32_t x) {
  const Width mid{times(block.in.now, block.expansion), times(block.in.full, block.full_expansion)};
  if (block.expands) chain.unit(block.in, mid, {1, 1, 1}, false, true);
  chain.unit(mid, mid, kernel, true, true);
  if (block.se > 0) chain.squeeze_excite(mid);
  chain.unit(mid, block.out, {1, 1, 1}, false, false);
  // As in MobileNetV2: no shortcut where the shape changes.
  if (block.own_shortcut && block.same_width && block.stride == 1) chain.plus(x);
}

// He et al. 2016: activation after the sum.
void residual(
    PlanBuilder& b, Chain& chain, const Block& block, const BlockNames& names, int32_t x) {
  if (block.own_shortcut) {
    const bool identity = block.same_width && block.stride == 1;
    chain.plus(identity ? x : add_shortcut(b, block, names, x));
  }
  chain.act();
}

}  // namespace

const std::vector<std::pair<std::string, Kind>>& kinds() {
  static const std::vector<std::pair<std::string, Kind>> table = {
      {"conv", Kind::kConv},
      {"sep", Kind::kSep},
      {"mbconv", Kind::kMbConv},
      {"bottleneck", Kind::kBottleneck},
      {"basic", Kind::kBasic},
      {"maxpool", Kind::kMaxPool},
      {"avgpool", Kind::kAvgPool},
      {"skip", Kind::kSkip},
      {"none", Kind::kNone},
  };
  return table;
}

bool has_kernel(Kind kind) {
  return kind != Kind::kSkip && kind != Kind::kNone;
}
bool has_expansion(Kind kind) {
  return kind == Kind::kMbConv || kind == Kind::kBottleneck;
}
bool has_weights(Kind kind) {
  return has_kernel(kind) && kind != Kind::kMaxPool && kind != Kind::kAvgPool;
}
std::vector<double> default_expansions(Kind kind) {
  if (kind == Kind::kMbConv) return {4};
  return {kind == Kind::kBottleneck ? 0.25 : 1};
}

BlockNames BlockNames::intern(SymbolTable& symbols, const std::string& prefix) {
  BlockNames names;
  for (int i = 0; i < 3; ++i) {
    names.conv[i] = symbols.intern(prefix + ".conv" + std::to_string(i + 1));
    names.bn[i] = symbols.intern(prefix + ".bn" + std::to_string(i + 1));
  }
  names.se_reduce = symbols.intern(prefix + ".se.reduce");
  names.se_expand = symbols.intern(prefix + ".se.expand");
  names.shortcut_conv = symbols.intern(prefix + ".shortcut.conv");
  names.shortcut_bn = symbols.intern(prefix + ".shortcut.bn");
  return names;
}

int32_t add_conv_bn(PlanBuilder& b,
                    int32_t x,
                    std::pair<uint32_t, uint32_t> names,
                    Width in,
                    Width out,
                    int kernel,
                    int stride) {
  x = b.add(conv(in, out, {kernel, kernel, stride}, false), names.first, x);
  return b.add(norm(out), names.second, x);
}

int32_t add_shortcut(PlanBuilder& b, const Block& block, const BlockNames& names, int32_t x) {
  if (block.same_width && block.stride == 1) return b.add(Identity{}, 0, x);
  return add_conv_bn(
      b, x, {names.shortcut_conv, names.shortcut_bn}, block.in, block.out, 1, block.stride);
}

int32_t add_block(PlanBuilder& b, const Block& block, const BlockNames& names, int32_t x) {
  Chain chain(b, block, names, x);
  const Kernel kernel{block.kernel, block.full_kernel, block.stride};
  const Kernel inner{block.kernel, block.full_kernel, 1};
  switch (block.kind) {
    case Kind::kConv:
      chain.unit(block.in, block.out, kernel, false, true);
      break;
    case Kind::kSep:
      chain.unit(block.in, block.in, kernel, true, true);
      chain.unit(block.in, block.out, {1, 1, 1}, false, true);
      break;
    case Kind::kMbConv:
      mbconv(chain, block, kernel, x);
      break;
    case Kind::kBottleneck: {
      const Width mid{times(block.out.now, block.expansion),
                      times(block.out.full, block.full_expansion)};
      chain.unit(block.in, mid, {1, 1, 1}, false, true);
      chain.unit(mid, mid, kernel, false, true);
      chain.unit(mid, block.out, {1, 1, 1}, false, false);
      residual(b, chain, block, names, x);
      break;
    }
    case Kind::kBasic:
      chain.unit(block.in, block.out, kernel, false, true);
      chain.unit(block.out, block.out, inner, false, false);
      residual(b, chain, block, names, x);
      break;
    case Kind::kMaxPool:
    case Kind::kAvgPool:
      chain.pool(block.kind == Kind::kMaxPool);
      if (!block.same_width) chain.unit(block.in, block.out, {1, 1, 1}, false, false);
      break;
    case Kind::kSkip:
    case Kind::kNone:
      return add_shortcut(b, block, names, x);
  }
  return chain.id();
}

}  // namespace nas::custom
