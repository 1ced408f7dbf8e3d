#include "spaces/space_tables.hpp"

#include <algorithm>
#include <numeric>

#include "spaces/error.hpp"

namespace nas {
namespace {

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

SamplingTables::SamplingTables(const std::vector<Choice>& choices,
                               const std::vector<SpaceRule>& rules)
    : order_(topological(choices)) {
  find_keys(choices, rules);
  count_forest(choices);
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

// Architectures below each (choice, option) outside the keys, children first.
void SamplingTables::count_forest(const std::vector<Choice>& choices) {
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
    for (const BigInt& weight : below[*it]) {
      sum += weight;
      cumulative_[*it].push_back(
          static_cast<double>(sum.convert_to<long double>() / total.convert_to<long double>()));
    }
    if (choice.conditions.empty()) {
      count_ *= total;
      continue;
    }
    const auto on = static_cast<size_t>(choice.conditions[0].on);
    if (key_[on]) continue;
    for (const int16_t option : choice.conditions[0].options)
      below[on][static_cast<size_t>(option)] *= total;
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
  // Members whose activity the keys decide; deeper ones are counted in their totals.
  std::vector<size_t> hanging;
  for (const size_t c : members)
    if (!choices[c].conditions.empty() && key_[static_cast<size_t>(choices[c].conditions[0].on)])
      hanging.push_back(c);
  Architecture a{std::vector<int16_t>(choices.size(), 0)};
  std::vector<BigInt> sums;
  BigInt sum = 0;
  int64_t visited = 0;
  const auto take = [&] {
    if (++visited > kLimit)
      throw ConfigError(
          "conditions and rules tie too many choices together to count the space (more than " +
              std::to_string(kLimit) + " combinations of the choices they name)",
          "give choices one condition each, and rules fewer choices");
    for (const SpaceRule* rule : rules)
      if (!rule->holds(a)) return;
    BigInt weight = 1;
    for (const size_t c : hanging)
      if (active_by_conditions(choices, a, c)) weight *= total_[c];
    sums.push_back(sum += weight);
    auto& options = group.cases.emplace_back();
    for (const size_t key : group.keys) options.push_back(a.genes[key]);
  };
  const std::function<void(size_t)> walk = [&](size_t k) {
    if (k == group.keys.size()) return take();
    const size_t c = group.keys[k];
    const bool is_active = active_by_conditions(choices, a, c);
    const auto options = is_active ? static_cast<int16_t>(choices[c].options.size()) : int16_t{1};
    for (int16_t option = 0; option < options; ++option) {
      a.genes[c] = option;
      walk(k + 1);
    }
    a.genes[c] = 0;
  };
  walk(0);
  for (const BigInt& part : sums)
    group.cumulative.push_back(
        static_cast<double>(part.convert_to<long double>() / sum.convert_to<long double>()));
  return sum;
}

void SamplingTables::sample(const std::vector<Choice>& choices, Rng& rng, Architecture& out) const {
  out.genes.assign(choices.size(), 0);
  for (const Group& group : groups_) {
    const auto drawn = static_cast<size_t>(draw_from_cumulative(group.cumulative, rng.uniform()));
    for (size_t k = 0; k < group.keys.size(); ++k) out.genes[group.keys[k]] = group.cases[drawn][k];
  }
  for (const size_t c : order_) {
    if (key_[c]) continue;
    if (!choices[c].conditions.empty() && !active_by_conditions(choices, out, c)) continue;
    out.genes[c] = static_cast<int16_t>(draw_from_cumulative(cumulative_[c], rng.uniform()));
  }
}

}  // namespace nas
