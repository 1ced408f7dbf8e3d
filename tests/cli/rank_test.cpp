// nas rank with the real binary against a truth made here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/report/rank_names.hpp"
#include "process.hpp"
#include "spaces/error.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

TEST(Rank, AgainstItsOwnAccuraciesIsPerfect) {
  const std::string folder = fresh_folder();
  const auto call = [&](std::vector<std::string> args) {
    Launch launch;
    launch.args = std::move(args);
    launch.folder = folder;
    return run(launch);
  };
  write_file(folder + "/train.yaml",
             "space: digits\ndata: {kind: digits, limit: 320}\nthreads: 1\n"
             "train: {epochs: 4, validation: {every: 0}, schedule: {warmup_epochs: 1}}\n"
             "evaluate: {recalibrate: {images: 200}}\n");
  ASSERT_EQ(call({"train", "-q", "--config", "train.yaml", "--name", "net"}).code, 0);
  const Finished judged = call({"evaluate", "--run", "net", "--sample", "25", "--json", "-q"});
  ASSERT_EQ(judged.code, 0) << judged.err;
  const Json evaluations = Json::parse(judged.out)["evaluations"];
  std::string good = "architecture,test\n", bad = good;
  for (const Json& e : evaluations) {
    good += e["architecture"].get<std::string>() + "," + e["accuracy"].dump() + "\n";
    bad += e["architecture"].get<std::string>() + "," +
           std::to_string(-e["accuracy"].get<double>()) + "\n";
  }
  write_file(folder + "/good.csv", good);
  write_file(folder + "/bad.csv", bad);
  for (const auto& [file, tau] : {std::pair{"good.csv", 1.0}, std::pair{"bad.csv", -1.0}}) {
    const Finished done =
        call({"rank", "--run", "net", "--truth", file, "--bootstrap", "50", "--json", "-q"});
    ASSERT_EQ(done.code, 0) << done.err;
    const Json json = Json::parse(done.out);
    EXPECT_EQ(json["schema"], "nas-rank/1");
    EXPECT_EQ(json["rankers"][0]["ranker"], "net");
    EXPECT_NEAR(json["rankers"][0]["tau_b"].get<double>(), tau, 1e-12);
    EXPECT_EQ(json["rankers"][1]["ranker"], "macs");
    EXPECT_EQ(json["rankers"][5]["ranker"], "live_convolutions");
    EXPECT_GT(json["n"].get<int>(), 15);
    for (const char* key : {"tau_b", "spearman", "precision_at_10", "regret_at_10"}) {
      ASSERT_TRUE(json["rankers"][0].contains(key)) << key;
      const Json& interval = json["rankers"][0][std::string(key) + "_interval"];
      EXPECT_LE(interval[0].get<double>(), json["rankers"][0][key].get<double>() + 1e-12) << key;
      EXPECT_GE(interval[1].get<double>(), json["rankers"][0][key].get<double>() - 1e-12) << key;
    }
  }
  // A fixed list.
  const std::string first = evaluations[0]["architecture"], second = evaluations[1]["architecture"];
  write_file(folder + "/list.txt", "# two\n" + first + "\n\n" + second + "\n" + first + "\n");
  const Finished listed = call({"rank",
                                "--run",
                                "net",
                                "--truth",
                                "good.csv",
                                "--archs",
                                "list.txt",
                                "--bootstrap",
                                "50",
                                "--json",
                                "-q"});
  ASSERT_EQ(listed.code, 0) << listed.err;
  EXPECT_EQ(Json::parse(listed.out)["n"], 2);
  write_file(folder + "/wrong.txt", first + "\nnonsense\n");
  const Finished wrong =
      call({"rank", "--run", "net", "--truth", "good.csv", "--archs", "wrong.txt"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("wrong.txt:2:1"));
  const Finished missing = call({"rank", "--run", "net", "--truth", "nowhere.csv"});
  EXPECT_NE(missing.code, 0);
  EXPECT_THAT(missing.err, HasSubstr("nowhere.csv"));
  EXPECT_EQ(call({"rank", "--run", "net"}).code, 2);
  EXPECT_EQ(call({"rank", "--run", "net", "--truth", "good.csv", "--archs", "none"}).code, 2);
}

// Forms that compute the same keep their own truth where asked; no supernet is needed.
TEST(Rank, SpaceAloneKeepsFormsApart) {
  const std::string folder = fresh_folder();
  const char* const rows =
      "arch,test\n"
      "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|,90\n"
      "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|,80\n"  // The same function.
      "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|,70\n"
      "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|,10\n";
  write_file(folder + "/truth.csv", rows);
  const auto rank = [&](std::vector<std::string> more) {
    std::vector<std::string> args = {"rank",
                                     "--space",
                                     "nasbench201",
                                     "--truth",
                                     "truth.csv",
                                     "--bootstrap",
                                     "20",
                                     "--json",
                                     "-q"};
    args.insert(args.end(), more.begin(), more.end());
    return run(Launch{args, folder});
  };
  const Finished all = rank({"--duplicates"});
  ASSERT_EQ(all.code, 0) << all.err;
  const Json json = Json::parse(all.out);
  EXPECT_EQ(json["n"], 4);
  EXPECT_EQ(json["same_function"], 1);
  EXPECT_EQ(json["without_truth"], 0);
  EXPECT_EQ(json["constant"], 1);
  EXPECT_EQ(json["rows_merged"], 0);
  EXPECT_EQ(json["architectures"].size(), 4U);
  const Json& live = json["rankers"][2];
  EXPECT_EQ(live["ranker"], "live_params");
  EXPECT_NEAR(live["tau_b"].get<double>(), 5 / std::sqrt(5.0 * 6.0), 1e-12);
  const Finished once = rank({});
  ASSERT_EQ(once.code, 0) << once.err;
  EXPECT_EQ(Json::parse(once.out)["n"], 3);
  EXPECT_EQ(Json::parse(once.out)["rows_merged"], 1);
  EXPECT_NEAR(Json::parse(once.out)["rows_merged_spread"].get<double>(), 10, 1e-12);
  EXPECT_EQ(rank({"--run", "x"}).code, 2);
  for (const char* top : {"0", "x", "5x", "", "101%", "1.5"})
    EXPECT_EQ(rank({"--top", top}).code, 2) << top;
  const Finished small = run(Launch{
      {"rank", "--space", "nasbench201", "--truth", "truth.csv", "--top", "2,100", "-q"}, folder});
  EXPECT_THAT(small.out, HasSubstr("top 100: larger than the 3 that are ranked"));
  EXPECT_EQ(rank({"--level", "nan"}).code, 2);
  EXPECT_EQ(rank({"--archs", "5"}).code, 2);
}

// A loss, an error or a latency as the truth: what is small is good, in every number.
TEST(Rank, LowerIsBetterWhereItIs) {
  const std::string folder = fresh_folder();
  const char* const archs[] = {"[1,1,8]", "[2,3,5]", "[4,4,2]", "[8,1,1]", "[1,8,1]"};
  const double quality[] = {10, 40, 30, 50, 20};
  std::string table = "architecture,accuracy,error,val_loss,quux\n";
  for (size_t i = 0; i < 5; ++i) {
    table += "\"" + std::string(archs[i]) + "\"," + std::to_string(quality[i]);
    for (int k = 0; k < 3; ++k) table += "," + std::to_string(100 - quality[i]);
    table += "\n";
  }
  write_file(folder + "/truth.csv", table);
  const auto rank = [&](const std::string& column, std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"rank",
                                     "--space",
                                     "resnet20-pool",
                                     "--truth",
                                     "truth.csv",
                                     "--column",
                                     column,
                                     "--top",
                                     "1,2",
                                     "--bootstrap",
                                     "10",
                                     "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return run(Launch{args, folder});
  };
  const auto numbers = [](const Json& json) {
    const Json& macs = json["rankers"][0];
    std::vector<double> list;
    for (const char* key :
         {"tau_b", "spearman", "precision_at_1", "precision_at_2", "regret_at_1", "best_rank_at_1"})
      list.push_back(macs[key].get<double>());
    return list;
  };
  const Finished good = rank("accuracy");
  ASSERT_EQ(good.code, 0) << good.err;
  const Json right = Json::parse(good.out);
  EXPECT_EQ(right["direction"], "higher is better");
  for (const char* column : {"error", "val_loss"}) {
    const Finished done = rank(column);
    ASSERT_EQ(done.code, 0) << done.err;
    const Json json = Json::parse(done.out);
    EXPECT_EQ(json["direction"], "lower is better");
    EXPECT_EQ(json["column"], column);
    const std::vector<double> x = numbers(json), y = numbers(right);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], 1e-12) << column << i;
    // The table's own values are what is printed.
    EXPECT_EQ(json["architectures"][0]["truth"], 90);
  }
  // Nobody knows what quux is: told, and either can be stated.
  const Finished guess = rank("quux");
  EXPECT_EQ(guess.code, 0);
  EXPECT_THAT(guess.err, HasSubstr("'quux' is better is not known"));
  EXPECT_NEAR(numbers(Json::parse(guess.out))[0], -numbers(right)[0], 1e-12);
  const Finished stated = rank("quux", {"--lower-is-better"});
  EXPECT_EQ(stated.err.find("not known"), std::string::npos);
  EXPECT_NEAR(numbers(Json::parse(stated.out))[0], numbers(right)[0], 1e-12);
  EXPECT_EQ(Json::parse(rank("error", {"--higher-is-better"}).out)["direction"],
            "higher is better");
  EXPECT_EQ(rank("error", {"--higher-is-better", "--lower-is-better"}).code, 2);
}

TEST(Rank, DirectionsAreReadStatedOrAskedFor) {
  using cli::truth_direction;
  EXPECT_EQ(truth_direction("neg_loss", false, false).better, Better::kHigher);
  EXPECT_EQ(truth_direction("1-acc", false, false).better, Better::kLower);
  EXPECT_FALSE(truth_direction("neg_loss", false, false).guessed);
  EXPECT_TRUE(truth_direction("value", false, false).guessed);
  for (const char* name : {"accuracy_drop", "acc_std", "neg_value"}) {
    EXPECT_THROW(truth_direction(name, false, false), ConfigError) << name;
    EXPECT_EQ(truth_direction(name, true, false).better, Better::kLower) << name;
  }
}

TEST(Rank, RunsOfOneNameKeepTheirOwnColumns) {
  const auto run_of = [](const std::string& id, const std::string& name) {
    RunRow row;
    row.id = id;
    row.name = name;
    return row;
  };
  const std::vector<std::string> taken = {"macs", "truth"};
  using ::testing::ElementsAre;
  EXPECT_THAT(cli::unique_names({run_of("t-1", "exp"), run_of("t-2", "exp")}, taken),
              ElementsAre("exp (t-1)", "exp (t-2)"));
  EXPECT_THAT(cli::unique_names({run_of("t-1", "macs"), run_of("t-2", "")}, taken),
              ElementsAre("macs (t-1)", "t-2"));
  EXPECT_THAT(cli::unique_names({run_of("t-1", "a"), run_of("t-2", "b")}, taken),
              ElementsAre("a", "b"));
  EXPECT_THAT(cli::unique_names({run_of("t-1", "exp"),
                                 run_of("t-2", "exp"),
                                 run_of("t-3", "exp (t-1)"),
                                 run_of("t-4", "t-1")},
                                taken),
              ElementsAre("exp (t-1)'", "exp (t-2)", "exp (t-1)", "t-1 (t-4)"));
  EXPECT_THROW(cli::unique_names({run_of("t-1", "a"), run_of("t-1", "a")}, taken), ConfigError);
}

// A space too large to list: what the truth knows is what can be ranked.
TEST(Rank, LargeSpacesNumbersAndTables) {
  const std::string folder = fresh_folder();
  const auto call = [&](std::vector<std::string> args) { return run(Launch{args, folder}); };
  const Finished drawn = call({"space", "sample", "mobilenet-32", "--count", "12", "--json", "-q"});
  ASSERT_EQ(drawn.code, 0) << drawn.err;
  Json truth = Json::object();
  const Json list = Json::parse(drawn.out)["architectures"];
  for (size_t i = 0; i < list.size(); ++i)
    truth[list[i]["architecture"].get<std::string>()] = 50.0 + static_cast<double>(i);
  write_file(folder + "/truth.json", truth.dump());
  const Finished all = call({"rank",
                             "--space",
                             "mobilenet-32",
                             "--truth",
                             "truth.json",
                             "--top",
                             "1,25%",
                             "--table",
                             "table.csv",
                             "--bootstrap",
                             "20",
                             "--json",
                             "-q"});
  ASSERT_EQ(all.code, 0) << all.err;
  const Json json = Json::parse(all.out);
  EXPECT_EQ(json["n"], 12);
  EXPECT_TRUE(json["rankers"][0].contains("precision_at_25%"));
  EXPECT_FALSE(json["rankers"][0].contains("precision_at_10"));
  std::ifstream file(folder + "/table.csv");
  const std::string table{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 13);
  EXPECT_THAT(table, HasSubstr("architecture,truth,macs,params"));
  const Finished some = call({"rank",
                              "--space",
                              "mobilenet-32",
                              "--truth",
                              "truth.json",
                              "--archs",
                              "5",
                              "--bootstrap",
                              "20",
                              "--json",
                              "-q"});
  ASSERT_EQ(some.code, 0) << some.err;
  EXPECT_EQ(Json::parse(some.out)["n"], 5);

  // Rows numbered from 1 in the order of the space: [1,1,8] and [1,2,7].
  write_file(folder + "/numbered.csv", "architecture,test\n1,10\n2,20\n36,30\n");
  const auto numbered = [&](const std::string& from) {
    return call({"rank",
                 "--space",
                 "resnet20-pool",
                 "--truth",
                 "numbered.csv",
                 "--index-from",
                 from,
                 "--bootstrap",
                 "20",
                 "--json",
                 "-q"});
  };
  const Finished good = numbered("1");
  ASSERT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(Json::parse(good.out)["architectures"][1]["architecture"], "[1,2,7]");
  EXPECT_EQ(Json::parse(good.out)["architectures"][2]["architecture"], "[8,1,1]");
  const Finished order = call({"space", "enumerate", "resnet20-pool", "--format", "csv"});
  ASSERT_EQ(order.code, 0) << order.err;
  EXPECT_THAT(order.out, HasSubstr("\n0,\"[1,1,8]\","));
  EXPECT_THAT(order.out, HasSubstr("\n1,\"[1,2,7]\","));
  EXPECT_EQ(std::count(order.out.begin(), order.out.end(), '\n'), 37);
  EXPECT_EQ(call({"space", "enumerate", "darts"}).code, 2);
  const Finished beyond = numbered("0");
  EXPECT_EQ(beyond.code, 1);
  EXPECT_THAT(beyond.err, HasSubstr("numbered.csv:4:1: '36' is no number of an architecture"));
}

// Values stored by the ranking name the weights they are of.
TEST(Rank, StoredValuesBelongToTheirWeights) {
  const std::string folder = fresh_folder();
  const auto call = [&](std::vector<std::string> args) { return run(Launch{args, folder}); };
  write_file(folder + "/train.yaml",
             "space: digits\ndata: {kind: digits, limit: 320}\nthreads: 1\n"
             "train: {epochs: 1, validation: {every: 0}}\n"
             "evaluate: {recalibrate: {images: 100}}\n");
  ASSERT_EQ(call({"train", "-q", "--config", "train.yaml", "--name", "net"}).code, 0);
  const Finished judged = call({"evaluate", "--run", "net", "--sample", "3", "--json", "-q"});
  ASSERT_EQ(judged.code, 0) << judged.err;
  const Json document = Json::parse(judged.out);
  const std::string mark = document["fidelity"]["checkpoint"];
  EXPECT_EQ(mark.size(), 16U);
  std::string truth = "architecture,test\n";
  for (const Json& e : document["evaluations"])
    truth += e["architecture"].get<std::string>() + ",0.5\n";
  write_file(folder + "/truth.csv", truth);
  const Finished ranked =
      call({"rank", "--run", "net", "--truth", "truth.csv", "--bootstrap", "20"});
  ASSERT_EQ(ranked.code, 0) << ranked.err;
  EXPECT_THAT(ranked.out, HasSubstr("nothing can be ranked"));
  EXPECT_THAT(ranked.out, HasSubstr("say little"));
  const Finished rows = call({"runs", "show", "net", "--json"});
  EXPECT_THAT(rows.out, HasSubstr(mark));
}

TEST(Rank, ColumnsOfPredictionsAreRankedToo) {
  const std::string folder = fresh_folder();
  const auto call = [&](std::vector<std::string> args) {
    Launch launch;
    launch.args = std::move(args);
    launch.folder = folder;
    return run(launch);
  };
  const auto taus = [](const std::string& text) {
    std::map<std::string, double> found;
    const Json document = Json::parse(text);
    for (const Json& r : document.at("rankers"))
      if (r["tau_b"].is_number()) found[r["ranker"].get<std::string>()] = r["tau_b"].get<double>();
    return found;
  };
  // Any rows: less loss is better, costs go with the truth; a row that lacks a value is left out.
  write_file(
      folder + "/rows.csv",
      "id,acc,loss,macs,guess\na,50,3,9,1\nb,60,2,8,2\nc,,9,9,9\nd,70,1,7,4\ne,80,0.5,6,3\n");
  const std::vector<std::string> rows = {
      "rank", "--truth", "rows.csv", "--column", "acc", "--predicted", "loss,macs,guess", "--json"};
  const Finished plain = call(rows);
  ASSERT_EQ(plain.code, 0) << plain.err;
  auto tau = taus(plain.out);
  ASSERT_EQ(tau.size(), 3U);
  EXPECT_NEAR(tau["loss"], 1, 1e-12);
  EXPECT_NEAR(tau["macs"], -1, 1e-12);
  EXPECT_NEAR(tau["guess"], 4.0 / 6, 1e-12);
  EXPECT_EQ(Json::parse(plain.out).at("rows_without_value"), 1);
  const Finished cost =
      call({"rank", "--truth", "rows.csv", "--column", "macs", "--predicted", "acc", "--json"});
  ASSERT_EQ(cost.code, 0) << cost.err;
  EXPECT_NEAR(taus(cost.out)["acc"], 1, 1e-12);

  // Architectures: the rankers that need no training beside them; a file of its own.
  write_file(folder + "/truth.csv",
             "architecture,acc\n\"[1,1,8]\",50\n\"[2,2,6]\",60\n\"[3,3,4]\",70\n\"[4,3,3]\",80\n");
  write_file(folder + "/guess.csv",
             "architecture,error,macs\n\"[1,1,8]\",40,1\n\"[2,2,6]\",30,2\n\"[3,3,4]\",20,3\n");
  const Finished nets = call({"rank",
                              "--space",
                              "resnet20-pool",
                              "--truth",
                              "truth.csv",
                              "--predictions",
                              "guess.csv",
                              "--json"});
  ASSERT_EQ(nets.code, 0) << nets.err;
  const Json document = Json::parse(nets.out);
  tau = taus(nets.out);
  EXPECT_NEAR(tau["error"], 1, 1e-12);
  EXPECT_NEAR(tau["macs (column)"], 1, 1e-12);
  EXPECT_EQ(tau.count("macs"), 1U);
  EXPECT_EQ(document.at("n"), 3);
  EXPECT_EQ(document.at("without_prediction"), 1);
  EXPECT_EQ(document.at("architectures")[0].at("predicted").at("error"), 40);

  const Finished none =
      call({"rank", "--truth", "rows.csv", "--column", "acc", "--predicted", "nothing"});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, HasSubstr("no column 'nothing'"));
}

}  // namespace
}  // namespace nas::test
