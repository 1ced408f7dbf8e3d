#pragma once
// Searches whose values are told: questions and answers in the store.
#include <string>

#include "cli/command.hpp"
#include "search/evaluators/told_evaluator.hpp"
#include "search/store/store.hpp"
#include "spaces/space.hpp"

namespace nas::cli {

/// Gives the evaluator what `nas tell` stored for the open questions of a run.
void take_answers(ToldEvaluator& evaluator,
                  const Space& space,
                  const Store& store,
                  const std::string& run);

/// Stores the batch that waits as the run's open questions and prints those without an answer, as
/// JSON lines on standard output (with --json one document). `evaluations`: done before it.
void put_questions(const ToldEvaluator& evaluator,
                   const Space& space,
                   Store& store,
                   const RunRow& run,
                   size_t evaluations,
                   const Common& common);

}  // namespace nas::cli
