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
#include <nlohmann/json.hpp>

#include "search/algorithms/standing.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr double kCrossover = 0.9;
constexpr int kTournament = 3;  ///< Of 2, 3, 4 with 60 seeds each: 2 is behind, 3 and 4 are equal.

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
    return nlohmann::json{{"algorithm", "nsga2"},
                          {"population", nlohmann::json::parse(genes_json(population_))}}
        .dump();
  }

  void restore(const Space& space, const std::string& json) override {
    try {
      const auto state = nlohmann::json::parse(json);
      if (state.at("algorithm") != "nsga2") throw DataError("it is one of another algorithm");
      population_ = architectures_of(space, state.at("population").dump());
    } catch (const std::exception& e) {
      throw DataError(std::string("the stored state is not one of nsga2 on this space: ") +
                      e.what());
    }
  }

 private:
  Standing standing(const SearchContext& context) const {
    return standing_of(scores_of(context, population_));
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
    take_children(context, rng, children, child);
  }

  void survive(const SearchContext& context) {
    const auto wanted = static_cast<size_t>(context.population());
    if (population_.size() <= wanted) return;
    std::vector<size_t> order = standing(context).order();
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
