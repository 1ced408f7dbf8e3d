#pragma once
// The search itself: algorithm, budget, archive, counting, reference point, state.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "search/algorithms/algorithm.hpp"
#include "search/algorithms/sampler.hpp"
#include "search/archive.hpp"
#include "search/costs.hpp"
#include "search/store/store.hpp"
#include "spaces/evaluator.hpp"

namespace nas {

struct SearchSettings {
  std::string algorithm = "nsga2";  ///< Or auto (choose.hpp).
  int population = 48;
  Initial initial = Initial::kChoices;
  /// At least one of the two budgets, but for algorithms that end by themselves.
  std::optional<int64_t> generations;
  std::optional<int64_t> evaluations;  ///< Distinct architectures paid for.
  uint64_t seed = 0;
  Goal goal;
  /// Reference point of the hypervolume by metric, in the metric's own direction; empty: derived
  /// from the first generation with feasible results.
  std::map<std::string, double> reference;
  int batch = 8;  ///< Architectures per call of the evaluator; results are stored after each.
  AlgorithmOptions options;
  std::vector<WarmRow> warm;  ///< Of an earlier run; what is outside the domain is left out.
  /// Networks that the search keeps to (evaluator.table.known_only), canonical; empty: all.
  std::vector<Architecture> only;
  int64_t failures_in_a_row = 50;  ///< So many evaluations failed one after another end it; 0: off.
};

class Search : private SearchContext {
 public:
  using Entries = std::vector<const Archive::Entry*>;

  /// Searches `domain`, a space or a part of it. Throws ConfigError for settings that cannot be
  /// (unknown metric, population, no budget, a constraint no architecture can meet: see
  /// feasibility.hpp). All arguments (of the domain its space) outlive the search.
  Search(const Domain& domain,
         Evaluator& evaluator,
         const CostModel& costs,
         const SearchSettings& settings);
  ~Search() override;

  /// Called after each batch with the entries just paid for, e.g. to store them.
  std::function<void(const Entries&)> on_evaluated;
  /// Asked between batches; true ends `step` with Interrupted. So does an evaluator that stopped,
  /// after what it has done was told to `on_evaluated`.
  std::function<bool()> stop;

  /// Values that are known already (in a part of a space only those of the very form that it asks
  /// for: other forms of a network have other weights): used instead of the evaluator, but counted
  /// like evaluations, so
  /// that results do not depend on what was known. `elsewhere`: another run paid for them.
  void know(const Architecture& a, Evaluation evaluation, bool elsewhere = false);
  const Domain& domain() const override { return domain_; }
  /// Evaluations answered with what another run had paid for.
  size_t reused() const { return reused_; }
  /// Continues after the state's last generation; the evaluations of the state come from `known`
  /// in the order they were made, further ones are kept for `know`. DataError on a misfit.
  void restore(const std::string& state_json,
               const std::vector<std::pair<Architecture, Evaluation>>& known);
  std::string state_json() const;

  bool done() const { return !why_done().empty(); }
  std::string why_done() const;  ///< "" while not done.
  /// One generation. DataError when every architecture so far failed, or the last ones one after
  /// another.
  void step();

  int64_t generations() const { return generation_; }
  const Archive& archive() const override { return archive_; }
  /// `algorithm` is the one that was taken.
  const SearchSettings& settings() const { return settings_; }
  /// Why auto took it; "" where it was named.
  const std::string& algorithm_why() const { return algorithm_why_; }
  size_t requested() const { return requested_; }
  /// Requests for architectures that their free costs rule out.
  size_t skipped() const { return skipped_; }
  /// Requests answered from the archive, and how many of these asked for another form of a network.
  size_t saved() const { return saved_; }
  size_t saved_equivalent() const { return saved_equivalent_; }
  /// Minimisation form; empty before anything feasible was found.
  const Point& reference() const override { return reference_; }
  double current_hypervolume() const;
  /// How many networks the domain has inside the limits on free costs, where it is small enough to
  /// list (20,000 architectures).
  std::optional<size_t> networks() const;
  /// What an algorithm sees of it, for measurements from outside.
  const SearchContext& context() const { return *this; }
  /// What the algorithm has to say beside the front (see SearchAlgorithm::report_json).
  std::string report_json() const { return algorithm_->report_json(*this); }
  /// hypervolume, evaluations, feasible, front, saved, skipped, failed of the generation just done.
  std::vector<MetricRow> telemetry() const;

  /// Rows of one entry for the store; `suffix` is appended to the evaluator's source.
  std::vector<EvaluationRow> rows(const std::string& run,
                                  const Archive::Entry& entry,
                                  const std::string& suffix = "") const;
  /// The evaluations among stored rows, in order of first appearance (costs are computed anew).
  std::vector<std::pair<Architecture, Evaluation>> known_from(
      const std::vector<EvaluationRow>& rows, const std::string& suffix = "") const;

 private:
  uint64_t seed() const override { return settings_.seed; }
  int64_t generation() const override { return generation_; }
  int population() const override { return settings_.population; }
  const CostModel& costs() const override { return costs_; }
  const AlgorithmOptions& options() const override { return settings_.options; }
  double progress() const override;
  const std::vector<WarmRow>& warm() const override { return settings_.warm; }
  void finish(const std::string& why) override { finished_ = why; }
  size_t budget_left() const override;
  bool propose(const Architecture& a) override;
  std::vector<const Archive::Entry*> evaluate(std::span<const Architecture> asked) override;
  std::span<const Architecture> only() const override { return only_; }
  Architecture key(const Architecture& a) const override;
  Architecture sample(Rng& rng) const override;
  bool repair(Architecture& a, Rng& rng) const override;
  std::vector<Architecture> unseen(size_t wanted,
                                   const std::unordered_set<Architecture>& taken,
                                   Rng& rng) override;

  bool worth_paying(const Architecture& canonical) const;
  void keep_to(const std::vector<Architecture>& networks);
  void choose_by_facts();
  std::vector<Architecture> unseen_neighbours(size_t wanted,
                                              std::unordered_set<Architecture> taken,
                                              Rng& rng) const;
  void pay(const std::vector<Architecture>& keys);
  void watch_failures(const Entries& entries);
  std::vector<Evaluation> truths(std::span<const Architecture> keys);

  const Domain domain_;
  const Space& space_;
  Evaluator& evaluator_;
  const CostModel& costs_;
  SearchSettings settings_;
  std::unique_ptr<CostLimits> limits_;
  std::unique_ptr<ArchitectureSampler> sampler_;
  Archive archive_;
  std::string algorithm_why_;
  std::unique_ptr<SearchAlgorithm> algorithm_;
  struct Known {
    Evaluation evaluation;
    bool elsewhere = false;
  };
  std::unordered_map<Architecture, Known> known_;
  std::vector<Architecture> only_;  ///< Sorted; inside the domain and the limits on free costs.
  Point reference_;
  int64_t generation_ = 0;
  int64_t failed_in_a_row_ = 0;
  mutable std::pair<size_t, double> hypervolume_{0, 0.0};  ///< Of that many evaluations.
  std::string finished_;   ///< What the algorithm said when its work was done.
  std::string exhausted_;  ///< Why nothing is left to pay for; "" while something may be.
  size_t requested_ = 0, saved_ = 0, saved_equivalent_ = 0, skipped_ = 0, reused_ = 0;
};

}  // namespace nas
