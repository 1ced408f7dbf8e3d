#include "cli/search/parts.hpp"

#include <cstdlib>

#include "cli/runs/fix.hpp"
#include "cli/runs/latency.hpp"
#include "cli/runs/run_files.hpp"
#include "cli/runs/search_checks.hpp"
#include "cli/runs/search_reuse.hpp"
#include "cli/terminal/suggest.hpp"
#include "cli/torch_services.hpp"
#include "search/evaluators/evaluators.hpp"
#include "search/evaluators/told_evaluator.hpp"
#include "search/feasibility.hpp"
#include "spaces/base/stop.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/space_file.hpp"

namespace nas::cli {

RunRow supernet_of(const Store& store, const std::string& run) {
  const auto found = store.run(run, "train");
  if (!found)
    throw ConfigError("there is no training run '" + run + "' in " + store.path(),
                      runs_are_listed(store.path()) + "; name one with --run");
  return *found;
}

namespace {

std::unique_ptr<Evaluator> make_evaluator(const SearchConfig& config,
                                          const Domain& domain,
                                          Store& store,
                                          const Common& common) {
  const Space& space = domain.space();
  switch (config.evaluator.kind) {
    case EvaluatorKind::kTable: {
      auto table = std::make_unique<TableEvaluator>(space, config.evaluator.table);
      for (const std::string& text : table->notes()) note(common, text);
      for (const std::string& text : table->warnings()) warning(text);
      if (!config.evaluator.table.known_only)
        tell_coverage(*table, domain, config.evaluator.table.file);
      return table;
    }
    case EvaluatorKind::kExternal: {
      // So that a command can name a program among the configurations that ship.
      setenv("NAS_CONFIGS", config_dir().c_str(), /*overwrite=*/0);
      auto program = std::make_unique<ExternalEvaluator>(space, config.evaluator.external);
      program->stop = [] { return stop_requested(); };
      program->show = [](const std::string& line) { warning(line); };
      return program;
    }
    case EvaluatorKind::kTold:
      return std::make_unique<ToldEvaluator>(config.evaluator.told.metrics);
    case EvaluatorKind::kNone:
      return std::make_unique<NoEvaluator>();
    case EvaluatorKind::kSupernet:
      break;
  }
  Common judging = common;
  judging.sets = config.evaluator.set;
  return torch_services().supernet_evaluator(store, config.evaluator.run, std::nullopt, judging);
}

}  // namespace

SearchParts make_parts(const SearchConfig& config,
                       const Binder::Raw& space,
                       Store& store,
                       const Common& common) {
  SearchParts parts;
  parts.space = open_space(space);
  parts.domain = fixed_domain(*parts.space, config.search.fix, "search.fix");
  parts.settings = to_settings(config.search, config.evaluator, config.seed);
  parts.settings.warm = warm_rows(store, *parts.space, config.search.warm_from);
  // A table answers for nothing, however many of its rows are missing.
  if (config.evaluator.kind == EvaluatorKind::kTable) parts.settings.failures_in_a_row = 0;
  parts.costs = std::make_unique<CostModel>(*parts.space);
  parts.latency =
      add_latency(*parts.costs, config.evaluator, parts.settings.goal, store, space_file(space));
  if (config.evaluator.kind == EvaluatorKind::kTable)
    parts.evaluator = make_evaluator(config, *parts.domain, store, common);
  if (config.evaluator.kind == EvaluatorKind::kTable && config.evaluator.table.known_only)
    parts.settings.only = dynamic_cast<const TableEvaluator&>(*parts.evaluator).architectures();
  settle_limits(config,
                *parts.costs,
                dynamic_cast<const TableEvaluator*>(parts.evaluator.get()),
                common,
                parts.settings);
  std::vector<Constraint> free;
  for (const Constraint& c : parts.settings.goal.constraints)
    if (parts.costs->knows(c.metric)) free.push_back(c);
  // Told before a supernet is loaded or anything paid for.
  parts.witness = require_attainable(*parts.costs, free, config.seed, *parts.domain);
  if (!parts.evaluator) parts.evaluator = make_evaluator(config, *parts.domain, store, common);
  return parts;
}

}  // namespace nas::cli
