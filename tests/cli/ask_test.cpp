// nas ask and nas tell: a search that is told comes to what a table gives, whatever the order in
// which answers come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class Ask : public testing::Test {
 protected:
  Finished call(std::vector<std::string> args) const {
    Launch launch;
    launch.args = std::move(args);
    launch.folder = folder_;
    return run(launch);
  }
  static std::vector<Json> lines(const std::string& text) {
    std::vector<Json> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
      if (line.starts_with("{\"id\"")) all.push_back(Json::parse(line));
    return all;
  }
  static double value(const Json& question) {
    return 0.9 - 0.011 * std::stoi(question.at("choices").at("down2").get<std::string>()) +
           0.003 * std::stoi(question.at("choices").at("down1").get<std::string>());
  }
  /// Answers of these questions as a file.
  std::string answers(const std::vector<Json>& questions) const {
    std::string text;
    for (const Json& q : questions)
      text += Json{{"id", q.at("id")}, {"accuracy", value(q)}}.dump() + "\n";
    write_file(folder_ + "/answers.jsonl", text);
    return "answers.jsonl";
  }
  std::string config(const std::string& evaluator) const {
    return "space: resnet20-pool\nevaluator: " + evaluator +
           "\nsearch: {objectives: [maximize: accuracy, minimize: macs], algorithm: nsga2, "
           "population: 8, evaluations: 20, baseline: false}\nseed: 3\n";
  }
  const std::string folder_ = fresh_folder();
};

TEST_F(Ask, ComesToWhatATableGives) {
  write_file(folder_ + "/told.yaml", config("{kind: told, batch: 4}"));
  Finished asked = call({"search", "-q", "--config", "told.yaml", "--name", "told"});
  ASSERT_EQ(asked.code, 0) << asked.err;
  const auto awaited = [&] {
    const Finished shown = call({"runs", "show", "told", "--json"});
    return Json::parse(shown.out).at("values_awaited").get<int>();
  };
  EXPECT_EQ(awaited(), 4);
  EXPECT_THAT(call({"runs"}).out, HasSubstr("waiting"));
  const auto listed = [&](const char* status) {
    return Json::parse(call({"runs", "--status", status, "--json"}).out)["runs"].size();
  };
  EXPECT_EQ(listed("waiting"), 1U);
  EXPECT_EQ(listed("interrupted"), 1U) << "as the store has it";
  EXPECT_EQ(Json::parse(call({"runs", "--json"}).out)["runs"][0]["values_awaited"], 4);
  std::string table = "architecture,accuracy\n";
  for (int turn = 0; turn < 20; ++turn) {
    std::vector<Json> questions = lines(asked.out);
    if (questions.empty()) break;
    for (const Json& q : questions)
      table +=
          "\"" + q.at("architecture").get<std::string>() + "\"," + Json(value(q)).dump() + "\n";
    // The last first, and then the others, backwards.
    std::reverse(questions.begin(), questions.end());
    ASSERT_EQ(call({"tell", "-q", "told", answers({questions.front()})}).code, 0);
    if (turn == 0) {
      EXPECT_EQ(awaited(), 3);
    }
    const Finished rest = call({"ask", "-q", "told"});
    EXPECT_EQ(lines(rest.out).size(), questions.size() - 1);
    if (questions.size() > 1) {
      const Finished told =
          call({"tell", "--json", "told", answers({questions.begin() + 1, questions.end()})});
      ASSERT_EQ(told.code, 0) << told.err;
      EXPECT_EQ(Json::parse(told.out).at("open"), 0);
    }
    asked = call({"ask", "-q", "told"});
    ASSERT_EQ(asked.code, 0) << asked.err;
  }
  write_file(folder_ + "/table.csv", table);
  write_file(folder_ + "/table.yaml", config("{kind: table, batch: 4, table: {file: table.csv}}"));
  EXPECT_EQ(awaited(), 0);
  EXPECT_EQ(listed("waiting"), 0U);
  write_file(folder_ + "/late.jsonl", "{}");
  EXPECT_THAT(call({"tell", "told", "late.jsonl"}).err, HasSubstr("nas results"));
  EXPECT_THAT(call({"runs"}).out, ::testing::Not(HasSubstr("waiting")));
  const Finished direct = call({"search", "-q", "--config", "table.yaml", "--name", "table"});
  ASSERT_EQ(direct.code, 0) << direct.err;
  const auto evaluations = [&](const std::string& name) {
    const Finished done = call({"results", name, "--json"});
    EXPECT_EQ(done.code, 0) << done.err;
    const Json list = Json::parse(done.out).at("architectures");
    EXPECT_EQ(list.size(), 20U);
    std::string text;
    for (const Json& e : list)
      text += e.at("architecture").get<std::string>() + " " + e.at("accuracy").dump() + "\n";
    return text;
  };
  EXPECT_EQ(evaluations("told"), evaluations("table"));
  const Finished done = call({"ask", "told", "--json"});
  EXPECT_TRUE(Json::parse(done.out).at("finished"));
}

TEST_F(Ask, TakesNothingThatCannotBeRight) {
  const std::string text = "objectives: [maximize: accuracy";
  std::string yaml = config("{kind: told, batch: 4, told: {metrics: [acc]}}");
  yaml.replace(yaml.find(text), text.size(), "objectives: [maximize: acc");
  write_file(folder_ + "/told.yaml", yaml);
  const Finished asked = call({"search", "-q", "--config", "told.yaml", "--name", "told"});
  const std::vector<Json> q = lines(asked.out);
  ASSERT_EQ(q.size(), 4U) << asked.err;
  const auto told = [&](const std::string& answer) {
    write_file(folder_ + "/a.jsonl", answer);
    return call({"tell", "told", "a.jsonl"});
  };
  const auto id = [&](size_t i) { return "{\"id\": " + q[i].at("id").dump() + ", "; };
  const struct {
    std::string text, says;
  } wrong[] = {
      {"{\"id\": \"q9-00000000\", \"acc\": 70}\n", "a.jsonl:1: the id \"q9-00000000\" was never"},
      {"\n\nready\n", "a.jsonl:3: no answer"},
      {id(0) + "\"loss\": 2}\n", "a.jsonl:1: the answer has no 'acc'"},
      {id(0) + "\"acc\": \"70\"}\n", "no finite number"},
      {id(0) + "\"acc\": 70}\n" + id(0) + "\"acc\": 71}\n", "a.jsonl:2: the id"},
      {id(0) + "\"acc\": 70, \"architecture\": \"[1,1,8]\"}\n", "asked was"},
      {id(0) + "\"acc\": 70}\n" + id(1) + "\"acc\": 0.71}\n" + id(2) + "\"acc\": 72}\n" + id(3) +
           "\"acc\": 73}\n",
       "cannot all be right"},
      {"\n", "holds no answers"},
  };
  for (const auto& w : wrong) {
    const Finished refused = told(w.text);
    EXPECT_EQ(refused.code, 1) << w.text;
    EXPECT_THAT(refused.err, HasSubstr(w.says));
    EXPECT_EQ(lines(call({"ask", "-q", "told"}).out).size(), 4U) << w.text;
  }
  EXPECT_EQ(told(id(0) + "\"acc\": 70}\n" + id(1) + "\"error\": \"hot\"}\n").code, 0);
  EXPECT_EQ(told(id(0) + "\"acc\": 70}\n").code, 0) << "the same again is no harm";
  EXPECT_THAT(told(id(0) + "\"acc\": 71}\n").err, HasSubstr("has another answer already"));
  const auto replaced = [&] {
    write_file(folder_ + "/a.jsonl", id(0) + "\"acc\": 71}\n");
    return call({"tell", "told", "a.jsonl", "--replace"});
  };
  EXPECT_EQ(replaced().code, 0);
  EXPECT_EQ(lines(call({"ask", "-q", "told"}).out).size(), 2U);
  EXPECT_EQ(call({"ask", "nobody"}).code, 2);
}

}  // namespace
}  // namespace nas::test
