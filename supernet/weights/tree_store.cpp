// The store of a few-shot supernet: an architecture trains with the node in training and is judged
// with its leaf; a leaf is one set, or a mixture of several.
#include <ATen/ATen.h>

#include <algorithm>
#include <map>

#include "spaces/error.hpp"
#include "supernet/train/split/few_shot_schedule.hpp"
#include "supernet/train/split/find_split.hpp"
#include "supernet/weights/math/association_document.hpp"
#include "supernet/weights/store_state.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {
namespace {

/// Leaves of a tree, each one set or a mixture of `models`. Set number: node * models + model.
class TreeStore final : public WeightStore, public HoldsMixtures {
 public:
  TreeStore(const WeightsContext& context,
            std::shared_ptr<const SupernetLayout> layout,
            std::shared_ptr<SplitTree> tree,
            const FewShotOptions& options,
            std::shared_ptr<const FewShotSchedule> schedule)
      : WeightStore(nas::keeps_statistics(*layout), context.place.dtype),
        space_(context.space),
        layout_(std::move(layout)),
        seed_(context.seed),
        place_(context.place),
        tree_(std::move(tree)),
        options_(options),
        schedule_(std::move(schedule)) {
    // Leaves that are not in training lie on the disk; a few stay for those who judge.
    constexpr int kKept = 8;
    keep(std::max(kKept, options.leaf_models));
  }

  const SplitTree& tree() const { return *tree_; }
  int node_of(int set) const { return set / models(); }
  int sets() const override {
    // A tree that was never split is still one of several.
    return std::max(2, static_cast<int>(tree_->nodes().size()) * models());
  }
  int owner(const Architecture& a) const override { return in_leaf(tree_->leaf_of(a), a, nullptr); }
  int draw(const Architecture& a, Rng& rng) const override {
    if (!tree_->node(node_).within.contains(a))
      throw std::logic_error("a path was drawn outside of the node that is trained: " +
                             space_.text(a));
    return in_leaf(node_, a, &rng);
  }
  std::vector<int> live_sets() const override {
    std::vector<int> all;
    for (const int leaf : tree_->leaves())
      for (int m = 0; m < models_in(leaf); ++m) all.push_back(leaf * models() + m);
    return all;
  }
  std::string set_name(int set) const override {
    const int leaf = node_of(set);
    return "leaf " + std::to_string(leaf) +
           (models_in(leaf) > 1 ? " model " + std::to_string(set % models()) : "");
  }

  void enter(const std::vector<int>& sets) override { node_ = sets.front() / models(); }
  /// A mixture begins with its leaf; `epoch` counts from where the leaf's learning rate began.
  void begin_epoch(int64_t epoch, int64_t epochs) override {
    if (Mixture* m = mixture_of(node_))
      m->begin_epoch(epoch - (epochs - schedule_->final_epochs()));
  }
  void end_epoch() override {
    telemetry_ = {{"split.node", static_cast<double>(node_)}};
    if (Mixture* m = mixture_of(node_)) {
      m->end_epoch();
      // A series of its own for each leaf.
      for (const auto& [name, value] : m->telemetry())
        telemetry_.emplace_back("leaf" + std::to_string(node_) + "." + name, value);
    }
  }
  bool wants_validation() const override { return models_in(node_) > 1; }
  bool ever_wants_validation() const override { return models() > 1; }
  void observe(const Architecture& a, int set, double accuracy) override {
    if (Mixture* m = mixture_of(set / models())) m->observe(a, set % models(), accuracy);
  }
  std::optional<double> seen_accuracy(const Architecture& a) const override {
    const Mixture* m = const_cast<TreeStore*>(this)->mixture_of(tree_->leaf_of(a));
    return m == nullptr ? std::nullopt : m->seen_accuracy(a);
  }
  std::vector<std::pair<std::string, double>> telemetry() const override { return telemetry_; }
  /// Of the mixtures of all leaves together: their rows are those of the space, divided.
  std::vector<std::string> advice(int64_t steps) const override {
    if (models() == 1) return {};
    const double in_leaves = static_cast<double>(schedule_->final_epochs()) *
                             schedule_->leaf_count() / static_cast<double>(schedule_->total());
    std::vector<std::string> lines =
        Mixture(Domain(space_), options_.mixture, schedule_->final_epochs(), seed_)
            .advice(static_cast<int64_t>(in_leaves * static_cast<double>(steps)));
    for (std::string& line : lines) line = "in all leaves together, " + line;
    return lines;
  }
  std::vector<std::pair<std::string, const Mixture*>> mixtures() const override {
    std::vector<std::pair<std::string, const Mixture*>> all;
    for (const auto& [leaf, mixture] : mixtures_)
      all.emplace_back("leaf " + std::to_string(leaf), mixture.get());
    return all;
  }
  /// What the run comes to beside its epochs: scoring, and a file for each leaf.
  std::string summary(int64_t steps) const override {
    const auto& s = options_.split;
    double passes = 0;
    int64_t nodes = 1;
    for (size_t level = 0; level < s.epochs.size(); ++level) {
      const int groups = schedule_->groups_of(space_, level);
      if (s.criterion == SplitCriterion::kGradient) {
        PartitionOptions partition = s.score.partition;
        partition.groups = groups;
        double options = 0;
        for (const size_t c :
             split_candidates(SplitTree(space_), 0, space_, partition, s.candidates))
          if (s.edge != EdgeRule::kFixed ||
              at_or_last(s.choices, level) == space_.choices()[c].name)
            options += static_cast<double>(space_.choices()[c].options.size());
        passes += static_cast<double>(nodes) * static_cast<double>(s.score.batches) * options;
      }
      nodes *= groups;
    }
    char share[40];
    std::snprintf(share,
                  sizeof share,
                  "%.3g",
                  100 * passes / static_cast<double>(std::max<int64_t>(steps, 1)));
    std::string text =
        "few-shot: " + std::to_string(nodes) + " leaves, each with a file of its own";
    if (models() > 1) text += " for each of " + std::to_string(models()) + " models";
    if (passes > 0)
      text += "; scoring of splits: at most " + std::to_string(static_cast<int64_t>(passes)) +
              " passes more (" + share + " % of the " + std::to_string(steps) + " steps)";
    return text;
  }
  std::vector<std::string> health() const override {
    std::vector<std::string> lines;
    for (const auto& [leaf, mixture] : mixtures_)
      for (const std::string& line : mixture->health())
        lines.push_back("leaf " + std::to_string(leaf) + ": " + line);
    return lines;
  }

  StoreState save() const override {
    StoreState state;
    state.text["tree"] = tree_->json();
    for (const auto& [leaf, mixture] : mixtures_)
      state.tensors["association" + std::to_string(leaf)] =
          at::tensor(mixture->save(), at::kDouble);
    return state;
  }
  void load(const StoreState& state) override {
    const auto tree = state.text.find("tree");
    if (tree == state.text.end())
      throw DataError("the checkpoint holds no split tree: it is not one of few-shot weights");
    tree_->load(tree->second);
    mixtures_.clear();
    for (const auto& [name, tensor] : state.tensors) {
      if (!name.starts_with("association")) continue;
      const int leaf = std::stoi(name.substr(11));
      const at::Tensor t = tensor.to(at::kCPU, at::kDouble).contiguous();
      if (Mixture* m = mixture_of(leaf))
        m->load({t.data_ptr<double>(), t.data_ptr<double>() + t.numel()});
    }
  }

 private:
  int models() const { return options_.leaf_models; }
  /// Mixtures stand in leaves only.
  int models_in(int node) const {
    return schedule_->last(schedule_->level_of(node)) ? models() : 1;
  }
  Mixture* mixture_of(int node) {
    if (models_in(node) == 1) return nullptr;
    std::unique_ptr<Mixture>& made = mixtures_[node];
    if (!made)
      made = std::make_unique<Mixture>(Domain(space_, tree_->node(node).within),
                                       options_.mixture,
                                       schedule_->final_epochs(),
                                       seed_ + static_cast<uint64_t>(node));
    return made.get();
  }
  int in_leaf(int node, const Architecture& a, Rng* rng) const {
    const int first = node * models();
    Mixture* m = const_cast<TreeStore*>(this)->mixture_of(node);
    if (m == nullptr) return first;
    return first + (rng == nullptr ? m->best(a) : m->draw(a, rng->uniform()));
  }
  std::unique_ptr<WeightSet> make(int set) override {
    return make_shared_set(layout_, seed_, place_, set);
  }

  const Space& space_;
  std::shared_ptr<const SupernetLayout> layout_;
  uint64_t seed_;
  Placement place_;
  std::shared_ptr<SplitTree> tree_;
  FewShotOptions options_;
  std::shared_ptr<const FewShotSchedule> schedule_;
  int node_ = 0;                                      ///< That is trained.
  std::map<int, std::unique_ptr<Mixture>> mixtures_;  ///< Of leaves, made when asked for.
  std::vector<std::pair<std::string, double>> telemetry_;
};

}  // namespace

std::unique_ptr<WeightStore> make_tree_store(const WeightsContext& context,
                                             std::shared_ptr<SplitTree> tree,
                                             const FewShotOptions& options,
                                             std::shared_ptr<const FewShotSchedule> schedule) {
  return std::make_unique<TreeStore>(
      context, make_layout(context.space), std::move(tree), options, std::move(schedule));
}

const SplitTree* split_tree_of(const WeightStore& store) {
  const auto* tree = dynamic_cast<const TreeStore*>(&store);
  return tree == nullptr ? nullptr : &tree->tree();
}

int tree_node_of(const WeightStore& store, int set) {
  return dynamic_cast<const TreeStore&>(store).node_of(set);
}

}  // namespace nas
