// Searches on a part of a space: nothing outside is asked for, everything inside can be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "search/feasibility.hpp"
#include "spaces/error.hpp"
#include "toy_space.hpp"

namespace nas {
namespace {

using testing::HasSubstr;
using testing_toy::toy_settings;
using testing_toy::ToyEvaluator;
using testing_toy::ToySpace;
using testing_toy::WideSpace;

class PartSearch : public testing::TestWithParam<const char*> {
 protected:
  Domain part(const std::vector<std::string>& terms) const {
    return {space, Restriction::parse(space, terms)};
  }
  ToySpace space;
  CostModel costs{space};
  ToyEvaluator evaluator;
};

std::set<Architecture> networks_of(const Domain& domain) {
  std::set<Architecture> networks;
  domain.enumerate(
      [&](const Architecture& a) { return networks.insert(domain.canonical(a)), true; });
  return networks;
}

TEST_P(PartSearch, AllOfThePartAndNothingElseIsEvaluated) {
  // The canonical form has alias=a, which is outside: networks are told by their forms inside.
  for (const std::vector<std::string>& terms :
       {std::vector<std::string>{"w1=8|12", "alias=b"}, {"depth=2", "k1=3"}, {"w3!=4", "w2=16"}}) {
    const Domain domain = part(terms);
    SCOPED_TRACE(domain.name());
    ToyEvaluator asked;
    Search search(domain, asked, costs, toy_settings(GetParam(), 10000));
    while (!search.done()) search.step();
    EXPECT_EQ(asked.asked, networks_of(domain));
    EXPECT_EQ(search.networks(), asked.asked.size());
    EXPECT_EQ(asked.repeats, 0);
    for (const Architecture& a : asked.asked) EXPECT_TRUE(domain.contains(a)) << space.text(a);
    EXPECT_THAT(search.why_done(),
                HasSubstr("every network of the space with " + domain.restriction().text()));
  }
}

TEST_P(PartSearch, ResumesBitForBit) {
  const Domain domain = part({"alias=b", "w1!=16"});
  const SearchSettings settings = toy_settings(GetParam(), 60);
  Search whole(domain, evaluator, costs, settings);
  whole.step();
  const std::string state = whole.state_json();
  std::vector<std::pair<Architecture, Evaluation>> known;
  for (const Archive::Entry& entry : whole.archive().entries())
    known.emplace_back(entry.architecture,
                       Evaluation{{{"accuracy", entry.values.at("accuracy")}}, ""});
  while (!whole.done()) whole.step();
  ToyEvaluator fresh;
  Search resumed(domain, fresh, costs, settings);
  resumed.restore(state, known);
  while (!resumed.done()) resumed.step();
  EXPECT_EQ(resumed.state_json(), whole.state_json());
}

TEST_P(PartSearch, LimitsAreMetInsideThePart) {
  const Domain domain = part({"w1=8|12", "k2=3", "alias=b"});
  int64_t least = std::numeric_limits<int64_t>::max(), most = 0;
  domain.enumerate([&](const Architecture& a) {
    const auto macs = static_cast<int64_t>(costs.of(a).at("macs"));
    least = std::min(least, macs);
    most = std::max(most, macs);
    return true;
  });
  SearchSettings settings = toy_settings(GetParam(), 40);
  settings.goal.constraints = {parse_constraint("macs <= " + std::to_string(least + most / 50))};
  Search search(domain, evaluator, costs, settings);
  while (!search.done()) search.step();
  EXPECT_TRUE(search.archive().any_feasible());
  for (const Architecture& a : evaluator.asked) {
    EXPECT_TRUE(domain.contains(a));
    EXPECT_LE(costs.of(a).at("macs"), static_cast<double>(least + most / 50));
  }
  // Smaller ones than the part has exist outside.
  ASSERT_LT(costs.of(space.smallest()).at("macs"), static_cast<double>(least));
  settings.goal.constraints = {parse_constraint("macs < " + std::to_string(least))};
  try {
    Search none(domain, evaluator, costs, settings);
    FAIL() << "no architecture meets the limit";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("no architecture of space 'toy' with w1=8|12, k2=3, alias=b"));
    EXPECT_THAT(e.what(), HasSubstr("value is " + std::to_string(least)));
  }
}

TEST_P(PartSearch, LargePartsAreSearchedToo) {
  const WideSpace wide;
  const CostModel wide_costs(wide);
  const Domain domain(wide, Restriction::parse(wide, {"w0=8|16", "w5=12", "w1*!=4"}));
  ToyEvaluator truth(WideSpace::accuracy);
  SearchSettings settings = toy_settings(GetParam(), 200);
  settings.goal.constraints = {parse_constraint("macs <= 25k")};
  Search search(domain, truth, wide_costs, settings);
  while (!search.done()) search.step();
  EXPECT_EQ(truth.asked.size(), 200u);
  for (const Architecture& a : truth.asked) EXPECT_TRUE(domain.contains(a)) << wide.text(a);
}

// Other forms of a network have other weights in a supernet: their values are not taken.
TEST_P(PartSearch, OnlyValuesOfItsOwnFormsAreReused) {
  const Domain domain = part({"alias=b"});
  Search search(domain, evaluator, costs, toy_settings(GetParam(), 10000));
  space.enumerate([&](const Architecture& a) {
    search.know(a, Evaluation{{{"accuracy", a.genes[7] == 1 ? 0.5 : 0.9}}, ""}, true);
    return true;
  });
  while (!search.done()) search.step();
  EXPECT_TRUE(evaluator.asked.empty());
  for (const Archive::Entry& entry : search.archive().entries())
    EXPECT_EQ(entry.values.at("accuracy"), 0.5);
}

INSTANTIATE_TEST_SUITE_P(All, PartSearch, testing::Values("nsga2", "random"), [](const auto& info) {
  return std::string(info.param);
});

}  // namespace
}  // namespace nas
