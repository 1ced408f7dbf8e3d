// Limits. Let v be the sum of violations and U an upper bound of every scaled objective: what
// breaks a limit has U + v in all of them, so that it is dominated by all that keeps them, and
// among its like the lesser violation is better. That is Deb's constrained dominance with pagmo's
// algorithms as they are, and finite everywhere. A free cost that breaks a limit is never paid for.
//
// Scale. moead, maco and gaco compare numbers of different objectives or measure distances, so each
// is scaled by the range of the first generation. What comes later may lie outside: below 0 it
// stays linear, above 1 it is bent (2 - 1/t), which keeps the order and gives the bound U = 2.
#include "search/algorithms/pagmo/pagmo_problem.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nas {
namespace {

constexpr double kBound = 2;

}  // namespace

Genome::Genome(const Domain& domain, bool integers) : domain_(domain), integers_(integers) {
  for (size_t c = 0; c < domain.space().choices().size(); ++c)
    if (domain.option_count(c) > 1) choices_.push_back(c);
}

std::pair<pagmo::vector_double, pagmo::vector_double> Genome::bounds() const {
  const double margin = integers_ ? 0.0 : 0.5;
  pagmo::vector_double low(size(), -margin), high;
  for (const size_t c : choices_)
    high.push_back(static_cast<double>(domain_.option_count(c) - 1) + margin);
  return {low, high};
}

pagmo::vector_double Genome::encode(const Architecture& a, Rng& rng) const {
  pagmo::vector_double x;
  for (const size_t c : choices_) {
    const std::vector<int16_t> options = domain_.options(c);
    const auto at = std::find(options.begin(), options.end(), a.genes[c]);
    const bool open = domain_.space().active(a, c) && at != options.end();
    x.push_back(static_cast<double>(open ? static_cast<size_t>(at - options.begin())
                                         : rng.below(options.size())));
  }
  return x;
}

std::optional<Architecture> Genome::decode(std::span<const double> x) const {
  Architecture a;
  for (size_t c = 0; c < domain_.space().choices().size(); ++c)
    a.genes.push_back(domain_.option(c, 0));
  for (size_t i = 0; i < choices_.size(); ++i) {
    const auto last = static_cast<double>(domain_.option_count(choices_[i]) - 1);
    const double value = std::isfinite(x[i]) ? std::clamp(std::floor(x[i] + 0.5), 0.0, last) : 0.0;
    a.genes[choices_[i]] = domain_.option(choices_[i], static_cast<size_t>(value));
  }
  a = domain_.space().fix_inactive(std::move(a));
  if (!domain_.contains(a)) return std::nullopt;
  return a;
}

ObjectiveScale ObjectiveScale::of(const Archive& archive) {
  const size_t m = archive.goal().objectives.size();
  ObjectiveScale scale{Point(m, 0), Point(m, 1)};
  for (size_t k = 0; k < m; ++k) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const Archive::Entry& entry : archive.entries()) {
      if (entry.score.objectives.empty() || (archive.any_feasible() && !entry.feasible())) continue;
      low = std::min(low, entry.score.objectives[k]);
      high = std::max(high, entry.score.objectives[k]);
    }
    if (!(low <= high)) continue;
    scale.low[k] = low;
    scale.high[k] = high > low ? high : low + std::max(std::abs(low), 1.0);
  }
  return scale;
}

double ObjectiveScale::scaled(size_t objective, double value) const {
  const double t = (value - low[objective]) / (high[objective] - low[objective]);
  return t <= 1 ? t : kBound - 1 / t;
}

PagmoFitness::PagmoFitness(SearchContext& context,
                           const Genome& genome,
                           const ObjectiveScale& scale)
    : context_(context), genome_(genome), scale_(scale) {
  for (const Constraint& c : context.archive().goal().constraints)
    if (context.costs().knows(c.metric)) free_.push_back(c);
}

pagmo::vector_double PagmoFitness::broken(double violation) const {
  return pagmo::vector_double(objectives(), kBound + violation);
}

pagmo::vector_double PagmoFitness::of(const Architecture& a) const {
  const Architecture key = context_.key(a);
  const Archive::Entry* entry = context_.archive().find(key);
  if (entry == nullptr) return broken(total_violation(free_, context_.costs().of(key)));
  if (entry->score.objectives.empty()) return broken(kMissing);
  if (entry->score.violation > 0) return broken(entry->score.violation);
  pagmo::vector_double f;
  for (size_t k = 0; k < objectives(); ++k)
    f.push_back(scale_.scaled(k, entry->score.objectives[k]));
  return f;
}

pagmo::vector_double PagmoFitness::operator()(const pagmo::vector_double& vectors) {
  std::vector<std::optional<Architecture>> asked;
  std::vector<Architecture> paid;
  for (size_t i = 0; i + genome_.size() <= vectors.size(); i += genome_.size()) {
    asked.push_back(genome_.decode({vectors.data() + i, genome_.size()}));
    if (asked.back() && context_.propose(*asked.back())) paid.push_back(*asked.back());
  }
  for (const Archive::Entry* entry : context_.evaluate(paid))
    if (entry == nullptr) throw BudgetSpent{};
  pagmo::vector_double f;
  for (const std::optional<Architecture>& a : asked) {
    const pagmo::vector_double one = a ? of(*a) : broken(2 * kMissing);
    f.insert(f.end(), one.begin(), one.end());
  }
  return f;
}

}  // namespace nas
