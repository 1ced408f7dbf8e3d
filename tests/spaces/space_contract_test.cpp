// What every space must keep. A new space is one line in all_spaces.hpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "tests/spaces/all_spaces.hpp"

namespace nas {
namespace {

class SpaceContract : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { space_ = load_space(GetParam()); }
  bool small() const { return space_->count() <= 20000; }
  std::unique_ptr<Space> space_;
  Rng rng_{7, "contract"};
};

TEST_P(SpaceContract, SamplesAreValidAndRoundTrip) {
  for (int i = 0; i < 200; ++i) {
    Architecture a;
    if (i % 2)
      space_->sample_choices(rng_, a);
    else
      a = space_->sample(rng_);
    std::string why;
    ASSERT_TRUE(space_->valid(a, &why)) << why;
    EXPECT_EQ(space_->fix_inactive(a), a);
    EXPECT_EQ(space_->parse(space_->text(a)), a) << space_->text(a);
    EXPECT_EQ(space_->parse_json(space_->json(a)), a) << space_->json(a);
  }
}

TEST_P(SpaceContract, CanonicalIsAFixedPointOfEqualCost) {
  for (int i = 0; i < 100; ++i) {
    const Architecture a = space_->sample(rng_);
    const Architecture c = space_->canonical(a);
    EXPECT_TRUE(space_->valid(c));
    EXPECT_EQ(space_->canonical(c), c);
    if (space_->name().starts_with("nasbench201")) continue;  // Dead edges cost, too.
    const Cost mine = cost_of(space_->plan(a)), form = cost_of(space_->plan(c));
    EXPECT_EQ(mine.macs, form.macs) << space_->text(a);
    EXPECT_EQ(mine.params, form.params) << space_->text(a);
  }
}

TEST_P(SpaceContract, CountEqualsEnumeration) {
  if (!small()) GTEST_SKIP() << "too large to go through";
  std::set<Architecture> all;
  Architecture before;
  space_->enumerate([&](const Architecture& a) {
    EXPECT_TRUE(before.genes.empty() || before < a) << "not in lexicographic order";
    EXPECT_EQ(space_->fix_inactive(a), a);
    before = a;
    all.insert(a);
    return true;
  });
  EXPECT_EQ(space_->count(), all.size());
}

TEST_P(SpaceContract, SamplingIsUniform) {
  if (!(space_->count() <= 5000)) GTEST_SKIP() << "too many cells for a chi-square test";
  const auto cells = static_cast<double>(space_->count().to_int64());
  const int draws = static_cast<int>(cells) * 20;
  std::map<Architecture, int> seen;
  for (int i = 0; i < draws; ++i) ++seen[space_->sample(rng_)];
  double chi = 20.0 * (cells - static_cast<double>(seen.size()));
  for (const auto& [a, n] : seen) chi += (n - 20.0) * (n - 20.0) / 20.0;
  EXPECT_LT(std::abs(chi - (cells - 1)), 6 * std::sqrt(2 * (cells - 1)));
}

TEST_P(SpaceContract, VariationStaysInside) {
  Architecture a = space_->sample(rng_);
  for (int i = 0; i < 50; ++i) {
    const Architecture m = space_->mutate(a, 0.1, rng_);
    EXPECT_TRUE(space_->valid(m));
    EXPECT_NE(m, a);
    const Architecture child = space_->crossover(a, m, rng_);
    EXPECT_TRUE(space_->valid(child));
    EXPECT_EQ(space_->crossover(a, a, rng_), a);
    a = m;
  }
  const auto near = space_->neighbours(a);
  EXPECT_FALSE(near.empty());
  EXPECT_EQ(std::set<Architecture>(near.begin(), near.end()).size(), near.size());
  for (const Architecture& n : near) {
    EXPECT_TRUE(space_->valid(n));
    EXPECT_NE(n, a);
  }
}

TEST_P(SpaceContract, FeaturesMatchTheirNames) {
  const auto names = space_->feature_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  std::vector<double> f;
  std::map<std::vector<double>, Architecture> seen;
  for (int i = 0; i < 50; ++i) {
    const Architecture a = space_->sample(rng_);
    space_->features(a, f);
    ASSERT_EQ(f.size(), names.size());
    const auto [it, fresh] = seen.emplace(f, a);
    EXPECT_TRUE(fresh || it->second == a) << "two architectures with equal features";
  }
}

TEST_P(SpaceContract, PlansChainAndTheSupernetHoldsTheirTensors) {
  std::map<std::string, Dims> tensors;
  for (const SupernetTensor& t : space_->supernet_tensors())
    EXPECT_TRUE(tensors.emplace(t.name, t.full).second) << t.name;
  for (int i = 0; i < 60; ++i) {
    const Architecture a = space_->sample(rng_);
    const Plan plan = space_->plan(a);
    ASSERT_FALSE(plan.nodes.empty());
    EXPECT_EQ(plan.nodes.back().out, (Shape{space_->classes(), 1, 1, Form::kVector}));
    std::set<std::string> mine;
    for (const Node& node : plan.nodes) {
      TensorSpec specs[4];
      const int n = tensors_of(node.op, specs);
      for (int k = 0; k < n; ++k) {
        const std::string name = plan.tensor_name(node, specs[k].role);
        EXPECT_TRUE(mine.insert(name).second) << name << " stands twice in one plan";
        ASSERT_TRUE(tensors.count(name)) << name << " is not in the supernet";
        EXPECT_EQ(tensors[name], specs[k].full) << name;
        for (int d = 0; d < specs[k].shape.rank; ++d)
          EXPECT_LE(specs[k].shape.size[d], specs[k].full.size[d]) << name;
      }
    }
    const Cost cost = cost_of(plan, space_->counting());
    EXPECT_GT(cost.macs, 0);
    EXPECT_GT(cost.peak_bytes, 0);
    EXPECT_LE(cost.peak_bytes, cost.activation_bytes + 4 * plan.input().elements());
  }
}

TEST_P(SpaceContract, CoverHasEveryTensorOfEveryArchitecture) {
  const auto tensors = [&](const Architecture& a) {
    std::set<std::pair<uint32_t, Role>> found;
    const Plan plan = space_->plan(a);
    for (const Node& node : plan.nodes) {
      TensorSpec specs[4];
      const int n = tensors_of(node.op, specs);
      for (int k = 0; k < n; ++k) found.emplace(node.name, specs[k].role);
    }
    return found;
  };
  std::set<std::pair<uint32_t, Role>> covered;
  for (const Architecture& a : space_->cover()) covered.merge(tensors(a));
  const auto check = [&](const Architecture& a) {
    const auto found = tensors(a);
    EXPECT_TRUE(std::includes(covered.begin(), covered.end(), found.begin(), found.end()))
        << space_->text(a);
    return !HasFailure();
  };
  if (space_->count() <= 3000) return space_->enumerate(check);
  for (int i = 0; i < 200; ++i) {
    Architecture a = space_->sample(rng_);
    if (i % 2) space_->sample_choices(rng_, a);
    if (!check(a)) return;
  }
}

TEST_P(SpaceContract, ExtremesBoundTheCost) {
  const auto macs = [&](const Architecture& a) {
    return cost_of(space_->plan(a), space_->counting()).macs;
  };
  EXPECT_TRUE(space_->valid(space_->smallest()));
  EXPECT_TRUE(space_->valid(space_->largest()));
  const int64_t least = macs(space_->smallest()), most = macs(space_->largest());
  EXPECT_LE(least, most);
  for (int i = 0; i < 100; ++i) {
    const Architecture a = space_->sample(rng_);
    EXPECT_GE(macs(a), least) << space_->text(a);
    EXPECT_LE(macs(a), most) << space_->text(a);
  }
}

TEST_P(SpaceContract, BadTextIsRefusedWithAReason) {
  for (const char* bad : {"nonsense", "", "=,=,", "[[[[", "|a~0|"}) {
    try {
      space_->parse(bad);
      ADD_FAILURE() << "accepted: " << bad;
    } catch (const ConfigError& e) {
      EXPECT_GT(std::string(e.what()).size(), 15u);
    }
  }
  EXPECT_THROW(space_->parse_json("{"), ConfigError);
  EXPECT_THROW(space_->parse_json("{\"nonsense\": \"x\"}"), ConfigError);
}

TEST_P(SpaceContract, FingerprintIsStable) {
  EXPECT_EQ(space_->fingerprint(), load_space(GetParam())->fingerprint());
  EXPECT_EQ(space_->fingerprint().size(), 64u);
}

INSTANTIATE_TEST_SUITE_P(All, SpaceContract, testing::ValuesIn(kSpaces), test_name);

}  // namespace
}  // namespace nas
