// Simulated annealing (Kirkpatrick et al. 1983) for one objective, on architectures themselves: a
// step changes one choice on average and is taken when it is better, or with probability
// exp(-loss / temperature); the temperature falls geometrically from `hot` to `cold` while the
// budget is spent. Temperatures are in standard deviations of the first, random generation, so that
// the defaults fit any metric. It converges to the optimum only for schedules that nobody can wait
// for; with a finite one it is local search that climbs out of small pits.
//
// pagmo's own cools on real numbers, whole cycles of many thousand evaluations at once; ours goes
// step by step on what can be built, with a few chains side by side (the best of the first
// generation) because one chain alone depends on luck. A step to a known network costs nothing and
// is taken like any other. Broken limits on measured metrics count far more than any objective.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "search/algorithms/state.hpp"

namespace nas {
namespace {

class SimulatedAnnealing : public SearchAlgorithm {
 public:
  void step(SearchContext& context) override {
    Rng rng(
        context.seed(), "search.simulated-annealing", static_cast<uint64_t>(context.generation()));
    if (chains_.empty()) return begin(context, rng);
    const auto wanted = static_cast<size_t>(context.population());
    const size_t before = context.archive().evaluations();
    while (context.archive().evaluations() < before + wanted && context.budget_left() > 0)
      if (!move_all(context, rng, before + wanted - context.archive().evaluations())) break;
  }

  std::string state_json() const override {
    return nlohmann::json{{"algorithm", "simulated-annealing"},
                          {"scale", scale_},
                          {"next", next_},
                          {"chains", nlohmann::json::parse(genes_json(chains_))}}
        .dump();
  }

  void restore(const Space& space, const std::string& json) override {
    read_state("simulated-annealing", json, [&](const nlohmann::json& state) {
      scale_ = state.at("scale").get<double>();
      chains_ = architectures_of(space, state.at("chains").dump());
      next_ = state.at("next").get<size_t>();
      if (!(scale_ > 0) || (!chains_.empty() && next_ >= chains_.size()))
        throw DataError("its numbers cannot be");
    });
  }

 private:
  void begin(SearchContext& context, Rng& rng) {
    Proposals first(context, static_cast<size_t>(context.population()));
    first.fill(rng);
    context.evaluate(first.architectures());
    double sum = 0, squares = 0, n = 0;
    for (const Archive::Entry& entry : context.archive().entries()) {
      if (entry.score.objectives.empty()) continue;
      sum += entry.score.objectives[0];
      ++n;
    }
    for (const Archive::Entry& entry : context.archive().entries())
      if (!entry.score.objectives.empty())
        squares += std::pow(entry.score.objectives[0] - sum / n, 2);
    if (n > 1 && squares > 0) scale_ = std::sqrt(squares / (n - 1));
    const std::vector<Architecture>& drawn = first.architectures();
    const std::vector<size_t> order = standing_of(scores_of(context, drawn)).order();
    const auto chains = static_cast<size_t>(context.options().simulated_annealing.chains);
    for (size_t i = 0; i < std::min(chains, order.size()); ++i) chains_.push_back(drawn[order[i]]);
  }

  /// In units of `scale_`; a broken limit or a failure lies above all that keeps the limits.
  double energy(const SearchContext& context, const Architecture& a) const {
    constexpr double kBroken = 1e6;
    const Archive::Entry* entry = context.archive().find(context.key(a));
    if (entry == nullptr) return kBroken * kMissing * 10;
    if (entry->score.violation > 0) return kBroken * (1 + entry->score.violation);
    return entry->score.objectives[0] / scale_;
  }

  bool accepts(const SearchContext& context, double loss, Rng& rng) const {
    const AnnealingOptions& o = context.options().simulated_annealing;
    const double heat = o.hot * std::pow(o.cold / o.hot, context.progress());
    const double u = rng.uniform();
    return loss <= 0 || u < std::exp(-loss / heat);
  }

  /// One new network for each of the next chains, as many as are asked for at once; then they move.
  bool move_all(SearchContext& context, Rng& rng, size_t left) {
    const size_t at_once =
        std::min({left, chains_.size(), static_cast<size_t>(context.options().parallel)});
    Proposals asked(context, at_once);
    std::vector<std::pair<size_t, Architecture>> moves;
    for (size_t i = 0; i < at_once && !asked.full(); ++i, next_ = (next_ + 1) % chains_.size())
      if (auto a = propose(context, rng, next_, asked)) moves.emplace_back(next_, std::move(*a));
    context.evaluate(asked.architectures());
    for (auto& [chain, a] : moves)
      if (accepts(context, energy(context, a) - energy(context, chains_[chain]), rng))
        chains_[chain] = std::move(a);
    return !moves.empty();
  }

  /// A new network near the chain, which may go through known ones; a fresh draw where nothing new
  /// is near.
  std::optional<Architecture> propose(SearchContext& context,
                                      Rng& rng,
                                      size_t chain,
                                      Proposals& asked) {
    const Domain& domain = context.domain();
    const double rate = 1.0 / static_cast<double>(domain.open_choices());
    const size_t before = asked.architectures().size();
    for (int tries = 0; tries < 5 * kVariations; ++tries) {
      Architecture a = domain.mutate(chains_[chain], rate, rng);
      if (asked.take(a)) return a;
      const bool known = context.archive().find(context.key(a)) != nullptr;
      if (known && accepts(context, energy(context, a) - energy(context, chains_[chain]), rng))
        chains_[chain] = std::move(a);
      else if (!known && tries % 5 == 4 && context.repair(a, rng) && asked.take(a))
        return a;
    }
    for (int i = 0; i < kVariations; ++i)
      if (Architecture a = context.sample(rng); asked.take(a)) return a;
    asked.fill(rng);
    if (asked.architectures().size() == before) return std::nullopt;
    return asked.architectures().back();
  }

  std::vector<Architecture> chains_;
  size_t next_ = 0;  ///< Whose turn it is.
  double scale_ = 1;
};

}  // namespace

std::unique_ptr<SearchAlgorithm> make_simulated_annealing() {
  return std::make_unique<SimulatedAnnealing>();
}

}  // namespace nas
