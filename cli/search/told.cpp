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

void put_questions(const ToldEvaluator& evaluator,
                   const Space& space,
                   Store& store,
                   const RunRow& run,
                   size_t evaluations,
                   const Common& common) {
  Json all = Json::array(), open = Json::array();
  std::string lines;
  for (size_t i = 0; i < evaluator.waiting().size(); ++i) {
    const Architecture& a = evaluator.waiting()[i];
    const Question q = question_of(space, a, evaluations + i + 1);
    all.push_back({{"id", q.id}, {"architecture", q.architecture}});
    if (evaluator.knows(a)) continue;
    const std::string line = to_line(q, space, a);
    open.push_back(Json::parse(line));
    lines += line;
  }
  store.set_document(run.id, kQuestions, json_line(all));
  if (common.json) {
    print(json_text({{"schema", "nas-ask/1"},
                     {"run", run.id},
                     {"evaluations", evaluations},
                     {"batch", all.size()},
                     {"questions", open}}));
    return;
  }
  lines.pop_back();
  print(lines);
  note(common,
       std::to_string(open.size()) + " of " + std::to_string(all.size()) +
           " architectures wait for their values; answers are JSON lines with the question's id. "
           "Next: " +
           suggested({"tell", run.id, "answers.jsonl"}, common) + ", then " +
           suggested({"ask", run.id}, common));
}

}  // namespace nas::cli
