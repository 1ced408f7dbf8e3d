// Random search: the baseline every other algorithm is held against.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "search/algorithm.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr int kDraws = 200;              ///< Tries for one architecture not seen before.
constexpr int64_t kEnumerable = 200000;  ///< Spaces up to this size are listed when draws run dry.

class RandomSearch : public SearchAlgorithm {
 public:
  void step(SearchContext& context) override {
    Rng rng(context.seed(), "search.random", static_cast<uint64_t>(context.generation()));
    const size_t wanted =
        std::min(static_cast<size_t>(context.population()), context.budget_left());
    std::vector<Architecture> batch;
    std::vector<Architecture> keys;
    const auto take = [&](const Architecture& a) {
      const Architecture key = context.space().canonical(a);
      if (!context.worth_paying(a) || std::find(keys.begin(), keys.end(), key) != keys.end())
        return false;
      batch.push_back(a);
      keys.push_back(key);
      return true;
    };
    int misses = 0;
    while (batch.size() < wanted && misses < kDraws)
      misses = take(context.sample(rng)) ? 0 : misses + 1;
    if (batch.size() < wanted) fill_by_listing(context, rng, wanted, batch, take);
    context.evaluate(batch);
  }

  std::string state_json() const override { return "{\"algorithm\":\"random\"}"; }

  void restore(const Space&, const std::string& json) override {
    const auto state = nlohmann::json::parse(json, nullptr, false);
    if (!state.is_object() || state.value("algorithm", "") != "random")
      throw DataError("the stored state is not one of random search");
  }

 private:
  // Draws hardly find what is left of a small space: list it and take from the list at random.
  template <typename Take>
  static void fill_by_listing(SearchContext& context,
                              Rng& rng,
                              size_t wanted,
                              const std::vector<Architecture>& batch,
                              const Take& take) {
    if (context.space().count() > kEnumerable) return;
    std::vector<Architecture> left;
    context.space().enumerate([&](const Architecture& a) {
      if (context.worth_paying(a)) left.push_back(a);
      return true;
    });
    rng.shuffle(left);
    for (size_t i = 0; i < left.size() && batch.size() < wanted; ++i) take(left[i]);
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
