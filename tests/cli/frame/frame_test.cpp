// The command-line frame, by running the real binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "cli/command.hpp"
#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const cli::Command& command : cli::light_commands()) names.push_back(command.name);
  return names;
}

TEST(Frame, BareNasIsAnOverviewOfEveryCommand) {
  const Finished bare = run(std::vector<std::string>{});
  EXPECT_EQ(bare.code, 0);
  EXPECT_EQ(bare.err, "");
  for (const std::string& name : command_names())
    EXPECT_THAT(bare.out, HasSubstr("\n  " + name + " ")) << name;
  for (const char* word : {"--help", "-h", "help"}) EXPECT_EQ(run({word}).out, bare.out) << word;
}

TEST(Frame, HelpOfACommandIsItsHelpFlag) {
  for (const std::string& name : command_names()) {
    const Finished flag = run({name, "--help"});
    EXPECT_EQ(flag.code, 0) << name;
    EXPECT_EQ(flag.err, "") << name;
    // These have a page of their own below it.
    if (name != "config" && name != "latency" && name != "sweep") {
      EXPECT_EQ(run({"help", name}).out, flag.out) << name;
    }
    const size_t examples = flag.out.find("\nExamples:\n");
    ASSERT_NE(examples, std::string::npos) << name;
    EXPECT_LT(examples, flag.out.find("--help")) << name << ": examples come first";
    EXPECT_THAT(flag.out.substr(examples), HasSubstr("  nas " + name)) << name;
  }
}

// Walks every command and subcommand; `(no help)` is printed for an option without a text.
void expect_help_everywhere(std::vector<std::string> words) {
  std::vector<std::string> help = words;
  help.push_back("--help");
  const Finished page = run(help);
  const std::string name = ::testing::PrintToString(words);
  ASSERT_EQ(page.code, 0) << name << page.err;
  EXPECT_THAT(page.out, Not(HasSubstr("(no help)"))) << name;
  words.push_back("--list-completions");
  std::istringstream list(run(words).out);
  words.pop_back();
  for (std::string word; list >> word;) {
    if (word[0] == '-') {
      EXPECT_THAT(page.out, HasSubstr(word)) << name;
      continue;
    }
    words.push_back(word);
    expect_help_everywhere(words);
    words.pop_back();
  }
}
TEST(Frame, EveryOptionHasAHelpText) {
  for (const std::string& name : command_names()) expect_help_everywhere({name});
}

TEST(Frame, WrongUsageIsExitTwoWithTheNearestName) {
  const auto expect = [](std::vector<std::string> args, const std::string& text) {
    const Finished done = run(args);
    EXPECT_EQ(done.code, 2) << text;
    // A document where one is asked for, wherever the flag stands.
    if (std::find(args.begin(), args.end(), "--json") == args.end()) {
      EXPECT_EQ(done.out, "") << text;
    } else {
      EXPECT_THAT(done.out, HasSubstr("nas-error/1")) << text;
    }
    EXPECT_EQ(done.err, text);
  };
  expect({"versoin"},
         "error: unknown command \"versoin\"\n  Did you mean nas version?\n"
         "  Run nas to see all commands.\n");
  expect({"xyzzyxyzzy"}, "error: unknown command \"xyzzyxyzzy\"\n  Run nas to see all commands.\n");
  expect({"help", "rnus"},
         "error: unknown command \"rnus\"\n  Did you mean nas runs?\n"
         "  Run nas to see all commands.\n");
  expect({"version", "--jsn"},
         "error: unknown flag --jsn\n  Did you mean --json?\n  See nas version --help.\n");
  expect({"version", "--jsn=3"},
         "error: unknown flag --jsn\n  Did you mean --json?\n  See nas version --help.\n");
  expect({"version", "extra"}, "error: unexpected argument \"extra\"\n  See nas version --help.\n");
  expect({"db", "infoo"},
         "error: unknown subcommand \"infoo\"\n  Did you mean info?\n  See nas db --help.\n");
  expect({"db"},
         "error: nas db needs a subcommand: info, check, upgrade, vacuum, merge\n  See nas db "
         "--help.\n");
  expect({"db", "info", "--bd", "x"},
         "error: unknown flag --bd\n  Did you mean --db?\n  See nas db info --help.\n");
  expect({"version", "--color", "pink"},
         "error: --color: expected auto, always or never, got \"pink\"\n");
}

TEST(Frame, WrongValuesAreExitTwo) {
  const Finished done = run({"space", "sample", "digits", "--seed", "abc"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("--seed"));
  EXPECT_THAT(done.err, HasSubstr("abc"));
  EXPECT_EQ(run({"space", "sample", "digits", "--seed", "-1"}).code, 2);
  EXPECT_EQ(run({"runs", "--db"}).code, 2);
  for (const char* wrong : {"0", "-4", "2.5", "many", ""})
    EXPECT_THAT(
        run({"runs", "--top", wrong}).err,
        HasSubstr("--top: must be a whole number of 1 or more, got \"" + std::string(wrong) + "\""))
        << wrong;
}

// An option that a command would not heed is no option of it.
TEST(Frame, CommandsTakeOnlyWhatTheyHeed) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"runs", "--config", "none.yaml"},
                                             {"runs", "--set", "a=1"},
                                             {"runs", "--seed", "1"},
                                             {"results", "--config", "none.yaml"},
                                             {"db", "info", "--set", "q=1"},
                                             {"doctor", "--seed", "1"},
                                             {"space", "count", "digits", "--db", "x.db"},
                                             {"space", "count", "digits", "--seed", "1"},
                                             {"list", "--db", "x.db"},
                                             {"version", "--seed", "1"},
                                             {"config", "keys", "search", "--set", "a=1"}}) {
    const Finished done = run(args);
    EXPECT_EQ(done.code, 2) << ::testing::PrintToString(args);
    EXPECT_THAT(done.err, HasSubstr("unknown flag --")) << ::testing::PrintToString(args);
    std::vector<std::string> help = args;
    help.resize(help.size() - 2);
    help.emplace_back("--help");
    const std::string flag = args[args.size() - 2];
    const std::string page = run(help).out;
    EXPECT_THAT(page.substr(page.find("\nCommon:")), Not(HasSubstr(flag + " ")))
        << ::testing::PrintToString(args);
  }
}

TEST(Frame, VersionAsJson) {
  const auto json = nlohmann::json::parse(run({"version", "--json"}).out);
  EXPECT_EQ(json["schema"], "nas-version/1");
  EXPECT_TRUE(std::regex_match(json["nas"].get<std::string>(), std::regex("\\d+\\.\\d+\\.\\d+")));
  EXPECT_EQ(run({"--version"}).out, run({"version"}).out);
}

TEST(Frame, TopicsHavePages) {
  EXPECT_THAT(run({"help", "exit-codes"}).out, HasSubstr("130"));
  EXPECT_THAT(run({"help", "environment"}).out, HasSubstr("NAS_DB"));
  EXPECT_THAT(run({"help", "config"}).out, HasSubstr("--set"));
}

// Whatever is asked with --json, stdout is one document with a schema, or the flag is refused.
TEST(Frame, JsonIsAlwaysOneDocument) {
  const std::string folder = fresh_folder();
  const auto json_of = [&](std::vector<std::string> args, int code = 0) {
    args.emplace_back("--json");
    Launch launch;
    launch.folder = folder;
    launch.args = args;
    const Finished done = run(launch);
    EXPECT_EQ(done.code, code) << ::testing::PrintToString(args) << done.err;
    const auto json = nlohmann::json::parse(done.out, nullptr, false);
    EXPECT_TRUE(json.is_object()) << ::testing::PrintToString(args) << done.out;
    return json.is_object() ? json : nlohmann::json::object();
  };
  for (const std::string& name : command_names()) {
    const auto page = json_of({"help", name});
    EXPECT_EQ(page.value("schema", ""), "nas-help/1") << name;
    EXPECT_EQ(page.value("about", ""), "nas " + name);
    EXPECT_EQ(json_of({name, "--help"}), page);
  }
  EXPECT_TRUE(json_of({"help", "config"}).contains("topic"));
  EXPECT_EQ(json_of({"help"}).value("about", ""), "nas");
  EXPECT_EQ(json_of({}).value("about", ""), "nas");
  const Finished before = run({"--json", "version"});  // A mistake, but a document all the same.
  EXPECT_EQ(before.code, 2);
  EXPECT_EQ(before.err,
            "error: unknown flag --json before the command\n"
            "  Write nas COMMAND --json ...; run nas to see all commands.\n");
  EXPECT_EQ(nlohmann::json::parse(before.out).value("schema", ""), "nas-error/1");
  EXPECT_EQ(json_of({"help", "exit-codes"}).value("about", ""), "exit-codes");
  EXPECT_EQ(json_of({"help", "no-such-page"}, 2).value("schema", ""), "nas-error/1");
  for (const char* shell : {"bash", "zsh", "fish"})
    EXPECT_FALSE(json_of({"completion", shell}).value("script", "").empty());
  EXPECT_FALSE(json_of({"config", "new", "search", "-"}).value("config", "").empty());
  EXPECT_EQ(json_of({"config", "new", "search", "new.yaml"}).value("file", ""), "new.yaml");
  json_of({"config", "schema", "search"});
  json_of({"config", "keys", "search"});
  json_of({"config", "show", "quickstart/search"});
  json_of({"config", "check", "quickstart/search"});
  for (const char* list : {"spaces", "families", "configs", "commands"}) json_of({"list", list});
  json_of({"list"});
  json_of({"doctor"});
  json_of({"data", "check", "--kind", "digits"});
  json_of({"data", "info", "--kind", "digits"});
  const std::vector<std::string> show = {"space", "show", "digits", "--arch", "12-conv3/16-conv3"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), show.begin(), show.end());
    return json_of(more);
  };
  EXPECT_EQ(with({}).value("schema", ""), "nas-plan/1");
  for (const char* format : {"text", "dot"})
    EXPECT_FALSE(with({"--format", format}).value("text", "").empty()) << format;
  for (const char* file : {"net.dot", "net.json", "net.txt"}) {
    const auto written = with({"--out", file});
    EXPECT_EQ(written.value("schema", ""), "nas-space-drawing/1");
    EXPECT_EQ(written.value("file", ""), file);
  }
  // The file is what its ending says, whatever stdout holds.
  Launch text;
  text.folder = folder;
  text.args = show;
  std::ifstream file(folder + "/net.txt");
  EXPECT_EQ(run(text).out, std::string(std::istreambuf_iterator<char>(file), {}));
  for (const char* command : {"count", "sample", "enumerate", "check", "show"})
    json_of({"space", command, "digits"});
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"runs"}, {"results"}, {"db", "info"}, {"db", "check"}, {"runs", "show", "last"}})
    EXPECT_EQ(json_of(args, 2).value("schema", ""), "nas-error/1");
}

TEST(Frame, ColourOnlyWhereAsked) {
  EXPECT_THAT(run({"versoin"}).err, Not(HasSubstr("\x1b")));
  EXPECT_THAT(run({"versoin", "--color", "always"}).err, HasSubstr("\x1b[1;31merror:\x1b[0m"));
  EXPECT_THAT(run({"--color=always", "versoin"}).err, HasSubstr("\x1b["));
  EXPECT_THAT(run({"versoin", "--color=never"}).err, Not(HasSubstr("\x1b")));
}

// Output of a shell line that runs nas with a closed or full stdout.
TEST(Frame, ClosedPipeIsQuietAndAFullDiskIsNot) {
  const std::string nas = std::string(NAS_BINARY_DIR) + "/nas";
  const std::string folder = fresh_folder();
  const std::string closed = "{ sleep 0.1; " + nas + " completion bash; echo $? > " + folder +
                             "/code; } 2> " + folder + "/err | true; sleep 0.4; cat " + folder +
                             "/code " + folder + "/err";
  FILE* pipe = popen(closed.c_str(), "r");
  char text[100] = "";
  ASSERT_NE(fgets(text, sizeof text, pipe), nullptr);
  EXPECT_STREQ(text, "0\n");
  EXPECT_EQ(fgets(text, sizeof text, pipe), nullptr) << text;
  pclose(pipe);
  const int full = std::system((nas + " version > /dev/full 2> " + folder + "/full").c_str());
  EXPECT_EQ(WEXITSTATUS(full), 1);
}

TEST(Frame, StartsInMilliseconds) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "sanitizers start slowly";
#endif
  std::vector<double> seconds;
  for (int i = 0; i < 9; ++i) seconds.push_back(run({"--help"}).seconds);
  std::sort(seconds.begin(), seconds.end());
  // 50 ms on an idle machine; tests share theirs.
  EXPECT_LT(seconds[seconds.size() / 2], 0.150);
}

TEST(Completion, ScriptsHoldTheCommandsAndParse) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Finished done = run({"completion", shell});
    EXPECT_EQ(done.code, 0);
    for (const std::string& name : command_names()) EXPECT_THAT(done.out, HasSubstr(name));
  }
  const std::string folder = fresh_folder();
  write_file(folder + "/nas.bash", run({"completion", "bash"}).out);
  const std::string line = "bash -c '. " + folder + "/nas.bash; COMP_WORDS=(" + NAS_BINARY_DIR +
                           "/nas db up); COMP_CWORD=2; _nas; echo ${COMPREPLY[@]}'";
  FILE* pipe = popen(line.c_str(), "r");
  char text[200] = "";
  EXPECT_NE(fgets(text, sizeof text, pipe), nullptr);
  pclose(pipe);
  EXPECT_STREQ(text, "upgrade\n");
  EXPECT_EQ(run({"completion", "tcsh"}).code, 2);
}

}  // namespace
}  // namespace nas::test
