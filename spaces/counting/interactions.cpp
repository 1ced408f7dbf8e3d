// What an option of a choice adds is asked for in random contexts. Where it differs between two of
// them, some choice that differs there is to blame: bisection between the two finds one with a few
// questions, it is made equal, and the contexts are compared anew until they agree. In this way a
// choice with d partners among n costs about d log n questions, where trying all pairs costs n.
// (The linkage learning of black-box optimisation: Heckendorn and Wright 2004; exact here, because
// the tables that follow are verified.) A choice is open in all its contexts: that it adds nothing
// where it is closed is known, and its tables hang on whatever opens it.
#include "spaces/counting/interactions.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "spaces/counting/space_tables.hpp"
#include "spaces/error.hpp"

namespace nas::exact {

const std::vector<double>& Values::of(const Architecture& genes) {
  Architecture a = space_.fix_inactive(genes);
  const auto known = known_.find(a);
  if (known != known_.end()) return known->second;
  std::vector<double> values;
  try {
    for (size_t m = 0; m < metrics_.size(); ++m) {
      values.push_back(metrics_[m](a));
      if (!std::isfinite(values.back()))
        throw NotAdditive("its value is no number for " + space_.text(a));
      largest_[m] = std::max(largest_[m], std::abs(values.back()));
    }
  } catch (const InternalShapeError&) {
    throw NotAdditive("there are combinations of its options that cannot be built");
  } catch (const DataError& e) {
    throw NotAdditive(e.what());
  }
  return known_.emplace(std::move(a), std::move(values)).first->second;
}

// Sums of some hundred numbers differ by rounding in the last few of 53 bits.
bool Values::same(double x, double y, size_t m) const {
  return std::abs(x - y) <= 1e-11 * largest_[m];
}

std::vector<std::vector<size_t>> ancestors(const std::vector<Choice>& choices) {
  std::vector<std::vector<size_t>> all(choices.size());
  for (size_t c = 0; c < choices.size(); ++c) {
    std::set<size_t> found;
    std::vector<size_t> open{c};
    while (!open.empty()) {
      const size_t on = open.back();
      open.pop_back();
      for (const Condition& condition : choices[on].conditions)
        if (found.insert(static_cast<size_t>(condition.on)).second)
          open.push_back(static_cast<size_t>(condition.on));
    }
    all[c].assign(found.begin(), found.end());
  }
  return all;
}

namespace {

class Finder {
 public:
  Finder(const Domain& domain, Values& values, uint64_t seed)
      : domain_(domain),
        choices_(domain.space().choices()),
        values_(values),
        rng_(seed, "exact.interactions"),
        found_(choices_.size()) {}

  void find(size_t choice, int contexts) {
    if (domain_.option_count(choice) < 2 || !open(choice)) return;
    Architecture x = context(choice);
    std::vector<double> at_x = worth(choice, x);
    for (int i = 0; i < contexts; ++i) {
      Architecture y = context(choice);
      for (const size_t partner : found_[choice]) y.genes[partner] = x.genes[partner];
      std::vector<double> at_y = worth(choice, y);
      while (!same(at_x, at_y)) {
        const size_t partner = to_blame(choice, x, y, at_x);
        found_[choice].insert(partner);
        found_[partner].insert(choice);
        y.genes[partner] = x.genes[partner];
        at_y = worth(choice, y);
      }
      // Partners vary, too, between one comparison and the next.
      x = context(choice);
      at_x = worth(choice, x);
    }
  }
  std::vector<std::set<size_t>>& found() { return found_; }

 private:
  /// What must stand elsewhere so that `choice` is open; false: it never is.
  bool open(size_t choice) {
    needs_.clear();
    Demands demands(choices_);
    if (!demands.wake(choice)) return false;
    for (size_t c = 0; c < choices_.size(); ++c) {
      if (c == choice || !demands.awake(c)) continue;
      auto& [on, options] = needs_.emplace_back(c, std::vector<int16_t>{});
      for (const int16_t o : domain_.options(c))
        if (demands.allows(c, static_cast<size_t>(o))) options.push_back(o);
      if (options.empty()) return false;
    }
    return true;
  }
  Architecture context(size_t choice) {
    Architecture a;
    for (size_t c = 0; c < choices_.size(); ++c)
      a.genes.push_back(domain_.option(c, rng_.below(domain_.option_count(c))));
    for (const auto& [on, options] : needs_) a.genes[on] = options[rng_.below(options.size())];
    a.genes[choice] = domain_.option(choice, 0);
    return a;
  }
  /// Value of each further option less that of the first, all metrics.
  std::vector<double> worth(size_t choice, Architecture a) {
    a.genes[choice] = domain_.option(choice, 0);
    const std::vector<double> base = values_.of(a);
    std::vector<double> worth;
    for (size_t i = 1; i < domain_.option_count(choice); ++i) {
      a.genes[choice] = domain_.option(choice, i);
      const std::vector<double>& now = values_.of(a);
      for (size_t m = 0; m < base.size(); ++m) worth.push_back(now[m] - base[m]);
    }
    return worth;
  }
  bool same(const std::vector<double>& x, const std::vector<double>& y) const {
    for (size_t i = 0; i < x.size(); ++i)
      if (!values_.same(x[i], y[i], i % values_.metrics())) return false;
    return true;
  }
  size_t to_blame(size_t choice,
                  const Architecture& x,
                  const Architecture& y,
                  const std::vector<double>& at_x) {
    std::vector<size_t> differ;
    for (size_t c = 0; c < choices_.size(); ++c)
      if (c != choice && x.genes[c] != y.genes[c]) differ.push_back(c);
    // With the first `equal` of them from y it is worth what it is at x, with `other` it is not.
    size_t equal = 0, other = differ.size();
    while (other - equal > 1) {
      const size_t middle = (equal + other) / 2;
      Architecture mixed = x;
      for (size_t i = 0; i < middle; ++i) mixed.genes[differ[i]] = y.genes[differ[i]];
      (same(worth(choice, mixed), at_x) ? equal : other) = middle;
    }
    return differ[equal];
  }

  const Domain& domain_;
  const std::vector<Choice>& choices_;
  Values& values_;
  Rng rng_;
  std::vector<std::pair<size_t, std::vector<int16_t>>> needs_;
  std::vector<std::set<size_t>> found_;
};

/// Whether eliminating choices, the least tables first, leads to one far above `rows`.
bool entangled(std::vector<std::set<size_t>> graph, const Domain& domain, double rows) {
  const auto table = [&](size_t c) {
    double size = static_cast<double>(domain.option_count(c));
    for (const size_t partner : graph[c]) size *= static_cast<double>(domain.option_count(partner));
    return size;
  };
  constexpr size_t kNone = static_cast<size_t>(-1);
  std::vector<char> done(graph.size(), 0);
  for (size_t step = 0; step < graph.size(); ++step) {
    size_t best = kNone;
    double least = 0;
    for (size_t c = 0; c < graph.size(); ++c)
      if (done[c] == 0 && (best == kNone || table(c) < least)) {
        best = c;
        least = table(c);
      }
    if (least > rows) return true;
    done[best] = 1;
    for (const size_t a : graph[best]) {
      graph[a].erase(best);
      for (const size_t b : graph[best])
        if (a != b) graph[a].insert(b);
    }
  }
  return false;
}

}  // namespace

Neighbours interactions(const Domain& domain,
                        const std::vector<SpaceRule>& rules,
                        Values& values,
                        int contexts,
                        uint64_t seed) {
  const std::vector<Choice>& choices = domain.space().choices();
  Finder finder(domain, values, seed);
  // Where everything acts on everything the search for partners takes long, and shows it early.
  constexpr size_t kEvery = 4;
  constexpr double kHopeless = 1e8;
  for (size_t c = 0; c < choices.size(); ++c) {
    finder.find(c, contexts);
    if (c % kEvery == kEvery - 1 && entangled(finder.found(), domain, kHopeless))
      throw NotAdditive("too many choices act on it together (" + choices[c].name + " with " +
                        std::to_string(finder.found()[c].size()) + " others)");
  }
  std::vector<std::set<size_t>> all = std::move(finder.found());
  const std::vector<std::vector<size_t>> above = ancestors(choices);
  const auto tie = [&all](size_t a, size_t b) {
    if (a == b) return;
    all[a].insert(b);
    all[b].insert(a);
  };
  for (const SpaceRule& rule : rules) {
    std::set<size_t> scope(rule.choices.begin(), rule.choices.end());
    for (const size_t c : rule.choices) scope.insert(above[c].begin(), above[c].end());
    for (const size_t a : scope)
      for (const size_t b : scope) tie(a, b);
  }
  for (size_t c = 0; c < choices.size(); ++c)
    for (const size_t on : above[c]) tie(c, on);
  // Whether a partner is open tells what it is worth: what opens it is a partner, too.
  size_t ties = 0;
  const auto count = [&all] {
    size_t sum = 0;
    for (const std::set<size_t>& set : all) sum += set.size();
    return sum;
  };
  while (count() != ties) {
    ties = count();
    for (size_t c = 0; c < choices.size(); ++c) {
      const std::set<size_t> own = all[c];
      for (const size_t partner : own)
        for (const size_t on : above[partner]) tie(c, on);
    }
  }
  Neighbours neighbours;
  for (const std::set<size_t>& set : all) neighbours.emplace_back(set.begin(), set.end());
  return neighbours;
}

}  // namespace nas::exact
