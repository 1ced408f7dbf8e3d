// The pieces are found by what ops are and who reads them, never by names: a block of another
// family that has the same ops is the same work. Keys are numbers until somebody wants to read one.
#include "hardware/grouping.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "hardware/grouping_parts.hpp"

namespace nas {
namespace grouping_parts {

void put_shape(const Shape& shape, Pieces& to) {
  to.word(static_cast<uint64_t>(static_cast<uint32_t>(shape.c)) << 32 |
          static_cast<uint32_t>(shape.h));
  to.word(static_cast<uint64_t>(static_cast<uint32_t>(shape.w)) << 8 |
          static_cast<uint64_t>(shape.form));
}

Shape shape_at(std::span<const uint64_t> key, size_t at) {
  return {static_cast<int32_t>(key[at] >> 32),
          static_cast<int32_t>(key[at] & 0xffffffffU),
          static_cast<int32_t>(key[at + 1] >> 8),
          static_cast<Form>(key[at + 1] & 0xffU)};
}

void put_op(const Plan& plan, size_t id, Pieces& to) {
  const Node& node = plan.nodes[id];
  to.begin();
  to.node(id);
  to.word(kOp << 32 | node.op.index());
  visit_op(node.op, [&to](const auto& op) {
    // Names are literals: equal places, equal names.
    to.word(std::bit_cast<uint64_t>(op.name().data()));
    op.fields([&to](auto value, const char* = nullptr, const char* key = nullptr) {
      if (key != nullptr) to.word(static_cast<uint64_t>(static_cast<int64_t>(value)));
    });
    return 0;
  });
  for (const int32_t input : plan.inputs(node)) put_shape(plan.shape_of(input), to);
  put_shape(node.out, to);
}

std::string op_text(const Plan& plan, const Pieces& pieces, size_t piece) {
  return signature(plan, plan.nodes[static_cast<size_t>(pieces.nodes(piece)[0])]);
}

void find_uses(const Plan& plan, Pieces& pieces) {
  pieces.uses.assign(plan.nodes.size(), {});
  for (size_t id = 0; id < plan.nodes.size(); ++id)
    for (const int32_t input : plan.inputs(plan.nodes[id])) {
      if (Plan::is_input(input)) continue;
      Pieces::Use& use = pieces.uses[static_cast<size_t>(input)];
      ++use.readers;
      use.last_reader = static_cast<int32_t>(id);
    }
}

int32_t only_reader(const Pieces& pieces, int32_t id) {
  if (id < 0) return -1;
  const Pieces::Use& use = pieces.uses[static_cast<size_t>(id)];
  return use.readers == 1 ? use.last_reader : -1;
}

}  // namespace grouping_parts

namespace {

using namespace grouping_parts;

void split_ops(const Plan& plan, Pieces& pieces) {
  pieces.clear();
  for (size_t id = 0; id < plan.nodes.size(); ++id)
    if (!is_free(plan.nodes[id].op)) put_op(plan, id, pieces);
}

// ---- Kernels of runtimes: convolution, linear layer or sum, with what follows it.

void put_fused(const Plan& plan, int32_t id, Pieces& to) {
  const Node& node = plan.nodes[static_cast<size_t>(id)];
  to.begin();
  to.node(static_cast<size_t>(id));
  int32_t next = only_reader(to, id);
  if (op_at<Conv2d>(plan, id) != nullptr && op_at<BatchNorm>(plan, next) != nullptr) {
    to.node(static_cast<size_t>(next));
    next = only_reader(to, next);
  }
  const auto* act = op_at<Activation>(plan, next);
  if (act != nullptr) to.node(static_cast<size_t>(next));
  to.word(kFused << 32 | node.op.index());
  to.word(act == nullptr ? 0 : 1 + static_cast<uint64_t>(act->act));
  if (const auto* conv = op_at<Conv2d>(plan, id))
    for (const int64_t value : {int64_t{conv->kernel},
                                int64_t{conv->stride},
                                int64_t{conv->groups},
                                int64_t{conv->dilation}})
      to.word(static_cast<uint64_t>(value));
  for (const int32_t input : plan.inputs(node)) put_shape(plan.shape_of(input), to);
  put_shape(node.out, to);
  for (const int32_t part : to.nodes(to.size() - 1))
    to.uses[static_cast<size_t>(part)].part_of = id;
}

void split_fused(const Plan& plan, Pieces& pieces) {
  pieces.clear();
  find_uses(plan, pieces);
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    if (is_free(plan.nodes[i].op) || pieces.uses[i].part_of >= 0) continue;
    const auto id = static_cast<int32_t>(i);
    if (op_at<Conv2d>(plan, id) != nullptr || op_at<Linear>(plan, id) != nullptr ||
        op_at<Add>(plan, id) != nullptr)
      put_fused(plan, id, pieces);
    else
      put_op(plan, i, pieces);
  }
}

std::string fused_text(const Plan& plan, const Pieces& pieces, size_t piece) {
  const auto key = pieces.key(piece);
  if (key[0] >> 32 != kFused) return op_text(plan, pieces, piece);
  FusedKernel kernel;
  const Node& node = plan.nodes[static_cast<size_t>(pieces.nodes(piece)[0])];
  kernel.op = std::string(op_name(node.op));
  for (const int32_t input : plan.inputs(node)) kernel.inputs.push_back(plan.shape_of(input));
  kernel.out = node.out;
  if (const auto* conv = std::get_if<Conv2d>(&node.op)) {
    kernel.kernel = conv->kernel;
    kernel.stride = conv->stride;
    kernel.groups = conv->groups;
    kernel.dilation = conv->dilation;
  }
  if (key[1] > 0) kernel.act = Activation{static_cast<Act>(key[1] - 1)}.name();
  return to_string(kernel);
}

}  // namespace

std::string to_string(const FusedKernel& kernel) {
  std::string text = kernel.op + " in=";
  for (size_t i = 0; i < kernel.inputs.size(); ++i)
    text += (i > 0 ? "+" : "") + to_string(kernel.inputs[i]);
  text += " out=" + to_string(kernel.out);
  if (kernel.op == "conv2d") {
    text += " k=" + std::to_string(kernel.kernel) + " s=" + std::to_string(kernel.stride) +
            " g=" + std::to_string(kernel.groups);
    if (kernel.dilation != 1) text += " d=" + std::to_string(kernel.dilation);
  }
  return text + " act=" + (kernel.act.empty() ? "none" : std::string(kernel.act));
}

void Pieces::clear() {
  pieces_.clear();
  words_.clear();
  nodes_.clear();
}

const std::vector<Grouping>& groupings() {
  static const std::vector<Grouping> table = {
      {"ops", "single ops, as the executor runs them", split_ops, op_text},
      {"fused",
       "a convolution, linear layer or sum with the batch norm and activation behind it",
       split_fused,
       fused_text},
      {"ofa-mobilenetv3",
       "blocks as once-for-all's tables of MobileNetV3 name them",
       split_ofa_mobilenetv3,
       ofa_mobilenetv3_text},
      {"ofa-proxyless",
       "blocks as once-for-all's tables of ProxylessNAS name them",
       split_ofa_proxyless,
       ofa_proxyless_text}};
  return table;
}

const Grouping* find_grouping(std::string_view name) {
  for (const Grouping& grouping : groupings())
    if (grouping.name == name) return &grouping;
  return nullptr;
}

const Grouping& op_grouping() {
  return groupings().front();
}

// ---- Numbers of keys: open addressing, the whole key compared, so that no two are ever mixed up.

uint32_t KeyIndex::id_of(std::span<const uint64_t> key) {
  uint64_t hash = key.size();
  for (const uint64_t word : key) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 29;
  }
  hash ^= hash >> 32;
  if (2 * entries_.size() >= slots_.size()) grow();
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    if (slots_[at] == 0) {
      entries_.push_back(
          {hash, static_cast<uint32_t>(words_.size()), static_cast<uint32_t>(key.size())});
      words_.insert(words_.end(), key.begin(), key.end());
      slots_[at] = static_cast<uint32_t>(entries_.size());
      return slots_[at] - 1;
    }
    const Entry& entry = entries_[slots_[at] - 1];
    if (entry.hash == hash && entry.words == key.size() &&
        std::equal(key.begin(), key.end(), words_.begin() + entry.word))
      return slots_[at] - 1;
  }
}

void KeyIndex::grow() {
  slots_.assign(std::max<size_t>(256, 4 * slots_.size()), 0);
  const size_t mask = slots_.size() - 1;
  for (size_t id = 0; id < entries_.size(); ++id) {
    size_t at = entries_[id].hash & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = static_cast<uint32_t>(id + 1);
  }
}

}  // namespace nas
