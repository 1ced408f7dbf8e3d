// Random search: the baseline every other algorithm is held against.
#include <nlohmann/json.hpp>

#include "search/algorithms/algorithm.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

class RandomSearch : public SearchAlgorithm {
 public:
  void step(SearchContext& context) override {
    Rng rng(context.seed(), "search.random", static_cast<uint64_t>(context.generation()));
    Proposals proposals(context, static_cast<size_t>(context.population()));
    proposals.fill(rng);
    context.evaluate(proposals.architectures());
  }

  std::string state_json() const override { return "{\"algorithm\":\"random\"}"; }

  void restore(const Space&, const std::string& json) override {
    const auto state = nlohmann::json::parse(json, nullptr, false);
    if (!state.is_object() || state.value("algorithm", "") != "random")
      throw DataError("the stored state is not one of random search");
  }
};

}  // namespace

std::unique_ptr<SearchAlgorithm> make_random_search() {
  return std::make_unique<RandomSearch>();
}

std::string random_population_problem(int population) {
  return population >= 1 ? "" : "at least 1 architecture must be drawn per generation";
}

}  // namespace nas
