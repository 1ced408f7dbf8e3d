#pragma once
// A search as a pagmo problem: numbers stand for options, fitnesses are scaled and hold the limits.
#include <pagmo/types.hpp>
#include <span>
#include <utility>
#include <vector>

#include "search/algorithms/algorithm.hpp"

namespace nas {

/// Thrown out of pagmo when nothing further may be paid for.
struct BudgetSpent {};

/// Choices with more than one option as numbers, one each: positions among the allowed options,
/// whole ones, or real ones that are rounded (every option then has an interval of length 1).
class Genome {
 public:
  Genome(const Domain& domain, bool integers);
  size_t size() const { return choices_.size(); }
  bool integers() const { return integers_; }
  std::pair<pagmo::vector_double, pagmo::vector_double> bounds() const;
  /// Choices that `a` closes are drawn. `a` is valid.
  pagmo::vector_double encode(const Architecture& a, Rng& rng) const;
  /// Whatever the numbers are, options are options; the space's own rules may still forbid the
  /// architecture: nothing then.
  std::optional<Architecture> decode(std::span<const double> x) const;

 private:
  const Domain& domain_;
  bool integers_;
  std::vector<size_t> choices_;
};

/// Objectives between 0 and 1 as the first generation had them, and beyond at most 2.
struct ObjectiveScale {
  Point low, high;
  /// Of all entries that have objectives, the feasible ones where there are any.
  static ObjectiveScale of(const Archive& archive);
  /// Minimised, of the same order as the objective; at most 2.
  double scaled(size_t objective, double value) const;
};

/// Where pagmo's questions are answered: from the archive, or by paying.
class PagmoFitness {
 public:
  PagmoFitness(SearchContext& context, const Genome& genome, const ObjectiveScale& scale);
  const Genome& genome() const { return genome_; }
  size_t objectives() const { return scale_.low.size(); }
  /// One after another, `n` vectors. BudgetSpent where one of them can no longer be paid for.
  pagmo::vector_double operator()(const pagmo::vector_double& vectors);
  /// Of a network of the archive.
  pagmo::vector_double of(const Architecture& a) const;

 private:
  pagmo::vector_double broken(double violation) const;

  SearchContext& context_;
  const Genome& genome_;
  const ObjectiveScale& scale_;
  std::vector<Constraint> free_;
};

/// The problem itself: pagmo copies it often.
struct PagmoProblem {
  PagmoFitness* answers = nullptr;
  pagmo::vector_double fitness(const pagmo::vector_double& x) const { return (*answers)(x); }
  pagmo::vector_double batch_fitness(const pagmo::vector_double& xs) const {
    return (*answers)(xs);
  }
  std::pair<pagmo::vector_double, pagmo::vector_double> get_bounds() const {
    return answers->genome().bounds();
  }
  pagmo::vector_double::size_type get_nobj() const { return answers->objectives(); }
  pagmo::vector_double::size_type get_nix() const {
    return answers->genome().integers() ? answers->genome().size() : 0;
  }
};

}  // namespace nas
