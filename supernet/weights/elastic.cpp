// What a choice makes elastic is seen by comparing the plans of its options, not by its name: any
// space that builds plans gets phases. Channels that must move together are found by union-find
// over the ops that pass channels on unchanged.
#include "supernet/weights/elastic.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace nas {
namespace {

bool seen_outside(const Plan& plan, size_t i) {
  return channel_order(plan.nodes[i].op) == Channels::kSum ||
         static_cast<int32_t>(i) == plan.classifier;
}

/// Whether every layer with weights of `small` is one of `large`: layers were left out, not put in
/// the place of others.
bool has_layers_of(const Plan& large, const Plan& small) {
  std::set<uint32_t> names;
  TensorSpec specs[kMostTensors];
  for (const Node& node : large.nodes)
    if (tensors_of(node.op, specs) > 0) names.insert(node.name);
  return std::all_of(small.nodes.begin(), small.nodes.end(), [&](const Node& node) {
    return tensors_of(node.op, specs) == 0 || names.count(node.name) > 0;
  });
}

struct Sizes {
  int64_t kernel = 0;    ///< Of a weight with a window.
  int64_t features = 0;  ///< Read by a layer of flat values: what a classifier sees.
};
Sizes sizes_of(const Op& op) {
  TensorSpec specs[kMostTensors];
  if (tensors_of(op, specs) == 0) return {};
  const Dims& shape = specs[0].shape;
  return {shape.rank == 4 ? shape.size[2] : 0, shape.rank == 2 ? shape.size[1] : 0};
}

/// Whether two ops without weights do another thing, not one thing at another size.
bool differ_in_kind(const Op& a, const Op& b) {
  TensorSpec specs[kMostTensors];
  return tensors_of(a, specs) == 0 &&
         (op_name(a) != op_name(b) || attributes_text(a) != attributes_text(b));
}

Elastic difference(const Plan& large, const Plan& other) {
  if (!(large.input_shapes == other.input_shapes)) return Elastic::kResolution;
  if (large.nodes.size() != other.nodes.size())
    return has_layers_of(large, other) ? Elastic::kDepth : Elastic::kOther;
  bool kernels = false, channels = false, outside = false;
  for (size_t i = 0; i < large.nodes.size(); ++i) {
    const Node &a = large.nodes[i], &b = other.nodes[i];
    if (a.op.index() != b.op.index() || a.name != b.name || differ_in_kind(a.op, b.op))
      return Elastic::kOther;
    const Sizes mine = sizes_of(a.op), other_sizes = sizes_of(b.op);
    kernels = kernels || mine.kernel != other_sizes.kernel;
    if (a.out.h != b.out.h || a.out.w != b.out.w) return Elastic::kOther;
    channels = channels || a.out.c != b.out.c;
    outside = outside || mine.features != other_sizes.features ||
              (seen_outside(large, i) && a.out.c != b.out.c);
  }
  if (kernels && channels) return Elastic::kOther;
  if (kernels) return Elastic::kKernel;
  if (outside) return Elastic::kWidth;
  return channels ? Elastic::kExpand : Elastic::kNothing;
}

}  // namespace

const char* to_string(Elastic kind) {
  switch (kind) {
    case Elastic::kNothing:
      return "nothing";
    case Elastic::kKernel:
      return "kernel";
    case Elastic::kDepth:
      return "depth";
    case Elastic::kExpand:
      return "expand";
    case Elastic::kWidth:
      return "width";
    case Elastic::kResolution:
      return "resolution";
    case Elastic::kOther:
      return "other";
  }
  return "other";
}

std::vector<ElasticChoice> elastic_choices(const Space& space) {
  const Architecture largest = space.largest();
  const Plan large = space.plan(largest);
  std::vector<ElasticChoice> result;
  for (size_t c = 0; c < space.choices().size(); ++c) {
    ElasticChoice choice;
    std::vector<std::pair<int64_t, int16_t>> sizes;
    const auto count = static_cast<int16_t>(space.choices()[c].options.size());
    for (int16_t o = 0; o < count; ++o) {
      Architecture a = largest;
      a.genes[c] = o;
      a = space.fix_inactive(std::move(a));
      if (!space.valid(a)) continue;
      const Plan plan = space.plan(a);
      sizes.emplace_back(-cost_of(plan, space.counting()).macs, static_cast<int16_t>(-o));
      const Elastic kind = difference(large, plan);
      if (kind == Elastic::kNothing) continue;
      choice.kind =
          choice.kind == Elastic::kNothing || choice.kind == kind ? kind : Elastic::kOther;
    }
    std::sort(sizes.begin(), sizes.end());
    for (const auto& [macs, option] : sizes)
      choice.options.push_back(static_cast<int16_t>(-option));
    result.push_back(std::move(choice));
  }
  return result;
}

namespace {

/// Which values of a plan share their channels.
class ChannelSets {
 public:
  explicit ChannelSets(const Plan& plan) : plan_(plan), parent_(plan.nodes.size() + 1) {
    std::iota(parent_.begin(), parent_.end(), size_t{0});
    fixed_.assign(parent_.size(), false);
    for (size_t i = 0; i < plan.nodes.size(); ++i) add(i);
    fix(plan.nodes.size());                               // The inputs.
    if (!plan.nodes.empty()) fix(plan.nodes.size() - 1);  // The logits.
  }

  size_t of(int32_t id) const {
    return root(Plan::is_input(id) ? plan_.nodes.size() : static_cast<size_t>(id));
  }
  bool fixed(size_t set) const {
    for (size_t i = 0; i < fixed_.size(); ++i)
      if (fixed_[i] && root(i) == set) return true;
    return false;
  }
  /// A layer that mixes channels: its outputs are a set of their own.
  static bool dense(const Op& op) { return channel_order(op) == Channels::kOwn; }

 private:
  size_t root(size_t i) const {
    while (parent_[i] != i) i = parent_[i];
    return i;
  }
  void fix(size_t i) { fixed_[i] = true; }

  void add(size_t i) {
    const Node& node = plan_.nodes[i];
    const Channels order = channel_order(node.op);
    if (order == Channels::kOwn) return;
    if (order != Channels::kKept) fix(i);
    for (const int32_t id : plan_.inputs(node)) {
      const size_t set = of(id);
      if (order == Channels::kPlaced)
        fix(set);
      else
        parent_[set] = root(i);
    }
  }

  const Plan& plan_;
  std::vector<size_t> parent_;
  std::vector<bool> fixed_;
};

}  // namespace

std::vector<ChannelGroup> channel_groups(const Plan& plan) {
  const ChannelSets sets(plan);
  std::map<size_t, ChannelGroup> groups;
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    const Node& node = plan.nodes[i];
    TensorSpec specs[kMostTensors];
    if (tensors_of(node.op, specs) == 0) continue;
    ChannelGroup& own = groups[sets.of(static_cast<int32_t>(i))];
    own.size = node.out.c;
    own.carried.push_back(i);
    if (!ChannelSets::dense(node.op)) continue;
    own.made.push_back(i);
    const int32_t from = plan.inputs(node)[0];
    ChannelGroup& source = groups[sets.of(from)];
    source.read.push_back(i);
    const bool gate = !Plan::is_input(from) && std::holds_alternative<GlobalAvgPool>(
                                                   plan.nodes[static_cast<size_t>(from)].op);
    if (!gate) source.main.push_back(i);
  }
  std::vector<ChannelGroup> free;
  for (auto& [set, group] : groups) {
    if (sets.fixed(set) || group.read.empty()) continue;
    if (group.main.empty()) group.main = group.read;
    free.push_back(std::move(group));
  }
  return free;
}

}  // namespace nas
