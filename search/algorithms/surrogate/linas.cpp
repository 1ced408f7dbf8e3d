// LINAS (arXiv 2205.10358), as we build it (search.md 3.2). Measure a batch, fit predictors on all
// that is known, search long on them, measure the best new ones, again. Against the released form:
// networks, not genomes, are what is measured once; free costs are exact; the inner search mutates
// and starts from the best of the archive with a stream of its own each time; candidates come from
// all its generations, whole predicted fronts in order, the last one thinned by crowding. On
// benchmark S1 that is worth 35-125 M*pp (tests/bench/RESULTS.md has ours).
//
// The best of many guesses are those that err to the good side (10.3: .2 to .5 points). Where the
// last batch was over-promised by more than two errors of the fit, a tenth of the next one is drawn
// at random, so that predictors see what they do not like.
//
// `concurrent` (ConcurrentNAS, arXiv 2202.12954; search.md 3.3) is the same loop that begins with
// the best of an earlier run (search.warm_from), measured anew, and may learn only what differs
// from that run's values: y = a + b * (what the earlier values predict) + a remainder.
#include <algorithm>
#include <cmath>

#include "search/algorithms/surrogate/surrogate_search.hpp"
#include "spaces/error.hpp"

namespace nas {
namespace {

class Linas : public SurrogateSearch {
 public:
  explicit Linas(const std::string& name, bool needs_warm)
      : SurrogateSearch(name), needs_warm_(needs_warm) {}

  void prepare(const SearchContext& context) override {
    SurrogateSearch::prepare(context);
    if (needs_warm_ && context.warm().empty())
      throw ConfigError(
          "search.warm_from: concurrent begins with the best of an earlier run, and "
          "none of its architectures is here",
          "Name a finished search of this space; or take linas, which begins cold.");
  }

 protected:
  void choose(SearchContext& context, Rng& rng, Proposals& next) override {
    const InnerPool pool = search_from_archive(context, *surrogate_, 0, rng);
    std::vector<size_t> fresh;
    std::vector<ScoredPoint> scores;
    for (size_t i = 0; i < pool.networks.size(); ++i) {
      if (context.archive().find(pool.networks[i]) != nullptr) continue;
      fresh.push_back(i);
      scores.push_back(pool.scores[i]);
    }
    const size_t most = std::min(batch(context), context.budget_left());
    const Explore explore = context.options().surrogate.explore;
    const bool over_promised = last_.networks > 0 && std::abs(last_.bias) > 2 * fit_error_;
    const bool random = explore == Explore::kAlways || (explore == Explore::kAuto && over_promised);
    const size_t drawn = random ? most / 10 : 0;
    for (const size_t i : best_by_fronts(scores, most - drawn)) next.take(pool.networks[fresh[i]]);
  }

 private:
  bool needs_warm_;
};

}  // namespace

std::unique_ptr<SearchAlgorithm> make_linas() {
  return std::make_unique<Linas>("linas", false);
}

std::unique_ptr<SearchAlgorithm> make_concurrent() {
  return std::make_unique<Linas>("concurrent", true);
}

}  // namespace nas
