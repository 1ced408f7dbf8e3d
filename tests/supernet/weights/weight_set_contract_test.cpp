// What every weight set must keep. A new kind of set is one line in kStores.
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "support.hpp"

namespace nas {
namespace {

struct StoreMaker {
  const char* name;
  std::function<std::unique_ptr<WeightSet>(const Space&, uint64_t seed, at::ScalarType)> make;
};

const StoreMaker kStores[] = {
    {"shared",
     [](const Space& space, uint64_t seed, at::ScalarType type) {
       return make_shared_set(space, seed, type);
     }},
    {"shared_channels_last",
     [](const Space& space, uint64_t seed, at::ScalarType type) {
       return make_shared_set(space, seed, type, c10::Device(c10::kCPU), true);
     }},
};

// Choice blocks, elastic widths and depths, elastic kernels with learned matrices.
const char* const kSpaces[] = {
    "digits", "nasbench201-n1", "mobilenet-32", "resnet20-pool", "custom-digits"};

class WeightSetContract
    : public testing::TestWithParam<std::tuple<const StoreMaker*, const char*>> {
 protected:
  std::unique_ptr<WeightSet> make(uint64_t seed, at::ScalarType type = at::kFloat) const {
    return std::get<0>(GetParam())->make(*space_, seed, type);
  }
  /// f(plan, architecture, node, spec) for all tensors of some subnets.
  template <typename F>
  void each_tensor(const F& f) {
    std::vector<Architecture> some = {space_->largest(), space_->smallest()};
    for (int i = 0; i < 6; ++i) some.push_back(space_->sample(rng_));
    for (const Architecture& a : some) {
      const Plan plan = space_->plan(a);
      for (const Node& node : plan.nodes) {
        TensorSpec specs[4];
        const int n = tensors_of(node.op, specs);
        for (int i = 0; i < n; ++i) f(plan, a, node, specs[i]);
      }
    }
  }
  std::unique_ptr<Space> space_ = load_space(std::get<1>(GetParam()));
  Rng rng_{3, "contract"};
};

TEST_P(WeightSetContract, AnswersEveryTensorInItsShape) {
  const auto store = make(1);
  each_tensor(
      [&](const Plan& plan, const Architecture& a, const Node& node, const TensorSpec& spec) {
        const at::Tensor t = store->bind(a)->get(plan, node, spec);
        ASSERT_TRUE(t.defined());
        EXPECT_EQ(t.sizes(), at::IntArrayRef(spec.shape.size, static_cast<size_t>(spec.shape.rank)))
            << plan.tensor_name(node, spec.role);
        const bool buffer = spec.role == Role::kRunningMean || spec.role == Role::kRunningVar;
        EXPECT_EQ(t.requires_grad(), !buffer) << plan.tensor_name(node, spec.role);
      });
}

TEST_P(WeightSetContract, EveryTensorOfTheSpaceIsThereOnce) {
  const auto store = make(1);
  std::set<std::string> names;
  for (const auto* list : {&store->parameters(), &store->buffers()})
    for (const NamedTensor& t : *list) EXPECT_TRUE(names.insert(t.name).second) << t.name;
  for (const SupernetTensor& t : space_->supernet_tensors())
    EXPECT_TRUE(names.contains(t.name)) << t.name;
  for (const NamedTensor& p : store->parameters()) {
    EXPECT_TRUE(p.tensor.is_leaf() && p.tensor.requires_grad()) << p.name;
    EXPECT_FALSE(p.tensor.isnan().any().item<bool>()) << p.name;
  }
  for (const NamedTensor& b : store->buffers()) EXPECT_FALSE(b.tensor.requires_grad()) << b.name;
}

// The gradient of an answer reaches the leaves that `leaves` names, and no others.
TEST_P(WeightSetContract, LeavesAreWhatAnAnswerDependsOn) {
  const auto store = make(1);
  each_tensor(
      [&](const Plan& plan, const Architecture& a, const Node& node, const TensorSpec& spec) {
        if (spec.role != Role::kWeight && spec.role != Role::kBias) return;
        for (const NamedTensor& p : store->parameters()) p.tensor.mutable_grad().reset();
        const at::Tensor t = store->bind(a)->get(plan, node, spec);
        (t * at::arange(1, t.numel() + 1).view(t.sizes())).sum().backward();
        std::vector<at::Tensor> leaves;
        store->leaves(plan, node, spec.role, leaves);
        std::set<const void*> named;
        for (const at::Tensor& leaf : leaves) named.insert(leaf.unsafeGetTensorImpl());
        std::set<const void*> reached;
        for (const NamedTensor& p : store->parameters())
          if (p.tensor.grad().defined()) reached.insert(p.tensor.unsafeGetTensorImpl());
        EXPECT_EQ(reached, named) << plan.tensor_name(node, spec.role);
      });
}

// What a training pass gives a gradient to is what used_by says, for any architecture.
TEST_P(WeightSetContract, UsedParametersAreThoseWithAGradient) {
  const auto set = make(1);
  std::vector<Architecture> some = {space_->largest(), space_->smallest()};
  for (int i = 0; i < 5; ++i) some.push_back(space_->sample(rng_));
  for (const Architecture& a : some) {
    for (const NamedTensor& p : set->parameters()) p.tensor.mutable_grad().reset();
    const Plan plan = space_->plan(a);
    const Shape in = plan.input();
    const at::Tensor x = at::rand({2, in.c, in.h, in.w});
    at::Tensor head;
    ForwardOptions options;
    options.auxiliary = &head;
    at::Tensor sum = forward(plan, *set->bind(a), x, options).sum();
    if (head.defined()) sum = sum + head.sum();
    sum.backward();
    std::vector<bool> used(set->parameters().size(), false);
    set->used_by(plan, used);
    for (size_t i = 0; i < used.size(); ++i)
      EXPECT_EQ(used[i], set->parameters()[i].tensor.grad().defined())
          << space_->text(a) << " " << set->parameters()[i].name;
  }
}

TEST_P(WeightSetContract, SharedWeightsAreShared) {
  const auto store = make(1);
  const Architecture large = space_->largest(), small = space_->smallest();
  const auto first_of = [&](const Architecture& a) {
    const Plan plan = space_->plan(a);
    const Node& node = plan.nodes.front();  // The stem: part of every architecture.
    TensorSpec specs[4];
    tensors_of(node.op, specs);
    return store->bind(a)->get(plan, node, specs[0]);
  };
  const c10::NoGradGuard no_grad;
  first_of(large).fill_(0.25);
  EXPECT_TRUE((first_of(small) == 0.25).all().item<bool>());
}

TEST_P(WeightSetContract, SeedsDecideAlone) {
  const auto first = make(5), second = make(5), other = make(6);
  // What is asked for first must not matter.
  each_tensor(
      [&](const Plan& plan, const Architecture& a, const Node& node, const TensorSpec& spec) {
        second->bind(a)->get(plan, node, spec);
      });
  ASSERT_EQ(first->parameters().size(), second->parameters().size());
  bool differs = false;
  for (size_t i = 0; i < first->parameters().size(); ++i) {
    EXPECT_EQ(first->parameters()[i].name, second->parameters()[i].name);
    EXPECT_TRUE(at::equal(first->parameters()[i].tensor, second->parameters()[i].tensor));
    differs = differs || !at::equal(first->parameters()[i].tensor, other->parameters()[i].tensor);
  }
  EXPECT_TRUE(differs);
}

TEST_P(WeightSetContract, TypesOnlyRound) {
  const auto single = make(5), twice = make(5, at::kDouble);
  for (size_t i = 0; i < single->parameters().size(); ++i) {
    const at::Tensor& t = twice->parameters()[i].tensor;
    EXPECT_EQ(t.scalar_type(), at::kDouble);
    EXPECT_TRUE(at::equal(single->parameters()[i].tensor.to(at::kDouble), t))
        << twice->parameters()[i].name;
  }
}

std::vector<std::tuple<const StoreMaker*, const char*>> combinations() {
  std::vector<std::tuple<const StoreMaker*, const char*>> all;
  for (const StoreMaker& maker : kStores)
    for (const char* space : kSpaces) all.emplace_back(&maker, space);
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    All, WeightSetContract, testing::ValuesIn(combinations()), [](const auto& info) {
      std::string name = std::string(std::get<0>(info.param)->name) + "_" + std::get<1>(info.param);
      for (char& c : name)
        if (c == '-') c = '_';
      return name;
    });

}  // namespace
}  // namespace nas
