// nas diff and nas report as programs: exit codes, files, the page in a browser, the CI examples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "compare/searches.hpp"
#include "process.hpp"

namespace nas::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr const char* kHostile = "</script><script>document.title='bad'</script>'\"|*";

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Finished in(const std::string& folder, std::vector<std::string> args) {
  return run(Launch{std::move(args), folder});
}

/// Output and exit code of a shell command.
std::pair<std::string, int> shell(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string text;
  for (int c = 0; (c = fgetc(pipe)) != EOF;) text += static_cast<char>(c);
  const int status = pclose(pipe);
  return {text, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

/// Three seeds a side; head is worse by `loss` in accuracy.
std::string two_sides(double loss) {
  const std::string folder = fresh_folder();
  Store store(folder + "/nas.db");
  for (uint64_t seed = 1; seed <= 3; ++seed)
    for (const char* side : {"base", "head"}) {
      const std::string name = std::string(side) + "-" + std::to_string(seed);
      std::vector<Tried> tried = some_tried(12, 0.8, seed);
      for (Tried& t : tried) t.accuracy -= std::string(side) == "head" ? loss : 0;
      add_search(store, {"s-" + name, name, seed, tried});
    }
  return folder;
}

TEST(Diff, ExitCodes) {
  const std::string folder = two_sides(0.05);
  const auto code = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"diff", "base-*", "head-*"});
    return in(folder, more).code;
  };
  EXPECT_EQ(code({}), 0);
  EXPECT_EQ(code({"--metric", "accuracy", "--fail-below", "-1%"}), 4);
  EXPECT_EQ(code({"--metric", "accuracy", "--fail-below=-20%"}), 0);
  EXPECT_EQ(code({"--metric", "tau"}), 5);
  EXPECT_EQ(code({"--fail-below", "much"}), 2);
  EXPECT_EQ(code({"--metric", "nothing"}), 2);
  EXPECT_EQ(code({"--ignore", "everything"}), 2);
  EXPECT_EQ(in(folder, {"diff", "base-*", "none-*"}).code, 2);
  EXPECT_EQ(in(folder, {"diff", "base-*"}).code, 2);
}

TEST(Diff, Formats) {
  const std::string folder = two_sides(0.05);
  const Finished table = in(folder, {"diff", "base-*", "head-*"});
  EXPECT_THAT(table.out, AllOf(HasSubstr("3 pairs of equal seeds"), HasSubstr("worse")));
  const Finished json = in(folder, {"diff", "base-*", "head-*", "--json", "--fail-below", "-1%"});
  EXPECT_EQ(json.code, 4);
  EXPECT_EQ(Json::parse(json.out)["exit_code"], 4);
  EXPECT_EQ(in(folder, {"diff", "base-*", "head-*", "--format", "junit", "--out", "d.xml"}).code,
            0);
  const auto [tests, failed] =
      shell("python3 -c \"import xml.etree.ElementTree as t; print(t.parse('" + folder +
            "/d.xml').getroot().get('tests'))\"");
  EXPECT_EQ(failed, 0) << tests;
  EXPECT_EQ(tests, "2\n");
  // Stores of their own.
  const std::string other = two_sides(0);
  const Finished apart = in(folder, {"diff", "base-1", "base-1", "--head-db", other + "/nas.db"});
  EXPECT_EQ(apart.code, 0) << apart.err;
}

/// A store with something for every section that needs no training here, names full of markup.
std::string store_for_page() {
  const std::string folder = fresh_folder();
  Store store(folder + "/nas.db");
  add_training(store, {"t-1", kHostile, 3});
  std::vector<Ranked> ranked;
  for (int i = 0; i < 30; ++i)
    ranked.push_back({"[" + std::to_string(i) + "]", 0.01 * i, 0.02 * ((i * 7) % 30)});
  add_ranking(store, "t-1", ranked, kHostile);
  MadeSearch search{"s-1", std::string("search ") + kHostile, 5, some_tried(30, 0.8, 1)};
  search.parent = "t-1";
  add_search(store, search);
  return folder;
}

TEST(Report, HoldsWhatTheStoreHolds) {
  const std::string folder = store_for_page();
  const Finished done = in(folder, {"report", "s-1", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_THAT(json["sections"].get<std::vector<std::string>>(),
              ::testing::ElementsAre("What ran",
                                     "Pareto front",
                                     "What was tried, what the front chooses",
                                     "Ranking against ground truth",
                                     "Training curves",
                                     "Seeds and provenance"));
  EXPECT_TRUE(json["problems"].empty()) << json["problems"];
  const std::string html = read(folder + "/report.html");
  EXPECT_THAT(html, Not(HasSubstr("<script>document.title")));
  EXPECT_THAT(html, Not(HasSubstr("http-equiv=\"refresh\"")));
  const size_t start = html.find("id=\"report-data\">") + 17;
  const Json data = Json::parse(html.substr(start, html.find("</script>", start) - start));
  const Json& front = data["charts"]["c1"];
  EXPECT_EQ(front["kind"], "scatter");
  EXPECT_EQ(front["series"][1]["points"].size(), 30U);
  EXPECT_EQ(front["series"][0]["command"][0], "nas export --run t-1 --arch ");
  // Well formed: every element that is opened is closed.
  const auto [said, code] = shell("python3 '" NAS_SOURCE_DIR "/tests/cli/compare/check_page.py' '" +
                                  folder + "/report.html'");
  EXPECT_EQ(code, 0) << said;
}

/// The charts of a page.
Json charts_of(const std::string& html) {
  const size_t start = html.find("id=\"report-data\">") + 17;
  return Json::parse(html.substr(start, html.find("</script>", start) - start))["charts"];
}

TEST(Report, DrawsAssociationsAndLatenciesForetoldAndMeasured) {
  const std::string folder = store_for_page();
  {
    Store store(folder + "/nas.db");
    store.set_document("t-1",
                       "association",
                       R"({"schema": "nas-association/1", "mixtures": [{"name": "", "models": 2,
        "rows": 3, "learned": true, "shown": [
        {"row": "[1]", "share": 0.3, "model": 1, "q": [0.125, 0.875], "visits": [3, 9], "seen": [0.5, 0.75]},
        {"row": "[2]", "share": 0.3, "model": 0, "q": [1.0, 0.0], "visits": [9, 0], "seen": [0.5, null]}]}]})");
    store.set_document("t-1",
                       "latency-check",
                       R"json({"networks": [{"architecture": "[1]", "by": "of one image (table a)",
        "predicted_ms": 2.5, "measured_ms": 2.0
  }, {"architecture": "[2]", "by": "of one image (table a)",
        "predicted_ms": 4.0, "measured_ms": 5.0}]
})json");
    const auto table = [&store](const std::string& id, const std::string& json) {
      store.add_latency_table({id, "resnet20-pool", "cpu", "{}", json, utc_now()});
    };
    table("plain", R"({"ops": {}})");
    table("checked", R"({"check": {"architectures": ["[1]", "[2]"], "measured_ms": [2, 4],
        "predicted_ms": {"sum of ops": [1, 2], "calibrated, held out": [2.1, 3.9]}}, "ops": {}})");
    table("torn", R"({"check": {"architectures": ["[1]", "[2]"], "measured_ms": [2],
        "predicted_ms": {}}, "ops": {}})");
  }
  const Finished done = in(folder, {"report", "s-1", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  ASSERT_EQ(json["problems"].size(), 1U) << json["problems"];
  EXPECT_THAT(json["problems"][0].get<std::string>(),
              AllOf(HasSubstr("torn"), HasSubstr("section `check` is damaged")));
  const std::string html = read(folder + "/report.html");
  // The rows of model 0 stand first.
  EXPECT_LT(html.find("<th>[2]</th>"), html.find("<th>[1]</th>"));
  EXPECT_THAT(html, HasSubstr("the 2 of 3 rows that trained most"));
  EXPECT_THAT(html, HasSubstr(R"(<td class="high" style="--v:0.88">0.875</td>)"));
  std::vector<Json> latencies;
  const Json charts = charts_of(html);
  for (const auto& [id, chart] : charts.items())
    if (chart.contains("y") && chart["y"]["name"] == "predicted ms")
      latencies.push_back(chart["series"]);
  ASSERT_EQ(latencies.size(), 2U);
  EXPECT_EQ(latencies[0][1]["name"], "calibrated, held out");
  EXPECT_EQ(latencies[0][1]["points"], Json::parse("[[2.0, 2.1], [4.0, 3.9]]"));
  EXPECT_EQ(latencies[1][0]["points"], Json::parse("[[2.0, 2.5], [5.0, 4.0]]"));
  EXPECT_THAT(html, HasSubstr("<td class=\"n\">50 %</td>"));  // Of the sums of ops.
}

TEST(Report, RowsOfSharedProbabilitiesAreExplained) {
  const std::string folder = fresh_folder();
  {
    Store store(folder + "/nas.db");
    add_training(store, {"t-1", "own"});
    store.add_metrics("t-1",
                      {{1, "path.p.stage1.depth+2.1", 0.25}, {1, "path.p.stage1.depth+2.2", 0.75}});
  }
  ASSERT_EQ(in(folder, {"report", "t-1"}).code, 0);
  EXPECT_THAT(read(folder + "/report.html"),
              HasSubstr("stage1.depth+2 is stage1.depth and 2 more."));
}

TEST(Report, ChoiceCountsAreSharesOfThePathsThatHadTheChoice) {
  const std::string folder = fresh_folder();
  {
    Store store(folder + "/nas.db");
    add_training(store, {"t-1", "own"});
    store.add_metrics("t-1", {{1, "train.loss", 2.0}});
    store.set_document("t-1", "draws", R"({"schema": "nas-draws/1", "paths": 40, "choices": [
        {"choice": "depth", "active": 40, "options": [
          {"option": "1", "count": 10}, {"option": "2", "count": 30}]},
        {"choice": "kernel", "active": 30, "options": [
          {"option": "3", "count": 24}, {"option": "5", "count": 6}]},
        {"choice": "never", "active": 0, "options": [
          {"option": "3", "count": 0}, {"option": "5", "count": 0}]}]})");
  }
  ASSERT_EQ(in(folder, {"report", "t-1"}).code, 0);
  const std::string html = read(folder + "/report.html");
  EXPECT_THAT(html, HasSubstr("40 paths in all"));
  for (const char* share : {">0.25</td>", ">0.75</td>", ">0.8</td>", ">0.2</td>"})
    EXPECT_THAT(html, HasSubstr(share));
  EXPECT_THAT(html, Not(HasSubstr("never")));
  const std::string shown = in(folder, {"runs", "show", "t-1"}).out;
  EXPECT_LT(shown.find("5 20 %"), shown.find("1 25 %")) << "the most uneven first\n" << shown;
  {
    Store store(folder + "/nas.db");
    store.set_document("t-1", "draws", "{");
  }
  ASSERT_EQ(in(folder, {"report", "t-1"}).code, 0);
  EXPECT_THAT(read(folder + "/report.html"), HasSubstr("is damaged"));
}

TEST(Report, WrongUseIsTold) {
  const std::string folder = store_for_page();
  EXPECT_EQ(in(folder, {"report", "nobody"}).code, 2);
  EXPECT_EQ(in(folder, {"report", "s-1", "--out", "no/such/folder/r.html"}).code, 1);
  EXPECT_EQ(in(folder, {"report", "--db", "none.db"}).code, 2);
}

TEST(Report, ABrowserDrawsItAndAClickCopiesTheCommand) {
  if (shell("command -v chromium").second != 0) GTEST_SKIP() << "chromium is not here";
  const std::string folder = store_for_page();
  ASSERT_EQ(in(folder, {"report", "s-1"}).code, 0);
  const auto [said, code] = shell("python3 '" NAS_SOURCE_DIR "/tests/cli/compare/browse.py' '" +
                                  folder + "/report.html' '" + folder + "'");
  EXPECT_EQ(code, 0) << said;
  EXPECT_THAT(said, HasSubstr("nas export --run t-1 --arch "));
}

// ---- examples for CI

/// A repository whose branch `change` judges worse than `main`, and a clone of it.
std::string repository(const std::string& folder) {
  const std::string origin = folder + "/origin", clone = folder + "/clone";
  fs::create_directories(origin + "/nas");
  std::string config = read(NAS_SOURCE_DIR "/configs/search/external.yaml");
  const std::string program = "\"$NAS_CONFIGS/search/external.py\"";
  config.replace(config.find(program), program.size(), "nas/judge.py");
  config.replace(config.find("evaluations: 36"), 15, "evaluations: 24");
  write_file(origin + "/nas/search.yaml", config);
  std::string judge = read(NAS_SOURCE_DIR "/configs/search/external.py");
  write_file(origin + "/nas/judge.py", judge);
  const std::string git = "git -c user.name=t -c user.email=t@example.org -C " + origin + " ";
  EXPECT_EQ(
      shell(git + "init -q -b main && " + git + "add -A && " + git + "commit -q -m base").second,
      0);
  judge.replace(judge.find("0.9 - 0.01"), 10, "0.7 - 0.01");
  write_file(origin + "/nas/judge.py", judge);
  EXPECT_EQ(shell(git + "checkout -q -b change && " + git + "commit -q -a -m worse").second, 0);
  EXPECT_EQ(shell("git clone -q -b change " + origin + " " + clone).second, 0);
  return clone;
}

/// Runs commands as CI does, in one folder after another, with nas on the PATH; the last exit code.
int run_steps(const std::string& folder,
              const std::string& clone,
              const std::vector<std::string>& steps,
              const std::string& environment,
              std::string& said) {
  for (size_t i = 0; i < steps.size(); ++i) {
    const std::string file = folder + "/step" + std::to_string(i) + ".sh";
    write_file(file, environment + steps[i]);
    const auto [text, code] =
        shell("cd " + clone + " && HOME=" + folder +
              " PATH=" NAS_BINARY_DIR ":$PATH bash --noprofile --norc -eo pipefail " + file);
    said += text;
    if (code != 0) return code;
  }
  return 0;
}

std::string exports(const YAML::Node& variables) {
  std::string text;
  for (const auto& entry : variables)
    text +=
        "export " + entry.first.as<std::string>() + "='" + entry.second.as<std::string>() + "'\n";
  return text;
}

TEST(CiExamples, GitHubActionsFailsAWorsePullRequest) {
  const std::string folder = fresh_folder(), clone = repository(folder);
  const YAML::Node file = YAML::LoadFile(NAS_SOURCE_DIR "/configs/ci/github-actions.yml");
  std::vector<std::string> steps;
  for (const YAML::Node& step : file["jobs"]["compare"]["steps"])
    if (step["run"]) steps.push_back(step["run"].as<std::string>());
  ASSERT_EQ(steps.size(), 3U);
  std::string said;
  const int code =
      run_steps(folder,
                clone,
                steps,
                exports(file["env"]) + "export GITHUB_WORKSPACE=" + clone +
                    " GITHUB_BASE_REF=main GITHUB_STEP_SUMMARY=" + folder + "/summary\n",
                said);
  EXPECT_EQ(code, 4) << said;
  EXPECT_THAT(read(folder + "/summary"), HasSubstr("**worse than the limit**"));
  EXPECT_THAT(read(clone + "/diff.xml"), HasSubstr("<failure type=\"worse\""));
  EXPECT_THAT(read(clone + "/report.html"), HasSubstr("</html>"));
}

TEST(CiExamples, GitLabFailsAWorseMergeRequest) {
  const std::string folder = fresh_folder(), clone = repository(folder);
  const YAML::Node job = YAML::LoadFile(NAS_SOURCE_DIR "/configs/ci/gitlab-ci.yml")["nas"];
  // One shell runs all lines of a script.
  std::string script;
  for (const YAML::Node& line : job["script"]) script += line.as<std::string>() + "\n";
  std::string said;
  const int code = run_steps(folder,
                             clone,
                             {script},
                             exports(job["variables"]) + "export CI_PROJECT_DIR=" + clone +
                                 " CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main\n",
                             said);
  EXPECT_EQ(code, 4) << said;
  EXPECT_EQ(job["allow_failure"]["exit_codes"][0].as<int>(), 5);
  for (const char* artifact : {"diff.md", "diff.xml", "report.html", "nas.db"})
    EXPECT_TRUE(fs::exists(clone + "/" + artifact)) << artifact;
}

// ---- fronts on terminals, lines of JSON

TEST(Results, FrontsAreDrawnOnATerminalOnly) {
  const std::string folder = store_for_page();
  const std::vector<std::string> args = {
      "results", "s-1", "--front", "accuracy", "--front", "macs"};
  const Finished seen = run_on_terminal(Launch{args, folder}, 80);
  EXPECT_THAT(seen.out, AllOf(HasSubstr("accuracy (more is better)"), HasSubstr("o front")));
  EXPECT_THAT(in(folder, args).out, Not(HasSubstr("more is better")));
}

TEST(Results, JsonLines) {
  const std::string folder = store_for_page();
  const Finished done = in(folder, {"results", "s-1", "--format", "jsonl"});
  EXPECT_EQ(done.code, 0) << done.err;
  std::istringstream lines(done.out);
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    EXPECT_TRUE(Json::parse(line)["accuracy"].is_number());
  EXPECT_EQ(count, 30U);
}

}  // namespace
}  // namespace nas::test
