// Dynamic programming over the terms: for each term and key the partial solutions that no other one
// betters. Whatever stands around a part adds the same to all that have its key, so a part that is
// bettered can be left out (Bellman), in any number of sums. Two things leave out more: what cannot
// stay inside a limit even with the least of all else; and, for one aim, what cannot beat a known
// solution even in the Lagrangian relaxation, whose multipliers make up for the limits. The second
// is what keeps optima under several limits small: the relaxation of so many small choices is
// nearly tight, so that hardly anything passes.
#include "search/exact/front.hpp"

#include <algorithm>
#include <cmath>

#include "search/exact/dominance.hpp"
#include "search/exact/relaxation.hpp"
#include "search/exact/sums.hpp"

namespace nas::exact {
namespace {

class Solver {
 public:
  Solver(const Terms& terms,
         std::span<const Aim> aims,
         const Bounds& bounds,
         const Relaxation* relaxation,
         size_t most)
      : terms_(terms), bounds_(bounds), relaxation_(relaxation), most_(most) {
    for (const Aim& aim : aims) add_dim(aim);
    for (const Aim& side : bounds.sides()) add_dim(side);
    for (const Aim& side : bounds.sides())
      for (size_t d = 0; d < dims_.size(); ++d)
        if (dims_[d].metric == side.metric && dims_[d].sign == side.sign) dim_of_side_.push_back(d);
  }

  std::vector<Solution> solve(size_t aims) {
    sets_.resize(terms_.terms().size());
    for (size_t t = 0; t < sets_.size(); ++t) {
      const Term& term = terms_.terms()[t];
      if (term.parent == kNone) continue;
      for (size_t key = 0; key < term.key_count(); ++key) sets_[t].push_back(of_key(t, key));
    }
    PartSet all = nothing();
    std::vector<size_t> left(terms_.roots());
    while (!left.empty()) {
      const size_t root = left.back();
      left.pop_back();
      Rest rest = bounds_.none();
      for (const size_t other : left) rest += bounds_.below(other, 0);
      all = combined(all, of_key(root, 0), keeper(rest), most_);
    }
    return solutions(all, aims);
  }

 private:
  void add_dim(const Aim& dim) {
    for (const Aim& known : dims_)
      if (known.metric == dim.metric && known.sign == dim.sign) return;
    dims_.push_back(dim);
  }
  PartSet nothing() const {
    PartSet set(dims_.size(), terms_.blank().genes.size());
    set.add(std::vector<int64_t>(dims_.size(), 0),
            std::vector<int16_t>(terms_.blank().genes.size(), int16_t{-1}));
    return set;
  }

  /// With the least that all else adds.
  Keep keeper(const Rest& rest) const {
    return [this, rest](const int64_t* sums) {
      for (size_t s = 0; s < dim_of_side_.size(); ++s)
        if (static_cast<double>(sums[dim_of_side_[s]]) + rest.sides[s] > bounds_.room(s))
          return false;
      if (relaxation_ == nullptr) return true;
      double weighted = rest.weighted;
      for (size_t d = 0; d < dims_.size(); ++d)
        weighted += relaxation_->weight(dims_[d]) * static_cast<double>(sums[d]);
      return weighted <= relaxation_->ceiling();
    };
  }

  PartSet of_key(size_t t, size_t key) const {
    const Term& term = terms_.terms()[t];
    PartSet all(dims_.size(), terms_.blank().genes.size());
    const Rest above = bounds_.above(t, key);
    for (size_t row = term.first[key]; row < term.first[key + 1]; ++row) {
      PartSet part = nothing();
      for (size_t d = 0; d < dims_.size(); ++d)
        part.sums[d] = dims_[d].sign * terms_.value(term, row, dims_[d].metric);
      Architecture a = terms_.blank();
      terms_.decode(term, row, a);
      if (term.choice == kNone)
        part.genes = a.genes;
      else
        part.genes[term.choice] = a.genes[term.choice];
      const auto child_key = [&](size_t c) { return term.keys[row * term.children.size() + c]; };
      std::vector<Rest> rest(term.children.size() + 1, above);  // Of the children from c on.
      for (size_t c = term.children.size(); c-- > 0;) {
        rest[c] = rest[c + 1];
        rest[c] += bounds_.below(term.children[c], child_key(c));
      }
      if (!keeper(rest[0])(part.sums.data())) continue;
      for (size_t c = 0; c < term.children.size(); ++c)
        part = combined(part, sets_[term.children[c]][child_key(c)], keeper(rest[c + 1]), most_);
      all.add_all(part);
    }
    return undominated(all);
  }

  std::vector<Solution> solutions(const PartSet& all, size_t aims) const {
    std::vector<Solution> found;
    // Sets rise by their sums; what only a limit told apart is no further solution.
    PartSet by_aims(aims, all.genes_each);
    for (size_t i = 0; i < all.size(); ++i) {
      const auto sums = all.sums_of(i).first(aims);
      if (by_aims.size() > 0 &&
          std::equal(sums.begin(), sums.end(), by_aims.sums_of(by_aims.size() - 1).begin()))
        continue;
      by_aims.add(sums, all.genes_of(i));
    }
    const PartSet best = aims == dims_.size() ? by_aims : undominated(by_aims);
    for (size_t i = 0; i < best.size(); ++i) {
      const auto genes = best.genes_of(i);
      Solution& solution = found.emplace_back();
      solution.architecture.genes.assign(genes.begin(), genes.end());
      terms_.evaluate(solution.architecture, solution.sums);
    }
    return found;
  }

  const Terms& terms_;
  const Bounds& bounds_;
  const Relaxation* relaxation_;
  const size_t most_;
  std::vector<Aim> dims_;
  std::vector<size_t> dim_of_side_;
  std::vector<std::vector<PartSet>> sets_;
};

}  // namespace

std::vector<Solution> front(const Terms& terms,
                            std::span<const Aim> aims,
                            std::span<const Limit> limits,
                            size_t most) {
  const Bounds bounds(terms, limits, {});
  if (!bounds.possible()) return {};
  return Solver(terms, aims, bounds, nullptr, most).solve(aims.size());
}

Optimum optimum(const Terms& terms, const Aim& aim, std::span<const Limit> limits, size_t most) {
  Optimum found;
  const Bounds sides(terms, limits, {});
  if (!sides.possible()) {
    found.proven = true;
    return found;
  }
  const Relaxation relaxation(terms, aim, limits, sides);
  const Bounds bounds(terms, limits, relaxation.weights());
  try {
    std::vector<Solution> best = Solver(terms, {&aim, 1}, bounds, &relaxation, most).solve(1);
    if (!best.empty()) found.solution = std::move(best.front());
    found.proven = true;
  } catch (const TooMany&) {
    found.solution = relaxation.best();
    found.bound = relaxation.bound();
  }
  return found;
}

}  // namespace nas::exact
