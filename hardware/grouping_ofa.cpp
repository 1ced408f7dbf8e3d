// Keys of once-for-all's latency tables (mit-han-lab/once-for-all, latency_lookup_table.py):
//
//   TYPE-input:HxWxC-output:HxWxC[-expand:E-kernel:K-stride:S-idskip:B[-se:B-hs:B]]
//
// The two grammars differ in more than their ends: MobileNetV3 writes middle channels as `expand`
// and has the head as Conv_1, AvgPool2D, Conv_2 and Logits; ProxylessNAS writes the ratio, and its
// Logits are all that follows Conv_1. An inverted residual is recognised by its depthwise
// convolution: before it, where the block expands, 1x1 convolution, batch norm and activation;
// behind it batch norm, activation, squeeze-and-excitation, 1x1 convolution, batch norm and the sum
// with the block's input.
#include <cmath>

#include "hardware/grouping_parts.hpp"

namespace nas::grouping_parts {
namespace {

enum Type : uint64_t { kConv, kExpanded, kConv1, kAvgPool, kConv2, kLogits };
constexpr const char* kTypes[] = {
    "Conv", "expanded_conv", "Conv_1", "AvgPool2D", "Conv_2", "Logits"};

bool pointwise(const Conv2d* conv) {
  return conv != nullptr && conv->kernel == 1 && conv->groups == 1;
}

struct Block {
  int32_t input = -1;
  const Conv2d* depthwise = nullptr;
  bool se = false, hs = false, skip = false;
  int32_t last = -1;
  std::vector<int32_t> nodes;
};

class Finder {
 public:
  Finder(const Plan& plan, const Pieces& pieces) : plan_(plan), pieces_(pieces) {}

  /// Whether `id` is the depthwise convolution of an inverted residual.
  bool find(int32_t id, Block& block) const {
    block.depthwise = op_at<Conv2d>(plan_, id);
    if (block.depthwise == nullptr || !block.depthwise->depthwise() ||
        block.depthwise->out != block.depthwise->in)
      return false;
    block.nodes.clear();
    block.se = block.hs = block.skip = false;
    before(id, block);
    block.nodes.push_back(id);
    return behind(id, block);
  }

 private:
  void before(int32_t id, Block& block) const {
    block.input = input_of(plan_, id);
    const int32_t act = block.input;
    if (op_at<Activation>(plan_, act) == nullptr || only_reader(pieces_, act) != id) return;
    const int32_t norm = input_of(plan_, act);
    if (op_at<BatchNorm>(plan_, norm) == nullptr || only_reader(pieces_, norm) != act) return;
    const int32_t conv = input_of(plan_, norm);
    if (!pointwise(op_at<Conv2d>(plan_, conv)) || only_reader(pieces_, conv) != norm) return;
    block.nodes.insert(block.nodes.end(), {conv, norm, act});
    block.input = input_of(plan_, conv);
  }

  bool behind(int32_t id, Block& block) const {
    const int32_t norm = only_reader(pieces_, id);
    if (op_at<BatchNorm>(plan_, norm) == nullptr) return false;
    int32_t at = only_reader(pieces_, norm);
    const auto* act = op_at<Activation>(plan_, at);
    if (act == nullptr) return false;
    block.hs = act->act == Act::kHSwish;
    block.nodes.insert(block.nodes.end(), {norm, at});
    at = behind_gate(at, block);
    const int32_t conv = only_reader(pieces_, at);
    if (!pointwise(op_at<Conv2d>(plan_, conv))) return false;
    int32_t out = only_reader(pieces_, conv);
    if (op_at<BatchNorm>(plan_, out) == nullptr) return false;
    block.nodes.insert(block.nodes.end(), {conv, out});
    block.last = out;
    const int32_t dropped = only_reader(pieces_, out);
    if (op_at<DropPath>(plan_, dropped) != nullptr) out = dropped;
    const int32_t sum = only_reader(pieces_, out);
    if (op_at<Add>(plan_, sum) == nullptr) return true;
    const auto inputs = plan_.inputs(plan_.nodes[static_cast<size_t>(sum)]);
    block.skip = inputs.size() == 2 && ((inputs[0] == out && inputs[1] == block.input) ||
                                        (inputs[1] == out && inputs[0] == block.input));
    if (block.skip) block.nodes.push_back(block.last = sum);
    return true;
  }

  /// Past squeeze-and-excitation, where there is one behind `act`.
  int32_t behind_gate(int32_t act, Block& block) const {
    const auto& use = pieces_.uses[static_cast<size_t>(act)];
    const int32_t mul = use.last_reader;
    if (use.readers != 2 || op_at<Mul>(plan_, mul) == nullptr) return act;
    std::vector<int32_t> gate{mul};
    for (int32_t at = input_of(plan_, mul, 1); at >= 0 && at != act && gate.size() < 8;
         at = input_of(plan_, at))
      gate.push_back(at);
    const bool pooled = gate.size() == 6 && op_at<GlobalAvgPool>(plan_, gate.back()) != nullptr &&
                        input_of(plan_, gate.back()) == act;
    if (!pooled) return act;
    block.se = true;
    block.nodes.insert(block.nodes.end(), gate.rbegin(), gate.rend());
    return mul;
  }

  const Plan& plan_;
  const Pieces& pieces_;
};

void put_sizes(Type type, const Shape& in, const Shape& out, Pieces& to) {
  to.begin();
  to.word(kBlock << 32 | type);
  put_shape(in, to);
  put_shape(out, to);
}

void put_block(const Plan& plan, const Block& block, bool proxyless, Pieces& to) {
  const Conv2d& conv = *block.depthwise;
  const Shape in = plan.shape_of(block.input);
  put_sizes(kExpanded, in, plan.shape_of(block.last), to);
  to.word(static_cast<uint64_t>(proxyless ? std::llround(static_cast<double>(conv.in) / in.c)
                                          : conv.in));
  to.word(static_cast<uint64_t>(conv.kernel));
  to.word(static_cast<uint64_t>(conv.stride));
  to.word(block.skip ? 1 : 0);
  if (!proxyless) {
    to.word(block.se ? 1 : 0);
    to.word(block.hs ? 1 : 0);
  }
  for (const int32_t node : block.nodes) to.node(static_cast<size_t>(node));
}

class Splitter {
 public:
  Splitter(const Plan& plan, bool proxyless, Pieces& pieces)
      : plan_(plan), proxyless_(proxyless), pieces_(pieces) {}

  void split() {
    pieces_.clear();
    find_uses(plan_, pieces_);
    const Finder finder(plan_, pieces_);
    Block block;
    const auto count = static_cast<int32_t>(plan_.nodes.size());
    // Blocks first: the convolution that expands one stands before what tells the block.
    for (int32_t id = 0; id < count; ++id)
      if (finder.find(id, block)) {
        put_block(plan_, block, proxyless_, pieces_);
        take();
      }
    for (int32_t id = 0; id < count; ++id) {
      const Node& node = plan_.nodes[static_cast<size_t>(id)];
      if (is_free(node.op) || pieces_.uses[static_cast<size_t>(id)].part_of >= 0) continue;
      if (conv_layer(id) || pooling(id) || linear_layer(id)) {
        take();
      } else {
        put_op(plan_, static_cast<size_t>(id), pieces_);
      }
    }
  }

 private:
  /// The piece that was put last has its nodes.
  void take() {
    const auto piece = static_cast<int32_t>(pieces_.size()) - 1;
    for (const int32_t node : pieces_.nodes(pieces_.size() - 1))
      pieces_.uses[static_cast<size_t>(node)].part_of = piece;
  }
  const Shape& shape(int32_t id) const { return plan_.shape_of(id); }

  bool conv_layer(int32_t id) {
    const auto* conv = op_at<Conv2d>(plan_, id);
    const int32_t norm = only_reader(pieces_, id), act = only_reader(pieces_, norm);
    if (conv == nullptr || conv->groups != 1 || op_at<BatchNorm>(plan_, norm) == nullptr ||
        op_at<Activation>(plan_, act) == nullptr)
      return false;
    const bool first = input_of(plan_, id) == Plan::kInput && conv->kernel == 3;
    if (!first && conv->kernel != 1) return false;
    put_sizes(first ? kConv : kConv1, shape(input_of(plan_, id)), shape(act), pieces_);
    for (const int32_t node : {id, norm, act}) pieces_.node(static_cast<size_t>(node));
    return true;
  }

  bool pooling(int32_t id) {
    const auto* pool = op_at<GlobalAvgPool>(plan_, id);
    if (pool == nullptr || pool->keep) return false;
    const Shape in = shape(input_of(plan_, id));
    if (!proxyless_) {
      put_sizes(kAvgPool, in, {in.c, 1, 1}, pieces_);
      pieces_.node(static_cast<size_t>(id));
      return true;
    }
    // All that follows, where it is nothing but the classifier.
    int32_t next = only_reader(pieces_, id);
    if (op_at<Dropout>(plan_, next) != nullptr) next = only_reader(pieces_, next);
    if (next != plan_.classifier || next < 0) return false;
    put_sizes(kLogits, in, shape(next), pieces_);
    for (const int32_t node : {id, next}) pieces_.node(static_cast<size_t>(node));
    return true;
  }

  bool linear_layer(int32_t id) {
    if (op_at<Linear>(plan_, id) == nullptr || proxyless_) return false;
    const Shape in{shape(input_of(plan_, id)).c, 1, 1};
    if (id == plan_.classifier) {
      put_sizes(kLogits, in, shape(id), pieces_);
      pieces_.node(static_cast<size_t>(id));
      return true;
    }
    const int32_t act = only_reader(pieces_, id);
    if (op_at<Activation>(plan_, act) == nullptr) return false;
    put_sizes(kConv2, in, {shape(act).c, 1, 1}, pieces_);
    for (const int32_t node : {id, act}) pieces_.node(static_cast<size_t>(node));
    return true;
  }

  const Plan& plan_;
  bool proxyless_;
  Pieces& pieces_;
};

std::string sizes_text(const Shape& shape) {
  if (shape.vector()) return std::to_string(shape.c);
  return std::to_string(shape.h) + "x" + std::to_string(shape.w) + "x" + std::to_string(shape.c);
}

std::string text_of(const Plan& plan, const Pieces& pieces, size_t piece) {
  const auto key = pieces.key(piece);
  if (key[0] >> 32 != kBlock) return op_text(plan, pieces, piece);
  const uint64_t type = key[0] & 0xffU;
  std::string text = std::string(kTypes[type]) + "-input:" + sizes_text(shape_at(key, 1)) +
                     "-output:" + sizes_text(shape_at(key, 3));
  constexpr const char* kAttributes[] = {"expand", "kernel", "stride", "idskip", "se", "hs"};
  for (size_t i = 5; i < key.size(); ++i)
    text += std::string("-") + kAttributes[i - 5] + ":" + std::to_string(key[i]);
  return text;
}

}  // namespace

void split_ofa_mobilenetv3(const Plan& plan, Pieces& pieces) {
  Splitter(plan, false, pieces).split();
}
void split_ofa_proxyless(const Plan& plan, Pieces& pieces) {
  Splitter(plan, true, pieces).split();
}
std::string ofa_mobilenetv3_text(const Plan& plan, const Pieces& pieces, size_t piece) {
  return text_of(plan, pieces, piece);
}
std::string ofa_proxyless_text(const Plan& plan, const Pieces& pieces, size_t piece) {
  return text_of(plan, pieces, piece);
}

}  // namespace nas::grouping_parts
