// Open questions are a document of the run, and each answer a document of its own: several programs
// may tell at once, and none overwrites another's.
#include "cli/search/told.hpp"

#include <nlohmann/json.hpp>

#include "cli/report/document.hpp"
#include "cli/search/told_documents.hpp"
#include "cli/terminal/suggest.hpp"
#include "search/evaluators/external_answers.hpp"

namespace nas::cli {

using Json = nlohmann::ordered_json;

std::map<std::string, Question> open_questions(const Store& store, const std::string& run) {
  std::map<std::string, Question> asked;
  const auto text = store.document(run, kQuestions);
  if (!text) return asked;
  for (const Json& q : Json::parse(*text))
    asked[q.at("id").get<std::string>()] = {q.at("id").get<std::string>(),
                                            q.at("architecture").get<std::string>()};
  return asked;
}

std::optional<Evaluation> stored_answer(const Store& store,
                                        const std::string& run,
                                        const std::string& id) {
  const auto text = store.document(run, kAnswer + id);
  if (!text) return std::nullopt;
  const Json json = Json::parse(*text);
  Evaluation value;
  value.error = json.value("error", "");
  for (const auto& [metric, number] : json.at("values").items())
    value.values[metric] = number.get<double>();
  return value;
}

size_t answers_awaited(const Store& store, const std::string& run) {
  size_t awaited = 0;
  for (const auto& [id, question] : open_questions(store, run))
    if (!store.document(run, kAnswer + id)) ++awaited;
  return awaited;
}

void store_answer(Store& store,
                  const std::string& run,
                  const std::string& id,
                  const Evaluation& v) {
  Json json{{"values", Json::object()}};
  for (const auto& [metric, number] : v.values) json["values"][metric] = number;
  if (!v.error.empty()) json["error"] = v.error;
  store.set_document(run, kAnswer + id, json_line(json));
}

void take_answers(ToldEvaluator& evaluator,
                  const Space& space,
                  const Store& store,
                  const std::string& run) {
  for (const auto& [id, question] : open_questions(store, run))
    if (auto value = stored_answer(store, run, id))
      evaluator.tell(space.parse(question.architecture), std::move(*value));
}

AskedQuestions put_questions(const ToldEvaluator& evaluator,
                             const Space& space,
                             Store& store,
                             const RunRow& run,
                             size_t evaluations) {
  AskedQuestions asked{run.id, evaluations, evaluator.waiting().size(), {}};
  Json all = Json::array();
  for (size_t i = 0; i < evaluator.waiting().size(); ++i) {
    const Architecture& a = evaluator.waiting()[i];
    const Question q = question_of(space, a, evaluations + i + 1);
    all.push_back({{"id", q.id}, {"architecture", q.architecture}});
    if (evaluator.knows(a)) continue;
    std::string line = to_line(q, space, a);
    line.pop_back();  // Its end.
    asked.open.push_back(std::move(line));
  }
  store.set_document(run.id, kQuestions, json_line(all));
  return asked;
}

void print_questions(const AskedQuestions& asked, const Common& common) {
  if (common.json) {
    Json open = Json::array();
    for (const std::string& line : asked.open) open.push_back(Json::parse(line));
    return print(json_text({{"schema", "nas-ask/1"},
                            {"run", asked.run},
                            {"evaluations", asked.evaluations},
                            {"batch", asked.batch},
                            {"questions", open}}));
  }
  std::string lines;
  for (const std::string& line : asked.open) lines += (lines.empty() ? "" : "\n") + line;
  print(lines);
  note(common,
       std::to_string(asked.open.size()) + " of " + std::to_string(asked.batch) +
           " architectures wait for their values; answers are JSON lines with the question's id. "
           "Next: " +
           suggested({"tell", asked.run, "answers.jsonl"}, common) + ", then " +
           suggested({"ask", asked.run}, common));
}

}  // namespace nas::cli
