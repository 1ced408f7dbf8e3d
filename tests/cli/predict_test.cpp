// nas predict: from a table to a file to predictions, and what is said of input that cannot be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

/// 60 rows: ms = 3 layers + width / 10, of which 3 layers / 2 stand in each of two columns.
std::string latency_table() {
  std::string csv = "layers,width,encoder_ms,decoder_ms\n";
  for (int i = 0; i < 60; ++i) {
    const int layers = 1 + i % 6, width = 100 + 20 * (i * 7 % 11);
    csv += std::to_string(layers) + "," + std::to_string(width) + "," +
           std::to_string(1.5 * layers) + "," + std::to_string(1.5 * layers + width / 10.0) + "\n";
  }
  return csv;
}

Finished predict(const std::string& folder, std::vector<std::string> args) {
  args.insert(args.begin(), "predict");
  return run(Launch{.args = std::move(args), .folder = folder});
}

TEST(Predict, PlainColumnsFromTableToPredictions) {
  const std::string folder = fresh_folder();
  write_file(folder + "/t.csv", latency_table());
  const Finished fit = predict(folder,
                               {"fit",
                                "--data",
                                "t.csv",
                                "--target",
                                "encoder_ms+decoder_ms",
                                "--features",
                                "layers,width",
                                "--model",
                                "ridge",
                                "--out",
                                "p.json",
                                "--json"});
  ASSERT_EQ(fit.code, 0) << fit.err;
  const Json said = Json::parse(fit.out);
  EXPECT_EQ(said.at("schema"), "nas-predict-fit/1");
  EXPECT_EQ(said.at("rows"), 60);
  EXPECT_LT(said.at("errors").at("mape").at("mean").get<double>(), 1);
  write_file(folder + "/new.csv", "width,layers\n100,6\n300,1\n");
  const Finished eval = predict(
      folder, {"eval", "--predictor", "p.json", "--data", "new.csv", "--table", "o.csv", "--json"});
  ASSERT_EQ(eval.code, 0) << eval.err;
  const Json list = Json::parse(eval.out).at("predictions");
  EXPECT_NEAR(list[0].at("predicted").get<double>(), 28, .5);
  EXPECT_NEAR(list[1].at("predicted").get<double>(), 33, .5);
  EXPECT_TRUE(list[0].at("truth").is_null());
  std::ifstream table(folder + "/o.csv");
  std::string header;
  std::getline(table, header);
  EXPECT_EQ(header, "row,predicted,spread");
}

TEST(Predict, CurveTellsWhetherMoreSamplesHelp) {
  const std::string folder = fresh_folder();
  write_file(folder + "/t.csv", latency_table());
  const Finished curve = predict(folder,
                                 {"curve",
                                  "--data",
                                  "t.csv",
                                  "--target",
                                  "decoder_ms",
                                  "--features",
                                  "layers,width",
                                  "--sizes",
                                  "10,40",
                                  "--repeats",
                                  "3",
                                  "--within",
                                  "layers",
                                  "--json"});
  ASSERT_EQ(curve.code, 0) << curve.err;
  const Json said = Json::parse(curve.out);
  const Json& points = said.at("curves")[0].at("points");
  EXPECT_EQ(points[0].at("train"), 10);
  EXPECT_EQ(points[1].at("train"), 40);
  EXPECT_TRUE(points[1].at("errors").contains("tau_within"));
  EXPECT_TRUE(said.at("curves")[0].at("verdict").at("better_than_mean").get<bool>());
}

TEST(Predict, ArchitecturesKeepTheirSpace) {
  const std::string folder = fresh_folder();
  const Json all = Json::parse(run({"space", "enumerate", "digits", "--json"}).out);
  std::string csv = "architecture,accuracy\n";
  for (size_t i = 0; i < 120; ++i) {
    const std::string text = all.at("architectures")[i * 31].at("architecture").get<std::string>();
    csv += text + "," + std::to_string(50 + text.size()) + "\n";
  }
  write_file(folder + "/a.csv", csv);
  const Finished fit =
      predict(folder, {"fit", "--data", "a.csv", "--space", "digits", "--out", "p.json", "--json"});
  ASSERT_EQ(fit.code, 0) << fit.err;
  EXPECT_EQ(Json::parse(fit.out).at("predictor").at("space"), "digits");
  const Finished judged = predict(folder,
                                  {"eval",
                                   "--predictor",
                                   "p.json",
                                   "--data",
                                   "a.csv",
                                   "--space",
                                   "digits",
                                   "--target",
                                   "accuracy",
                                   "--json"});
  ASSERT_EQ(judged.code, 0) << judged.err;
  EXPECT_LT(Json::parse(judged.out).at("judged")[0].at("errors").at("mape").get<double>(), 3);
  write_file(folder + "/names.csv",
             csv.substr(0, csv.find(',')) + "\n" +
                 all.at("architectures")[5].at("architecture").get<std::string>() + "\n");
  const Finished guessed = predict(
      folder,
      {"eval", "--predictor", "p.json", "--data", "names.csv", "--space", "digits", "--json"});
  ASSERT_EQ(guessed.code, 0) << guessed.err;
  EXPECT_NEAR(Json::parse(guessed.out).at("predictions")[0].at("predicted").get<double>(), 60, 15);
  const Finished unnamed = predict(folder, {"eval", "--predictor", "p.json", "--data", "a.csv"});
  EXPECT_EQ(unnamed.code, 2);
  EXPECT_THAT(unnamed.err, HasSubstr("--space digits"));
  write_file(folder + "/other.csv",
             "architecture,accuracy\n"
             "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|,10\n");
  const Finished other = predict(
      folder, {"eval", "--predictor", "p.json", "--data", "other.csv", "--space", "nasbench201"});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, HasSubstr("fingerprint"));
}

// The values of a search, from the store: the same rows as its table, and the document is kept.
TEST(Predict, LearnsFromARunOfTheStore) {
  const std::string folder = fresh_folder();
  std::string csv = "architecture,accuracy\n";
  for (int a = 1; a <= 8; ++a)
    for (int b = 1; a + b <= 9; ++b)
      csv += "\"[" + std::to_string(a) + "," + std::to_string(b) + "," +
             std::to_string(10 - a - b) + "]\"," + std::to_string(0.5 + 0.04 * a + 0.01 * b) + "\n";
  write_file(folder + "/t.csv", csv);
  write_file(folder + "/s.yaml",
             "space: resnet20-pool\nsearch: {algorithm: random, evaluations: 36}\n"
             "evaluator: {kind: table, table: {file: t.csv}}\n");
  ASSERT_EQ(
      run(Launch{.args = {"search", "--config", "s.yaml", "--name", "s"}, .folder = folder}).code,
      0);
  const Finished fit = predict(folder,
                               {"fit",
                                "--run",
                                "s",
                                "--target",
                                "accuracy",
                                "--model",
                                "ridge",
                                "--out",
                                "p.json",
                                "--json"});
  ASSERT_EQ(fit.code, 0) << fit.err;
  const Json said = Json::parse(fit.out);
  EXPECT_EQ(said.at("rows"), 36);
  EXPECT_EQ(said.at("space"), "resnet20-pool");
  EXPECT_LT(said.at("errors").at("mape").at("mean").get<double>(), 1);
  const Finished eval = predict(
      folder,
      {"eval", "--run", "s", "--target", "macs", "--model", "ridge", "--train", "30", "--json"});
  ASSERT_EQ(eval.code, 0) << eval.err;
  EXPECT_EQ(Json::parse(eval.out).at("target"), "macs");
  const Finished none = predict(folder, {"fit", "--run", "x", "--out", "p.json"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("no run \"x\""));
  const Finished metric =
      predict(folder, {"fit", "--run", "s", "--target", "acuracy", "--out", "q.json"});
  EXPECT_EQ(metric.code, 2);
  EXPECT_THAT(metric.err, HasSubstr("Did you mean accuracy?"));
}

TEST(Predict, MistakesAreToldWithTheirPlace) {
  const std::string folder = fresh_folder();
  const auto refused = [&](const std::string& csv, std::vector<std::string> more, int code) {
    write_file(folder + "/t.csv", csv);
    std::vector<std::string> args = {"curve", "--data", "t.csv"};
    args.insert(args.end(), more.begin(), more.end());
    const Finished done = predict(folder, args);
    EXPECT_EQ(done.code, code) << done.out << done.err;
    return done.err;
  };
  const std::string good = latency_table();
  EXPECT_THAT(refused(good, {}, 2), HasSubstr("--target"));
  EXPECT_THAT(refused(good, {"--target", "encodr_ms"}, 1), HasSubstr("Did you mean 'encoder_ms'?"));
  EXPECT_THAT(refused(good, {"--target", "encoder_ms", "--features", "layers,depth"}, 1),
              HasSubstr("there is no column 'depth'"));
  EXPECT_THAT(refused("a,b,y\n1,2,3\n1,x,4\n", {"--target", "y", "--features", "a,b"}, 1),
              HasSubstr("t.csv:3:3: b: 'x' is not a finite number"));
  EXPECT_THAT(refused("a,b,y\n1,2,3\n1,,4\n", {"--target", "y", "--features", "a,b"}, 1),
              HasSubstr("b: no value"));
  EXPECT_THAT(refused("a,b,y\n1,2,3\n1,2\n", {"--target", "y"}, 1), HasSubstr("t.csv:3"));
  EXPECT_THAT(refused("a,b_ms,c_us\n1,2,3\n2,3,4\n", {"--target", "b_ms+c_us"}, 1),
              HasSubstr("cannot be added"));
  EXPECT_THAT(refused("a,y\n1,3\n2,3\n", {"--target", "y"}, 1), HasSubstr("2 rows"));
  std::string constant = "a,y\n";
  for (int i = 0; i < 30; ++i) constant += std::to_string(i) + ",5\n";
  EXPECT_THAT(refused(constant, {"--target", "y"}, 1), HasSubstr("targets are equal"));
  EXPECT_THAT(refused(good, {"--target", "encoder_ms", "--sizes", "59"}, 2),
              HasSubstr("--sizes 59"));
  EXPECT_THAT(refused(good, {"--target", "encoder_ms", "--model", "rigde"}, 2),
              HasSubstr("Did you mean 'ridge'?"));
}

}  // namespace
}  // namespace nas::test
