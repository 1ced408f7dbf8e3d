// Lines of other programs, one by one: which are answers, to which question, and what of them is
// taken. The processes stand in external_test.cpp.
#include "search/evaluators/external_answers.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "spaces/base/printable.hpp"
#include "spaces/registry.hpp"

namespace nas {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;
using Json = nlohmann::json;
using Kind = Line::Kind;

const std::map<std::string, Question> kAsked = {{"q1-00000001", {"q1-00000001", "[4,3,3]"}},
                                                {"q2-00000002", {"q2-00000002", "[1,1,1]"}}};
Line read(const std::string& text,
          const std::vector<std::string>& metrics = {"accuracy", "latency_ms"}) {
  return read_line(text, kAsked, metrics);
}
/// An answer to the first question with these fields beside the id.
Line answer(const std::string& fields, const std::vector<std::string>& metrics = {"accuracy"}) {
  return read(R"({"id": "q1-00000001", )" + fields + "}", metrics);
}
std::string error_of(const std::string& fields) {
  const Line line = answer(fields);
  EXPECT_EQ(line.kind, Kind::kAnswer);
  EXPECT_THAT(line.value.values, IsEmpty());
  return line.value.error;
}

// ---- Questions.

TEST(Questions, SayTheNetworkInEveryForm) {
  const auto space = load_space("resnet20-pool");
  Rng rng(1, "questions");
  std::set<std::string> ids;
  for (size_t k = 0; k < 200; ++k) {
    const Architecture a = space->sample(rng);
    const Question question = question_of(*space, a, k);
    EXPECT_TRUE(ids.insert(question.id).second);
    EXPECT_THAT(question.id, StartsWith("q" + std::to_string(k) + "-"));
    const std::string line = to_line(question, *space, a);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const Json json = Json::parse(line);
    EXPECT_EQ(json["id"], question.id);
    EXPECT_EQ(space->parse(json["architecture"].get<std::string>()), a);
    EXPECT_EQ(space->parse_json(json["choices"].dump()), a);
    // A program that prints what it was asked has not answered.
    EXPECT_EQ(read_line(line, {{question.id, question}}, {"accuracy"}).kind, Kind::kForeign);
  }
}

// Whoever counts instead of reading the id is found out: the mark is that of the network.
TEST(Questions, IdsCannotBeCounted) {
  const auto space = load_space("resnet20-pool");
  Rng rng(2, "marks");
  std::set<std::string> marks;
  const Architecture first = space->sample(rng);
  for (int k = 0; k < 50; ++k) {
    const std::string id = question_of(*space, space->sample(rng), 7).id;
    marks.insert(id.substr(id.find('-')));
    EXPECT_EQ(id.size(), std::string("q7-00000000").size());
  }
  EXPECT_GT(marks.size(), 20U);
  EXPECT_EQ(question_of(*space, first, 7).id, question_of(*space, first, 7).id);
}

// ---- What a line is.

TEST(Answers, ByTheirIdAlone) {
  const Line line = read(R"({"latency_ms": 3, "accuracy": 0.5, "id": "q2-00000002", "note": 1})");
  EXPECT_EQ(line.kind, Kind::kAnswer);
  EXPECT_EQ(line.id, "q2-00000002");
  EXPECT_THAT(line.value.values, ElementsAre(Pair("accuracy", 0.5), Pair("latency_ms", 3.0)));
  EXPECT_EQ(line.value.error, "");
  EXPECT_EQ(
      read(R"({"id":"q1-00000001","architecture":"[4,3,3]","accuracy":0,"latency_ms":0})").kind,
      Kind::kAnswer);
  EXPECT_EQ(read(R"({"id":"q1-00000001","architecture":null,"accuracy":1,"latency_ms":0})").kind,
            Kind::kAnswer);
}

TEST(Answers, LinesOfAProgramThatTalksAreNone) {
  for (const char* line : {"",
                           " \t",
                           "epoch 3: loss 0.2",
                           "[1, 2]",
                           "5",
                           "null",
                           "\"text\"",
                           "{}",
                           R"({"loss": 0.2})",
                           R"({"accuracy": 0.5})",
                           R"({"id": "run-7"})",
                           R"({"id": 3, "accuracy": 0.5})",
                           "{not JSON}",
                           "{",
                           "}"})
    EXPECT_EQ(read(line).kind, Kind::kForeign) << line;
}

TEST(Answers, WithoutAnIdTheyAreNobodys) {
  for (const char* line : {R"({"accuracy": 0.5, "latency_ms": 2})",
                           R"({"error": "no memory"})",
                           R"({"id": null, "accuracy": 0.5, "latency_ms": 2})"})
    EXPECT_EQ(read(line).kind, Kind::kWithoutId) << line;
}

TEST(Answers, ToQuestionsThatWereNeverAskedAreSurplus) {
  const auto why = [](const std::string& text) {
    const Line line = read(text, {"accuracy"});
    EXPECT_EQ(line.kind, Kind::kSurplus) << text;
    return line.why;
  };
  EXPECT_EQ(why(R"({"id": "q3-00000003", "accuracy": 0.5})"),
            "the id \"q3-00000003\" was never asked");
  EXPECT_EQ(why(R"({"id": 1, "accuracy": 0.5})"), "the id 1 was never asked");
  EXPECT_EQ(why(R"({"id": ["q1-00000001"], "error": "x"})"),
            "the id [\"q1-00000001\"] was never asked");
  EXPECT_EQ(why(R"({"id": "q1-00000001", "architecture": "[1,1,1]", "accuracy": 0.5})"),
            "the answer to q1-00000001 names the architecture \"[1,1,1]\", asked was [4,3,3]");
  EXPECT_EQ(why(R"({"id": "q1-00000001", "architecture": [4, 3, 3], "accuracy": 0.5})"),
            "the answer to q1-00000001 names the architecture [4,3,3], asked was [4,3,3]");
  // Long ids are cut, and do nothing to the terminal.
  EXPECT_EQ(why(R"({"id": ")" + std::string(500, 'i') + R"(", "error": 1})").size(),
            std::string("the id ").size() + 60 + std::string(" ... was never asked").size());
  EXPECT_THAT(why("{\"id\": \"\\u001b[2J\", \"accuracy\": 1}"), HasSubstr("\\u001b[2J"));
}

// ---- What is taken of an answer.

TEST(Answers, ErrorsAreTold) {
  EXPECT_EQ(error_of(R"("error": "out of memory\n at line 3", "accuracy": 0.5)"),
            "out of memory  at line 3");
  EXPECT_EQ(error_of(R"("error": "")"), "the command reported an error");
  EXPECT_EQ(error_of(R"("error": {"code": 7})"), R"({"code":7})");
  EXPECT_EQ(error_of(R"("error": false)"), "false");
  EXPECT_EQ(error_of("\"error\": \"" + std::string(5000, 'e') + "\"").size(), 1004U);
  EXPECT_EQ(answer(R"("error": null, "accuracy": 0.5)").value.values.size(), 1U);
}

TEST(Answers, ValuesThatAreMissingOrNoneFailTheirNetwork) {
  const std::string line = R"({"id": "q1-00000001", "accuracy": )";
  const auto of = [&](const std::string& value) { return error_of("\"accuracy\": " + value); };
  EXPECT_EQ(error_of(R"("loss": 2)"),
            R"(the answer has no 'accuracy': {"id": "q1-00000001", "loss": 2})");
  for (const char* value : {"\"0.5\"", "null", "[0.5]", "{}", "true"})
    EXPECT_EQ(of(value), "'accuracy' is no finite number in the answer: " + line + value + "}");
  EXPECT_EQ(of("1.5"),
            "'accuracy' is out of its range 0 to 1 (a share, not percent) in the answer: " + line +
                "1.5}");
  EXPECT_EQ(of("-0.1"),
            "'accuracy' is out of its range 0 to 1 (a share, not percent) in the answer: " + line +
                "-0.1}");
  // One of two is not half an answer.
  const Line half = answer(R"("accuracy": 0.5, "latency_ms": -3)", {"accuracy", "latency_ms"});
  EXPECT_THAT(half.value.values, IsEmpty());
  EXPECT_THAT(half.value.error, StartsWith("'latency_ms' is out of its range in the answer: "));
}

TEST(Answers, SharesThatCanOnlyBePercentsAreKnown) {
  EXPECT_EQ(answer(R"("accuracy": 71.5)").percents, "accuracy");
  EXPECT_EQ(answer(R"("accuracy": 100)").percents, "accuracy");
  EXPECT_EQ(answer(R"("accuracy": 100.5)").percents, "");
  EXPECT_EQ(answer(R"("accuracy": 1)").percents, "");
  EXPECT_EQ(answer(R"("accuracy": -5)").percents, "");
  EXPECT_EQ(answer(R"("latency_ms": 71.5)", {"latency_ms"}).percents, "");
}

TEST(Answers, WhatIsGivenTwiceIsNotChosenFrom) {
  const std::string line = R"({"id": "q1-00000001", "accuracy": 0.5, "accuracy": 0.6})";
  EXPECT_EQ(error_of(R"("accuracy": 0.5, "accuracy": 0.6)"),
            "the answer gives 'accuracy' twice, and nothing says which is meant: " + line);
  // Further down it does not matter.
  EXPECT_EQ(answer(R"("accuracy": 0.5, "log": {"a": 1, "a": 2}, "b": [{"a": 1}])").value.error, "");
}

// Python's json writes NaN and Infinity, which are no JSON.
TEST(Answers, SpoiledOnesAreThoseOfTheOneIdTheyName) {
  const Line line = read(R"( {"id": "q2-00000002", "accuracy": NaN} )");
  EXPECT_EQ(line.kind, Kind::kAnswer);
  EXPECT_EQ(line.id, "q2-00000002");
  EXPECT_THAT(line.value.error, HasSubstr("the answer is no JSON object (NaN and Infinity are no"));
  for (const char* none : {R"({"id": "q9", "accuracy": NaN})",
                           R"({"ids": ["q1-00000001", "q2-00000002"], "accuracy": NaN})",
                           R"({"id": "q1-00000001", "choices": NaN})",
                           R"(id q1-00000001: accuracy NaN)",
                           R"({"id": "q1-00000001", accuracy)"})
    EXPECT_EQ(read(none).kind, Kind::kForeign) << none;
}

/// Numbers that JSON may hold and nobody has.
TEST(Answers, HugeNumbersAreNoValues) {
  for (const char* value : {"1e400", "-1e400", "1e308", "123456789012345678901234567890"}) {
    const Line line = answer(std::string("\"latency_ms\": ") + value, {"latency_ms"});
    EXPECT_EQ(line.kind, Kind::kAnswer);
    for (const auto& [metric, number] : line.value.values) EXPECT_TRUE(std::isfinite(number));
    EXPECT_NE(line.value.values.empty(), line.value.error.empty()) << value;
  }
}

// ---- Text.

TEST(ShownText, IsValidWithoutControlsAndNoLongerThanAsked) {
  Rng rng(3, "text");
  for (int k = 0; k < 2000; ++k) {
    std::string text;
    for (uint64_t n = rng.below(40); n > 0; --n) {
      const char* const some[] = {
          "\xc3\xa9", "\xe7\x8c\xab", "\xf0\x9f\x98\x80", "a", "\x1b", "\n"};
      text += rng.below(4) == 0 ? std::string(1, static_cast<char>(rng.below(256)))
                                : std::string(some[rng.below(6)]);
    }
    const size_t most = rng.below(30);
    const std::string shown = shown_text(text, most);
    EXPECT_TRUE(is_utf8(shown));
    EXPECT_EQ(
        std::count_if(
            shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
        0);
    EXPECT_LE(shown.size(), most + 4);
    if (is_utf8(text) && text.size() <= most && !text.empty() && printable(text) == text) {
      EXPECT_EQ(shown, text);
    }
  }
}

TEST(Answers, AnyBytesAreReadOrLeft) {
  Rng rng(4, "bytes");
  const std::string good = R"({"id": "q1-00000001", "accuracy": 0.5, "latency_ms": 2e0})";
  int answers = 0;
  for (int k = 0; k < 20000; ++k) {
    std::string text = good;
    for (uint64_t n = 1 + rng.below(3); n > 0; --n) {
      const size_t at = rng.below(text.size());
      if (rng.below(2) == 0)
        text[at] = static_cast<char>(rng.below(256));
      else
        text.erase(at, 1 + rng.below(4));
      if (text.empty()) break;
    }
    const Line line = read(text);
    answers += line.kind == Kind::kAnswer;
    if (line.kind != Kind::kAnswer) continue;
    EXPECT_TRUE(kAsked.contains(line.id));
    // All values or an error.
    EXPECT_EQ(line.value.values.size(), line.value.error.empty() ? 2U : 0U) << text;
  }
  EXPECT_GT(answers, 2000);
}

}  // namespace
}  // namespace nas
