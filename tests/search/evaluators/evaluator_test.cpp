// What every evaluator promises, and what tables and external programs promise besides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "search/evaluators/evaluators.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "toy_space.hpp"

namespace nas {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_toy::ToyEvaluator;
using testing_toy::ToySpace;

// w1 of the choices as the metric: enough to see that answers belong to questions.
constexpr const char* kEcho =
    "sed -u 's/.*\"id\": *\\(\"[^\"]*\"\\).*\"w1\": *\"\\([0-9]*\\)\".*/{\"id\": \\1, "
    "\"score\": \\2}/'";

class EvaluatorTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/nas-evaluator-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  std::string table_text() const {
    std::string text = "architecture,accuracy\n";
    space_.enumerate([&](const Architecture& a) {
      text += "\"" + space_.text(a) + "\"," + std::to_string(4 * (a.genes[1] + 1)) + "\n";
      return true;
    });
    return text;
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
  std::vector<Architecture> samples(int n) const {
    Rng rng(5, "evaluator");
    std::vector<Architecture> list;
    for (int i = 0; i < n; ++i) list.push_back(space_.canonical(space_.sample(rng)));
    return list;
  }
  ToySpace space_;
  std::filesystem::path folder_;
};

TEST_F(EvaluatorTest, Contract) {
  TableOptions table;
  table.file = write("table.csv", table_text());
  ExternalOptions program;
  program.command = kEcho;
  program.metrics = {"score"};
  std::vector<std::unique_ptr<Evaluator>> all;
  all.push_back(std::make_unique<TableEvaluator>(space_, table));
  all.push_back(std::make_unique<ExternalEvaluator>(space_, program));
  all.push_back(
      std::make_unique<ToyEvaluator>([](const Architecture& a) { return 4.0 * (a.genes[1] + 1); }));
  for (const auto& evaluator : all) {
    SCOPED_TRACE(evaluator->source());
    EXPECT_TRUE(evaluator->evaluate({}).empty());
    EXPECT_FALSE(evaluator->metrics().empty());
    EXPECT_FALSE(evaluator->source().empty());
    EXPECT_EQ(evaluator->fidelity_json().front(), '{');
    const std::vector<Architecture> list = samples(40);
    const std::vector<Evaluation> results = evaluator->evaluate(list);
    ASSERT_EQ(results.size(), list.size());
    for (size_t i = 0; i < list.size(); ++i) {
      EXPECT_EQ(results[i].error, "");
      EXPECT_EQ(results[i].values.at(evaluator->metrics().front()), 4.0 * (list[i].genes[1] + 1));
    }
    // One by one as in a batch.
    EXPECT_EQ(evaluator->evaluate({&list[7], 1})[0].values, results[7].values);
  }
}

TEST_F(EvaluatorTest, TableColumnsMissingRowsAndJson) {
  const std::string first = space_.text(samples(1)[0]), second = space_.text(samples(2)[1]);
  TableOptions options;
  options.file =
      write("t.json",
            "[{\"arch\": \"" + first + "\", \"top1\": 71.5, \"note\": \"x\"}, {\"arch\": \"" +
                second + "\", \"top1\": null, \"note\": \"y\"}]");
  options.metrics = {"accuracy = top1"};
  TableEvaluator table(space_, options);
  EXPECT_THAT(table.metrics(), testing::ElementsAre("accuracy"));
  std::vector<Architecture> list = samples(3);
  const auto results = table.evaluate(list);
  EXPECT_EQ(results[0].values.at("accuracy"), 71.5);
  EXPECT_TRUE(results[1].values.empty());  // not measured: absent, not 0
  EXPECT_THAT(results[2].error, HasSubstr("not in "));
}

TEST_F(EvaluatorTest, TableFindsTheNetworkByAnyOfItsForms) {
  Architecture a = samples(1)[0];
  Architecture alias = a;
  alias.genes[7] = 1;
  TableOptions options;
  options.file = write("alias.csv", "architecture,accuracy\n\"" + space_.text(alias) + "\",1\n");
  EXPECT_EQ(TableEvaluator(space_, options).evaluate({&a, 1})[0].values.at("accuracy"), 1);
  // Where the canonical form has a row of its own, that row counts.
  options.file = write(
      "both.csv",
      "architecture,accuracy\n\"" + space_.text(alias) + "\",1\n\"" + space_.text(a) + "\",2\n");
  EXPECT_EQ(TableEvaluator(space_, options).evaluate({&a, 1})[0].values.at("accuracy"), 2);
  EXPECT_EQ(TableEvaluator(space_, options).facts().merged, 1);
  // Else the mean of the others, whatever their order: a convolution by way of node 1 or of node 2.
  const auto cells = load_space("nasbench201");
  const Architecture direct = cells->parse("0,0,0,3,0,0");
  const std::string one = "\"3,0,0,0,1,0\",1\n", two = "\"0,3,0,0,0,1\",4\n";
  for (const std::string& rows : {one + two, two + one}) {
    options.file = write("others.csv", "architecture,accuracy\n" + rows);
    TableEvaluator others(*cells, options);
    EXPECT_EQ(others.evaluate({&direct, 1})[0].values.at("accuracy"), 2.5);
    EXPECT_EQ(others.facts().largest_spread, 3);
  }
  // {"ARCHITECTURE": value}
  options.file =
      write("map.json",
            nlohmann::json{{space_.text(a), 7}, {space_.text(samples(2)[1]), nullptr}}.dump());
  TableEvaluator table(space_, options);
  EXPECT_EQ(table.evaluate({&a, 1})[0].values.at("value"), 7);
  EXPECT_EQ(table.architectures(), std::vector<Architecture>{space_.canonical(a)});
  EXPECT_EQ(table.facts().without_value, 1);
}

TEST_F(EvaluatorTest, TableErrorsNameFileAndLine) {
  const std::string text = "\"" + space_.text(samples(1)[0]) + "\"";
  const auto error_of = [&](const std::string& content, std::vector<std::string> metrics = {}) {
    TableOptions options;
    options.file = write("bad.csv", content);
    options.metrics = std::move(metrics);
    return data_error([&] { TableEvaluator table(space_, options); });
  };
  EXPECT_THAT(error_of(""), HasSubstr("has no rows"));
  EXPECT_THAT(error_of("architecture,accuracy\n" + text + ",1,2\n"),
              HasSubstr(": 3 cells, the header has 2"));
  EXPECT_THAT(error_of("architecture,accuracy\n" + text + ",abc\n", {"accuracy"}),
              HasSubstr(": accuracy: 'abc' is not a finite number"));
  EXPECT_THAT(error_of("architecture,accuracy\n" + text + ",inf\n", {"accuracy"}),
              HasSubstr("not a finite number"));
  EXPECT_THAT(error_of("architecture,accuracy\n  rubbish,1\n"),
              HasSubstr("bad.csv:2:3: not an arch"));
  EXPECT_THAT(error_of("architecture,accuracy\n" + text + ",1\n" + text + ",2\n"),
              HasSubstr("bad.csv:3:1: repeats the architecture of line 2"));
  EXPECT_THAT(error_of("architecture,accuracy\n" + text + ",1\n", {"acuracy"}),
              HasSubstr("Did you mean 'accuracy'"));
  EXPECT_THAT(error_of("name,accuracy\n" + text + ",1\n"), HasSubstr("no column 'architecture'"));
  EXPECT_THAT(error_of("architecture,note\n" + text + ",x\n"), HasSubstr("no column of numbers"));
  EXPECT_THAT(error_of("architecture,accuracy\n\"open,1\n"), HasSubstr("quoted cell does not end"));
  EXPECT_THAT(error_of("architecture,accuracy\n" + text + ",abc\n\"" + space_.text(samples(2)[1]) +
                       "\",1\n"),
              HasSubstr(": accuracy: 'abc' is not a finite number"));
  // What a name states is held against the cells.
  EXPECT_THAT(
      error_of("architecture,accuracy\n" + text + ",71.5\n", {"acc_share = accuracy"}),
      AllOf(HasSubstr("bad.csv:2:" + std::to_string(text.size() + 2) + ": acc_share: '71.5'"),
            HasSubstr("is above 1, and 'acc_share' says a share; write 0.715")));
  EXPECT_THAT(error_of("architecture,acc_share\n" + text + ",71.5\n"), HasSubstr("bad.csv:2:"));
  EXPECT_THAT(error_of("architecture,acc_percent\n" + text + ",71.5\n", {"share = acc_percent"}),
              HasSubstr("bad.csv:1:14: 'share = acc_percent' cannot be: 'share' says a share"));
  EXPECT_EQ(error_of("architecture,acc_share\n" + text + ",0.7\n", {"accuracy = acc_share"}), "");
  EXPECT_THAT(error_of("architecture,a,a\n" + text + ",1,2\n", {"a"}),
              HasSubstr("has two columns 'a'"));
  EXPECT_THAT(error_of("architecture,a,a\n" + text + ",1,2\n"), HasSubstr("has two columns 'a'"));
  EXPECT_THAT(error_of("{\"x\": \"y\"}"), HasSubstr("value: 'y' is not a finite number"));
  EXPECT_THAT(error_of("[1, 2]"), HasSubstr("bad.csv:1:2: is neither an array of objects"));
  EXPECT_THAT(error_of("{\n\"x\": 1,\n\"y\": }"), HasSubstr("bad.csv:3:6: is not valid JSON"));
  for (const char* absent : {"/nonexistent.csv", "/tmp"}) {
    TableOptions options;
    options.file = absent;
    EXPECT_THROW(TableEvaluator(space_, options), ConfigError) << absent;
  }
}

}  // namespace
}  // namespace nas
