#include "search/problem.hpp"

#include <algorithm>
#include <cmath>

namespace nas {
namespace {

constexpr double kBehind = 10;  ///< U_j in ranges behind the worst feasible value.

}  // namespace

GeneMap::GeneMap(const Space& space) : space_(space) {
  for (size_t i = 0; i < space.choices().size(); ++i)
    if (space.choices()[i].options.size() > 1) choices_.push_back(i);
}

std::vector<double> GeneMap::encode(const Architecture& a) const {
  std::vector<double> x;
  for (const size_t i : choices_) x.push_back(a.genes[i]);
  return x;
}

Architecture GeneMap::decode(const std::vector<double>& x) const {
  Architecture a;
  a.genes.assign(space_.choices().size(), 0);
  for (size_t k = 0; k < choices_.size(); ++k) {
    const auto last = static_cast<double>(space_.choices()[choices_[k]].options.size() - 1);
    const double gene = std::isfinite(x[k]) ? std::clamp(std::round(x[k]), 0.0, last) : 0.0;
    a.genes[choices_[k]] = static_cast<int16_t>(gene);
  }
  if (space_.valid(a)) return a;
  if (const Architecture fixed = space_.fix_inactive(a); space_.valid(fixed)) return fixed;
  Rng rng(a.hash(), "search.repair");
  // A few redrawn genes keep most of what the parents gave; a fresh sample is the last resort.
  for (size_t redrawn = 1; redrawn <= choices_.size(); ++redrawn) {
    for (int attempt = 0; attempt < 20; ++attempt) {
      Architecture b = a;
      for (size_t r = 0; r < redrawn; ++r) {
        const size_t i = choices_[rng.below(choices_.size())];
        b.genes[i] = static_cast<int16_t>(rng.below(space_.choices()[i].options.size()));
      }
      b = space_.fix_inactive(b);
      if (space_.valid(b)) return b;
    }
  }
  return space_.sample(rng);
}

std::pair<std::vector<double>, std::vector<double>> GeneMap::bounds() const {
  std::vector<double> high;
  for (const size_t i : choices_)
    high.push_back(static_cast<double>(space_.choices()[i].options.size() - 1));
  return {std::vector<double>(high.size(), 0.0), high};
}

FitnessScale::FitnessScale(const std::vector<Point>& feasible, size_t objectives)
    : low_(objectives, 0.0), range_(objectives, 1.0) {
  if (feasible.empty()) return;
  for (size_t k = 0; k < objectives; ++k) {
    double low = feasible[0][k], high = low;
    for (const Point& point : feasible) {
      low = std::min(low, point[k]);
      high = std::max(high, point[k]);
    }
    low_[k] = low;
    if (high > low)
      range_[k] = high - low;
    else if (low != 0)
      range_[k] = std::abs(low);
  }
}

std::vector<double> FitnessScale::fitness(const Archive::Entry* entry) const {
  constexpr double kUpper = 1 + kBehind;
  std::vector<double> f(low_.size());
  const bool feasible = entry != nullptr && entry->feasible();
  const double violation = entry == nullptr ? 10 * kMissing : entry->score.violation;
  for (size_t k = 0; k < f.size(); ++k)
    f[k] = feasible ? std::min((entry->score.objectives[k] - low_[k]) / range_[k], kUpper)
                    : kUpper + violation;
  f.resize(size(), f[0]);
  return f;
}

std::vector<double> SearchProblem::fitness(const std::vector<double>& x) const {
  return batch_fitness(x);
}

std::vector<double> SearchProblem::batch_fitness(const std::vector<double>& xs) const {
  const auto n = static_cast<std::ptrdiff_t>(genes->size());
  std::vector<Architecture> batch;
  for (auto x = xs.begin(); x != xs.end(); x += n) batch.push_back(genes->decode({x, x + n}));
  std::vector<double> fitness;
  for (const Archive::Entry* entry : context->evaluate(batch)) {
    const std::vector<double> f = scale->fitness(entry);
    fitness.insert(fitness.end(), f.begin(), f.end());
  }
  return fitness;
}

std::vector<double>::size_type SearchProblem::get_nobj() const {
  return scale == nullptr ? 2 : scale->size();
}

std::vector<double>::size_type SearchProblem::get_nix() const {
  return genes == nullptr ? 1 : genes->size();
}

std::pair<std::vector<double>, std::vector<double>> SearchProblem::get_bounds() const {
  if (genes == nullptr) return {std::vector<double>{0.0}, std::vector<double>{1.0}};
  return genes->bounds();
}

}  // namespace nas
