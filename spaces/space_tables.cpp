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
  for (const Condition& condition : choices[choice].conditions) {
    const auto on = static_cast<size_t>(condition.on);
    if (!allows(condition, a.genes[on]) || !active_by_conditions(choices, a, on)) return false;
  }
  return true;
}

SamplingTables::SamplingTables(const std::vector<Choice>& choices) : order_(topological(choices)) {
  for (const Choice& choice : choices) forest_ = forest_ && choice.conditions.size() <= 1;
  if (forest_)
    count_forest(choices);
  else
    count_graph(choices);
}

void SamplingTables::count_forest(const std::vector<Choice>& choices) {
  // Architectures below each (choice, option), children first.
  std::vector<std::vector<BigInt>> below(choices.size());
  for (size_t c = 0; c < choices.size(); ++c) below[c].assign(choices[c].options.size(), BigInt(1));
  cumulative_.resize(choices.size());
  for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
    const Choice& choice = choices[*it];
    const BigInt total = std::accumulate(below[*it].begin(), below[*it].end(), BigInt(0));
    BigInt sum = 0;
    for (const BigInt& weight : below[*it]) {
      sum += weight;
      cumulative_[*it].push_back(
          static_cast<double>(sum.convert_to<long double>() / total.convert_to<long double>()));
    }
    if (choice.conditions.empty()) {
      count_ *= total;
    } else {
      for (const int16_t option : choice.conditions[0].options)
        below[static_cast<size_t>(choice.conditions[0].on)][static_cast<size_t>(option)] *= total;
    }
  }
}

// With several conditions on a choice weights no longer multiply: each connected group of choices
// is counted by going through it.
void SamplingTables::count_graph(const std::vector<Choice>& choices) {
  std::vector<size_t> group(choices.size());
  std::iota(group.begin(), group.end(), size_t{0});
  const auto root = [&](size_t c) {
    while (group[c] != c) c = group[c];
    return c;
  };
  for (size_t c = 0; c < choices.size(); ++c)
    for (const Condition& condition : choices[c].conditions)
      group[root(c)] = root(static_cast<size_t>(condition.on));
  for (size_t r = 0; r < choices.size(); ++r) {
    std::vector<size_t> members;
    for (const size_t c : order_)
      if (root(c) == r) members.push_back(c);
    if (!members.empty()) count_ *= count_group(choices, members);
  }
}

BigInt SamplingTables::count_group(const std::vector<Choice>& choices,
                                   const std::vector<size_t>& members) const {
  constexpr int64_t kLimit = 50'000'000;
  Architecture a{std::vector<int16_t>(choices.size(), 0)};
  int64_t count = 0;
  const std::function<void(size_t)> walk = [&](size_t k) {
    if (k == members.size()) {
      if (++count > kLimit)
        throw ConfigError(
            "too many choices hang together by several conditions each to count the space",
            "give choices one condition each");
      return;
    }
    const size_t c = members[k];
    const bool is_active = active_by_conditions(choices, a, c);
    const auto options = is_active ? static_cast<int16_t>(choices[c].options.size()) : int16_t{1};
    for (int16_t option = 0; option < options; ++option) {
      a.genes[c] = option;
      walk(k + 1);
    }
    a.genes[c] = 0;
  };
  walk(0);
  return count;
}

void SamplingTables::sample(const std::vector<Choice>& choices, Rng& rng, Architecture& out) const {
  out.genes.assign(choices.size(), 0);
  if (forest_) {
    for (const size_t c : order_) {
      const auto& conditions = choices[c].conditions;
      if (!conditions.empty() && !active_by_conditions(choices, out, c)) continue;
      out.genes[c] = static_cast<int16_t>(draw_from_cumulative(cumulative_[c], rng.uniform()));
    }
    return;
  }
  // Uniform over all genomes, kept only when the inactive genes happen to be 0: uniform over
  // architectures whatever the conditions.
  for (bool kept = false; !kept;) {
    for (size_t c = 0; c < choices.size(); ++c)
      out.genes[c] = static_cast<int16_t>(rng.below(choices[c].options.size()));
    kept = true;
    for (size_t c = 0; c < choices.size() && kept; ++c)
      kept = out.genes[c] == 0 || active_by_conditions(choices, out, c);
  }
}

}  // namespace nas
