// The inner search is NSGA-II with uniform crossover and a redraw of each choice with probability
// 1/n, as nsga2.cpp, on guesses: LINAS as released hardly mutates at all (search.md 3.6), which
// loses alleles for good. A network is guessed once, however often it is born; children that are
// known from an earlier generation are born anew. All generations are kept: the last population is
// thin where a front is long, and what was crowded out is often what should be measured.
#include "search/algorithms/surrogate/inner_search.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "search/algorithms/standing.hpp"

namespace nas {
namespace {

constexpr double kCrossover = 0.9;
constexpr int kTournament = 2;

/// Non-dominated among `left` (lexicographically sorted, feasible); the rest stays in `left`.
std::vector<size_t> take_front(const std::vector<ScoredPoint>& points, std::vector<size_t>& left) {
  std::vector<size_t> front, rest;
  for (const size_t i : left) {
    const auto beats = [&](size_t j) {
      return dominates(points[j].objectives, points[i].objectives);
    };
    // In this order the latest of the front is the likeliest to dominate.
    (std::any_of(front.rbegin(), front.rend(), beats) ? rest : front).push_back(i);
  }
  left = std::move(rest);
  return front;
}

/// Leaves `wanted` of a front by removing the most crowded one by one.
void thin(const std::vector<ScoredPoint>& points, std::vector<size_t>& front, size_t wanted) {
  constexpr size_t kSteps = 600;
  while (front.size() > wanted) {
    std::vector<Point> objectives;
    for (const size_t i : front) objectives.push_back(points[i].objectives);
    const std::vector<double> distance = crowding_distances(objectives);
    if (front.size() > wanted + kSteps) {  // far too many: the worst at once
      std::vector<size_t> order(front.size());
      std::iota(order.begin(), order.end(), size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
        return distance[a] > distance[b];
      });
      order.resize(std::max(wanted + kSteps, front.size() / 2));
      std::sort(order.begin(), order.end());
      std::vector<size_t> kept;
      for (const size_t i : order) kept.push_back(front[i]);
      front = std::move(kept);
      continue;
    }
    const auto least = std::min_element(distance.begin(), distance.end());
    front.erase(front.begin() + (least - distance.begin()));
  }
}

}  // namespace

InnerPool inner_search(const SearchContext& context,
                       const Surrogate& surrogate,
                       const std::vector<Architecture>& start,
                       const InnerOptions& options,
                       Rng& rng) {
  const Domain& domain = context.domain();
  const auto size = static_cast<size_t>(options.population);
  InnerPool pool;
  std::unordered_map<Architecture, size_t> index;
  std::vector<size_t> population;
  const auto enter = [&](Architecture key) {
    if (!index.emplace(key, pool.networks.size()).second) return false;
    population.push_back(pool.networks.size());
    pool.networks.push_back(std::move(key));
    return true;
  };
  const auto judge = [&] {
    const std::span<const Architecture> all(pool.networks);
    for (ScoredPoint& point : surrogate.scores(all.subspan(pool.scores.size()), options.optimism))
      pool.scores.push_back(std::move(point));
  };
  for (const Architecture& a : start)
    if (population.size() < size) enter(domain.canonical(a));
  for (int i = 0; i < 4 * options.population && population.size() < size; ++i)
    enter(domain.canonical(context.sample(rng)));
  judge();

  const double rate = 1.0 / static_cast<double>(domain.open_choices());
  const double mutation = change_probability(domain, rate);
  const auto standing = [&] {
    std::vector<ScoredPoint> points;
    for (const size_t i : population) points.push_back(pool.scores[i]);
    return standing_of(points);
  };
  Standing now = standing();
  for (int generation = 0; generation < options.generations && population.size() > 1;
       ++generation) {
    const size_t parents = population.size();
    const auto parent = [&] {
      size_t best = rng.below(parents);
      for (int i = 1; i < kTournament; ++i)
        if (const size_t other = rng.below(parents); now.better(other, best)) best = other;
      return pool.networks[population[best]];
    };
    for (int tries = 0; tries < 3 * options.population && population.size() < parents + size;
         ++tries) {
      Architecture c = parent();
      if (rng.uniform() < kCrossover) c = domain.crossover(c, parent(), rng);
      if (rng.uniform() < mutation) c = domain.mutate(c, rate, rng);
      enter(domain.canonical(c));
    }
    if (population.size() == parents) break;  // all that can be born here is known
    judge();
    std::vector<size_t> order = standing().order();
    order.resize(std::min(order.size(), size));
    std::vector<size_t> survivors;
    for (const size_t i : order) survivors.push_back(population[i]);
    population = std::move(survivors);
    now = standing();
  }
  for (const size_t i : now.order()) pool.last.push_back(population[i]);
  return pool;
}

std::vector<Architecture> best_known(const SearchContext& context, size_t count) {
  std::vector<ScoredPoint> points;
  for (const Archive::Entry& entry : context.archive().entries()) points.push_back(entry.score);
  std::vector<Architecture> best;
  for (const size_t i : standing_of(points).order()) {
    if (best.size() == count) break;
    if (!points[i].objectives.empty()) best.push_back(context.archive().entries()[i].architecture);
  }
  return best;
}

std::vector<size_t> best_by_fronts(const std::vector<ScoredPoint>& points, size_t wanted) {
  std::vector<size_t> left, infeasible, best;
  for (size_t i = 0; i < points.size(); ++i)
    (points[i].violation > 0 ? infeasible : left).push_back(i);
  std::stable_sort(left.begin(), left.end(), [&](size_t a, size_t b) {
    return points[a].objectives < points[b].objectives;
  });
  while (best.size() < wanted && !left.empty()) {
    std::vector<size_t> front = take_front(points, left);
    thin(points, front, wanted - best.size());
    best.insert(best.end(), front.begin(), front.end());
  }
  std::stable_sort(infeasible.begin(), infeasible.end(), [&](size_t a, size_t b) {
    return points[a].violation < points[b].violation;
  });
  for (size_t i = 0; i < infeasible.size() && best.size() < wanted; ++i)
    best.push_back(infeasible[i]);
  return best;
}

}  // namespace nas
