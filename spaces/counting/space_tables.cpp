// Exact counts and uniform draws without listing the space. Choices whose conditions form a forest
// are counted by products and sums from the leaves up. What does not decompose (rules, choices with
// several conditions) is gathered into groups of key choices, whose combinations are listed,
// options of equal meaning once (classes); so the cost is exponential in the keys of one group
// only, and bounded (kLimit) with an error that names it. Draws follow the same counts, top down.
#include "spaces/counting/space_tables.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "spaces/error.hpp"

namespace nas {
namespace {

double share(const BigInt& part, const BigInt& whole) {
  return static_cast<double>(part.to_long_double() / whole.to_long_double());
}

bool allows(const Condition& condition, int16_t option) {
  return std::find(condition.options.begin(), condition.options.end(), option) !=
         condition.options.end();
}

std::vector<size_t> topological(const std::vector<Choice>& choices) {
  std::vector<size_t> order;
  std::vector<char> placed(choices.size(), 0);
  while (order.size() < choices.size()) {
    const size_t before = order.size();
    for (size_t c = 0; c < choices.size(); ++c) {
      const auto& conditions = choices[c].conditions;
      const bool ready = std::all_of(conditions.begin(), conditions.end(), [&](const Condition& k) {
        return placed[static_cast<size_t>(k.on)];
      });
      if (placed[c] || !ready) continue;
      placed[c] = 1;
      order.push_back(c);
    }
    if (order.size() == before)
      throw ConfigError("the conditions between the choices form a cycle");
  }
  return order;
}

}  // namespace

bool active_by_conditions(const std::vector<Choice>& choices,
                          const Architecture& a,
                          size_t choice) {
  // Chains, the usual case, need no memory.
  while (choices[choice].conditions.size() == 1) {
    const Condition& condition = choices[choice].conditions[0];
    choice = static_cast<size_t>(condition.on);
    if (!allows(condition, a.genes[choice])) return false;
  }
  if (choices[choice].conditions.empty()) return true;
  // All that it hangs on, each once: ways that meet again would double the work at every step.
  std::vector<char> seen(choices.size(), 0);
  std::vector<size_t> open{choice};
  while (!open.empty()) {
    const size_t c = open.back();
    open.pop_back();
    for (const Condition& condition : choices[c].conditions) {
      const auto on = static_cast<size_t>(condition.on);
      if (!allows(condition, a.genes[on])) return false;
      if (seen[on] != 0) continue;
      seen[on] = 1;
      open.push_back(on);
    }
  }
  return true;
}

std::vector<char> active_choices(const std::vector<Choice>& choices, const Architecture& a) {
  constexpr char kUnknown = 2;
  std::vector<char> active(choices.size(), kUnknown);
  const auto decide = [&](const auto& self, size_t c) -> bool {
    if (active[c] != kUnknown) return active[c] != 0;
    const auto& conditions = choices[c].conditions;
    const bool holds = std::all_of(conditions.begin(), conditions.end(), [&](const Condition& k) {
      const auto on = static_cast<size_t>(k.on);
      return allows(k, a.genes[on]) && self(self, on);
    });
    active[c] = holds ? 1 : 0;
    return holds;
  };
  for (size_t c = 0; c < choices.size(); ++c) decide(decide, c);
  return active;
}

Demands::Demands(const std::vector<Choice>& choices)
    : choices_(choices), awake_(choices.size(), 0) {
  for (const Choice& choice : choices) against_.emplace_back(choice.options.size(), 0);
}

bool Demands::demand(const Condition& condition) {
  std::vector<int>& against = against_[static_cast<size_t>(condition.on)];
  for (size_t o = 0; o < against.size(); ++o)
    if (!nas::allows(condition, static_cast<int16_t>(o))) ++against[o];
  return std::find(against.begin(), against.end(), 0) != against.end();
}

bool Demands::wake(size_t choice) {
  const size_t first = trail_.size();
  const auto push = [this](size_t c) {
    if (awake_[c] == 0) trail_.push_back(c);
    awake_[c] = 1;
  };
  push(choice);
  bool possible = true;
  for (size_t i = first; i < trail_.size(); ++i)
    for (const Condition& condition : choices_[trail_[i]].conditions) {
      possible = demand(condition) && possible;
      push(static_cast<size_t>(condition.on));
    }
  return possible;
}

void Demands::undo(size_t mark) {
  for (; trail_.size() > mark; trail_.pop_back()) {
    awake_[trail_.back()] = 0;
    for (const Condition& condition : choices_[trail_.back()].conditions) {
      std::vector<int>& against = against_[static_cast<size_t>(condition.on)];
      for (size_t o = 0; o < against.size(); ++o)
        if (!nas::allows(condition, static_cast<int16_t>(o))) --against[o];
    }
  }
}

namespace {

// Gene after gene. An option other than 0 says that its choice is active, which demands options of
// the choices it hangs on: earlier ones have them or not, later ones are held to them.
class Walk {
 public:
  Walk(const std::vector<Choice>& choices,
       const std::function<bool(const Architecture&)>& f,
       const std::optional<ChosenOption>& chosen)
      : choices_(choices),
        f_(f),
        chosen_(chosen),
        demands_(choices),
        a_{std::vector<int16_t>(choices.size(), 0)} {}
  /// False: what is chosen can never be active.
  bool possible() { return !chosen_ || demands_.wake(chosen_->choice); }
  bool from(size_t c) {
    if (c == choices_.size()) return f_(a_);
    a_.genes[c] = 0;
    if (allows(c, 0) && !from(c + 1)) return false;
    const size_t mark = demands_.mark();
    if (demands_.wake(c) && earlier_agree(c, mark))
      for (size_t option = 1; option < choices_[c].options.size(); ++option) {
        if (!allows(c, option)) continue;
        a_.genes[c] = static_cast<int16_t>(option);
        if (!from(c + 1)) return false;
      }
    demands_.undo(mark);
    return true;
  }

 private:
  bool allows(size_t c, size_t option) const {
    const bool other =
        chosen_ && chosen_->choice == c && chosen_->option != static_cast<int16_t>(option);
    return !other && demands_.allows(c, option);
  }
  bool earlier_agree(size_t c, size_t mark) const {
    for (const size_t woken : demands_.since(mark))
      for (const Condition& condition : choices_[woken].conditions) {
        const auto on = static_cast<size_t>(condition.on);
        if (on < c && !nas::allows(condition, a_.genes[on])) return false;
      }
    return true;
  }
  const std::vector<Choice>& choices_;
  const std::function<bool(const Architecture&)>& f_;
  const std::optional<ChosenOption> chosen_;
  Demands demands_;
  Architecture a_;
};

}  // namespace

void enumerate_by_conditions(const std::vector<Choice>& choices,
                             const std::function<bool(const Architecture&)>& f,
                             const std::optional<ChosenOption>& chosen) {
  Walk walk(choices, f, chosen);
  if (walk.possible()) walk.from(0);
}

SamplingTables::SamplingTables(const std::vector<Choice>& choices,
                               const std::vector<SpaceRule>& rules)
    : order_(topological(choices)) {
  find_keys(choices, rules);
  find_classes(choices, rules, count_forest(choices));
  add_groups(choices, rules);
}

// Keys: what rules look at, what a choice with several conditions hangs on, and whatever these
// hang on themselves.
void SamplingTables::find_keys(const std::vector<Choice>& choices,
                               const std::vector<SpaceRule>& rules) {
  key_.assign(choices.size(), 0);
  for (const SpaceRule& rule : rules)
    for (const size_t c : rule.choices) key_[c] = 1;
  for (const Choice& choice : choices)
    if (choice.conditions.size() > 1)
      for (const Condition& condition : choice.conditions)
        key_[static_cast<size_t>(condition.on)] = 1;
  for (auto it = order_.rbegin(); it != order_.rend(); ++it)
    if (key_[*it])
      for (const Condition& condition : choices[*it].conditions)
        key_[static_cast<size_t>(condition.on)] = 1;
}

// Architectures below each (choice, option) that hang on it alone, children first.
std::vector<std::vector<BigInt>> SamplingTables::count_forest(const std::vector<Choice>& choices) {
  std::vector<std::vector<BigInt>> below(choices.size());
  for (size_t c = 0; c < choices.size(); ++c) below[c].assign(choices[c].options.size(), BigInt(1));
  cumulative_.resize(choices.size());
  total_.assign(choices.size(), BigInt(1));
  for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
    if (key_[*it]) continue;
    const Choice& choice = choices[*it];
    BigInt& total = total_[*it];
    total = std::accumulate(below[*it].begin(), below[*it].end(), BigInt(0));
    BigInt sum = 0;
    for (const BigInt& weight : below[*it]) cumulative_[*it].push_back(share(sum += weight, total));
    if (choice.conditions.empty()) {
      count_ *= total;
      continue;
    }
    if (choice.conditions.size() > 1) continue;
    const auto on = static_cast<size_t>(choice.conditions[0].on);
    for (const int16_t option : choice.conditions[0].options)
      below[on][static_cast<size_t>(option)] *= total;
  }
  return below;
}

// What tells options of a key apart: rules, and the conditions of keys and of choices that hang on
// several. How many architectures hang on an option alone is a matter of weight.
void SamplingTables::find_classes(const std::vector<Choice>& choices,
                                  const std::vector<SpaceRule>& rules,
                                  const std::vector<std::vector<BigInt>>& below) {
  std::vector<std::vector<std::vector<int>>> marks(choices.size());
  for (size_t c = 0; c < choices.size(); ++c) marks[c].resize(choices[c].options.size());
  for (const SpaceRule& rule : rules)
    for (const size_t c : rule.choices)
      for (size_t o = 0; o < marks[c].size(); ++o) marks[c][o].push_back(static_cast<int>(o));
  for (size_t c = 0; c < choices.size(); ++c) {
    if (!key_[c] && choices[c].conditions.size() < 2) continue;
    for (const Condition& condition : choices[c].conditions) {
      auto& of = marks[static_cast<size_t>(condition.on)];
      for (size_t o = 0; o < of.size(); ++o)
        of[o].push_back(allows(condition, static_cast<int16_t>(o)) ? 1 : 0);
    }
  }
  classes_.resize(choices.size());
  for (size_t c = 0; c < choices.size(); ++c) {
    if (!key_[c]) continue;
    std::map<std::vector<int>, size_t> known;
    for (size_t o = 0; o < marks[c].size(); ++o) {
      const auto [at, fresh] = known.emplace(marks[c][o], classes_[c].size());
      if (fresh) classes_[c].emplace_back();
      Class& found = classes_[c][at->second];
      found.options.push_back(static_cast<int16_t>(o));
      found.total += below[c][o];
    }
    for (Class& found : classes_[c]) {
      BigInt sum = 0;
      for (const int16_t o : found.options)
        found.cumulative.push_back(share(sum += below[c][static_cast<size_t>(o)], found.total));
    }
  }
}

void SamplingTables::add_groups(const std::vector<Choice>& choices,
                                const std::vector<SpaceRule>& rules) {
  std::vector<size_t> group(choices.size());
  std::iota(group.begin(), group.end(), size_t{0});
  const auto root = [&](size_t c) {
    while (group[c] != c) c = group[c] = group[group[c]];
    return c;
  };
  for (size_t c = 0; c < choices.size(); ++c)
    for (const Condition& condition : choices[c].conditions)
      group[root(c)] = root(static_cast<size_t>(condition.on));
  for (const SpaceRule& rule : rules)
    for (const size_t c : rule.choices) group[root(c)] = root(rule.choices[0]);
  for (size_t r = 0; r < choices.size(); ++r) {
    if (root(r) != r) continue;
    Group found;
    std::vector<size_t> members;
    for (const size_t c : order_) {
      if (root(c) != r) continue;
      (key_[c] ? found.keys : members).push_back(c);
    }
    if (found.keys.empty()) continue;
    std::vector<const SpaceRule*> own;
    for (const SpaceRule& rule : rules)
      if (!rule.choices.empty() && root(rule.choices[0]) == r) own.push_back(&rule);
    count_ *= fill_group(choices, own, members, found);
    groups_.push_back(std::move(found));
  }
}

BigInt SamplingTables::fill_group(const std::vector<Choice>& choices,
                                  const std::vector<const SpaceRule*>& rules,
                                  const std::vector<size_t>& members,
                                  Group& group) const {
  constexpr int64_t kLimit = 200'000;
  // Members whose activity several keys decide; deeper ones are counted in their totals, and what
  // hangs on one key alone in that of its class.
  std::vector<size_t> hanging;
  for (const size_t c : members)
    if (choices[c].conditions.size() > 1) hanging.push_back(c);
  Architecture a{std::vector<int16_t>(choices.size(), 0)};
  std::vector<BigInt> sums;
  BigInt sum = 0;
  int64_t visited = 0;
  // Keys come in topological order, and what hangs on them on nothing else: what a choice hangs on
  // has been decided when it is asked about.
  std::vector<char> is_active(choices.size(), 0);
  const auto active = [&](size_t c) {
    const auto& conditions = choices[c].conditions;
    return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& k) {
      const auto on = static_cast<size_t>(k.on);
      return is_active[on] != 0 && allows(k, a.genes[on]);
    });
  };
  const auto take = [&](BigInt weight) {
    if (++visited > kLimit)
      throw ConfigError(
          "conditions and rules tie too many choices together to count the space (more than " +
              std::to_string(kLimit) + " combinations of the choices they name)",
          "give choices one condition each, and rules fewer choices");
    for (const SpaceRule* rule : rules)
      if (!rule->holds(a)) return;
    for (const size_t c : hanging)
      if (active(c)) weight *= total_[c];
    sums.push_back(sum += weight);
    auto& options = group.cases.emplace_back();
    for (const size_t key : group.keys) options.push_back(a.genes[key]);
  };
  const std::function<void(size_t, const BigInt&)> walk = [&](size_t k, const BigInt& weight) {
    if (k == group.keys.size()) return take(weight);
    const size_t c = group.keys[k];
    is_active[c] = active(c) ? 1 : 0;
    a.genes[c] = 0;
    if (is_active[c] == 0) return walk(k + 1, weight);
    for (const Class& options : classes_[c]) {
      a.genes[c] = options.options.front();
      walk(k + 1, weight * options.total);
    }
    a.genes[c] = 0;
  };
  walk(0, BigInt(1));
  for (const BigInt& part : sums) group.cumulative.push_back(share(part, sum));
  return sum;
}

void SamplingTables::sample(const std::vector<Choice>& choices, Rng& rng, Architecture& out) const {
  out.genes.assign(choices.size(), 0);
  for (const Group& group : groups_) {
    const auto drawn = static_cast<size_t>(draw_from_cumulative(group.cumulative, rng.uniform()));
    for (size_t k = 0; k < group.keys.size(); ++k) {
      const size_t c = group.keys[k];
      out.genes[c] = group.cases[drawn][k];
      if (!active_by_conditions(choices, out, c)) continue;
      for (const Class& options : classes_[c])
        if (options.options.front() == out.genes[c] && options.options.size() > 1)
          out.genes[c] = options.options[static_cast<size_t>(
              draw_from_cumulative(options.cumulative, rng.uniform()))];
    }
  }
  for (const size_t c : order_) {
    if (key_[c]) continue;
    if (!choices[c].conditions.empty() && !active_by_conditions(choices, out, c)) continue;
    out.genes[c] = static_cast<int16_t>(draw_from_cumulative(cumulative_[c], rng.uniform()));
  }
}

}  // namespace nas
