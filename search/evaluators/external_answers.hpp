#pragma once
// Questions and answers of `evaluator: external`, one JSON object a line.
#include <map>
#include <string>
#include <vector>

#include "spaces/evaluator.hpp"

namespace nas {

/// One question to the program. The id is unique within the run and cannot be counted up by a
/// program that does not read it.
struct Question {
  std::string id;
  std::string architecture;  ///< Its text.
};
Question question_of(const Space& space, const Architecture& a, size_t number);
/// The line sent, with newline: id, architecture, choices.
std::string to_line(const Question& question, const Space& space, const Architecture& a);

/// What a line on standard output is.
struct Line {
  enum class Kind {
    kForeign,    ///< No answer: progress, a warning, a log line.
    kWithoutId,  ///< Would answer, but does not say which question.
    kAnswer,     ///< Answers `id`; values or an error.
    kSurplus,    ///< Has an id that was never asked, or a text that is not that of its id.
  };
  Kind kind = Kind::kForeign;
  std::string id;
  Evaluation value;
  std::string why;       ///< kSurplus: what is wrong.
  std::string percents;  ///< kAnswer: the share whose value can only be percents.
};
/// `asked`: every question of this process, by id.
Line read_line(const std::string& text,
               const std::map<std::string, Question>& asked,
               const std::vector<std::string>& metrics);

/// Without control characters and with `?` for bytes that are no UTF-8; at most `most` bytes.
std::string shown_text(const std::string& text, size_t most = 200);

}  // namespace nas
