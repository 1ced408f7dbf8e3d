// nas ask, nas tell: a search whose values come from elsewhere, whenever they come: queues, phones,
// people. The search stands still in the store between the two.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli/command.hpp"
#include "cli/config/stored_config.hpp"
#include "cli/report/document.hpp"
#include "cli/search/told_documents.hpp"
#include "cli/terminal/suggest.hpp"
#include "search/evaluators/value_check.hpp"
#include "search/search_options.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/error.hpp"
#include "spaces/text/plain_text.hpp"

namespace nas::cli {

int run_search(const std::vector<std::string>& args);

namespace {

using Json = nlohmann::ordered_json;

struct AskArguments {
  Common common;
  std::string run = "last", file;
  bool replace = false;
};

/// The search, which must be one that is told, and its configuration.
RunRow told_search(const Store& store, const std::string& name, SearchConfig& config) {
  const auto row = store.run(name, "search");
  if (!row)
    throw ConfigError(
        "there is no search '" + name + "' in " + store.path(),
        "`" + suggested({"runs", "--command", "search"}, store.path()) + "` lists them");
  config = read_yaml_as<SearchConfig>(stored_config(*row));
  if (config.evaluator.kind != EvaluatorKind::kTold)
    throw ConfigError("the values of search " + row->id + " do not come by nas tell",
                      "Searches that are told have `evaluator: {kind: told}`.");
  return *row;
}

int ask(const AskArguments& o) {
  SearchConfig config;
  RunRow row;
  {
    const Store store(o.common.db, Store::Mode::kRead);
    row = told_search(store, o.run, config);
  }
  if (row.status == "finished") {
    if (o.common.json)
      print(json_text({{"schema", "nas-ask/1"},
                       {"run", row.id},
                       {"finished", true},
                       {"questions", Json::array()}}));
    note(o.common,
         "search " + row.id + " is finished; `" + suggested({"results", row.id}, o.common) +
             "` shows what it found");
    return kExitOk;
  }
  std::vector<std::string> args{"--resume", row.id, "--db", o.common.db};
  if (o.common.json) args.emplace_back("--json");
  if (o.common.quiet) args.emplace_back("--quiet");
  return run_search(args);
}

struct Answer {
  std::string id;
  Evaluation value;
};

/// All answers of a text, or DataError naming the first line that is none.
std::vector<Answer> read_answers(const std::string& file,
                                 const std::string& text,
                                 const std::map<std::string, Question>& asked,
                                 const std::vector<std::string>& metrics) {
  std::vector<Answer> answers;
  std::set<std::string> seen;
  std::istringstream in(text);
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = file + ":" + std::to_string(number) + ": ";
    Line read = read_line(line, asked, metrics);
    if (read.kind == Line::Kind::kSurplus) throw DataError(place + read.why);
    if (read.kind != Line::Kind::kAnswer)
      throw DataError(place + "no answer: " + shown_text(line, 80) +
                      "\n  Expected a JSON object with the question's id and its values, such as "
                      "{\"id\": \"...\", \"" +
                      metrics.front() + "\": 0.93}, or an \"error\".");
    // A failure is what says so; anything else that cannot be used is a mistake of the file.
    const Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const bool failed =
        object.is_object() && object.contains("error") && !object["error"].is_null();
    if (!read.value.error.empty() && !failed) throw DataError(place + read.value.error);
    if (!seen.insert(read.id).second)
      throw DataError(place + "the id " + read.id + " is answered twice in this file");
    answers.push_back({read.id, std::move(read.value)});
  }
  if (answers.empty()) throw DataError(file + " holds no answers");
  return answers;
}

/// Shares and percents in one metric are seen only together with what is known already.
void refuse_mixtures(const Store& store,
                     const std::string& run,
                     const std::map<std::string, Question>& asked,
                     const std::vector<Answer>& answers,
                     const std::vector<std::string>& metrics) {
  for (const std::string& metric : metrics) {
    std::vector<double> values;
    for (const EvaluationRow& row : store.evaluations(run))
      if (row.metric == metric && row.source == "told" && row.status == "ok")
        values.push_back(row.value);
    for (const auto& [id, question] : asked)
      if (const auto before = stored_answer(store, run, id))
        if (const auto it = before->values.find(metric); it != before->values.end())
          values.push_back(it->second);
    for (const Answer& answer : answers)
      if (const auto it = answer.value.values.find(metric); it != answer.value.values.end())
        values.push_back(it->second);
    if (const auto odd = odd_value(values, metric); odd && odd->certain)
      throw DataError("the values of '" + metric +
                      "' cannot all be right: " + format_number(values[odd->index], 6) + " " +
                      odd->why + ". Answer all in one unit.");
  }
}

bool equal(const Evaluation& a, const Evaluation& b) {
  return a.values == b.values && a.error == b.error;
}

/// What `nas tell` took.
struct Told {
  std::string run;
  size_t answers = 0, fresh = 0, failed = 0;
  size_t asked = 0, open = 0;  ///< Questions, and those without an answer now.
};

Json told_json(const Told& told) {
  return {{"schema", "nas-tell/1"},
          {"run", told.run},
          {"answers", told.answers},
          {"new", told.fresh},
          {"failed", told.failed},
          {"open", told.open}};
}

std::string told_text(const Told& told, const Common& common) {
  return std::to_string(told.answers) + (told.answers == 1 ? " answer" : " answers") + " stored" +
         (told.failed > 0 ? " (" + std::to_string(told.failed) + " failed)" : "") + "; " +
         std::to_string(told.open) + " of " + std::to_string(told.asked) +
         " questions are open. `" + suggested({"ask", told.run}, common) +
         (told.open > 0 ? "` lists them" : "` goes on");
}

int tell(const AskArguments& o) {
  SearchConfig config;
  Store store(o.common.db);
  const RunRow row = told_search(store, o.run, config);
  const std::vector<std::string>& metrics = config.evaluator.told.metrics;
  const std::map<std::string, Question> asked = open_questions(store, row.id);
  if (asked.empty() || row.status == "finished")
    throw ConfigError(
        "search " + row.id + " asks nothing" +
            (row.status == "finished" ? ": it is finished" : " yet"),
        row.status == "finished"
            ? "`" + suggested({"results", row.id}, o.common) + "` shows what it found."
            : "`" + suggested({"ask", row.id}, o.common) + "` goes on with it.");
  const std::string text = o.file == "-" ? std::string(std::istreambuf_iterator<char>(std::cin), {})
                                         : read_text_file(o.file, "answers");
  const std::string file = o.file == "-" ? "standard input" : o.file;
  const std::vector<Answer> answers = read_answers(file, text, asked, metrics);
  Told told{row.id, answers.size(), 0, 0, asked.size(), 0};
  for (const Answer& answer : answers) {
    const auto before = stored_answer(store, row.id, answer.id);
    if (before && !equal(*before, answer.value) && !o.replace)
      throw DataError(answer.id + " (" + asked.at(answer.id).architecture +
                      ") has another answer already\n  --replace takes the new one.");
    told.fresh += !before.has_value();
    told.failed += !answer.value.error.empty();
  }
  refuse_mixtures(store, row.id, asked, answers, metrics);
  for (const Answer& answer : answers) store_answer(store, row.id, answer.id, answer.value);
  told.open = static_cast<size_t>(std::count_if(asked.begin(), asked.end(), [&](const auto& q) {
    return !stored_answer(store, row.id, q.first);
  }));
  if (o.common.json)
    print(json_text(told_json(told)));
  else
    note(o.common, told_text(told, o.common));
  return kExitOk;
}

}  // namespace

int run_ask(const std::vector<std::string>& args) {
  AskArguments o;
  CLI::App app("Go on with a search whose values are told; print what it asks", "nas ask");
  app.footer(
      "nas search --config search/told --name phone > questions.jsonl\n"
      "nas tell phone answers.jsonl\n"
      "nas ask phone > questions.jsonl");
  app.add_option("run", o.run, "Search: id, name or last")->capture_default_str();
  add_common(app, o.common, kTakesDb);
  if (!parse(app, args)) return kExitOk;
  return ask(o);
}

int run_tell(const std::vector<std::string>& args) {
  AskArguments o;
  CLI::App app("Store the values that a search asked for", "nas tell");
  app.footer(
      "nas tell phone answers.jsonl\n"
      "my-device < questions.jsonl | nas tell phone -");
  app.add_option("run", o.run, "Search: id, name or last")->required();
  app.add_option("file", o.file, "JSON lines: id and values of each; - is standard input")
      ->required()
      ->type_name("FILE");
  app.add_flag("--replace", o.replace, "Other values for questions that are answered already");
  add_common(app, o.common, kTakesDb);
  if (!parse(app, args)) return kExitOk;
  return tell(o);
}

}  // namespace nas::cli
