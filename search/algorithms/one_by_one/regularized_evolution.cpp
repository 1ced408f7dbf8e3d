// Regularized evolution (Real et al., arXiv 1802.01548): a queue of `population` members; the best
// of a random sample is mutated in one choice, judged, put at the end, and the oldest dies, however
// good it is. What survives has been found good again and again, so a lucky noisy value does not
// stay. In published tables of whole spaces it is as good as anything without a predictor. There is
// no bound; each child differs from its parent in one choice on average.
//
// The paper has one objective. With several, members of a sample are compared as NSGA-II compares
// them: constrained dominance rank within the queue, then crowding; with one objective that is the
// objective itself. A child that is known or ruled out by free costs is mutated anew.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "search/algorithms/state.hpp"

namespace nas {
namespace {

class RegularizedEvolution : public SearchAlgorithm {
 public:
  void step(SearchContext& context) override {
    Rng rng(context.seed(),
            "search.regularized-evolution",
            static_cast<uint64_t>(context.generation()));
    const auto wanted = static_cast<size_t>(context.population());
    if (queue_.empty()) {
      Proposals first(context, wanted);
      first.fill(rng);
      enter(context, first);
      return;
    }
    const size_t before = context.archive().evaluations();
    while (context.archive().evaluations() < before + wanted && context.budget_left() > 0) {
      const size_t left = before + wanted - context.archive().evaluations();
      Proposals children(context, std::min(left, static_cast<size_t>(context.options().parallel)));
      breed(context, rng, children);
      if (children.architectures().empty()) break;
      enter(context, children);
    }
  }

  std::string state_json() const override {
    return nlohmann::json{{"algorithm", "regularized-evolution"},
                          {"queue", nlohmann::json::parse(genes_json(queue_))}}
        .dump();
  }

  void restore(const Space& space, const std::string& json) override {
    read_state("regularized-evolution", json, [&](const nlohmann::json& state) {
      queue_ = architectures_of(space, state.at("queue").dump());
    });
  }

 private:
  void breed(SearchContext& context, Rng& rng, Proposals& children) const {
    const Domain& domain = context.domain();
    const Standing standing = standing_of(scores_of(context, queue_));
    const double rate = 1.0 / static_cast<double>(domain.open_choices());
    take_children(context, rng, children, [&] {
      size_t best = rng.below(queue_.size());
      for (int i = 1; i < context.options().regularized_evolution.sample; ++i)
        if (const size_t other = rng.below(queue_.size()); standing.better(other, best))
          best = other;
      return domain.mutate(queue_[best], rate, rng);
    });
    children.fill(rng);
  }

  void enter(SearchContext& context, const Proposals& children) {
    context.evaluate(children.architectures());
    const std::vector<Architecture>& born = children.architectures();
    queue_.insert(queue_.end(), born.begin(), born.end());
    const auto most = static_cast<size_t>(context.population());
    if (queue_.size() > most)
      queue_.erase(queue_.begin(),
                   queue_.begin() + static_cast<std::ptrdiff_t>(queue_.size() - most));
  }

  std::vector<Architecture> queue_;  ///< The oldest first.
};

}  // namespace

std::unique_ptr<SearchAlgorithm> make_regularized_evolution() {
  return std::make_unique<RegularizedEvolution>();
}

}  // namespace nas
