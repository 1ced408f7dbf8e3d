#include "search/algorithms/algorithm_options.hpp"

#include "predictors/predictor.hpp"

namespace nas {

void describe(Binder& b, BlockwiseOptions& o) {
  b.value("reference",
          o.reference,
          "In which options are replaced, one at a time: largest, smallest, or an architecture");
  b.value("pool", o.pool, "Best architectures by the sum of the single effects, judged truly")
      .range(1, 100000);
  b.value("distance", o.distance, "Choices in which any two of them differ at least")
      .range(1, 1000);
  b.value("controls",
          o.controls,
          "Also judge architectures with the same option wherever it is a choice, at most as many");
}

void describe(Binder& b, RegularizedEvolutionOptions& o) {
  b.value("sample", o.sample, "Members drawn at random, whose best is the parent").range(1, 100000);
}

void describe(Binder& b, LocalSearchOptions& o) {
  b.value("starts", o.starts, "Random architectures before each descent").range(1, 100000);
}

void describe(Binder& b, AnnealingOptions& o) {
  b.value("chains", o.chains, "Chains side by side").range(1, 10000);
  b.value("hot",
          o.hot,
          "Temperature at the beginning, in standard deviations of the objective among random "
          "architectures")
      .range(1e-9, 1e9);
  b.value("cold", o.cold, "Temperature when the budget is spent").range(1e-9, 1e9).check([&o] {
    return o.cold <= o.hot ? "" : "the search cools: cold is at most hot";
  });
}

void describe(Binder& b, MoeadOptions& o) {
  b.value("neighbours", o.neighbours, "Size of the neighbourhood of a weight vector")
      .range(2, 100000);
  b.value("crossover", o.crossover, "Crossover rate of differential evolution").range(0, 1);
  b.value("difference", o.difference, "Scale of differences of differential evolution").range(0, 1);
}

void describe(Binder& b, NspsoOptions& o) {
  b.value("inertia", o.inertia, "Share of its speed that a particle keeps").range(0, 1);
  b.value("own", o.own, "Pull to a particle's own best").range(0, 10);
  b.value("leaders", o.leaders, "Pull to the leaders of the swarm").range(0, 10);
  b.value("leader_range", o.leader_range, "Best part of the swarm that may lead")
      .range(1, 100)
      .unit("%");
}

void describe(Binder& b, AntOptions& o) {
  b.value("kernels", o.kernels, "Size of the solution archive; 0: as many as the population")
      .range(0, 100000);
  b.value("convergence", o.convergence, "Small values follow the best of the archive alone")
      .range(1e-6, 1e6);
}

void describe(Binder& b, SgaOptions& o) {
  b.value("crossover", o.crossover, "Probability of crossover").range(0, 1);
  b.value("mutation", o.mutation, "Probability that a choice is redrawn; 0: one choice on average")
      .range(0, 1);
}

void describe(Binder& b, CmaesOptions& o) {
  b.value("step", o.step, "First step size, in ranges of a choice").range(1e-6, 10);
}

void describe(Binder& b, SurrogateOptions& o) {
  b.value(
       "predictor",
       o.predictor,
       "Predictor of measured metrics, or auto: ridge while fewer than 75 are measured, then the "
       "best of ridge, svr and gp by cross-validation")
      .check([&o] {
        return o.predictor == "auto" ? "" : problem_of([&] { predictor_info(o.predictor); });
      });
  b.value("population", o.population, "Population of the inner search").range(4, 100000);
  b.value("generations", o.generations, "Generations of the inner search").range(1, 1000000);
  b.choice(
      "explore",
      o.explore,
      {{"auto", Explore::kAuto}, {"always", Explore::kAlways}, {"never", Explore::kNever}},
      "linas, concurrent: draw a tenth of a batch at random; auto: after predictions that were "
      "too good");
}

void describe(Binder& b, OfaOptions& o) {
  b.value(
       "samples",
       o.samples,
       "Random networks to learn from; 0: the budget but for one population, without a budget 500")
      .range(0, 1e8);
  b.value("population", o.population, "Population of the evolution on predictions")
      .range(4, 100000);
  b.value("iterations", o.iterations, "Its generations").range(1, 1000000);
  b.value("parents", o.parents, "Share of the population that has children").range(0.01, 1);
  b.value("mutation", o.mutation, "Probability that a choice of a mutant is redrawn").range(0, 1);
}

void describe(Binder& b, EhviOptions& o) {
  b.value("batch", o.batch, "Networks measured between two fits of the predictor").range(1, 100000);
  b.value("optimism",
          o.optimism,
          "Standard deviations by which candidates are taken for better while they are looked for")
      .range(0, 10);
}

void describe_algorithms(Binder& b, AlgorithmOptions& o) {
  b.value("parallel",
          o.parallel,
          "Architectures asked for at once by regularized-evolution, local-search and "
          "simulated-annealing; 1: each is chosen with all before it known")
      .range(1, 100000);
  b.section("blockwise", o.blockwise, "blockwise: replacing blocks of a reference");
  b.section("regularized_evolution",
            o.regularized_evolution,
            "regularized-evolution: the oldest of the population dies");
  b.section("local_search", o.local_search, "local-search: to better neighbours, then anew");
  b.section("simulated_annealing",
            o.simulated_annealing,
            "simulated-annealing: worse neighbours too, ever less");
  b.section("moead", o.moead, "moead: decomposition into weighted aims (pagmo2)");
  b.section("nspso", o.nspso, "nspso: a particle swarm with non-dominated sorting (pagmo2)");
  b.section("maco", o.maco, "maco: ant colony for several objectives (pagmo2)");
  b.section("sga", o.sga, "sga: a simple genetic algorithm (pagmo2)");
  b.section("cmaes", o.cmaes, "cmaes: covariance matrix adaptation (pagmo2)");
  b.section("gaco", o.gaco, "gaco: ant colony for one objective (pagmo2)");
  b.section("surrogate",
            o.surrogate,
            "linas, linas-released, concurrent, ofa, ehvi: predictors and the search on them");
  b.section("ofa", o.ofa, "ofa: predictors once, then evolution under limits");
  b.section("ehvi", o.ehvi, "ehvi: expected improvement of the hypervolume");
  b.value("warm_transfer",
          o.warm_transfer,
          "With warm_from: learn what differs from the values of that run, not everything anew");
}

}  // namespace nas
