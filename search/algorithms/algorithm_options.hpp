#pragma once
// Options of single search algorithms: `search.ALGORITHM`.
#include <string>

#include "spaces/error.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas {

/// `search.blockwise`.
struct BlockwiseOptions {
  std::string reference = "largest";  ///< largest, smallest, or an architecture as text.
  int pool = 20;                      ///< Architectures judged truly.
  int distance = 2;                   ///< Choices in which they differ at least.
  bool controls = true;               ///< Also judge homogeneous architectures.
};
/// `search.regularized_evolution`.
struct RegularizedEvolutionOptions {
  int sample = 10;  ///< Members drawn, whose best is the parent.
};
/// `search.local_search`.
struct LocalSearchOptions {
  int starts = 10;  ///< Random architectures before each descent.
};
/// `search.simulated_annealing`. Temperatures in standard deviations of the first generation.
struct AnnealingOptions {
  int chains = 4;
  double hot = 1;
  double cold = 0.01;
};
/// `search.moead`.
struct MoeadOptions {
  int neighbours = 20;
  double crossover = 1;     ///< CR of differential evolution.
  double difference = 0.5;  ///< F of differential evolution.
};
/// `search.nspso`.
struct NspsoOptions {
  double inertia = 0.6;
  double own = 2;         ///< Pull to a particle's own best.
  double leaders = 2;     ///< Pull to the leaders.
  int leader_range = 60;  ///< Percent of the population that may lead.
};
/// `search.maco`, `search.gaco`.
struct AntOptions {
  int kernels = 0;  ///< Members of the solution archive; 0: the population.
  double convergence = 1;
};
/// `search.sga`.
struct SgaOptions {
  double crossover = 0.9;
  double mutation = 0;  ///< Per choice; 0: 1 / open choices.
};
/// `search.cmaes`.
struct CmaesOptions {
  double step = 0.5;  ///< First step size, in ranges of a choice.
};

/// When a part of a batch is drawn at random.
enum class Explore { kAuto, kAlways, kNever };
/// `search.surrogate`: of all searches that predict.
struct SurrogateOptions {
  std::string predictor = "auto";
  int population = 100;   ///< Of the inner search.
  int generations = 200;  ///< Of the inner search.
  Explore explore = Explore::kAuto;
};
/// `search.ofa`.
struct OfaOptions {
  int samples = 0;  ///< Random networks that predictors learn from; 0: all but the last generation.
  int population = 100;
  int iterations = 500;
  double parents = 0.25;  ///< Share that has children.
  double mutation = 0.1;  ///< Per choice.
};
/// `search.ehvi`.
struct EhviOptions {
  int batch = 8;        ///< Measured between two fits.
  double optimism = 1;  ///< Standard deviations, in the search for candidates.
};

/// All of them.
struct AlgorithmOptions {
  /// Architectures asked for at once by the algorithms that go one by one.
  int parallel = 1;
  BlockwiseOptions blockwise;
  RegularizedEvolutionOptions regularized_evolution;
  LocalSearchOptions local_search;
  AnnealingOptions simulated_annealing;
  MoeadOptions moead;
  NspsoOptions nspso;
  AntOptions maco, gaco;
  SgaOptions sga;
  CmaesOptions cmaes;
  SurrogateOptions surrogate;
  OfaOptions ofa;
  EhviOptions ehvi;
  /// Learn only what differs from the values of the earlier run.
  bool warm_transfer = true;
};
/// Declares them in the section being described (`search`).
void describe_algorithms(Binder& b, AlgorithmOptions& o);

/// What a look-up by name says that finds nothing (ConfigError), for Field::check; else "".
template <typename F>
std::string problem_of(const F& look_up) {
  try {
    look_up();
  } catch (const ConfigError& e) {
    const Problem& p = e.problems().front();
    return p.message + (p.hint.empty() ? "" : ". " + p.hint);
  }
  return "";
}

}  // namespace nas
