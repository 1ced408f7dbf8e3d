// Which architectures of a custom space are one network. Layers that are identities, candidates
// that come to the same, and stages that could share their layers otherwise, all make several
// spellings of one function. A network is therefore reduced to the steps that data takes, in a
// normal form, and its representative is the first valid architecture with the same steps. It is
// searched for depth first in the order of genes, which needs no table of the space (it may have
// 10^20 architectures) and ends at the latest at the architecture itself: conditions and rules are
// kept because only valid ones are taken. Places from which the wanted steps cannot be made are
// remembered, so that the work grows with layers times candidates and not with their combinations.
#include "spaces/custom/custom_canonical.hpp"

#include <algorithm>
#include <optional>

namespace nas::custom {
namespace {

// ---- What a layer computes, from its plan.

struct Operand {
  std::string text;
  std::vector<size_t> in;  ///< 0: what arrives.
  std::optional<Step> step;
};

// The ops of a layer without names and sizes of the supernet, in a form of their own: identities
// are gone, windows and strides reach no further than the map (beyond it, one pixel is left of any
// stride), strides of 1x1 convolutions stand before them.
class LayerReader {
 public:
  explicit LayerReader(const Plan& plan) : plan_(plan), nodes_(1) { nodes_[0].text = "x"; }

  void read() {
    for (const Node& node : plan_.nodes) {
      std::vector<size_t> in;
      for (const int32_t id : plan_.inputs(node))
        in.push_back(Plan::is_input(id) ? 0 : at_[static_cast<size_t>(id)]);
      at_.push_back(
          std::visit([&](const auto& op) { return add(op, node, std::move(in)); }, node.op));
    }
  }
  size_t result() const { return at_.empty() ? 0 : at_.back(); }
  const Operand& node(size_t i) const { return nodes_[i]; }
  /// The only one that reads `i`, where all else of the layer follows from it.
  std::optional<size_t> only_reader(size_t i) const {
    std::optional<size_t> reader;
    for (size_t n = 1; n < nodes_.size(); ++n)
      if (std::find(nodes_[n].in.begin(), nodes_[n].in.end(), i) != nodes_[n].in.end()) {
        if (reader) return std::nullopt;
        reader = n;
      }
    return reader;
  }
  /// All that follows from `start`, as text.
  std::string text_from(size_t start) const {
    std::map<size_t, size_t> number{{start, 0}};
    std::string text;
    for (size_t n = start + 1; n < nodes_.size(); ++n) {
      number.emplace(n, number.size());
      text += nodes_[n].text;
      std::vector<size_t> in;
      for (const size_t i : nodes_[n].in) in.push_back(number.at(i));
      if (nodes_[n].text == "add") std::sort(in.begin(), in.end());
      for (const size_t i : in) text += "," + std::to_string(i);
      text += ";";
    }
    return text;
  }

 private:
  size_t put(std::string text, std::vector<size_t> in, std::optional<Step> step = std::nullopt) {
    // What has no weights and reads the same is the same.
    for (size_t n = 1; step && n < nodes_.size(); ++n)
      if (nodes_[n].step == step && nodes_[n].in == in) return n;
    nodes_.push_back({std::move(text), std::move(in), step});
    return nodes_.size() - 1;
  }
  size_t subsample(size_t x, int stride, int map) {
    stride = std::min(stride, map);
    if (stride == 1) return x;
    return put("subsample " + std::to_string(stride),
               {x},
               Step{Step::Kind::kSubsample, 0, stride, map, 0});
  }
  int map_of(const Node& node) const { return plan_.shape_of(plan_.inputs(node)[0]).h; }

  size_t add(const Conv2d& op, const Node& node, std::vector<size_t> in) {
    const int map = map_of(node);
    int stride = std::min<int>(op.stride, map);
    if (op.kernel == 1 && op.padding == 0) {
      in = {subsample(in[0], stride, map)};
      stride = 1;
    }
    std::string text = "conv";
    for (const int v : {op.in,
                        op.out,
                        int{op.kernel},
                        stride,
                        int{op.padding},
                        int{op.dilation},
                        op.groups,
                        int{op.bias},
                        static_cast<int>(op.init),
                        node.out.h})
      text += " " + std::to_string(v);
    return put(std::move(text), std::move(in));
  }
  size_t add(const Pool& op, const Node& node, std::vector<size_t> in) {
    const int map = map_of(node);
    const int radius = std::min(op.kernel / 2, map - 1), stride = std::min<int>(op.stride, map);
    if (radius == 0) return subsample(in[0], stride, map);
    const std::string text = (op.max ? "max " : "avg ") + std::to_string(radius) + " " +
                             std::to_string(stride) + " " + std::to_string(map);
    return put(text,
               std::move(in),
               Step{op.max ? Step::Kind::kMaxPool : Step::Kind::kAvgPool, radius, stride, map, 0});
  }
  size_t add(const BatchNorm& op, const Node&, std::vector<size_t> in) {
    std::string text = "bn";
    for (const bool v : {op.affine, op.running, op.zero_gamma}) text += v ? " 1" : " 0";
    return put(text + " " + std::to_string(op.eps), std::move(in));
  }
  size_t add(const Activation& op, const Node&, std::vector<size_t> in) {
    return put("act " + std::to_string(static_cast<int>(op.act)), std::move(in));
  }
  size_t add(const GlobalAvgPool&, const Node&, std::vector<size_t> in) {
    return put("mean", std::move(in));
  }
  size_t add(const Add&, const Node&, std::vector<size_t> in) { return put("add", std::move(in)); }
  size_t add(const Mul&, const Node&, std::vector<size_t> in) { return put("mul", std::move(in)); }
  size_t add(const Identity&, const Node&, const std::vector<size_t>& in) { return in[0]; }
  template <typename T>
  size_t add(const T& op, const Node& node, std::vector<size_t> in) {
    return put(std::string(op_name(op)) + " " + signature(plan_, node), std::move(in));
  }

  const Plan& plan_;
  std::vector<Operand> nodes_;
  std::vector<size_t> at_;  ///< By node of the plan.
};

// x + x, and x + pool of x: layers without weights that add their shortcut.
std::optional<Step> sum_without_weights(const LayerReader& layer, size_t x, int map) {
  const Operand& sum = layer.node(layer.result());
  if (sum.text != "add" || sum.in.size() != 2) return std::nullopt;
  size_t a = sum.in[0], b = sum.in[1];
  if (a == x && b == x) return Step{Step::Kind::kTwice, 0, 1, map, 0};
  if (b != x) std::swap(a, b);
  const Operand& other = layer.node(a);
  if (b != x || !other.step || other.in != std::vector<size_t>{x}) return std::nullopt;
  Step step = *other.step;
  if (step.stride != 1 || step.kind == Step::Kind::kSubsample) return std::nullopt;
  step.kind = step.kind == Step::Kind::kMaxPool ? Step::Kind::kPlusMax : Step::Kind::kPlusAvg;
  return step;
}

/// A pool whose windows all hold the whole map leaves one value everywhere.
bool levels(const Step& step) {
  const bool pool = step.kind == Step::Kind::kMaxPool || step.kind == Step::Kind::kAvgPool;
  return pool && step.radius >= step.map - 1;
}

// The least stride that does the same: beyond the map one pixel is left of any; of a map of one
// value nothing counts but how many pixels are left.
void reduce_stride(Step& step) {
  step.stride = std::min(step.stride, step.map);
  if (!levels(step)) return;
  const int left = (step.map - 1) / step.stride;
  while (step.stride > 1 && (step.map - 1) / (step.stride - 1) == left) --step.stride;
}

// Whether windows of windows have no gaps, also at the border.
bool cover_all(const Step& first, const Step& second) {
  const int reach = first.radius + second.radius * first.stride;
  const int last = (first.map - 1) / first.stride;
  for (int at = 0; at <= last; at += second.stride) {
    const int from = std::max(0, at - second.radius), to = std::min(last, at + second.radius);
    if (to > from && first.stride > 2 * first.radius + 1) return false;
    const auto inside = [&first](int pixel) { return std::clamp(pixel, 0, first.map - 1); };
    if (inside(from * first.stride - first.radius) != inside(at * first.stride - reach) ||
        inside(to * first.stride + first.radius) != inside(at * first.stride + reach))
      return false;
  }
  return true;
}

// Two steps one after the other as one, where that is one of the known ones.
std::optional<Step> united(const Step& first, const Step& second) {
  using Kind = Step::Kind;
  const bool subsamples = second.kind == Kind::kSubsample;
  const bool pools = second.kind == Kind::kMaxPool || second.kind == Kind::kAvgPool;
  Step both = first;
  both.stride = first.stride * second.stride;
  if (first.kind == Kind::kSubsample && subsamples) return both;
  if (first.kind == Kind::kAvgPool && subsamples) return both;
  if (levels(first) && (pools || subsamples)) return both;
  if (first.kind != Kind::kMaxPool || !(subsamples || second.kind == Kind::kMaxPool))
    return std::nullopt;
  if (!subsamples && !cover_all(first, second)) return std::nullopt;
  both.radius = std::min(first.radius + second.radius * first.stride, first.map - 1);
  return both;
}

}  // namespace

// Normal form of what lies between two blocks: doublings first (they commute with all steps without
// weights), windows joined, x + average before the average it commutes with.
void append(Steps& steps, Step step) {
  using Kind = Step::Kind;
  if (step.kind == Kind::kBlock) return steps.push_back(step);
  auto begin = steps.end();
  while (begin != steps.begin() && std::prev(begin)->kind != Kind::kBlock) --begin;
  if (step.kind != Kind::kTwice) reduce_stride(step);
  const bool plus = step.kind == Kind::kPlusMax || step.kind == Kind::kPlusAvg;
  if (plus && begin != steps.end() && levels(steps.back())) step = {Kind::kTwice, 0, 1, 0, 0};
  if (step.kind == Kind::kTwice) {
    // Nothing about it depends on the map.
    step.map = 0;
    steps.insert(begin, step);
    return;
  }
  if (begin != steps.end()) {
    if (const std::optional<Step> both = united(steps.back(), step)) {
      steps.back() = *both;
      reduce_stride(steps.back());
      return;
    }
  }
  auto at = steps.end();
  while (step.kind == Kind::kPlusAvg && at != begin && std::prev(at)->kind == Kind::kAvgPool &&
         std::prev(at)->radius == step.radius && std::prev(at)->stride == 1)
    --at;
  steps.insert(at, step);
}

Custom::Networks::Networks(const Custom& space) : space_(space), model_(space.layout_.model) {
  Width width{space.o_.stem.width, space.o_.stem.width};
  bool one_width = true;
  for (size_t s = 0; s < space.layout_.stages.size(); ++s) {
    const Stage& stage = space.layout_.stages[s];
    arriving_.push_back(width);
    one_width_.push_back(one_width ? 1 : 0);
    // What is fixed is so in every architecture; of the channels only the widest is kept.
    const auto option = [&](size_t param) {
      return space.open(param) ? 0 : model_.params()[param].fixed;
    };
    space.pass(s, {option(stage.width), option(stage.depth)}, width, one_width);
    bool hangs = false;
    if (space.open(stage.width) && space.open(stage.depth))
      for (const Condition& condition : space.choices()[space.choice_of(stage.width)].conditions)
        hangs = hangs || condition.on == static_cast<int>(space.choice_of(stage.depth));
    width_hangs_.push_back(hangs ? 1 : 0);
  }
}

int Custom::Networks::after_stem(const Architecture& a) const {
  const auto option = static_cast<size_t>(model_.option(space_.layout_.resolution, a));
  return (space_.o_.resolutions[option] - 1) / space_.o_.stem.stride + 1;
}

Block Custom::Networks::block_at(const Place& at) const {
  return space_.block_at(at.stage,
                         at.layer,
                         {at.channels, arriving_[at.stage].full},
                         static_cast<size_t>(at.width),
                         one_width_[at.stage] != 0);
}

Custom::Networks::Place Custom::Networks::next(const Place& at, const Block& block) const {
  Place after = at;
  ++after.layer;
  after.channels = block.out.now;
  after.map = (at.map - 1) / block.stride + 1;
  return after;
}

const Steps& Custom::Networks::steps_of(const Place& at, const Architecture& a) {
  const Layer& layer = space_.layout_.stages[at.stage].layers[at.layer];
  const int kind = model_.option(layer.kind, a);
  const Candidate& candidate = layer.candidates[static_cast<size_t>(kind)];
  const auto option = [&](size_t param) { return param == kNoParam ? 0 : model_.option(param, a); };
  const Block block = block_at(at);
  const auto [entry, fresh] = known_.try_emplace({static_cast<int>(at.stage),
                                                  static_cast<int>(at.layer),
                                                  kind,
                                                  option(candidate.kernel),
                                                  option(candidate.expansion),
                                                  block.in.now,
                                                  block.out.now,
                                                  at.map});
  Steps& steps = entry->second;
  if (!fresh) return steps;
  PlanBuilder b(plan_, space_.symbols_, {block.in.now, at.map, at.map});
  b.origin({});
  space_.layer(b, a, at.stage, at.layer, block, {}, Plan::kInput);
  LayerReader reader(plan_);
  reader.read();
  size_t x = 0;
  int map = at.map;
  while (x != reader.result()) {
    if (const std::optional<Step> sum = sum_without_weights(reader, x, map)) {
      append(steps, *sum);
      return steps;
    }
    const std::optional<size_t> only = reader.only_reader(x);
    if (!only || !reader.node(*only).step) break;
    append(steps, *reader.node(*only).step);
    map = (map - 1) / reader.node(*only).step->stride + 1;
    x = *only;
  }
  if (x == reader.result()) return steps;
  const int number = static_cast<int>(blocks_.size());
  Step step;
  step.map = map;
  step.block = blocks_.try_emplace(reader.text_from(x), number).first->second;
  append(steps, step);
  return steps;
}

Steps Custom::Networks::steps_of(const Architecture& a) {
  Steps steps;
  Place at;
  at.channels = space_.o_.stem.width;
  at.map = after_stem(a);
  for (size_t s = 0; s < space_.layout_.stages.size(); ++s) {
    at.stage = s;
    at.layer = 0;
    at.depth = space_.depth_of(s, a);
    at.width = model_.option(space_.layout_.stages[s].width, a);
    while (at.layer < static_cast<size_t>(at.depth)) {
      for (const Step& step : steps_of(at, a)) append(steps, step);
      at = next(at, block_at(at));
    }
  }
  return steps;
}

// Of a choice that may be closed also 0, which then stands there; find_stage refuses what is open
// with an option that is not allowed.
std::vector<int16_t> Custom::Networks::options(size_t param) const {
  const Param& p = model_.params()[param];
  if (p.choice < 0) return {static_cast<int16_t>(p.fixed)};
  std::vector<int16_t> allowed = domain_->options(static_cast<size_t>(p.choice));
  const bool may_be_closed = !space_.choices_[static_cast<size_t>(p.choice)].conditions.empty();
  if (may_be_closed && allowed.front() != 0) allowed.insert(allowed.begin(), 0);
  return allowed;
}

void Custom::Networks::set(size_t param, int option) {
  if (space_.open(param)) found_.genes[space_.choice_of(param)] = static_cast<int16_t>(option);
}

// Blocks, and what lies before the last of them, are final: they must be the wanted ones.
bool Custom::Networks::fits(const Steps& steps) const {
  size_t final = steps.size();
  while (final > 0 && steps[final - 1].kind != Step::Kind::kBlock) --final;
  return final <= wanted_.size() &&
         std::equal(steps.begin(), steps.begin() + static_cast<long>(final), wanted_.begin());
}

// What decides whether the wanted steps can still be made.
std::vector<int> Custom::Networks::state(const Place& at) const {
  std::vector<int> key{static_cast<int>(at.stage),
                       static_cast<int>(at.layer),
                       at.depth,
                       at.width,
                       at.channels,
                       at.map};
  size_t final = steps_.size();
  while (final > 0 && steps_[final - 1].kind != Step::Kind::kBlock) --final;
  key.push_back(static_cast<int>(final));
  for (size_t i = final; i < steps_.size(); ++i)
    key.insert(
        key.end(),
        {static_cast<int>(steps_[i].kind), steps_[i].radius, steps_[i].stride, steps_[i].map});
  return key;
}

bool Custom::Networks::find_stage(size_t stage, int channels, int map) {
  if (stage == space_.layout_.stages.size()) {
    if (steps_ != wanted_) return false;
    if (space_.fix_inactive(found_) == found_ && domain_->contains(found_)) return true;
    refused_ = true;
    return false;
  }
  const Place whole{stage, 0, -1, -1, channels, map};
  std::vector<int> key = state(whole);
  if (dead_ends_.contains(key)) return false;
  const bool refused_before = refused_;
  refused_ = false;
  const Stage& names = space_.layout_.stages[stage];
  for (const int width : options(names.width)) {
    set(names.width, width);
    for (const int depth : options(names.depth)) {
      set(names.depth, depth);
      const int layers = space_.o_.stages[stage].depths[static_cast<size_t>(depth)];
      if (layers == 0 && width > 0 && width_hangs_[stage] != 0) continue;
      if (find_layer({stage, 0, layers, width, channels, map})) return true;
    }
    set(names.depth, 0);
  }
  set(names.width, 0);
  if (!refused_) dead_ends_.insert(std::move(key));
  refused_ = refused_ || refused_before;
  return false;
}

bool Custom::Networks::find_layer(const Place& at) {
  if (at.layer == static_cast<size_t>(at.depth))
    return find_stage(at.stage + 1, at.channels, at.map);
  std::vector<int> key;
  if (at.layer > 0) {
    key = state(at);
    if (dead_ends_.contains(key)) return false;
  }
  const bool refused_before = refused_;
  refused_ = false;
  const Layer& layer = space_.layout_.stages[at.stage].layers[at.layer];
  for (const int kind : options(layer.kind)) {
    set(layer.kind, kind);
    if (find_candidate(at, kind)) return true;
  }
  set(layer.kind, 0);
  if (!refused_ && at.layer > 0) dead_ends_.insert(std::move(key));
  refused_ = refused_ || refused_before;
  return false;
}

bool Custom::Networks::find_candidate(const Place& at, int kind) {
  const Layer& layer = space_.layout_.stages[at.stage].layers[at.layer];
  const Candidate& candidate = layer.candidates[static_cast<size_t>(kind)];
  const std::vector<int16_t> one{0};
  const bool kernels = candidate.kernel != kNoParam, expands = candidate.expansion != kNoParam;
  for (const int kernel : kernels ? options(candidate.kernel) : one) {
    if (kernels) set(candidate.kernel, kernel);
    for (const int expansion : expands ? options(candidate.expansion) : one) {
      if (expands) set(candidate.expansion, expansion);
      Steps after = steps_;
      for (const Step& step : steps_of(at, found_)) append(after, step);
      if (!fits(after)) continue;
      std::swap(steps_, after);
      if (find_layer(next(at, block_at(at)))) return true;
      std::swap(steps_, after);
    }
    if (expands) set(candidate.expansion, 0);
  }
  if (kernels) set(candidate.kernel, 0);
  return false;
}

Architecture Custom::Networks::first_of(const Architecture& a, const Domain& domain) {
  domain_ = &domain;
  wanted_ = steps_of(a);
  steps_.clear();
  dead_ends_.clear();
  refused_ = false;
  found_.genes.assign(a.genes.size(), 0);
  const size_t resolution = space_.layout_.resolution;
  set(resolution, model_.option(resolution, a));
  return find_stage(0, space_.o_.stem.width, after_stem(a)) ? found_ : a;
}

}  // namespace nas::custom
