#pragma once
// SearchAlgorithm: proposes architectures generation by generation; the driver pays, counts, stores
// and resumes.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "search/algorithms/algorithm_options.hpp"
#include "search/archive.hpp"
#include "search/costs.hpp"
#include "spaces/domain.hpp"
#include "spaces/random.hpp"

namespace nas {

/// What an earlier run measured, perhaps on another device.
struct WarmRow {
  Architecture architecture;
  std::map<std::string, double> values;
};

/// What an algorithm sees of the search it belongs to.
class SearchContext {
 public:
  virtual ~SearchContext() = default;
  /// What is searched: the space or a part of it.
  virtual const Domain& domain() const = 0;
  const Space& space() const { return domain().space(); }
  virtual const Archive& archive() const = 0;
  /// What is free; all other metrics are measured.
  virtual const CostModel& costs() const = 0;
  virtual const AlgorithmOptions& options() const = 0;
  virtual uint64_t seed() const = 0;
  /// Generations completed before this step; names the random streams.
  virtual int64_t generation() const = 0;
  virtual int population() const = 0;
  /// How many further evaluations may be paid for.
  virtual size_t budget_left() const = 0;
  /// Reference point of the hypervolume, minimised; empty before anything feasible was found.
  virtual const Point& reference() const = 0;
  /// Share of the budget that is spent, in [0, 1].
  virtual double progress() const = 0;
  /// Rows of an earlier run, inside the domain, in the order they were measured.
  virtual const std::vector<WarmRow>& warm() const = 0;
  /// Asks whether `a` is worth an evaluation: it is no network of the archive, and none of its free
  /// costs breaks a limit. Counted as a request.
  virtual bool propose(const Architecture& a) = 0;
  /// One entry for each architecture (any valid form), from the archive where it is known; null
  /// where the budget ended before it. New ones are paid for in order.
  virtual std::vector<const Archive::Entry*> evaluate(
      std::span<const Architecture> architectures) = 0;
  /// Nothing is left to do after this generation, whatever the budget; `why` is for people.
  virtual void finish(const std::string& why) = 0;
  /// Networks that the search keeps to, canonical and inside the limits on free costs; empty: all
  /// of the domain. What is proposed or asked for outside stands for the nearest of them.
  virtual std::span<const Architecture> only() const = 0;
  /// What `a` stands for in the archive: its canonical form, or the nearest of `only`.
  virtual Architecture key(const Architecture& a) const = 0;
  /// A valid architecture inside the limits on free costs, drawn as `search.initial` says.
  virtual Architecture sample(Rng& rng) const = 0;
  /// Walks `a` to the limits on free costs; false where that fails.
  virtual bool repair(Architecture& a, Rng& rng) const = 0;
  /// `wanted` networks inside the limits on free costs, neither in the archive nor (canonical) in
  /// `taken`, at random: from a list of small spaces, in others by single changes of known ones.
  /// When it finds fewer, nothing is left and the search ends with this generation.
  virtual std::vector<Architecture> unseen(size_t wanted,
                                           const std::unordered_set<Architecture>& taken,
                                           Rng& rng) = 0;
};

/// What one generation pays for: networks worth it, each once.
class Proposals {
 public:
  /// At most `wanted`, and no more than the budget has left.
  Proposals(SearchContext& context, size_t wanted);
  bool full() const { return architectures_.size() >= wanted_; }
  /// True when `a` was taken in.
  bool take(const Architecture& a);
  /// Fills the rest with fresh draws, and when these bring nothing new, with whatever is unseen.
  void fill(Rng& rng);
  const std::vector<Architecture>& architectures() const { return architectures_; }

 private:
  SearchContext& context_;
  size_t wanted_;
  std::vector<Architecture> architectures_;
  std::unordered_set<Architecture> keys_;
};

class SearchAlgorithm {
 public:
  virtual ~SearchAlgorithm() = default;
  /// Before anything is paid for or stored. ConfigError where the algorithm cannot do what is
  /// asked.
  virtual void prepare(const SearchContext&) {}
  /// What it has to say beside the front, as a JSON object whose `lines` are for people; "":
  /// nothing.
  virtual std::string report_json(const SearchContext&) const { return ""; }
  /// One generation.
  virtual void step(SearchContext& context) = 0;
  /// All that the next step depends on besides the context, as JSON; `restore` of it continues bit
  /// for bit. DataError when the text is not a state of this algorithm and space.
  virtual std::string state_json() const = 0;
  virtual void restore(const Space& space, const std::string& json) = 0;
};

/// The one table of algorithms.
struct AlgorithmInfo {
  std::string name;
  std::string summary;  ///< One line.
  std::unique_ptr<SearchAlgorithm> (*make)();
  /// What is wrong with this population size, or "".
  std::string (*population_problem)(int population);
  /// Whether it goes on until the budget is spent; others end when their work is done, and need a
  /// budget that is large enough.
  bool spends_budget = true;
  size_t least_objectives = 1, most_objectives = kNoLimit;
  bool takes_warm = false;  ///< Whether it begins from an earlier run (search.warm_from).
  static constexpr size_t kNoLimit = static_cast<size_t>(-1);
  /// What is wrong with so many objectives, or "".
  std::string objectives_problem(size_t objectives) const;
};
const std::vector<AlgorithmInfo>& search_algorithms();
/// ConfigError with the nearest name when there is none.
const AlgorithmInfo& search_algorithm(const std::string& name);

std::unique_ptr<SearchAlgorithm> make_nsga2();
std::unique_ptr<SearchAlgorithm> make_random_search();
std::unique_ptr<SearchAlgorithm> make_exact_search();
std::unique_ptr<SearchAlgorithm> make_blockwise();
std::unique_ptr<SearchAlgorithm> make_regularized_evolution();
std::unique_ptr<SearchAlgorithm> make_local_search();
std::unique_ptr<SearchAlgorithm> make_simulated_annealing();
std::unique_ptr<SearchAlgorithm> make_moead();
std::unique_ptr<SearchAlgorithm> make_nspso();
std::unique_ptr<SearchAlgorithm> make_maco();
std::unique_ptr<SearchAlgorithm> make_sga();
std::unique_ptr<SearchAlgorithm> make_cmaes();
std::unique_ptr<SearchAlgorithm> make_gaco();
std::unique_ptr<SearchAlgorithm> make_linas();
std::unique_ptr<SearchAlgorithm> make_linas_released();
std::unique_ptr<SearchAlgorithm> make_concurrent();
std::unique_ptr<SearchAlgorithm> make_ofa();
std::unique_ptr<SearchAlgorithm> make_ehvi();
std::string nsga2_population_problem(int population);
std::string random_population_problem(int population);
std::string moead_population_problem(int population);
std::string nspso_population_problem(int population);
std::string ant_population_problem(int population);
std::string sga_population_problem(int population);
std::string cmaes_population_problem(int population);
inline std::string no_population_problem(int) {
  return "";
}

}  // namespace nas
