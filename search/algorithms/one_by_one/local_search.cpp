// Local search (White et al., arXiv 2005.02960: a baseline that beats many on small spaces): from
// the best of some random starts to a better neighbour (one choice changed), until no neighbour is
// better; then anew from fresh starts. The first better neighbour is taken, not the best of all: a
// once-for-all network has about 90 neighbours, and a budget of 250 would end in the third step.
//
// With several objectives it is Pareto local search (Paquete et al. 2004): a random member of the
// front of this descent whose neighbours are not all known is looked at; the descent ends where all
// of them are. It ends in a local optimum for sure, and knows it, but says nothing about others.
//
// The state is where in the archive this descent began: all else follows from the archive.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "search/algorithms/state.hpp"

namespace nas {
namespace {

class LocalSearch : public SearchAlgorithm {
 public:
  void step(SearchContext& context) override {
    Rng rng(context.seed(), "search.local-search", static_cast<uint64_t>(context.generation()));
    const auto wanted = static_cast<size_t>(context.population());
    const size_t before = context.archive().evaluations();
    explored_.clear();
    while (context.archive().evaluations() < before + wanted && context.budget_left() > 0) {
      const size_t left = before + wanted - context.archive().evaluations();
      if (context.archive().evaluations() > start_) {
        Proposals next(context, std::min(left, static_cast<size_t>(context.options().parallel)));
        look_around(context, rng, next);
        context.evaluate(next.architectures());
        if (!next.architectures().empty()) continue;
      }
      start_ = context.archive().evaluations();
      Proposals starts(context,
                       std::min(left, static_cast<size_t>(context.options().local_search.starts)));
      starts.fill(rng);
      if (starts.architectures().empty()) break;
      context.evaluate(starts.architectures());
    }
  }

  std::string state_json() const override {
    return nlohmann::json{{"algorithm", "local-search"}, {"start", start_}}.dump();
  }

  void restore(const Space&, const std::string& json) override {
    read_state("local-search", json, [&](const nlohmann::json& state) {
      start_ = state.at("start").get<size_t>();
    });
  }

 private:
  /// Positions in the archive of the best of this descent: its front, or where nothing is feasible
  /// the least violation.
  std::vector<size_t> best(const SearchContext& context) const {
    const auto& entries = context.archive().entries();
    std::vector<ScoredPoint> points;
    for (size_t i = start_; i < entries.size(); ++i) points.push_back(entries[i].score);
    std::vector<size_t> list;
    const std::vector<int> ranks = non_dominated_ranks(points);
    for (size_t i = 0; i < ranks.size(); ++i)
      if (ranks[i] == 0) list.push_back(start_ + i);
    return list;
  }

  void look_around(SearchContext& context, Rng& rng, Proposals& next) {
    const Domain& domain = context.domain();
    std::vector<size_t> members = best(context);
    rng.shuffle(members);
    for (const size_t member : members) {
      if (explored_.contains(member)) continue;
      const Architecture at = context.archive().entries()[member].architecture;
      std::vector<Architecture> around = domain.neighbours(at);
      rng.shuffle(around);
      for (const Architecture& a : around)
        if (!next.full() && context.archive().find(context.key(a)) == nullptr) next.take(a);
      if (!next.architectures().empty()) return;
      explored_.insert(member);
    }
  }

  size_t start_ = 0;
  /// Of this generation only, to save time: nothing depends on it.
  std::unordered_set<size_t> explored_;
};

}  // namespace

std::unique_ptr<SearchAlgorithm> make_local_search() {
  return std::make_unique<LocalSearch>();
}

}  // namespace nas
