// Plans as one: what is saved, what is kept alive, and that not a bit changes.
#include "supernet/judge/merged_plan.hpp"

#include <gtest/gtest.h>

#include <c10/core/GradMode.h>

#include "spaces/registry.hpp"
#include "supernet/executor.hpp"
#include "supernet/weights/weight_set.hpp"
#include "support.hpp"

namespace nas {
namespace {

std::vector<Plan> some_plans(const Space& space, int count) {
  Rng rng(5, "merged");
  std::vector<Plan> plans;
  for (int i = 0; i < count; ++i) plans.push_back(space.plan(space.sample(rng)));
  return plans;
}

TEST(MergedPlan, OneAloneIsItself) {
  for (const char* name :
       {"digits", "nasbench201-n1", "mobilenet-32", "resnet20-pool", "darts-small"}) {
    const auto space = load_space(name);
    for (const Plan& plan : some_plans(*space, 5)) {
      const MergedPlan merged = merge({&plan, 1});
      EXPECT_EQ(cost_of(merged.plan).macs, cost_of(plan).macs) << name;
      EXPECT_EQ(merged.outputs.front(), static_cast<int32_t>(merged.plan.nodes.size()) - 1) << name;
      // Two equal nodes of one plan become one, so it may be less.
      // The image stays, too, and so does what nobody reads.
      EXPECT_LE(static_cast<double>(peak_bytes(merged)),
                1.1 * static_cast<double>(cost_of(plan).peak_bytes) +
                    4.0 * static_cast<double>(plan.input().elements()))
          << name;
      EXPECT_GT(peak_bytes(merged), cost_of(plan).peak_bytes / 2) << name;
    }
  }
}

TEST(MergedPlan, TheSameTwiceCostsOnce) {
  const auto space = load_space("mobilenet-32");
  const Plan plan = space->plan(space->largest());
  const std::vector<Plan> twice = {plan, plan};
  const MergedPlan merged = merge(twice);
  EXPECT_EQ(merged.plan.nodes.size(), merge({&plan, 1}).plan.nodes.size());
  EXPECT_EQ(merged.outputs[0], merged.outputs[1]);
}

// All 6,561 networks: a tree of three branches in eight layers.
TEST(MergedPlan, NasBenchMacroAsATree) {
  const auto space = load_space("nasbench-macro");
  std::vector<Plan> plans;
  int64_t apart = 0;
  space->enumerate([&](const Architecture& a) {
    plans.push_back(space->plan(a));
    apart += cost_of(plans.back()).macs;
    return true;
  });
  ASSERT_EQ(plans.size(), 6561u);
  const MergedPlan merged = merge(plans);
  EXPECT_NEAR(
      static_cast<double>(apart) / static_cast<double>(cost_of(merged.plan).macs), 3.7, 0.05);
  // One way from the root is alive, not a level of thousands.
  int64_t largest = 0;
  for (const Plan& plan : plans) largest = std::max(largest, cost_of(plan).activation_bytes);
  EXPECT_LE(peak_bytes(merged), largest);
}

TEST(MergedPlan, GivesTheBitsOfEach) {
  for (const char* name : {"digits", "nasbench201-n1", "mobilenet-32", "darts-small"}) {
    const auto space = load_space(name);
    const auto weights = make_shared_set(*space, 1);
    const auto tensors = weights->bind(space->largest());
    const std::vector<Plan> plans = some_plans(*space, 6);
    const MergedPlan merged = merge(plans);
    const Shape in = space->input();
    const at::Tensor x =
        at::arange(3 * in.elements(), at::kFloat).sin().view({3, in.c, in.h, in.w});
    const c10::NoGradGuard no_grad;
    for (const bool kernels : {false, true}) {
      ForwardOptions options;
      options.kernels = kernels;
      std::vector<at::Tensor> together(plans.size());
      forward_each(merged.plan,
                   merged.outputs,
                   *tensors,
                   {&x, 1},
                   options,
                   [&](size_t k, const at::Tensor& value) { together[k] = value; });
      for (size_t k = 0; k < plans.size(); ++k)
        EXPECT_TRUE(at::equal(together[k], forward(plans[k], *tensors, x, options))) << name << k;
    }
  }
}

TEST(MergedPlan, OtherInputsAreRefused) {
  const auto one = load_space("digits"), other = load_space("nasbench201-n1");
  const std::vector<Plan> plans = {one->plan(one->largest()), other->plan(other->largest())};
  EXPECT_THROW(merge(plans), std::logic_error);
}

}  // namespace
}  // namespace nas
