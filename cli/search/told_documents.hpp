#pragma once
// Questions and answers of a search whose values are told, as documents of its run.
#include <map>
#include <optional>
#include <string>

#include "search/evaluators/external_answers.hpp"
#include "search/store/store.hpp"
#include "spaces/evaluator.hpp"

namespace nas::cli {

inline const std::string kQuestions = "questions";  ///< The batch that is asked now.
inline const std::string kAnswer = "answer/";       ///< Followed by the id of its question.

/// By id; empty where nothing was asked yet.
std::map<std::string, Question> open_questions(const Store& store, const std::string& run);
std::optional<Evaluation> stored_answer(const Store& store,
                                        const std::string& run,
                                        const std::string& id);
/// Open questions without an answer: a search that waits for them is interrupted, as the store has
/// it.
size_t answers_awaited(const Store& store, const std::string& run);
void store_answer(Store& store, const std::string& run, const std::string& id, const Evaluation& v);

}  // namespace nas::cli
