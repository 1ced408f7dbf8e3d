// Programs as evaluators: whatever they write, a value belongs to the architecture it was given
// for or to none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "search/evaluators/evaluators.hpp"
#include "search/evaluators/external_answers.hpp"
#include "spaces/error.hpp"
#include "toy_space.hpp"

namespace nas {
namespace {

using testing::HasSubstr;
using testing_toy::ToySpace;
using Clock = std::chrono::steady_clock;

// The value of a question is w1 of its choices.
constexpr const char* kProgram = R"(
import json, sys, time, os
def value(q): return int(q["choices"]["w1"])
def say(x): print(x if isinstance(x, str) else json.dumps(x), flush=True)
def answer(q): say({"id": q["id"], "score": value(q)})
questions = (json.loads(line) for line in sys.stdin)
)";

class ExternalTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/nas-external-XXXXXX";
    folder_ = mkdtemp(name);
    Rng rng(5, "evaluator");
    while (list_.size() < 4) {
      const Architecture a = space_.canonical(space_.sample(rng));
      if (std::find(list_.begin(), list_.end(), a) == list_.end()) list_.push_back(a);
    }
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<ExternalEvaluator> program(const std::string& body) {
    const std::string file = (folder_ / "program.py").string();
    std::ofstream(file) << kProgram << body;
    options_.command = "python3 " + file;
    return command(options_.command);
  }
  std::unique_ptr<ExternalEvaluator> command(const std::string& text) {
    options_.command = text;
    auto evaluator = std::make_unique<ExternalEvaluator>(space_, options_);
    evaluator->show = [this](const std::string& line) { shown_.push_back(line); };
    return evaluator;
  }
  std::vector<Evaluation> run(const std::string& body) { return program(body)->evaluate(list_); }
  double right(size_t i) const {
    return std::stod(nlohmann::json::parse(space_.json(list_[i]))["w1"].get<std::string>());
  }
  void expect_right(const std::vector<Evaluation>& results) const {
    ASSERT_EQ(results.size(), list_.size());
    for (size_t i = 0; i < results.size(); ++i) {
      EXPECT_EQ(results[i].error, "");
      EXPECT_EQ(results[i].values.at("score"), right(i)) << i;
    }
  }
  /// Every value that is given is right, whatever failed.
  void expect_none_wrong(const std::vector<Evaluation>& results) const {
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i].error.empty()) continue;
      EXPECT_EQ(results[i].values.at("score"), right(i)) << i;
    }
  }
  template <typename F>
  static std::string data_error(F&& f) {
    try {
      f();
    } catch (const DataError& e) {
      return e.what();
    }
    return "";
  }

  ToySpace space_;
  std::filesystem::path folder_;
  std::vector<Architecture> list_;
  std::vector<std::string> shown_;
  ExternalOptions options_ = [] {
    ExternalOptions o;
    o.metrics = {"score"};
    o.timeout_s = 20;
    return o;
  }();
};

TEST_F(ExternalTest, AnswersAreMatchedByTheirId) {
  expect_right(run("for q in questions: answer(q)\n"));
  // In any order, after reading everything, without flushing.
  expect_right(run("for q in reversed(list(questions)): answer(q)\n"));
  expect_right(run("for q in questions: print(json.dumps({'id': q['id'], 'score': value(q)}))\n"));
  // The architecture may be told as well; further fields do not matter; no newline at the end.
  expect_right(
      run("q = list(questions)\nfor x in q[:-1]: say({**x, 'score': value(x)})\n"
          "sys.stdout.write(json.dumps({**q[-1], 'score': value(q[-1])}))\n"));
  EXPECT_TRUE(shown_.empty());
}

// Shares and percents in one metric: nobody can tell which of the two is right.
TEST_F(ExternalTest, SharesAmongPercentsEndTheSearch) {
  const std::string mixed =
      "for i, q in enumerate(questions): say({'id': q['id'], METRIC: [61, 0.63, 66, 71][i]})\n";
  for (const std::string metric : {"acc", "top1", "test_error", "1-acc"}) {
    options_.metrics = {metric};
    std::string body = mixed;
    body.replace(body.find("METRIC"), 6, "'" + metric + "'");
    EXPECT_THAT(data_error([&] { run(body); }),
                testing::AllOf(HasSubstr("'" + metric + "': 0.63 of " + space_.text(list_[1])),
                               HasSubstr("share among percents")))
        << metric;
  }
  // Over batches, and against values of before.
  options_.metrics = {"acc"};
  auto evaluator =
      program("for q in questions: say({'id': q['id'], 'acc': 0.6 + value(q) / 1000})\n");
  EXPECT_EQ(data_error([&] { evaluator->evaluate(list_); }), "");
  for (size_t i = 0; i < list_.size(); ++i)
    evaluator->know(list_[i], Evaluation{{{"acc", 60.0 + static_cast<double>(i)}}, ""});
  EXPECT_THAT(data_error([&] { evaluator->evaluate(list_); }), HasSubstr("cannot all be right"));
  // What may be chance is told; a stated unit is believed.
  EXPECT_EQ(
      data_error([&] {
        run("for i, q in enumerate(questions): say({'id': q['id'], 'acc': [61, 1, 66, 71][i]})\n");
      }),
      "");
  EXPECT_THAT(shown_, testing::Contains(HasSubstr("and is taken for 1 %")));
  options_.metrics = {"acc_percent"};
  EXPECT_EQ(data_error([&] {
              run("for i, q in enumerate(questions): say({'id': q['id'], 'acc_percent': [61, 0.63, "
                  "66, 71][i]})\n");
            }),
            "");
}

TEST_F(ExternalTest, ValuesThatCannotBeFailTheirArchitecture) {
  for (const auto& [metric, value] :
       std::vector<std::pair<std::string, std::string>>{{"latency", "-1"},
                                                        {"energy_mj", "-0.5"},
                                                        {"acc", "101"},
                                                        {"err", "-2"},
                                                        {"flops", "-1"}}) {
    options_.metrics = {metric};
    const auto results = run("for i, q in enumerate(questions): say({'id': q['id'], '" + metric +
                             "': " + value + " if i == 1 else 50})\n");
    EXPECT_THAT(results[1].error, HasSubstr("'" + metric + "' is ")) << metric;
    EXPECT_TRUE(results[1].values.empty()) << metric;
    EXPECT_EQ(results[0].values.at(metric), 50) << results[0].error;
  }
}

TEST_F(ExternalTest, LinesThatAreNoAnswersAreShownAndSkipped) {
  expect_right(
      run("say('preparing data ...')\n"
          "say('')\nsay('[1, 2]')\nsay('0.5')\nsay({'epoch': 1, 'loss': 2})\n"
          "say({'score': 9})\n"  // No id: for nobody.
          "sys.stdout.buffer.write(b'caf\\xe9 \\x1b[31m\\n'); sys.stdout.flush()\n"
          "say('x' * 3000000)\n"
          "for q in questions:\n  say(json.dumps(q))\n  say('{\"id\": \"' + q['id'])\n"
          "  answer(q)\n  say('done ' + q['id'])\n"));
  EXPECT_THAT(shown_, testing::Contains(HasSubstr("preparing data ...")));
  EXPECT_THAT(shown_, testing::Contains(HasSubstr("more than 1 MiB")));
  EXPECT_LE(shown_.size(), 20U);
  for (const std::string& line : shown_) {
    EXPECT_EQ(line.find('\x1b'), std::string::npos);
    EXPECT_NO_THROW(nlohmann::json(line).dump()) << "not UTF-8";
  }
}

TEST_F(ExternalTest, AnswersOfOldProgramsAreRefused) {
  for (const char* lifetime : {"batch", "run"}) {
    options_.lifetime =
        std::string(lifetime) == "run" ? ExternalLifetime::kRun : ExternalLifetime::kBatch;
    EXPECT_THAT(data_error([&] { run("for q in questions: say({'score': value(q)})\n"); }),
                HasSubstr("carry no `id`"))
        << lifetime;
  }
}

TEST_F(ExternalTest, SurplusAnswersMakeTheBatchFail) {
  const struct {
    const char* body;
    const char* why;
  } kinds[] = {
      {"for q in questions: answer(q); answer(q)\n", "answered twice"},
      {"q = list(questions)\nfor x in q: answer(x)\nanswer(q[-1])\n", "answered twice"},
      {"for n, q in enumerate(questions): say({'id': n, 'score': value(q)})\n", "never asked"},
      {"for q in questions: answer(q)\nsay({'id': 'q99-0', 'score': 1})\n", "never asked"},
      {"q = list(questions)\n"
       "for a, b in zip(q, q[1:] + q[:1]):\n"
       "  say({'id': a['id'], 'architecture': b['architecture'], 'score': value(b)})\n",
       "names the architecture"},
  };
  for (const auto& kind : kinds) {
    const std::vector<Evaluation> results = run(kind.body);
    for (const Evaluation& e : results) {
      EXPECT_THAT(e.error, HasSubstr(kind.why)) << kind.body;
      EXPECT_TRUE(e.values.empty());
    }
  }
  EXPECT_THAT(shown_, testing::Contains(HasSubstr("broke the protocol")));
}

// An accuracy is a share: what cannot be one is no value, whoever says it.
TEST_F(ExternalTest, ValuesOutOfTheRangeOfAKnownMetricAreNone) {
  options_.metrics = {"accuracy"};
  const auto results =
      run("for n, q in enumerate(questions): say({'id': q['id'], 'accuracy': [0.5, 96.2, -1, "
          "1][n]})\n");
  EXPECT_EQ(results[0].values.at("accuracy"), 0.5);
  EXPECT_EQ(results[3].values.at("accuracy"), 1);
  for (const size_t i : {size_t{1}, size_t{2}}) {
    EXPECT_TRUE(results[i].values.empty());
    EXPECT_THAT(results[i].error, HasSubstr("a share, not percent"));
  }
}

TEST_F(ExternalTest, WrongAnswersFailOneArchitecture) {
  const auto spoilt = [&](const std::string& wrong) {
    const auto results = run("for n, q in enumerate(questions):\n  if n == 1: say(" + wrong +
                             ")\n  else: answer(q)\n");
    EXPECT_TRUE(results[1].values.empty());
    for (const size_t i : {size_t{0}, size_t{2}, size_t{3}}) {
      EXPECT_EQ(results[i].error, "") << wrong;
      EXPECT_EQ(results[i].values.at("score"), right(i));
    }
    return results[1].error;
  };
  EXPECT_EQ(spoilt("{'id': q['id'], 'error': 'out of memory'}"), "out of memory");
  EXPECT_EQ(spoilt("{'id': q['id'], 'error': 'odd', 'score': 1}"), "odd");
  EXPECT_THAT(spoilt("{'id': q['id'], 'loss': 1}"), HasSubstr("has no 'score'"));
  for (const char* value : {"'0.9'", "None", "True", "[1]"})
    EXPECT_THAT(spoilt("{'id': q['id'], 'score': " + std::string(value) + "}"),
                HasSubstr("'score' is no finite number"));
  EXPECT_THAT(spoilt("'{\"id\": \"' + q['id'] + '\", \"score\": 0.1, \"score\": 0.9}'"),
              HasSubstr("gives 'score' twice"));
  EXPECT_THAT(spoilt("{'id': q['id'], 'score': float('nan')}"), HasSubstr("NaN"));
  EXPECT_THAT(spoilt("{'id': q['id'], 'score': float('inf')}"), HasSubstr("Infinity"));
  EXPECT_THAT(spoilt("'{\"id\": \"' + q['id'] + '\", \"score\": 1e999}'"),
              HasSubstr("no JSON object"));
  // Never answered: told when the program ends.
  EXPECT_THAT(spoilt("'nothing'"), HasSubstr("no answer: the command ended with exit code 0"));
}

TEST_F(ExternalTest, RunsInItsFolder) {
  std::ofstream(folder_ / "here.py") << kProgram << "for q in questions: answer(q)\n";
  options_.folder = folder_.string();
  expect_right(command("python3 here.py")->evaluate(list_));
  options_.folder = (folder_ / "gone").string();
  const std::string why = data_error([&] {
    for (const Evaluation& e : command("python3 here.py")->evaluate(list_))
      if (!e.error.empty()) throw DataError(e.error);
  });
  EXPECT_THAT(why, HasSubstr("gone"));
}

TEST_F(ExternalTest, ProgramsThatEndOrHangFailTheFirstThatWaits) {
  const std::string bad = "'" + space_.text(list_[2]) + "'";
  const auto died =
      run("for q in questions:\n  if q['architecture'] == " + bad +
          ":\n    print('device lost', file=sys.stderr)\n"
          "    sys.stdout.write('{\"id\": \"' + q['id']); sys.exit(3)\n  answer(q)\n");
  EXPECT_THAT(died[2].error, HasSubstr("exit code 3: device lost"));
  const auto killed = run("for q in questions:\n  if q['architecture'] == " + bad +
                          ": os.kill(os.getpid(), 9)\n  answer(q)\n");
  EXPECT_THAT(killed[2].error, HasSubstr("137: Killed"));
  options_.timeout_s = 1.5;
  const auto hung = run("for q in questions:\n  if q['architecture'] == " + bad +
                        ": time.sleep(99)\n  answer(q)\n");
  EXPECT_THAT(hung[2].error, HasSubstr("no answer within 1.5 s"));
  for (const auto& results : {died, killed, hung}) {
    expect_none_wrong(results);
    for (const size_t i : {size_t{0}, size_t{1}, size_t{3}}) EXPECT_EQ(results[i].error, "");
  }
  // Foreign lines are no sign of life.
  options_.timeout_s = 0.5;
  const auto start = Clock::now();
  const auto chatter =
      program("while True: say('...'); time.sleep(0.05)\n")->evaluate({list_.data(), 1});
  EXPECT_THAT(chatter[0].error, HasSubstr("no answer within 0.5 s"));
  EXPECT_LT(std::chrono::duration<double>(Clock::now() - start).count(), 5);
}

TEST_F(ExternalTest, CommandsThatCannotRunOrSayNothing) {
  EXPECT_THAT(data_error([&] { command("/no/such/program")->evaluate(list_); }),
              HasSubstr("cannot be run"));
  for (const Evaluation& e : command("true")->evaluate(list_))
    EXPECT_THAT(e.error, HasSubstr("no answer: the command ended with exit code 0"));
  // More questions than a pipe holds to one that reads none; more errors than a pipe holds.
  std::vector<Architecture> many;
  for (int i = 0; i < 800; ++i) many.push_back(list_[static_cast<size_t>(i) % 4]);
  options_.timeout_s = 0.3;
  EXPECT_THAT(command("exec sleep 60")->evaluate({many.data(), 1})[0].error, HasSubstr("within"));
  options_.timeout_s = 20;
  const auto loud =
      program("sys.stderr.write('error\\n' * 100000)\nfor q in questions: answer(q)\n")
          ->evaluate(many);
  for (size_t i = 0; i < many.size(); ++i) EXPECT_EQ(loud[i].values.at("score"), right(i % 4));
}

TEST_F(ExternalTest, AProgramMayFinishAfterItsLastAnswer) {
  const std::string mark = (folder_ / "ended").string();
  const std::string slow = "open('" + mark + "', 'a').write('e')\n";
  auto evaluator = program("for q in questions: answer(q)\ntime.sleep(0.3)\n" + slow);
  evaluator->evaluate(list_);
  EXPECT_EQ(std::filesystem::file_size(mark), 1U);
  // One that does not end is ended.
  options_.finish_s = 0.3;
  const auto start = Clock::now();
  expect_right(run("for q in questions: answer(q)\ntime.sleep(60)\n"));
  EXPECT_LT(std::chrono::duration<double>(Clock::now() - start).count(), 10);
  EXPECT_THAT(shown_.back(), HasSubstr("did not end within 0.3 s"));
  shown_.clear();
  expect_right(run("for q in questions: answer(q)\nsys.exit(4)\n"));
  EXPECT_THAT(shown_.back(), HasSubstr("exit code 4"));
}

TEST_F(ExternalTest, OneProcessMayServeTheWholeRun) {
  options_.lifetime = ExternalLifetime::kRun;
  const std::string starts = (folder_ / "starts").string(), ends = (folder_ / "ends").string();
  {
    auto evaluator = program("open('" + starts +
                             "', 'a').write('s')\nfor q in questions: answer(q)\n"
                             "open('" +
                             ends + "', 'a').write('e')\n");
    for (int i = 0; i < 3; ++i) expect_right(evaluator->evaluate(list_));
    EXPECT_FALSE(std::filesystem::exists(ends));
  }
  EXPECT_EQ(std::filesystem::file_size(starts), 1U);
  EXPECT_EQ(std::filesystem::file_size(ends), 1U);
  // An old question answered again: its value is stored by now.
  auto evaluator = program(
      "old = None\nfor q in questions:\n  if old: answer(old)\n  answer(q)\n  old = old or q\n");
  evaluator->evaluate({list_.data(), 1});
  EXPECT_THAT(data_error([&] {
                evaluator->evaluate({list_.data(), 1});
              }),
              HasSubstr("a second time"));
}

// 1.0 of the worst network would be the best of all.
TEST_F(ExternalTest, SharesThatAreToldAsPercentsEndTheSearch) {
  options_.metrics = {"accuracy"};
  for (const int workers : {1, 3}) {
    options_.workers = workers;
    EXPECT_THAT(data_error([&] {
                  run("for q in questions:\n  say({'id': q['id'], 'accuracy': 1.0 if "
                      "q['id'].startswith('q1-') else 50})\n");
                }),
                HasSubstr("in percents"));
  }
}

TEST_F(ExternalTest, SeveralProcessesShareEveryBatch) {
  options_.lifetime = ExternalLifetime::kRun;
  options_.workers = 3;
  const std::string pids = (folder_ / "pids").string();
  // All wait until three are there: they run at the same time.
  const std::string together = "open('" + pids +
                               "', 'a').write(str(os.getpid()) + '\\n')\n"
                               "while len(open('" +
                               pids + "').readlines()) < 3: time.sleep(0.01)\n";
  {
    auto evaluator = program(together + "for q in questions: answer(q)\n");
    for (int i = 0; i < 3; ++i) expect_right(evaluator->evaluate(list_));
  }
  std::ifstream file(pids);
  std::set<std::string> seen;
  for (std::string line; std::getline(file, line);) EXPECT_TRUE(seen.insert(line).second);
  EXPECT_EQ(seen.size(), 3U);
  // Fewer architectures than processes; one process that breaks the protocol.
  expect_right({run("for q in questions: answer(q)\n")});
  options_.workers = 2;
  const auto results =
      run("for q in questions:\n"
          "  line = json.dumps({'id': q['id'], 'score': value(q)}) + '\\n'\n"
          "  sys.stdout.write(line * (2 if value(q) == " +
          std::to_string(static_cast<int>(right(3))) + " else 1))\n  sys.stdout.flush()\n");
  expect_none_wrong(results);
  EXPECT_FALSE(results[3].error.empty());
  // One that cannot be run ends the search, however many there are.
  EXPECT_THAT(data_error([&] { command("/nowhere/program")->evaluate(list_); }),
              HasSubstr("cannot be run"));
}

TEST_F(ExternalTest, AStopEndsTheProgramAndKeepsWhatIsDone) {
  const std::string mark = (folder_ / "pid").string();
  auto evaluator = program(
      "signal = __import__('signal'); signal.signal(15, signal.SIG_IGN)\n"
      "answer(next(questions))\nopen('" +
      mark + "', 'w').write(str(os.getpid()))\ntime.sleep(99)\n");
  std::optional<Clock::time_point> asked;
  evaluator->stop = [&] {
    if (!asked && std::filesystem::exists(mark) && std::filesystem::file_size(mark) > 0)
      asked = Clock::now();
    return asked && Clock::now() - *asked > std::chrono::milliseconds(200);
  };
  const auto results = evaluator->evaluate(list_);
  ASSERT_TRUE(asked);
  EXPECT_LT(std::chrono::duration<double>(Clock::now() - *asked).count(), 3);
  EXPECT_FALSE(results[0].stopped);
  EXPECT_EQ(results[0].values.at("score"), right(0));
  for (size_t i = 1; i < results.size(); ++i) EXPECT_TRUE(results[i].stopped);
  pid_t pid = 0;
  std::ifstream(mark) >> pid;
  EXPECT_NE(kill(pid, 0), 0) << "the program lives on";
}

TEST(ExternalLines, TextForPeople) {
  EXPECT_EQ(shown_text("a\x1b[1m\tb\n"), "a [1m b");
  EXPECT_EQ(shown_text(std::string(300, 'x')).size(), 204U);
  EXPECT_EQ(shown_text("caf\xc3\xa9", 4), "caf ...");
}

}  // namespace
}  // namespace nas
