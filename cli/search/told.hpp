#pragma once
// Searches whose values are told: questions and answers in the store.
#include <string>
#include <vector>

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

/// What a search asks now.
struct AskedQuestions {
  std::string run;
  size_t evaluations = 0;  ///< Done before this batch.
  size_t batch = 0;        ///< Architectures in it.
  /// Those without an answer, as JSON lines (search/evaluators/external_answers.hpp).
  std::vector<std::string> open;
};

/// Stores the batch that waits as the run's open questions.
AskedQuestions put_questions(const ToldEvaluator& evaluator,
                             const Space& space,
                             Store& store,
                             const RunRow& run,
                             size_t evaluations);
/// JSON lines on standard output, with --json one document (schema nas-ask/1).
void print_questions(const AskedQuestions& asked, const Common& common);

}  // namespace nas::cli
