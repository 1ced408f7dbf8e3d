// Counts, lists, draws and demands over random choices with conditions and rules, held to going
// through all combinations of options one by one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "spaces/counting/big_int.hpp"
#include "spaces/counting/space_tables.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

using Genes = std::vector<int16_t>;

/// Some choices in random order, so that conditions point to earlier and to later ones.
struct RandomChoices {
  std::vector<Choice> choices;
  std::vector<SpaceRule> rules;
};

/// Up to six choices of up to four options; with rules on pairs of them.
RandomChoices random_choices(Rng& rng, int most_conditions, bool with_rules) {
  RandomChoices out;
  const size_t n = 1 + rng.below(6);
  for (size_t c = 0; c < n; ++c) {
    Choice choice{"c" + std::to_string(c), {}, {}};
    const uint64_t options = 1 + rng.below(4);
    for (uint64_t o = 0; o < options; ++o) choice.options.push_back(std::to_string(o));
    out.choices.push_back(std::move(choice));
  }
  const std::vector<int64_t> order = rng.permutation(static_cast<int64_t>(n));
  for (size_t k = 1; k < n; ++k) {
    Choice& choice = out.choices[static_cast<size_t>(order[k])];
    for (uint64_t i = rng.below(static_cast<uint64_t>(most_conditions) + 1); i > 0; --i) {
      Condition condition;
      condition.on = static_cast<int>(order[rng.below(k)]);
      const auto& options = out.choices[static_cast<size_t>(condition.on)].options;
      for (size_t o = 0; o < options.size(); ++o)
        if (rng.below(3) > 0) condition.options.push_back(static_cast<int16_t>(o));
      if (condition.options.empty()) condition.options.push_back(0);
      choice.conditions.push_back(std::move(condition));
    }
  }
  if (with_rules)
    for (uint64_t i = rng.below(3); i > 0; --i) {
      const size_t a = rng.below(n), b = rng.below(n);
      const int most = static_cast<int>(rng.below(5));
      out.rules.push_back(
          {{a, b}, [=](const Architecture& x) { return x.genes[a] + 2 * x.genes[b] <= most; }});
    }
  return out;
}

bool holds(const std::vector<Choice>& choices, const Genes& genes, size_t choice);

bool met(const std::vector<Choice>& choices, const Genes& genes, const Condition& condition) {
  const auto on = static_cast<size_t>(condition.on);
  return holds(choices, genes, on) &&
         std::count(condition.options.begin(), condition.options.end(), genes[on]) > 0;
}

/// The definition of an active choice, word for word.
bool holds(const std::vector<Choice>& choices, const Genes& genes, size_t choice) {
  const auto& conditions = choices[choice].conditions;
  return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& condition) {
    return met(choices, genes, condition);
  });
}

/// All combinations of options; those in which a closed choice has another option than the first
/// are left out, and those that break a rule.
std::vector<Architecture> all_of(const RandomChoices& space) {
  std::vector<Architecture> all;
  const size_t n = space.choices.size();
  Genes genes(n, 0);
  for (bool more = true; more;) {
    bool good = true;
    for (size_t c = 0; c < n; ++c) good = good && (genes[c] == 0 || holds(space.choices, genes, c));
    for (const SpaceRule& rule : space.rules) good = good && rule.holds(Architecture{genes});
    if (good) all.push_back({genes});
    more = false;
    for (size_t c = n; c-- > 0 && !more;) {
      more = ++genes[c] < static_cast<int>(space.choices[c].options.size());
      if (!more) genes[c] = 0;
    }
  }
  return all;
}

std::vector<Architecture> listed(const std::vector<Choice>& choices,
                                 const std::optional<ChosenOption>& chosen = std::nullopt) {
  std::vector<Architecture> all;
  enumerate_by_conditions(
      choices,
      [&](const Architecture& a) {
        all.push_back(a);
        return true;
      },
      chosen);
  return all;
}

std::string shown(const RandomChoices& space) {
  std::string text;
  for (const Choice& choice : space.choices) {
    text += choice.name + ":" + std::to_string(choice.options.size());
    for (const Condition& condition : choice.conditions) {
      text += " if c" + std::to_string(condition.on) + " in";
      for (const int16_t o : condition.options) text += " " + std::to_string(o);
    }
    text += "; ";
  }
  return text;
}

TEST(RandomConditions, CountsAreThoseOfAllCombinations) {
  Rng rng(11, "conditions");
  for (int i = 0; i < 600; ++i) {
    const RandomChoices space = random_choices(rng, i % 4, i % 2 == 1);
    SCOPED_TRACE(shown(space));
    const SamplingTables tables(space.choices, space.rules);
    ASSERT_EQ(tables.count(), BigInt(all_of(space).size()));
    // An order in which whatever opens a choice stands before it.
    std::vector<size_t> place(space.choices.size());
    ASSERT_EQ(tables.order().size(), place.size());
    for (size_t k = 0; k < place.size(); ++k) place[tables.order()[k]] = k;
    for (size_t c = 0; c < place.size(); ++c)
      for (const Condition& condition : space.choices[c].conditions)
        EXPECT_LT(place[static_cast<size_t>(condition.on)], place[c]);
  }
}

TEST(RandomConditions, ListsAreAllCombinationsInOrder) {
  Rng rng(12, "conditions");
  for (int i = 0; i < 400; ++i) {
    RandomChoices space = random_choices(rng, i % 4, false);
    SCOPED_TRACE(shown(space));
    const std::vector<Architecture> all = all_of(space);
    ASSERT_EQ(listed(space.choices), all);
    // With one option of one choice, which must be open.
    const size_t c = rng.below(space.choices.size());
    const auto o = static_cast<int16_t>(rng.below(space.choices[c].options.size()));
    std::vector<Architecture> some;
    for (const Architecture& a : all)
      if (a.genes[c] == o && holds(space.choices, a.genes, c)) some.push_back(a);
    ASSERT_EQ(listed(space.choices, ChosenOption{c, o}), some) << c << " has " << o;
  }
}

TEST(RandomConditions, ListingStopsWhenToldTo) {
  Rng rng(13, "conditions");
  for (int i = 0; i < 50; ++i) {
    const RandomChoices space = random_choices(rng, 2, false);
    const std::vector<Architecture> all = all_of(space);
    const size_t wanted = 1 + rng.below(all.size());
    std::vector<Architecture> first;
    enumerate_by_conditions(space.choices, [&](const Architecture& a) {
      first.push_back(a);
      return first.size() < wanted;
    });
    EXPECT_EQ(first,
              std::vector<Architecture>(all.begin(), all.begin() + static_cast<long>(wanted)))
        << shown(space);
  }
}

// Each of few spaces is drawn from often enough to see every architecture and to judge the
// frequencies: the sum of squares over all of them, five standard deviations wide.
TEST(RandomConditions, DrawsAreUniform) {
  Rng rng(14, "conditions");
  for (int i = 0; i < 60; ++i) {
    const RandomChoices space = random_choices(rng, i % 4, i % 2 == 1);
    const std::vector<Architecture> all = all_of(space);
    if (all.empty() || all.size() > 60) continue;
    SCOPED_TRACE(shown(space));
    const SamplingTables tables(space.choices, space.rules);
    std::map<Genes, int> seen;
    constexpr int kEach = 60;
    Architecture a;
    for (size_t k = 0; k < kEach * all.size(); ++k) {
      tables.sample(space.choices, rng, a);
      ++seen[a.genes];
    }
    ASSERT_EQ(seen.size(), all.size()) << "something is never drawn, or is no architecture";
    double chi = 0;
    for (const Architecture& x : all) {
      ASSERT_TRUE(seen.count(x.genes));
      chi += std::pow(seen[x.genes] - kEach, 2) / kEach;
    }
    const double freedom = static_cast<double>(all.size()) - 1;
    EXPECT_LE(chi, freedom + 5 * std::sqrt(2 * freedom));
  }
}

TEST(RandomConditions, ActivityIsItsDefinition) {
  Rng rng(15, "conditions");
  for (int i = 0; i < 400; ++i) {
    const RandomChoices space = random_choices(rng, 3, false);
    Architecture a;
    for (const Choice& choice : space.choices)
      a.genes.push_back(static_cast<int16_t>(rng.below(choice.options.size())));
    const std::vector<char> active = active_choices(space.choices, a);
    for (size_t c = 0; c < space.choices.size(); ++c) {
      const bool expected = holds(space.choices, a.genes, c);
      EXPECT_EQ(active_by_conditions(space.choices, a, c), expected) << shown(space) << c;
      EXPECT_EQ(active[c] != 0, expected) << shown(space) << c;
    }
  }
}

/// What the demands say must hold where all of `woken` are open: an option that some combination
/// has is allowed; where none opens them all, waking is refused or leads to a contradiction above.
TEST(RandomConditions, DemandsAllowWhatSomeCombinationHas) {
  Rng rng(16, "conditions");
  for (int i = 0; i < 400; ++i) {
    const RandomChoices space = random_choices(rng, 3, false);
    SCOPED_TRACE(shown(space));
    const std::vector<Architecture> all = all_of(space);
    Demands demands(space.choices);
    std::vector<size_t> woken;
    for (int k = 0; k < 3; ++k) {
      const size_t c = rng.below(space.choices.size());
      woken.push_back(c);
      std::vector<Architecture> with;
      for (const Architecture& a : all)
        if (std::all_of(woken.begin(), woken.end(), [&](size_t w) {
              return holds(space.choices, a.genes, w);
            }))
          with.push_back(a);
      const size_t mark = demands.mark();
      const bool possible = demands.wake(c);
      EXPECT_EQ(possible, !with.empty());
      if (!possible) {
        demands.undo(mark);
        woken.pop_back();
        continue;
      }
      for (size_t x = 0; x < space.choices.size(); ++x) {
        if (!demands.awake(x)) continue;
        std::set<int16_t> had;
        for (const Architecture& a : with) had.insert(a.genes[x]);
        for (size_t o = 0; o < space.choices[x].options.size(); ++o)
          EXPECT_EQ(demands.allows(x, o), had.count(static_cast<int16_t>(o)) > 0) << x << ":" << o;
      }
    }
  }
}

TEST(RandomConditions, UndoneDemandsLeaveNothing) {
  Rng rng(17, "conditions");
  for (int i = 0; i < 100; ++i) {
    const RandomChoices space = random_choices(rng, 3, false);
    Demands demands(space.choices);
    std::vector<size_t> marks;
    for (int k = 0; k < 4; ++k) {
      marks.push_back(demands.mark());
      demands.wake(rng.below(space.choices.size()));
    }
    for (size_t k = marks.size(); k-- > 0;) {
      demands.undo(marks[k]);
      EXPECT_EQ(demands.mark(), marks[k]);
    }
    for (size_t c = 0; c < space.choices.size(); ++c) {
      EXPECT_FALSE(demands.awake(c));
      for (size_t o = 0; o < space.choices[c].options.size(); ++o)
        EXPECT_TRUE(demands.allows(c, o)) << shown(space) << c << ":" << o;
    }
  }
}

TEST(RandomConditions, ConditionsThatExcludeEachOtherOpenNothing) {
  const std::vector<Choice> choices = {{"a", {"0", "1"}, {}},
                                       {"b", {"0", "1", "2"}, {{0, {0}}, {0, {1}}}},
                                       {"c", {"0", "1"}, {{1, {2}}}}};
  EXPECT_EQ(SamplingTables(choices).count(), BigInt(2));
  EXPECT_EQ(listed(choices).size(), 2u);
  EXPECT_TRUE(listed(choices, ChosenOption{1, 1}).empty());
  EXPECT_TRUE(listed(choices, ChosenOption{2, 0}).empty());
  Demands demands(choices);
  EXPECT_FALSE(demands.wake(1));
}

TEST(RandomConditions, SpacesWithoutChoicesHaveOneArchitecture) {
  EXPECT_EQ(SamplingTables({}).count(), BigInt(1));
  EXPECT_EQ(listed({}), std::vector<Architecture>(1));
  Rng rng(1, "none");
  Architecture a{{3, 4}};
  SamplingTables({}).sample({}, rng, a);
  EXPECT_TRUE(a.genes.empty());
}

TEST(RandomConditions, CountsOfLongChainsHaveAClosedForm) {
  // A chain of n choices, each with an option that goes on and two that do not: with f(1) = 3 and
  // f(n) = 2 + f(n - 1), f(n) = 2n + 1.
  std::vector<Choice> chain;
  for (int c = 0; c < 200; ++c) {
    Choice choice{"c", {"on", "x", "y"}, {}};
    if (c > 0) choice.conditions.push_back({c - 1, {0}});
    chain.push_back(choice);
  }
  EXPECT_EQ(SamplingTables(chain).count(), BigInt(401));
  // A binary tree in which both options open a choice each: t(0) = 1, t(d) = 2 t(d - 1).
  std::vector<Choice> tree = {{"r", {"0", "1"}, {}}};
  for (int c = 1; c < 127; ++c)
    tree.push_back({"n", {"0", "1"}, {{(c - 1) / 2, {static_cast<int16_t>((c - 1) % 2)}}}});
  EXPECT_EQ(SamplingTables(tree).count(), BigInt(128));
  // Every option opens two choices of the next level: t(d) = 2 t(d - 1)^2, hence 2^(2^d - 1).
  std::vector<Choice> bushy = {{"r", {"0", "1"}, {}}};
  std::vector<int> level = {0};
  for (int d = 1; d < 5; ++d) {
    std::vector<int> next;
    for (const int parent : level)
      for (const int16_t option : {0, 0, 1, 1}) {
        next.push_back(static_cast<int>(bushy.size()));
        bushy.push_back({"n", {"0", "1"}, {{parent, {option}}}});
      }
    level = next;
  }
  BigInt expected = 1;
  for (int i = 0; i < 31; ++i) expected *= 2;
  EXPECT_EQ(SamplingTables(bushy).count(), expected);
}

TEST(RandomConditions, ManyIndependentGroupsMultiply) {
  // 25 times the same part (an or of two openers, told as a rule), each with 2 * 2 * 3 - 3 = 9.
  std::vector<Choice> choices;
  std::vector<SpaceRule> rules;
  BigInt expected = 1;
  for (size_t g = 0; g < 25; ++g) {
    const size_t a = choices.size();
    choices.push_back({"a", {"0", "1"}, {}});
    choices.push_back({"b", {"0", "1"}, {}});
    choices.push_back({"c", {"0", "1", "2"}, {}});
    rules.push_back(
        {{a, a + 1}, [a](const Architecture& x) { return x.genes[a] + x.genes[a + 1] > 0; }});
    expected *= 9;
  }
  const SamplingTables tables(choices, rules);
  EXPECT_EQ(tables.count(), expected);
  Rng rng(3, "groups");
  Architecture a;
  for (int i = 0; i < 200; ++i) {
    tables.sample(choices, rng, a);
    for (const SpaceRule& rule : rules) EXPECT_TRUE(rule.holds(a));
  }
}

TEST(RandomConditions, CyclesAreToldWhateverTheirLength) {
  for (const int n : {1, 2, 5}) {
    std::vector<Choice> ring;
    for (int c = 0; c < n; ++c) ring.push_back({"c", {"0", "1"}, {{(c + 1) % n, {1}}}});
    try {
      SamplingTables tables(ring);
      ADD_FAILURE() << n;
    } catch (const ConfigError& e) {
      EXPECT_STREQ(e.what(), "the conditions between the choices form a cycle");
    }
  }
}

}  // namespace
}  // namespace nas
