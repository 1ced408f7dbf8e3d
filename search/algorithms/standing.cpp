// Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II" (2002): fronts by
// dominance, inside a front the emptier neighbourhood first. Infeasible members stand behind all
// feasible ones, by how far they are off (Deb's constrained dominance, section VI).
#include "search/algorithms/standing.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "spaces/error.hpp"

namespace nas {

std::vector<size_t> Standing::order() const {
  std::vector<size_t> order(ranks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return better(a, b); });
  return order;
}

Standing standing_of(const std::vector<ScoredPoint>& points) {
  Standing s{non_dominated_ranks(points), std::vector<double>(points.size(), 0.0)};
  std::vector<std::vector<size_t>> fronts;
  for (size_t i = 0; i < points.size(); ++i) {
    if (points[i].violation > 0) continue;  // ordered by violation, crowding says nothing
    const auto rank = static_cast<size_t>(s.ranks[i]);
    if (fronts.size() <= rank) fronts.resize(rank + 1);
    fronts[rank].push_back(i);
  }
  for (const std::vector<size_t>& front : fronts) {
    std::vector<Point> objectives;
    for (const size_t i : front) objectives.push_back(points[i].objectives);
    const std::vector<double> distances = crowding_distances(objectives);
    for (size_t k = 0; k < front.size(); ++k) s.crowding[front[k]] = distances[k];
  }
  return s;
}

std::vector<ScoredPoint> scores_of(const SearchContext& context,
                                   std::span<const Architecture> architectures) {
  std::vector<ScoredPoint> points;
  for (const Architecture& a : architectures) {
    const Archive::Entry* entry = context.archive().find(context.key(a));
    points.push_back(entry != nullptr ? entry->score : ScoredPoint{{}, 10 * kMissing});
  }
  return points;
}

double change_probability(const Domain& domain, double rate) {
  double same = 1;
  for (size_t c = 0; c < domain.space().choices().size(); ++c)
    same *= 1 - rate * (1 - 1.0 / static_cast<double>(domain.option_count(c)));
  return 1 - same;
}

std::string genes_json(std::span<const Architecture> architectures) {
  auto list = nlohmann::json::array();
  for (const Architecture& a : architectures) list.push_back(a.genes);
  return list.dump();
}

std::vector<Architecture> architectures_of(const Space& space, const std::string& genes_json) {
  std::vector<Architecture> list;
  try {
    for (const auto& genes : nlohmann::json::parse(genes_json)) {
      Architecture a{genes.get<std::vector<int16_t>>()};
      std::string why;
      if (!space.valid(a, &why)) throw DataError(why);
      list.push_back(std::move(a));
    }
  } catch (const nlohmann::json::exception& e) {
    throw DataError(e.what());
  }
  return list;
}

}  // namespace nas
