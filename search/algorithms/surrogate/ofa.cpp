// The search of once-for-all (arXiv 1908.09791; search.md 3.4), for one objective under limits:
// measure random networks, fit a predictor once, evolve on it. Population 100, 500 generations; the
// best quarter by prediction are parents, the rest is half mutants (each choice redrawn with
// probability .1) and half children with each gene from either parent. A child that breaks a limit
// is born again, at most 1000 times; then it is walked to the limits, or the search says so: limits
// that no network meets are refused before. What breaks limits on measured metrics counts as worse
// by as much.
//
// The released program never looks at its last children and takes a prediction for the result. Here
// the last children count, networks are known by what they compute, and the best predicted are
// measured: the answer is a measured one.
#include <algorithm>
#include <limits>
#include <unordered_map>

#include "search/algorithms/standing.hpp"
#include "search/algorithms/surrogate/surrogate_search.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr int kRedraws = 1000;

class Ofa : public SurrogateSearch {
 public:
  Ofa() : SurrogateSearch("ofa") {}

  void step(SearchContext& context) override {
    const size_t samples = samples_of(context);
    const size_t done = context.archive().evaluations();
    if (done < samples && context.budget_left() > 0) {
      Rng rng(context.seed(), "search.ofa.samples", static_cast<uint64_t>(context.generation()));
      Proposals drawn(context, std::min(samples - done, static_cast<size_t>(context.population())));
      drawn.fill(rng);
      context.evaluate(drawn.architectures());
      if (!drawn.architectures().empty()) return;
    }
    SurrogateSearch::step(context);
    context.finish("the best by prediction were measured");
  }

 protected:
  void choose(SearchContext& context, Rng& rng, Proposals& next) override {
    struct Member {
      Architecture network;
      ScoredPoint score;
    };
    const OfaOptions& o = context.options().ofa;
    const auto size = static_cast<size_t>(o.population);
    std::unordered_map<Architecture, ScoredPoint> all;
    std::vector<Member> population;
    const auto judge = [&](const std::vector<Architecture>& born) {
      std::vector<Architecture> fresh;
      for (const Architecture& a : born)
        if (!all.contains(a) && all.emplace(a, ScoredPoint{}).second) fresh.push_back(a);
      const std::vector<ScoredPoint> scores = surrogate_->scores(fresh);
      for (size_t i = 0; i < fresh.size(); ++i) {
        all[fresh[i]] = scores[i];
        population.push_back({fresh[i], scores[i]});
      }
      std::stable_sort(population.begin(), population.end(), [](const auto& a, const auto& b) {
        return constrained_dominates(a.score, b.score);
      });
    };
    const Domain& domain = context.domain();
    std::vector<Architecture> born;
    for (size_t i = 0; i < size; ++i) born.push_back(domain.canonical(context.sample(rng)));
    judge(born);
    const auto parents = std::max<size_t>(1, static_cast<size_t>(o.parents * o.population));
    for (int iteration = 0; iteration < o.iterations; ++iteration) {
      population.resize(std::min(parents, population.size()));
      const auto parent = [&] { return population[rng.below(population.size())].network; };
      born.clear();
      for (size_t i = 0; population.size() + born.size() < size; ++i) {
        Architecture a = parent();
        for (int redraw = 0;; ++redraw) {
          Architecture c =
              i % 2 == 0 ? domain.mutate(a, o.mutation, rng) : domain.crossover(a, parent(), rng);
          if (keeps_free_limits(context, c)) {
            born.push_back(domain.canonical(c));
            break;
          }
          if (redraw < kRedraws) continue;
          if (!context.repair(c, rng)) c = a;  // the parent keeps them
          born.push_back(domain.canonical(c));
          break;
        }
      }
      judge(born);
    }
    std::vector<std::pair<Architecture, ScoredPoint>> order(all.begin(), all.end());
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      if (constrained_dominates(a.second, b.second)) return true;
      if (constrained_dominates(b.second, a.second)) return false;
      return a.first < b.first;  // a hash map has no order to rely on
    });
    for (const auto& [a, score] : order) next.take(a);
  }

 private:
  static size_t samples_of(const SearchContext& context) {
    const int given = context.options().ofa.samples;
    if (given > 0) return static_cast<size_t>(given);
    const size_t budget = context.archive().evaluations() + context.budget_left();
    const auto population = static_cast<size_t>(context.population());
    if (context.budget_left() == std::numeric_limits<size_t>::max()) return 500;
    return budget > population ? budget - population : (budget + 1) / 2;
  }

  bool keeps_free_limits(const SearchContext& context, const Architecture& a) const {
    const Architecture key = context.domain().canonical(a);
    std::vector<Constraint> free;
    for (const Constraint& c : context.archive().goal().constraints)
      if (context.costs().knows(c.metric)) free.push_back(c);
    return free.empty() || total_violation(free, context.costs().of(key)) == 0;
  }
};

}  // namespace

std::unique_ptr<SearchAlgorithm> make_ofa() {
  return std::make_unique<Ofa>();
}

}  // namespace nas
