// Configurations: by name from anywhere, new ones, and errors as documents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

Finished in(const std::string& folder, std::vector<std::string> args) {
  Launch launch;
  launch.folder = folder;
  launch.args = std::move(args);
  return run(launch);
}

TEST(Configs, EveryNameThatIsListedWorksAnywhere) {
  const std::string folder = fresh_folder();
  const Json list = Json::parse(in(folder, {"list", "configs", "--json"}).out);
  EXPECT_TRUE(std::filesystem::is_directory(list["folder"].get<std::string>()));
  std::vector<std::string> check = {"config", "check"};
  for (const Json& entry : list["entries"]) {
    check.push_back(entry["name"]);
    EXPECT_NE(entry["summary"], "") << entry["name"];
    EXPECT_TRUE(std::filesystem::exists(list["folder"].get<std::string>() + "/" +
                                        entry["name"].get<std::string>() + ".yaml"));
  }
  EXPECT_GT(check.size(), 20u);
#ifdef NAS_TORCH
  const Finished done = in(folder, check);
  EXPECT_EQ(done.code, 0) << done.err;
#endif
  for (const char* name :
       {"quickstart/search", "quickstart/search.yaml", "configs/quickstart/search.yaml"})
    EXPECT_EQ(in(folder, {"config", "check", name}).code, 0) << name;
}

TEST(Configs, FilesComeFirstAndWrongNamesAreTold) {
  const std::string folder = fresh_folder();
  std::filesystem::create_directories(folder + "/quickstart");
  write_file(folder + "/quickstart/search.yaml", "search: {evaluations: 7}\n");
  const Finished own = in(folder, {"config", "show", "quickstart/search.yaml"});
  EXPECT_THAT(own.out, HasSubstr("evaluations: 7"));
  const Finished wrong = in(folder, {"config", "show", "quickstart/serach"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err,
              AllOf(HasSubstr("quickstart/serach: there is no such file"),
                    HasSubstr("Did you mean quickstart/search?")));
  EXPECT_THAT(in(folder, {"search", "--config", "quickstart"}).err, HasSubstr("is a folder"));
}

// What would tell the kind, what is there instead, and how to name it.
TEST(Configs, AFileOfUnknownKindSaysWhatItMisses) {
  const std::string folder = fresh_folder();
  const auto said = [&](const char* text) {
    write_file(folder + "/c.yaml", text);
    const Finished done = in(folder, {"config", "check", "c.yaml"});
    EXPECT_EQ(done.code, 2);
    return done.err;
  };
  EXPECT_THAT(said("seed: 3\nspace: digits\n"),
              AllOf(HasSubstr("it has only seed, space, and none of `stages:` (sweep)"),
                    HasSubstr("`search:` (search)"),
                    HasSubstr("--kind train (nas list kinds names all)")));
  EXPECT_THAT(said("serach: {evaluations: 7}\n"), HasSubstr("Did you mean search?"));
  EXPECT_THAT(said(""), HasSubstr("it is empty"));
  write_file(folder + "/c.yaml", "evaluator: {kind: supernet}\n");
  EXPECT_THAT(in(folder, {"config", "check", "c.yaml", "--kind", "search"}).err,
              HasSubstr("search.evaluations: a budget is needed"));
}

TEST(Configs, NewOnesAreCommentedAndRight) {
  const std::string folder = fresh_folder();
  std::vector<std::string> kinds = {"search", "custom", "cnn", "darts"};
#ifdef NAS_TORCH
  kinds.emplace_back("train");
#endif
  for (const std::string& kind : kinds) {
    const std::string file = kind + " 1.yaml";
    const Finished made = in(folder, {"config", "new", kind, file});
    ASSERT_EQ(made.code, 0) << kind << made.err;
    const Finished checked = in(folder, {"config", "check", file});
    EXPECT_EQ(checked.code, 0) << kind << checked.err;
    EXPECT_THAT(checked.out, HasSubstr("ok (" + kind + ")"));
    EXPECT_EQ(in(folder, {"config", "new", kind, file}).code, 2) << "never overwritten";
  }
  const std::string text = in(folder, {"config", "new", "search", "-"}).out;
  EXPECT_THAT(text,
              AllOf(HasSubstr("objectives: [\"maximize: accuracy\", \"minimize: macs\"]"),
                    HasSubstr("#   search.baseline: false")));
  EXPECT_EQ(in(folder, {"config", "new", "search", "x.yaml", "--from", "spaces/digits"}).code, 2);
  EXPECT_EQ(
      in(folder, {"config", "new", "custom", "c.yaml", "--from", "spaces/custom-cifar10"}).code, 0);
}

TEST(Configs, ShownAsJsonHaveASchema) {
  const std::string folder = fresh_folder();
  const Json search =
      Json::parse(in(folder, {"config", "show", "quickstart/search", "--json"}).out);
  EXPECT_EQ(search["schema"], "nas-config-show/1");
  EXPECT_EQ(search["kind"], "search");
  EXPECT_EQ(search["search"]["population"], 16);
  const Json space = Json::parse(in(folder, {"config", "show", "spaces/digits", "--json"}).out);
  EXPECT_EQ(space["schema"], "nas-config-show/1");
  EXPECT_TRUE(space["stages"].is_array()) << space;
}

#ifdef NAS_TORCH
// Sections with readers of their own are shown whole, and what is shown is a configuration that
// means the same.
TEST(Configs, ShowDefaultsOfSectionsToo) {
  const std::string folder = fresh_folder();
  const auto show = [&](const std::string& file, const std::vector<std::string>& more = {}) {
    std::vector<std::string> args = {"config", "show", file};
    args.insert(args.end(), more.begin(), more.end());
    const Finished shown = in(folder, args);
    EXPECT_EQ(shown.code, 0) << shown.err;
    return shown.out;
  };
  const std::string weights =
      "weights={kind: few-shot, split: {epochs: [4], edge: 'fixed:stage1.width'}, leaf: mixture}";
  const Json json = Json::parse(
      show("quickstart/train", {"--set", "strategy=panda", "--set", weights, "--json"}));
  EXPECT_EQ(json["strategy"]["name"], "panda");
  EXPECT_EQ(json["strategy"]["preset"], "paper");
  EXPECT_EQ(json["strategy"]["tau_max"], 1.0);
  EXPECT_EQ(json["weights"]["kind"], "few-shot");
  EXPECT_EQ(json["weights"]["restart"], "final");
  EXPECT_EQ(json["weights"]["split"]["edge"], "fixed");
  EXPECT_EQ(json["weights"]["split"]["choices"], Json({"stage1.width"}));
  EXPECT_EQ(json["weights"]["split"]["score"]["batches"], 100);
  EXPECT_EQ(json["weights"]["leaf"]["kind"], "mixture");
  EXPECT_EQ(json["weights"]["leaf"]["models"], 4);
  // One architecture leaves nothing to divide.
  const Finished alone = in(folder,
                            {"config",
                             "check",
                             "few-shot/digits",
                             "--set",
                             "strategy={name: fixed, architecture: 12-conv3/24-conv3-conv3}"});
  EXPECT_EQ(alone.code, 2);
  EXPECT_THAT(alone.err, HasSubstr("strategy fixed trains one architecture"));
  // A stage that a sweep does not have is no stage with its defaults.
  write_file(folder + "/sweep.yaml", show("sweeps/digits"));
  EXPECT_EQ(show("sweep.yaml"), show("sweeps/digits"));
  write_file(folder + "/all.yaml", show("few-shot/digits"));
  EXPECT_EQ(show("all.yaml"), show("few-shot/digits"));
  EXPECT_EQ(Json::parse(show("quickstart/train", {"--json"}))["weights"]["kind"], "single");
}
#endif

// With --json stdout is a document whatever happens.
TEST(Errors, AreDocumentsWithJson) {
  const std::string folder = fresh_folder();
  write_file(folder + "/wrong.yaml", "search: {evaluations: 10, populatoin: 3}\n");
  write_file(folder + "/text.db", "notes, not a store, but long enough to be looked at as one\n");
  const auto error = [&](const std::vector<std::string>& args, int code) {
    const Finished done = in(folder, args);
    EXPECT_EQ(done.code, code) << done.err;
    EXPECT_THAT(done.err, testing::StartsWith("error: "));
    const Json json = Json::parse(done.out);
    EXPECT_EQ(json["schema"], "nas-error/1");
    EXPECT_EQ(json["error"]["exit_code"], code);
    return json["error"];
  };
  const Json key = error({"search", "--config", "wrong.yaml", "--json"}, 2);
  EXPECT_EQ(key["problems"][0]["key"], "search.populatoin");
  EXPECT_EQ(key["problems"][0]["line"], 1);
  EXPECT_THAT(key["problems"][0]["hint"].get<std::string>(), HasSubstr("search.population"));
  error({"runs", "--json", "--db", "none.db"}, 2);
  error({"runs", "--db", "no/folder/nas.db", "--format", "json"}, 2);
  error({"runs", "--db", "text.db", "--format=json"}, 2);
  error({"runs", "--nonsense", "--json"}, 2);
  error({"nonsense", "--json"}, 2);
  // A document that was printed is the only one.
  const Finished checked = in(folder, {"config", "check", "wrong.yaml", "--json"});
  EXPECT_EQ(checked.code, 2);
  EXPECT_EQ(Json::parse(checked.out)["schema"], "nas-config-check/1");
}

TEST(Store, AWrongOneIsWrongUsage) {
  const std::string folder = fresh_folder();
  write_file(folder + "/text.db", "notes, not a store, but long enough to be looked at as one\n");
  for (const char* db : {"none.db", "no/folder/nas.db", "text.db", ".", "/dev/null"})
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"runs"}, {"results"}, {"db", "info"}, {"db", "check"}}) {
      std::vector<std::string> all = args;
      all.insert(all.end(), {"--db", db});
      EXPECT_EQ(in(folder, all).code, 2) << db << " " << args[0];
    }
}

TEST(Sets, SayHowToQuote) {
  const std::string folder = fresh_folder();
  for (const char* value : {"evaluator.external.command=python3 a.py --note a: b",
                            "evaluator.external.command=python3 a.py #3",
                            "evaluator.external.command=[1, 2"}) {
    const Finished done = in(folder, {"search", "--set", value, "--set", "search.evaluations=3"});
    EXPECT_EQ(done.code, 2) << value;
    EXPECT_THAT(done.err, HasSubstr("shell: --set 'evaluator.external.command=\"...\"'")) << value;
  }
  const Finished quoted = in(folder,
                             {"config",
                              "show",
                              "quickstart/search",
                              "--set",
                              "evaluator.external.command=\"python3 a.py --note a: b #3\""});
  EXPECT_THAT(quoted.out, HasSubstr("python3 a.py --note a: b #3"));
}

}  // namespace
}  // namespace nas::test
