// NSGA-II (Deb et al. 2002): parents by tournament on rank and crowding, the best of parents and
// children survive. Sorting is pagmo's where a sweep does not do (pareto.hpp); the variation is our
// own, because pagmo's swaps segments of integers between two points: in the once-for-all space
// that is known to reach 2742 M*pp after 250 evaluations where uniform crossover reaches 2809
// (ours: tests/bench/RESULTS.md). Here each choice comes from either parent and is redrawn with
// probability 1/n; a choice that only one parent has comes from that one, and one that neither has
// is drawn, so depths that open blocks do not open them with option 0.
//
// Children that are known networks, or that free costs rule out, are varied anew before anything is
// paid: every evaluation of a generation is a new network, any population from 2 on will do, and
// the budget is met exactly.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "search/algorithms/algorithm.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr double kCrossover = 0.9;
constexpr int kTournament = 3;   ///< Of 2, 3, 4 with 60 seeds each: 2 is behind, 3 and 4 are equal.
constexpr int kVariations = 20;  ///< Children in a row that are not worth paying for.

// Probability that a redraw of each choice with probability `rate` changes anything. Domain::mutate
// changes something always, so it is called that often.
double change_probability(const Domain& domain, double rate) {
  double same = 1;
  for (size_t c = 0; c < domain.space().choices().size(); ++c)
    same *= 1 - rate * (1 - 1.0 / static_cast<double>(domain.option_count(c)));
  return 1 - same;
}

class Nsga2 : public SearchAlgorithm {
 public:
  void step(SearchContext& context) override {
    Rng rng(context.seed(), "search.nsga2", static_cast<uint64_t>(context.generation()));
    Proposals children(context, static_cast<size_t>(context.population()));
    if (!population_.empty()) vary(context, rng, children);
    children.fill(rng);
    context.evaluate(children.architectures());
    population_.insert(
        population_.end(), children.architectures().begin(), children.architectures().end());
    survive(context);
  }

  std::string state_json() const override {
    nlohmann::json state = {{"algorithm", "nsga2"}, {"population", nlohmann::json::array()}};
    for (const Architecture& a : population_) state["population"].push_back(a.genes);
    return state.dump();
  }

  void restore(const Space& space, const std::string& json) override {
    try {
      const auto state = nlohmann::json::parse(json);
      if (state.at("algorithm") != "nsga2") throw DataError("it is one of another algorithm");
      std::vector<Architecture> population;
      for (const auto& genes : state.at("population")) {
        Architecture a{genes.get<std::vector<int16_t>>()};
        std::string why;
        if (!space.valid(a, &why)) throw DataError(why);
        population.push_back(std::move(a));
      }
      population_ = std::move(population);
    } catch (const std::exception& e) {
      throw DataError(std::string("the stored state is not one of nsga2 on this space: ") +
                      e.what());
    }
  }

 private:
  /// How good each of the population is: lower rank first, then more crowding distance.
  struct Standing {
    std::vector<int> ranks;
    std::vector<double> crowding;
    bool better(size_t a, size_t b) const {
      return ranks[a] != ranks[b] ? ranks[a] < ranks[b] : crowding[a] > crowding[b];
    }
  };

  Standing standing(const SearchContext& context) const {
    std::vector<ScoredPoint> points;
    for (const Architecture& a : population_) {
      const Archive::Entry* entry = context.archive().find(context.domain().canonical(a));
      points.push_back(entry != nullptr ? entry->score : ScoredPoint{{}, 10 * kMissing});
    }
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

  void vary(SearchContext& context, Rng& rng, Proposals& children) const {
    const Domain& domain = context.domain();
    const Standing s = standing(context);
    const auto parent = [&] {
      size_t best = rng.below(population_.size());
      for (int i = 1; i < kTournament; ++i)
        if (const size_t other = rng.below(population_.size()); s.better(other, best)) best = other;
      return best;
    };
    const double rate = 1.0 / static_cast<double>(domain.open_choices());
    const double mutation = change_probability(domain, rate);
    const auto child = [&] {
      Architecture c = population_[parent()];
      if (rng.uniform() < kCrossover) c = domain.crossover(c, population_[parent()], rng);
      return rng.uniform() < mutation ? domain.mutate(c, rate, rng) : c;
    };
    for (int misses = 0; !children.full() && misses < kVariations; ++misses) {
      Architecture c = child();
      bool taken = children.take(c);
      // Where limits rule out one child after another, every fifth is walked to them.
      if (!taken && misses % 5 == 4) taken = context.repair(c, rng) && children.take(c);
      if (taken) misses = -1;
    }
  }

  void survive(const SearchContext& context) {
    const auto wanted = static_cast<size_t>(context.population());
    if (population_.size() <= wanted) return;
    const Standing s = standing(context);
    std::vector<size_t> order(population_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(
        order.begin(), order.end(), [&](size_t a, size_t b) { return s.better(a, b); });
    order.resize(wanted);
    std::vector<Architecture> survivors;
    for (const size_t i : order) survivors.push_back(std::move(population_[i]));
    population_ = std::move(survivors);
  }

  std::vector<Architecture> population_;
};

}  // namespace

std::unique_ptr<SearchAlgorithm> make_nsga2() {
  return std::make_unique<Nsga2>();
}

std::string nsga2_population_problem(int population) {
  return population >= 2 ? "" : "nsga2 needs at least 2 architectures, to cross them";
}

}  // namespace nas
