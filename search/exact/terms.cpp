#include "search/exact/terms.hpp"

#include <stdexcept>

#include "spaces/counting/space_tables.hpp"

namespace nas::exact {

size_t Terms::metric(const std::string& name) const {
  for (size_t m = 0; m < units_.size(); ++m)
    if (units_[m].metric == name) return m;
  throw std::logic_error("no terms of the metric '" + name + "'");
}

Architecture Terms::blank() const {
  return {std::vector<int16_t>(domain_.space().choices().size(), 0)};
}

void Terms::decode(const Term& term, size_t row, Architecture& a) const {
  const auto state = static_cast<size_t>(term.state[row]);
  if (term.choice == kNone)
    a = listed_[row];
  else if (state < domain_.option_count(term.choice))
    a.genes[term.choice] = domain_.option(term.choice, state);
}

// From the roots down: each row names the keys of its children.
bool Terms::evaluate(const Architecture& a, std::vector<int64_t>& sums) const {
  sums.clear();
  for (const Unit& unit : units_) sums.push_back(unit.constant);
  const std::vector<char> active = active_choices(domain_.space().choices(), a);
  std::vector<std::pair<size_t, uint32_t>> open;
  for (const size_t root : roots_) open.emplace_back(root, 0);
  while (!open.empty()) {
    const auto [t, key] = open.back();
    open.pop_back();
    const Term& term = terms_[t];
    size_t row = term.first[key];
    const size_t end = term.first[key + 1];
    if (term.choice == kNone) {
      const auto at = row_of_listed_.find(a);
      row = at == row_of_listed_.end() ? end : at->second;
    }
    const auto is = [&](size_t r) {
      if (term.choice == kNone) return true;
      const auto state = static_cast<size_t>(term.state[r]);
      if (active[term.choice] == 0) return state == domain_.option_count(term.choice);
      return state < domain_.option_count(term.choice) &&
             domain_.option(term.choice, state) == a.genes[term.choice];
    };
    while (row < end && !is(row)) ++row;
    if (row == end) return false;
    for (size_t m = 0; m < metrics(); ++m) sums[m] += value(term, row, m);
    for (size_t c = 0; c < term.children.size(); ++c)
      open.emplace_back(term.children[c], term.keys[row * term.children.size() + c]);
  }
  return true;
}

BigInt Terms::count() const {
  std::vector<std::vector<BigInt>> ways(terms_.size());
  for (size_t t = 0; t < terms_.size(); ++t) {
    const Term& term = terms_[t];
    for (size_t key = 0; key < term.key_count(); ++key) {
      BigInt sum = 0;
      for (size_t row = term.first[key]; row < term.first[key + 1]; ++row) {
        BigInt below = 1;
        for (size_t c = 0; c < term.children.size(); ++c)
          below *= ways[term.children[c]][term.keys[row * term.children.size() + c]];
        sum += below;
      }
      ways[t].push_back(std::move(sum));
    }
  }
  BigInt all = 1;
  for (const size_t root : roots_) all *= ways[root][0];
  return all;
}

}  // namespace nas::exact
