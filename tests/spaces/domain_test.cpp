// What every set operation must keep on a part of a space: all of it is held against plain listing.
#include "spaces/domain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "spaces/error.hpp"
#include "spaces/plan_builder.hpp"
#include "spaces/registry.hpp"
#include "tests/spaces/all_spaces.hpp"
#include "tests/spaces/custom/random_spaces.hpp"

namespace nas {
namespace {

using testing::HasSubstr;
using Options = std::vector<std::vector<int16_t>>;

Restriction restriction_of(const Space& space, const Options& options) {
  Restriction made(space);
  for (size_t c = 0; c < options.size(); ++c) made = made.keep(c, options[c]);
  return made;
}

/// Everything inside, by going through all combinations of allowed options: no tables, no Domain.
std::set<Architecture> listed(const Space& space, const Options& options) {
  std::set<Architecture> inside;
  std::vector<size_t> at(options.size(), 0);
  for (size_t c = 0; c < at.size();) {
    Architecture a;
    for (size_t k = 0; k < at.size(); ++k) a.genes.push_back(options[k][at[k]]);
    a = space.fix_inactive(std::move(a));
    if (space.valid(a)) inside.insert(std::move(a));
    for (c = 0; c < at.size() && ++at[c] == options[c].size(); ++c) at[c] = 0;
  }
  return inside;
}

/// Random options of each choice, narrowed until their combinations are at most `most`.
Options random_options(const Space& space, Rng& rng, double most) {
  Options options;
  for (const Choice& choice : space.choices()) {
    auto& kept = options.emplace_back();
    const bool all = rng.below(2) == 0;
    for (size_t o = 0; o < choice.options.size(); ++o)
      if (all || rng.below(2) == 0) kept.push_back(static_cast<int16_t>(o));
    if (kept.empty()) kept.push_back(static_cast<int16_t>(rng.below(choice.options.size())));
  }
  const auto combinations = [&] {
    double product = 1;
    for (const auto& kept : options) product *= static_cast<double>(kept.size());
    return product;
  };
  while (combinations() > most) {
    auto& kept = options[rng.below(options.size())];
    if (kept.size() > 1) kept.erase(kept.begin() + static_cast<long>(rng.below(kept.size())));
  }
  return options;
}

/// Within six standard deviations of what a chi-square statistic is.
void expect_law(const std::map<Architecture, int>& seen,
                const std::map<Architecture, double>& expected) {
  double chi = 0;
  for (const auto& [a, n] : expected) {
    const auto it = seen.find(a);
    const double d = (it == seen.end() ? 0 : it->second) - n;
    chi += d * d / n;
  }
  const double freedom = static_cast<double>(expected.size()) - 1;
  EXPECT_LT(std::abs(chi - freedom), 6 * std::sqrt(2 * freedom) + 1e-6);
}

void expect_samples(const Domain& domain, const std::set<Architecture>& inside, Rng& rng) {
  constexpr int kEach = 20;
  std::map<Architecture, int> seen;
  Architecture a;
  if (inside.size() <= 1000) {
    std::map<Architecture, double> uniform;
    for (const Architecture& b : inside) uniform[b] = kEach;
    for (size_t i = 0; i < kEach * inside.size(); ++i) ++seen[domain.sample(rng)];
    for (const auto& [b, n] : seen) ASSERT_TRUE(inside.contains(b)) << domain.space().text(b);
    expect_law(seen, uniform);
  }
  for (int i = 0; i < 100; ++i) {
    domain.sample(rng, a);
    ASSERT_TRUE(inside.contains(a)) << domain.space().text(a);
    domain.sample_choices(rng, a);
    ASSERT_TRUE(inside.contains(a)) << domain.space().text(a);
  }
  if (inside.size() > 200) return;
  // Every active choice uniform, what is not valid drawn again.
  std::map<Architecture, double> law;
  double sum = 0, least = 1;
  for (const Architecture& b : inside) {
    double weight = 1;
    for (size_t c = 0; c < b.genes.size(); ++c)
      if (domain.space().active(b, c)) weight /= static_cast<double>(domain.option_count(c));
    sum += law[b] = weight;
    least = std::min(least, weight);
  }
  const double draws = std::min(20000.0, 10 * sum / least);
  for (auto& [b, weight] : law) weight *= std::floor(draws) / sum;
  seen.clear();
  for (int i = 0; i < static_cast<int>(draws); ++i) {
    domain.sample_choices(rng, a);
    ++seen[a];
  }
  if (least * draws / sum >= 4) expect_law(seen, law);
}

void expect_variation(const Domain& domain, const std::set<Architecture>& inside, Rng& rng) {
  const Space& space = domain.space();
  Architecture a = domain.sample(rng);
  for (int i = 0; i < 30; ++i) {
    const Architecture m = domain.mutate(a, 0.2, rng);
    EXPECT_TRUE(inside.contains(m)) << space.text(m);
    const std::vector<Architecture> near = domain.neighbours(a);
    for (const Architecture& n : near) EXPECT_TRUE(inside.contains(n)) << space.text(n);
    const std::set<Architecture> neighbours(near.begin(), near.end());
    EXPECT_EQ(neighbours.size(), near.size());
    EXPECT_FALSE(neighbours.contains(a));
    if (!near.empty()) {
      EXPECT_NE(m, a);
    }
    EXPECT_TRUE(inside.contains(domain.crossover(a, m, rng)));
    // Parents from anywhere have children inside.
    const Architecture other = space.sample(rng);
    EXPECT_TRUE(inside.contains(domain.crossover(other, m, rng)));
    EXPECT_TRUE(inside.contains(domain.crossover(other, space.sample(rng), rng)));
    EXPECT_TRUE(inside.contains(domain.mutate(other, 0.2, rng)));
    a = m;
  }
  // All that differ in one choice that is active in both.
  const std::vector<Architecture> near = domain.neighbours(a);
  for (const Architecture& b : inside) {
    int differences = 0;
    for (size_t c = 0; c < a.genes.size(); ++c) differences += a.genes[c] != b.genes[c];
    if (differences == 1) {
      EXPECT_THAT(near, testing::Contains(b)) << space.text(a);
    }
  }
}

void expect_extremes(const Domain& domain, const std::set<Architecture>& inside) {
  const Space& space = domain.space();
  const auto macs = [&](const Architecture& a) {
    return cost_of(space.plan(a), space.counting()).macs;
  };
  const Architecture smallest = domain.smallest(), largest = domain.largest();
  EXPECT_TRUE(inside.contains(smallest)) << space.text(smallest);
  EXPECT_TRUE(inside.contains(largest)) << space.text(largest);
  int64_t least = std::numeric_limits<int64_t>::max(), most = 0;
  for (const Architecture& a : inside) {
    least = std::min(least, macs(a));
    most = std::max(most, macs(a));
  }
  EXPECT_EQ(macs(smallest), least) << domain.name();
  EXPECT_EQ(macs(largest), most) << domain.name();
}

void expect_forms(const Domain& domain, const std::set<Architecture>& inside) {
  std::map<Architecture, std::set<Architecture>> networks;
  for (const Architecture& a : inside) {
    const Architecture form = domain.canonical(a);
    EXPECT_TRUE(inside.contains(form)) << domain.space().text(form);
    EXPECT_EQ(domain.canonical(form), form);
    networks[domain.space().canonical(a)].insert(form);
  }
  for (const auto& [network, forms] : networks)
    EXPECT_EQ(forms.size(), 1u) << domain.name() << ": " << domain.space().text(network);
}

/// Everything, where `options` leave something.
void expect_contract(const Space& space, const Options& options, Rng& rng) {
  const std::set<Architecture> inside = listed(space, options);
  const Restriction restriction = restriction_of(space, options);
  if (inside.empty()) {
    EXPECT_THROW(Domain(space, restriction), ConfigError);
    return;
  }
  const Domain domain(space, restriction);
  SCOPED_TRACE(domain.name());
  EXPECT_EQ(domain.count(), inside.size());
  std::vector<Architecture> in_order;
  domain.enumerate([&](const Architecture& a) {
    in_order.push_back(a);
    return true;
  });
  EXPECT_EQ(in_order.size(), inside.size());
  EXPECT_EQ(std::set<Architecture>(in_order.begin(), in_order.end()), inside);
  for (const Architecture& a : inside) ASSERT_TRUE(domain.contains(a));
  expect_samples(domain, inside, rng);
  expect_variation(domain, inside, rng);
  expect_forms(domain, inside);
}

class DomainContract : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { space_ = load_space(GetParam()); }
  std::unique_ptr<Space> space_;
  Rng rng_{3, "domain"};
};

TEST_P(DomainContract, PartsAreWhatListingThemSays) {
  for (const double most : {8.0, 60.0, 300.0, 2000.0})
    for (int i = 0; i < 2; ++i) expect_contract(*space_, random_options(*space_, rng_, most), rng_);
}

TEST_P(DomainContract, TheWholeIsFilteredByTheRestriction) {
  if (!(space_->count() <= 20000)) GTEST_SKIP() << "too large to go through";
  for (int i = 0; i < 5; ++i) {
    const Options options = random_options(*space_, rng_, 1e9);
    const Restriction restriction = restriction_of(*space_, options);
    std::set<Architecture> inside;
    space_->enumerate([&](const Architecture& a) {
      bool kept = true;
      for (size_t c = 0; c < a.genes.size(); ++c)
        kept = kept &&
               (!space_->active(a, c) ||
                std::find(options[c].begin(), options[c].end(), a.genes[c]) != options[c].end());
      EXPECT_EQ(restriction.contains(a), kept);
      if (kept) inside.insert(a);
      return true;
    });
    if (inside.empty()) {
      EXPECT_THROW(Domain(*space_, restriction), ConfigError);
      continue;
    }
    const Domain domain(*space_, restriction);
    EXPECT_EQ(domain.count(), inside.size());
    domain.enumerate([&](const Architecture& a) { return inside.erase(a) == 1; });
    EXPECT_TRUE(inside.empty());
  }
}

TEST_P(DomainContract, ExtremesAreTheExtremesByMacs) {
  for (const double most : {50.0, 400.0, 4000.0}) {
    const Options options = random_options(*space_, rng_, most);
    const std::set<Architecture> inside = listed(*space_, options);
    if (!inside.empty()) expect_extremes(Domain(*space_, restriction_of(*space_, options)), inside);
  }
}

TEST_P(DomainContract, TheWholeSpaceIsADomain) {
  const Domain whole(*space_);
  EXPECT_TRUE(whole.whole());
  EXPECT_EQ(whole.count(), space_->count());
  EXPECT_EQ(whole.smallest(), space_->smallest());
  EXPECT_EQ(whole.largest(), space_->largest());
  EXPECT_EQ(whole.name(), space_->name());
  EXPECT_EQ(whole.open_choices(), space_->choices().size());
  Rng mine(1, "whole"), theirs(1, "whole");
  Architecture a, b;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(whole.sample(mine), space_->sample(theirs));
    whole.sample_choices(mine, a);
    space_->sample_choices(theirs, b);
    EXPECT_EQ(a, b);
    EXPECT_EQ(whole.canonical(a), space_->canonical(a));
  }
  EXPECT_EQ(mine, theirs);
}

/// All that is drawn from a space, as one number.
uint64_t stream_of(const Space& space) {
  Rng rng(11, "stream");
  uint64_t hash = 0;
  const auto take = [&](const Architecture& a) { hash = splitmix64(hash ^ a.hash()); };
  Architecture a, b;
  for (int i = 0; i < 20; ++i) {
    space.sample(rng, a);
    take(a);
    space.sample_choices(rng, b);
    take(b);
    take(space.canonical(b));
    take(space.mutate(a, 0.1, rng));
    take(space.crossover(a, b, rng));
    for (const Architecture& n : space.neighbours(b)) take(n);
  }
  take(space.smallest());
  take(space.largest());
  for (const Architecture& c : space.cover()) take(c);
  return hash;
}

// Written down by the code before there were domains: seeded results of old runs stay.
TEST_P(DomainContract, SeededStreamsOfWholeSpacesAreKept) {
  const std::map<std::string, uint64_t> kStreams = {
      {"digits", 0x1923f0d0b5eeb041ULL},
      {"custom-digits", 0xf42631a3b44f66c5ULL},
      {"custom-cifar10", 0x210eaa849622a790ULL},
      {"nasbench201", 0x572e340a6b4546a9ULL},
      {"nasbench201-n1", 0x572e340a6b4546a9ULL},
      {"nasbench201-standalone", 0x572e340a6b4546a9ULL},
      {"nasbench-macro", 0xd562c26c320ddfefULL},
      {"mobilenet", 0x9e159764446ddc86ULL},
      {"mobilenet-elastic-resolution", 0x7c39885a49852f88ULL},
      {"mobilenet-32", 0x9e159764446ddc86ULL},
      {"proxyless", 0xb482fe393ab2f967ULL},
      {"ofa-resnet50", 0x647cc08322bcd6ecULL},
      {"darts", 0x6cba8e708a9c55d8ULL},
      {"darts-small", 0x6cba8e708a9c55d8ULL},
      {"darts-final", 0x6cba8e708a9c55d8ULL},
      {"resnet20-pool", 0xcd5088a3e4629d6aULL},
      {"resnet18-stride", 0x1d2cb92b38e17565ULL},
      {"resnet50-stride", 0x97da930bc71e278eULL},
      {"resnet50-stride-food101", 0x664f5be7fb3ade71ULL}};
  EXPECT_EQ(stream_of(*space_), kStreams.at(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(All, DomainContract, testing::ValuesIn(kSpaces), test_name);

// Conditions, rules, closed widths and empty stages in every mixture.
TEST(Domain, PartsOfRandomCustomSpacesAreWhatListingThemSays) {
  RandomSpaces spaces;
  Rng rng(5, "parts");
  for (int made = 0, tried = 0; made < 60 && tried < 2000; ++tried) {
    const std::unique_ptr<Space> space = spaces.next();
    if (!space) continue;
    ++made;
    for (const double most : {20.0, 1000.0}) {
      const Options options = random_options(*space, rng, most);
      expect_contract(*space, options, rng);
      const std::set<Architecture> inside = listed(*space, options);
      if (!inside.empty()) expect_extremes(Domain(*space, restriction_of(*space, options)), inside);
      if (testing::Test::HasFailure()) FAIL() << spaces.text();
    }
  }
}

/// Constraints that no rule tells: only asking about each architecture does. An even sum of genes,
/// and one architecture alone where the first is 3.
class Even : public Space {
 public:
  Even() {
    name_ = "even";
    input_ = {1, 4, 4};
    for (int c = 0; c < 6; ++c)
      choices_.push_back({"c" + std::to_string(c), {"0", "1", "2", "3"}, {}});
    choices_[5].conditions.push_back({0, {1, 2}});
    linear_ = symbols_.intern("linear");
  }
  void build(const Architecture& a, Plan& plan) const override {
    PlanBuilder b(plan, symbols_, input_);
    const int32_t x = b.add(GlobalAvgPool{}, 0, Plan::kInput);
    const int out = 1 + std::accumulate(a.genes.begin(), a.genes.end(), 0);
    b.classifier(Linear{.in = 1, .out = out, .full_in = 1, .full_out = 30}, linear_, x);
  }

 protected:
  bool constrained() const override { return true; }
  bool allowed(const Architecture& a, std::string*) const override {
    if (a.genes[0] == 3) return a.genes == std::vector<int16_t>{3, 3, 3, 3, 3, 0};
    return std::accumulate(a.genes.begin(), a.genes.end(), 0) % 2 == 0;
  }

 private:
  uint32_t linear_ = 0;
};

TEST(Domain, ConstraintsWithoutRulesAreKeptByListing) {
  const Even space;
  Rng rng(5, "even");
  for (const double most : {10.0, 100.0, 1000.0})
    for (int i = 0; i < 5; ++i) expect_contract(space, random_options(space, rng, most), rng);
  const Domain one(space, Restriction::parse(space, {"c0=3"}));
  EXPECT_EQ(one.count(), 1);
  Architecture a;
  one.sample_choices(rng, a);
  EXPECT_EQ(a, (Architecture{{3, 3, 3, 3, 3, 0}}));
  EXPECT_EQ(one.mutate(a, 0.5, rng), a) << "there is no other";
  EXPECT_TRUE(one.neighbours(a).empty());
}

TEST(Domain, AnEmptyPartIsAnErrorThatNamesTheRestriction) {
  const auto space = load_space("resnet20-pool");
  const auto& last = space->choices()[0].options.back();
  const auto& first = space->choices()[1].options.front();
  try {
    Domain(*space, Restriction::parse(*space, {"down1=" + last, "down2=" + first}));
    FAIL() << "not refused";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(),
                HasSubstr("no architecture of the space resnet20-pool has down1=" + last +
                          ", down2=" + first));
  }
}

TEST(Domain, OptionsAreThoseAllowed) {
  const auto space = load_space("nasbench201");
  const Domain part(*space, Restriction::parse(*space, {"2<-1!=none", "3<-2=nor_conv_3x3"}));
  EXPECT_EQ(part.options(0), (std::vector<int16_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(part.options(2), (std::vector<int16_t>{1, 2, 3, 4}));
  EXPECT_EQ(part.option_count(5), 1u);
  EXPECT_EQ(part.option(5, 0), 3);
  EXPECT_EQ(part.open_choices(), 5u);
  EXPECT_EQ(part.count(), 625 * 4);
  EXPECT_FALSE(part.whole());
  EXPECT_EQ(part.name(), "nasbench201 with 2<-1!=none, 3<-2=nor_conv_3x3");
  std::string why;
  EXPECT_FALSE(part.contains(space->smallest(), &why));
  EXPECT_EQ(why, "2<-1 is none; allowed is 2<-1!=none");
  EXPECT_FALSE(part.contains(Architecture{{1}}, &why));
  EXPECT_THAT(why, HasSubstr("genes"));
}

// Far more than can be listed: exact all the same.
TEST(Domain, LargePartsAreCountedExactly) {
  const auto darts = load_space("darts");
  EXPECT_EQ(Domain(*darts, Restriction::parse(*darts, {"normal.node2.first=sep_conv_3x3"})).count(),
            [&] {
              BigInt n = 180;
              for (int i = 0; i < 7; ++i) n *= 7;
              n *= 180;
              for (int i = 0; i < 8; ++i) n *= 7;
              return n;
            }());
  const auto mobile = load_space("mobilenet");
  const Domain part(*mobile, Restriction::parse(*mobile, {"*.depth=2", "*.kernel=3|7"}));
  BigInt n = 1;
  for (int block = 0; block < 10; ++block) n *= 6;
  EXPECT_EQ(part.count(), n);
  Rng rng(1, "large");
  EXPECT_TRUE(part.contains(part.sample(rng)));
  EXPECT_TRUE(part.contains(part.smallest()));
  EXPECT_TRUE(part.contains(part.largest()));
}

}  // namespace
}  // namespace nas
