#pragma once
// The search as a pagmo problem: integer genes in, objectives to minimise out.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "search/algorithm.hpp"

namespace nas {

/// Maps between architectures and pagmo's decision vectors. Choices with one option are left out,
/// because pagmo wants bounds that differ.
class GeneMap {
 public:
  explicit GeneMap(const Space& space);
  size_t size() const { return choices_.size(); }
  std::vector<double> encode(const Architecture& a) const;
  /// Rounds and clamps; what is not a valid architecture then is repaired: genes are redrawn, one
  /// further choice at a time, from a stream fixed by the genes themselves, so that equal vectors
  /// give equal architectures.
  Architecture decode(const std::vector<double>& x) const;
  std::pair<std::vector<double>, std::vector<double>> bounds() const;

 private:
  const Space& space_;
  std::vector<size_t> choices_;
};

/// Turns scores into fitness such that every feasible point dominates every infeasible one and
/// infeasible ones are ordered by violation alone, without the algorithm knowing (search.md 4):
/// f_j = scaled objective, or U_j + v. Objectives are scaled by the range of the feasible points
/// known now; U_j lies ten ranges behind the worst of them, and feasible values beyond it count as
/// U_j. Fixed while one generation runs.
class FitnessScale {
 public:
  FitnessScale(const std::vector<Point>& feasible, size_t objectives);
  /// Null entry: not paid for (budget), worse than any failure. One objective is given twice,
  /// because pagmo's multi-objective algorithms want two.
  std::vector<double> fitness(const Archive::Entry* entry) const;
  size_t size() const { return low_.size() < 2 ? 2 : low_.size(); }

 private:
  Point low_, range_;
};

/// pagmo user-defined problem. Copied often by pagmo, so it only holds pointers, which must outlive
/// it.
struct SearchProblem {
  SearchContext* context = nullptr;
  const GeneMap* genes = nullptr;
  const FitnessScale* scale = nullptr;

  std::vector<double> fitness(const std::vector<double>& x) const;
  std::vector<double> batch_fitness(const std::vector<double>& xs) const;
  bool has_batch_fitness() const { return true; }
  std::vector<double>::size_type get_nobj() const;
  std::vector<double>::size_type get_nix() const;
  std::pair<std::vector<double>, std::vector<double>> get_bounds() const;
  std::string get_name() const { return "architecture search"; }

  // pagmo problems must be serialisable; this one never travels.
  template <typename Stream>
  void serialize(Stream&, unsigned) {}
};

}  // namespace nas
