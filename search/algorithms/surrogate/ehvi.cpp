// Bayesian optimisation by expected hypervolume improvement (Emmerich et al. 2006), our default
// where evaluations are dear. LINAS measures what its predictor likes best, so each batch is spent
// where the predictor errs to the good side, and near-copies of one network fill the front. A
// predictor that says how far off it may be (a Gaussian process on one-hot features) allows to ask
// what each candidate is expected to add to the front as it is: good and certain, or uncertain and
// perhaps better, but not what is known already. After each pick the front is taken to hold it at
// its predicted place, so the members of a batch look for different gains; batches are small,
// because a fit costs a fraction of one evaluation.
//
// Candidates: every network where the domain can be listed; else those of an inner search on
// optimistic values (a standard deviation better than believed), its fronts in order, together with
// the neighbours of the front. Improvement is worth a product of all objectives, so it needs no
// weights; with one objective it is expected improvement. The reference point is that of the
// search.
#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "search/algorithms/standing.hpp"
#include "search/algorithms/surrogate/improvement.hpp"
#include "search/algorithms/surrogate/surrogate_search.hpp"
#include "search/feasibility.hpp"

namespace nas {
namespace {

constexpr int64_t kListed = 20000;    ///< Domains up to this size are candidates as a whole.
constexpr size_t kCandidates = 1500;  ///< Else so many are weighed.

class Ehvi : public SurrogateSearch {
 public:
  Ehvi() : SurrogateSearch("ehvi") {}

 protected:
  bool fences() const override { return true; }
  std::string model(const SearchContext& context) const override {
    const std::string& named = context.options().surrogate.predictor;
    return named == "auto" ? "gp" : named;
  }

  size_t batch(const SearchContext& context) const override {
    return static_cast<size_t>(context.options().ehvi.batch);
  }

  void choose(SearchContext& context, Rng& rng, Proposals& next) override {
    const std::vector<Architecture> candidates = candidates_of(context, rng);
    if (candidates.empty()) return;
    const std::vector<BelievedPoint> believed = believe(context, candidates);
    Improvement improvement = front_of(context, believed);
    const size_t most = std::min(batch(context), context.budget_left());
    // Improvements only fall while the front grows: the order of an earlier round bounds them.
    std::vector<std::pair<double, size_t>> order;
    for (size_t i = 0; i < candidates.size(); ++i)
      order.emplace_back(improvement.of(believed[i]), i);
    const auto worse = [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first < b.first : a.second > b.second;
    };
    std::make_heap(order.begin(), order.end(), worse);
    std::vector<size_t> picked;
    std::vector<size_t> fresh_at(candidates.size(), 0);  // picks when it was weighed
    while (!order.empty() && picked.size() < most) {
      std::pop_heap(order.begin(), order.end(), worse);
      auto [value, i] = order.back();
      order.pop_back();
      if (!(value > 0)) break;
      if (fresh_at[i] != picked.size()) {
        fresh_at[i] = picked.size();
        order.emplace_back(improvement.of(believed[i]), i);
        std::push_heap(order.begin(), order.end(), worse);
        continue;
      }
      if (!next.take(candidates[i])) continue;
      picked.push_back(i);
      improvement.add(believed[i].mean);
    }
    if (next.full()) return;
    // Nothing is expected to improve: the most promising by fronts.
    std::vector<ScoredPoint> scores;
    for (const BelievedPoint& b : believed) scores.push_back({b.mean, b.chance > 0 ? 0.0 : 1.0});
    for (const size_t i : best_by_fronts(scores, 2 * most)) next.take(candidates[i]);
  }

 private:
  /// Networks of no earlier evaluation, canonical, each once.
  std::vector<Architecture> candidates_of(const SearchContext& context, Rng& rng) const {
    const Domain& domain = context.domain();
    std::vector<Architecture> list;
    std::unordered_set<Architecture> seen;
    const auto add = [&](Architecture key) {
      if (context.archive().find(key) == nullptr && seen.insert(key).second)
        list.push_back(std::move(key));
    };
    if (!context.only().empty() && context.only().size() <= kListed) {
      for (const Architecture& a : context.only()) add(a);
      return list;
    }
    if (listable(domain, kListed)) {
      domain.enumerate([&](const Architecture& a) {
        add(domain.canonical(a));
        return true;
      });
      return inside(context, std::move(list));
    }
    const InnerPool pool =
        search_from_archive(context, *surrogate_, context.options().ehvi.optimism, rng);
    std::vector<size_t> fresh;
    std::vector<ScoredPoint> scores;
    for (size_t i = 0; i < pool.networks.size(); ++i)
      if (pool.scores[i].violation == 0 && context.archive().find(pool.networks[i]) == nullptr) {
        fresh.push_back(i);
        scores.push_back(pool.scores[i]);
      }
    for (const size_t i : best_by_fronts(scores, kCandidates)) add(pool.networks[fresh[i]]);
    if (list.empty())
      for (const Archive::Entry* entry : context.archive().front())
        for (const Architecture& a : domain.neighbours(entry->architecture))
          add(domain.canonical(a));
    return inside(context, std::move(list));
  }

  /// Those whose free costs keep the limits.
  std::vector<Architecture> inside(const SearchContext& context,
                                   std::vector<Architecture> list) const {
    std::vector<Constraint> free;
    for (const Constraint& c : context.archive().goal().constraints)
      if (context.costs().knows(c.metric)) free.push_back(c);
    if (free.empty() || list.empty()) return list;
    const Guess guess = surrogate_->guess(list, false);
    std::vector<Architecture> kept;
    for (size_t i = 0; i < list.size(); ++i) {
      double violation = 0;
      for (const Constraint& c : free)
        violation += c.violation(
            guess.mean[surrogate_->metric_index(c.metric)][static_cast<Eigen::Index>(i)]);
      if (violation == 0) kept.push_back(std::move(list[i]));
    }
    return kept;
  }

  std::vector<BelievedPoint> believe(const SearchContext& context,
                                     const std::vector<Architecture>& list) const {
    const Goal& goal = context.archive().goal();
    const Guess guess = surrogate_->guess(list, true);
    std::vector<BelievedPoint> believed(list.size());
    for (size_t i = 0; i < list.size(); ++i) {
      const auto row = static_cast<Eigen::Index>(i);
      for (const Objective& o : goal.objectives) {
        const size_t k = surrogate_->metric_index(o.metric);
        believed[i].mean.push_back(o.sign() * guess.mean[k][row]);
        believed[i].spread.push_back(guess.spread[k][row]);
      }
      for (const Constraint& c : goal.constraints) {
        const size_t k = surrogate_->metric_index(c.metric);
        const double spread = guess.spread[k][row];
        const double room = (c.upper() ? 1 : -1) * (c.bound - guess.mean[k][row]);
        if (surrogate_->metrics()[k].free) continue;
        believed[i].chance *=
            spread > 0 ? 0.5 * std::erfc(-room / spread / std::sqrt(2.0)) : (room >= 0 ? 1.0 : 0.0);
      }
    }
    return believed;
  }

  static Improvement front_of(const SearchContext& context,
                              const std::vector<BelievedPoint>& believed) {
    const std::vector<Point> feasible = context.archive().feasible_points();
    if (!context.reference().empty()) return {feasible, context.reference()};
    std::vector<Point> all = feasible;
    if (all.empty())
      for (const BelievedPoint& b : believed) all.push_back(b.mean);
    return {feasible, derived_reference(all)};
  }
};

}  // namespace

std::unique_ptr<SearchAlgorithm> make_ehvi() {
  return std::make_unique<Ehvi>();
}

}  // namespace nas
