// Depth-first branch and bound, parents before what hangs on them: what is undecided adds at least
// what inside.hpp knows, once by itself and once in the relaxation of the limits. Rows are tried
// best bound first, so that the first solution is nearly the best and little else is looked at. The
// distance to the solutions before cuts where even all undecided choices would be too few to reach
// it. (Puzzle asks an integer program anew for each of a pool, with such cuts.)
#include <algorithm>
#include <limits>

#include "search/exact/front.hpp"
#include "search/exact/relaxation.hpp"

namespace nas::exact {
namespace {

class Branching {
 public:
  Branching(const Terms& terms, const Aim& aim, std::span<const Limit> limits, const Bounds& sides)
      : terms_(terms),
        aim_(aim),
        limits_(limits),
        sides_(sides),
        relaxation_(terms, aim, limits, sides),
        alone_(terms, only(terms, aim)),
        relaxed_(terms, relaxation_.weights()),
        constant_(static_cast<double>(aim.sign * terms.units()[aim.metric].constant)) {}

  /// The best that keeps its distance to all of `pool`; none where there is none. False in `proven`
  /// when the steps did not do.
  std::optional<Solution> next(const std::vector<Solution>& pool,
                               size_t distance,
                               int64_t steps,
                               bool& proven) {
    distance_ = distance;
    steps_ = steps;
    best_.reset();
    genes_ = std::vector<int16_t>(terms_.blank().genes.size(), kOpen);
    undecided_ = genes_.size();
    differ_.assign(pool.size(), 0);
    states_.clear();
    for (const Solution& other : pool) states_.push_back(states(other.architecture));
    Part part;
    part.sides.assign(sides_.sides().size(), 0.0);
    for (const size_t root : terms_.roots()) push(part, root, 0);
    branch(part);
    proven = proven && steps_ > 0;
    return best_;
  }

 private:
  static constexpr int16_t kOpen = -2, kClosed = -1;
  struct Part {
    std::vector<std::pair<size_t, uint32_t>> open;
    double aim = 0, relaxed = 0;            // Of what is decided.
    double aim_rest = 0, relaxed_rest = 0;  // Least of what is open.
    std::vector<double> sides;              // Both together.
  };
  struct Option {
    size_t row;
    double bound;
  };

  static std::vector<double> only(const Terms& terms, const Aim& aim) {
    std::vector<double> weights(terms.metrics(), 0.0);
    weights[aim.metric] = aim.sign;
    return weights;
  }
  /// Option of each choice, or kClosed.
  std::vector<int16_t> states(const Architecture& a) const {
    std::vector<int16_t> states(a.genes);
    for (size_t c = 0; c < states.size(); ++c)
      if (!terms_.domain().space().active(a, c)) states[c] = kClosed;
    return states;
  }
  void push(Part& part, size_t term, uint32_t key) const {
    part.open.emplace_back(term, key);
    part.aim_rest += alone_.below(term, key);
    part.relaxed_rest += relaxed_.below(term, key);
    const Rest least = sides_.below(term, key);
    for (size_t s = 0; s < part.sides.size(); ++s) part.sides[s] += least.sides[s];
  }
  void pop(Part& part) const {
    const auto [term, key] = part.open.back();
    part.open.pop_back();
    part.aim_rest -= alone_.below(term, key);
    part.relaxed_rest -= relaxed_.below(term, key);
    const Rest least = sides_.below(term, key);
    for (size_t s = 0; s < part.sides.size(); ++s) part.sides[s] -= least.sides[s];
  }
  /// `part` after `row` of a term that was popped.
  void take(Part& part, const Term& term, size_t row) const {
    const double own = aim_.sign * static_cast<double>(terms_.value(term, row, aim_.metric));
    part.aim += own;
    for (size_t m = 0; m < terms_.metrics(); ++m)
      part.relaxed += relaxation_.weights()[m] * static_cast<double>(terms_.value(term, row, m));
    for (size_t s = 0; s < part.sides.size(); ++s)
      part.sides[s] += sides_.sides()[s].sign *
                       static_cast<double>(terms_.value(term, row, sides_.sides()[s].metric));
    for (size_t c = 0; c < term.children.size(); ++c)
      push(part, term.children[c], term.keys[row * term.children.size() + c]);
  }
  /// No solution below is better than that.
  double bound(const Part& part) const {
    return std::max(part.aim + part.aim_rest,
                    part.relaxed + part.relaxed_rest - relaxation_.shift());
  }
  bool hopeless(const Part& part) const {
    for (size_t s = 0; s < part.sides.size(); ++s)
      if (part.sides[s] > sides_.room(s)) return true;
    if (!best_) return false;
    const double known = static_cast<double>(aim_.sign * best_->sums[aim_.metric]) - constant_;
    return bound(part) > known + 1e-9 * std::abs(known) + 1e-6;
  }

  void decide(size_t choice, int16_t state) {
    genes_[choice] = state;
    --undecided_;
    for (size_t p = 0; p < differ_.size(); ++p)
      if (states_[p][choice] != state) ++differ_[p];
  }
  void undo(size_t choice) {
    for (size_t p = 0; p < differ_.size(); ++p)
      if (states_[p][choice] != genes_[choice]) --differ_[p];
    ++undecided_;
    genes_[choice] = kOpen;
  }
  bool too_near() const {
    return std::any_of(
        differ_.begin(), differ_.end(), [this](size_t d) { return d + undecided_ < distance_; });
  }

  void branch(const Part& part) {
    if (--steps_ <= 0) return;
    if (part.open.empty()) return leaf();
    const auto [t, key] = part.open.back();
    const Term& term = terms_.terms()[t];
    Part without = part;
    pop(without);
    std::vector<Option> options;
    for (size_t row = term.first[key]; row < term.first[key + 1]; ++row) {
      Part with = without;
      take(with, term, row);
      if (!hopeless(with)) options.push_back({row, bound(with)});
    }
    std::stable_sort(options.begin(), options.end(), [](const Option& a, const Option& b) {
      return a.bound < b.bound;
    });
    for (const Option& option : options) {
      Part with = without;
      take(with, term, option.row);
      if (hopeless(with)) continue;  // By what was found since.
      if (term.choice == kNone) {
        listed(term, option.row);
        continue;
      }
      const auto state = static_cast<size_t>(term.state[option.row]);
      const Domain& domain = terms_.domain();
      decide(
          term.choice,
          state < domain.option_count(term.choice) ? domain.option(term.choice, state) : kClosed);
      if (!too_near()) branch(with);
      undo(term.choice);
    }
  }

  void leaf() {
    Architecture a = terms_.blank();
    for (size_t c = 0; c < genes_.size(); ++c) a.genes[c] = std::max<int16_t>(0, genes_[c]);
    offer(std::move(a));
  }
  void listed(const Term& term, size_t row) {
    Architecture a = terms_.blank();
    terms_.decode(term, row, a);
    const std::vector<int16_t> mine = states(a);
    for (const std::vector<int16_t>& other : states_) {
      size_t differ = 0;
      for (size_t c = 0; c < mine.size(); ++c) differ += mine[c] != other[c] ? 1 : 0;
      if (differ < distance_) return;
    }
    offer(std::move(a));
  }
  void offer(Architecture a) {
    Solution solution{std::move(a), {}};
    if (!terms_.evaluate(solution.architecture, solution.sums)) return;
    for (const Limit& limit : limits_)
      if (!limit.holds(solution.sums[limit.metric])) return;
    if (!best_ || before(solution, *best_)) best_ = std::move(solution);
  }
  bool before(const Solution& x, const Solution& y) const {
    const auto sum = [](const Aim& aim, const Solution& s) {
      return aim.sign * s.sums[aim.metric];
    };
    if (sum(aim_, x) != sum(aim_, y)) return sum(aim_, x) < sum(aim_, y);
    for (const Aim& side : sides_.sides())
      if (sum(side, x) != sum(side, y)) return sum(side, x) < sum(side, y);
    return x.architecture < y.architecture;
  }

  const Terms& terms_;
  const Aim aim_;
  const std::span<const Limit> limits_;
  const Bounds& sides_;
  const Relaxation relaxation_;
  const Weighted alone_, relaxed_;
  const double constant_;
  size_t distance_ = 0, undecided_ = 0;
  int64_t steps_ = 0;
  std::optional<Solution> best_;
  std::vector<int16_t> genes_;
  std::vector<size_t> differ_;
  std::vector<std::vector<int16_t>> states_;
};

}  // namespace

Pool pool(const Terms& terms,
          const Aim& aim,
          std::span<const Limit> limits,
          size_t size,
          size_t distance,
          int64_t steps) {
  Pool found;
  found.proven = true;
  const Bounds sides(terms, limits, {});
  if (!sides.possible()) return found;
  Branching branching(terms, aim, limits, sides);
  while (found.solutions.size() < size) {
    std::optional<Solution> next = branching.next(found.solutions, distance, steps, found.proven);
    if (!next) break;
    found.solutions.push_back(std::move(*next));
  }
  return found;
}

}  // namespace nas::exact
