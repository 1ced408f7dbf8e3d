// NSGA-II: pagmo's, one generation per call (search.md 3.6 and 4). Between generations individuals
// that repeat a network are replaced, which pagmo does not do.
#include <nlohmann/json.hpp>
#include <pagmo/algorithm.hpp>
#include <pagmo/algorithms/nsga2.hpp>
#include <pagmo/batch_evaluators/member_bfe.hpp>
#include <pagmo/bfe.hpp>
#include <pagmo/population.hpp>
#include <pagmo/problem.hpp>
#include <unordered_set>

#include "search/algorithm.hpp"
#include "search/problem.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr double kCrossover = 0.9;
constexpr int kDraws = 20;  ///< Tries for an architecture that is not there yet.

class Nsga2 : public SearchAlgorithm {
 public:
  void step(SearchContext& context) override {
    if (population_.empty())
      start(context);
    else
      evolve(context);
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
  void start(SearchContext& context) {
    Rng rng(context.seed(), "search.initial");
    std::unordered_set<Architecture> keys;
    while (population_.size() < static_cast<size_t>(context.population())) {
      Architecture a = context.sample(rng);
      for (int i = 0; i < kDraws && keys.contains(context.space().canonical(a)); ++i)
        a = context.sample(rng);
      keys.insert(context.space().canonical(a));
      population_.push_back(std::move(a));
    }
    context.evaluate(population_);
  }

  void evolve(SearchContext& context) {
    const auto generation = static_cast<uint64_t>(context.generation());
    const GeneMap genes(context.space());
    if (genes.size() == 0) return;  // one architecture in all
    replace_duplicates(context);
    const FitnessScale scale(context.archive().feasible_points(),
                             context.archive().goal().objectives.size());
    const pagmo::problem problem{SearchProblem{&context, &genes, &scale}};
    pagmo::population population(problem, 0u, 0u);
    for (const Architecture& a : population_)
      population.push_back(genes.encode(a),
                           scale.fitness(context.archive().find(context.space().canonical(a))));
    const auto seed =
        static_cast<unsigned>(Rng(context.seed(), "search", generation).next() & 0xffffffffu);
    pagmo::nsga2 method(1u, kCrossover, 10., 1.0 / static_cast<double>(genes.size()), 50., seed);
    method.set_bfe(pagmo::bfe{pagmo::member_bfe{}});
    population = method.evolve(population);
    population_.clear();
    for (const auto& x : population.get_x()) population_.push_back(genes.decode(x));
  }

  // Keeps the first of every network; each repeat becomes a mutated copy, or a fresh sample when
  // mutation only meets known networks. Where nothing new is found the repeat stays.
  void replace_duplicates(SearchContext& context) {
    const Space& space = context.space();
    Rng rng(context.seed(), "search.duplicates", static_cast<uint64_t>(context.generation()));
    std::unordered_set<Architecture> keys;
    std::vector<Architecture> fresh;
    std::vector<size_t> where;
    for (size_t i = 0; i < population_.size(); ++i) {
      if (keys.insert(space.canonical(population_[i])).second) continue;
      if (fresh.size() >= context.budget_left()) continue;
      const double rate = 1.0 / static_cast<double>(space.choices().size());
      for (int attempt = 0; attempt < 2 * kDraws; ++attempt) {
        const Architecture b =
            attempt < kDraws ? space.mutate(population_[i], rate, rng) : context.sample(rng);
        const Architecture key = space.canonical(b);
        if (keys.contains(key) || !context.worth_paying(b)) continue;
        keys.insert(key);
        fresh.push_back(b);
        where.push_back(i);
        break;
      }
    }
    context.evaluate(fresh);
    for (size_t i = 0; i < where.size(); ++i) population_[where[i]] = fresh[i];
  }

  std::vector<Architecture> population_;
};

}  // namespace

std::unique_ptr<SearchAlgorithm> make_nsga2() {
  return std::make_unique<Nsga2>();
}

std::string nsga2_population_problem(int population) {
  if (population >= 8 && population % 4 == 0) return "";
  if (population < 8)
    return std::to_string(population) + " is too small: nsga2 wants at least 8, a multiple of 4";
  const int below = population / 4 * 4;
  return std::to_string(population) +
         " is not a multiple of 4: nsga2 pairs parents in fours. Use " + std::to_string(below) +
         " or " + std::to_string(below + 4);
}

}  // namespace nas
