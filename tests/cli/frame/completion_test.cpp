// Completion, by driving the function that bash calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "process.hpp"
#include "search/algorithms/algorithm.hpp"
#include "search/store/store.hpp"

namespace nas::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
using Words = std::vector<std::string>;

std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// What bash offers for the last of the words (as bash cuts them), in a folder.
Words offered(const std::string& folder, const Words& words) {
  static const std::string script = [] {
    const std::string file = fresh_folder() + "/nas.bash";
    write_file(file, run({"completion", "bash"}).out);
    return file;
  }();
  std::string list = std::string(NAS_BINARY_DIR) + "/nas";
  for (const std::string& word : words) list += " " + quoted(word);
  write_file(folder + "/.ask",
             "cd " + folder + "\n. " + script + "\nCOMP_WORDS=(" + list + ")\nCOMP_CWORD=" +
                 std::to_string(words.size()) + "\n_nas\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
  FILE* pipe = popen(("bash " + folder + "/.ask 2>&1").c_str(), "r");
  std::string text;
  for (int c = 0; (c = fgetc(pipe)) != EOF;) text += static_cast<char>(c);
  pclose(pipe);
  Words found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) found.push_back(line);
  return found;
}

TEST(Completion, OptionsAndSubcommands) {
  const std::string folder = fresh_folder();
  EXPECT_THAT(offered(folder, {"db", "up"}), ElementsAre("upgrade"));
  EXPECT_THAT(offered(folder, {"tra"}), ElementsAre("train"));
  EXPECT_THAT(offered(folder, {"help", "exit"}), ElementsAre("exit-codes"));
  EXPECT_THAT(offered(folder, {"runs", "--"}), AllOf(Contains("--color"), Contains("--status")));
  // What a command does not take, and what help hides.
  EXPECT_THAT(offered(folder, {"runs", "--"}), Not(Contains("--config")));
#ifdef NAS_TORCH
  EXPECT_THAT(offered(folder, {"export", "--"}),
              AllOf(Contains("--pick"), Not(Contains("--check-files"))));
#endif
}

TEST(Completion, ValuesOfOptions) {
  const std::string folder = fresh_folder();
  write_file(folder + "/digits-notes.yaml", "");
  EXPECT_THAT(offered(folder, {"results", "--format", ""}),
              UnorderedElementsAre("table", "markdown", "csv", "json", "jsonl"));
  EXPECT_THAT(offered(folder, {"results", "--format", "=", "j"}),
              UnorderedElementsAre("json", "jsonl"));
  EXPECT_THAT(offered(folder, {"results", "--color", "al"}), ElementsAre("always"));
  EXPECT_THAT(offered(folder, {"results", "--split", ""}),
              UnorderedElementsAre("validation", "test", "train"));
  EXPECT_THAT(offered(folder, {"runs", "--status", "f"}),
              UnorderedElementsAre("finished", "failed"));
  std::vector<std::string> algorithms;
  for (const AlgorithmInfo& info : search_algorithms()) algorithms.push_back(info.name);
  EXPECT_THAT(algorithms, Contains("linas"));
  EXPECT_THAT(offered(folder, {"search", "--algorithm", ""}),
              testing::UnorderedElementsAreArray(algorithms));
  EXPECT_THAT(offered(folder, {"space", "show", "digi"}),
              UnorderedElementsAre("digits", "digits-notes.yaml"));
  EXPECT_THAT(offered(folder, {"space", "show", "digits", ""}), Not(Contains("digits")));
  EXPECT_THAT(offered(folder, {"search", "--config", "quick"}),
              UnorderedElementsAre("quickstart/search", "quickstart/train"));
  EXPECT_THAT(offered(folder, {"config", "check", "panda/u"}), ElementsAre("panda/unbiased"));
  EXPECT_THAT(offered(folder, {"config", "keys", "sea"}), ElementsAre("search"));
  EXPECT_THAT(offered(folder, {"list", "al"}), ElementsAre("algorithms"));
  EXPECT_THAT(offered(folder, {"data", "info", "--kind", "cifar1"}),
              UnorderedElementsAre("cifar10", "cifar100"));
  EXPECT_THAT(offered(folder, {"db", "info", "--db", "digits"}), ElementsAre("digits-notes.yaml"));
  // Free text: nothing is better than something wrong.
  EXPECT_THAT(offered(folder, {"search", "--name", ""}), IsEmpty());
  EXPECT_THAT(offered(folder, {"results", "--top", ""}), IsEmpty());
#ifdef NAS_TORCH
  EXPECT_THAT(offered(folder, {"train", "--strategy", ""}),
              IsSupersetOf({"uniform", "panda", "sandwich", "progressive"}));
  EXPECT_THAT(offered(folder, {"evaluate", "--split", "t"}), UnorderedElementsAre("test", "train"));
  EXPECT_THAT(offered(folder, {"export", "--pick", ""}), UnorderedElementsAre("best", "knee"));
  EXPECT_THAT(offered(folder, {"export", "--format", "s"}), ElementsAre("safetensors"));
#endif
}

TEST(Completion, RunsOfTheStore) {
  const std::string folder = fresh_folder();
  for (const std::string db : {"nas.db", "my store.db"}) {
    Store store(folder + "/" + db);
    for (const auto& [id, command, name] :
         {std::tuple{"t-1", "train", "digits"}, {"s-1", "search", "my search"}}) {
      RunRow row;
      row.id = id;
      row.command = command;
      row.name = name;
      row.status = "finished";
      store.add_run(row);
    }
  }
  EXPECT_THAT(offered(folder, {"results", "--run", ""}),
              UnorderedElementsAre("last", "t-1", "digits", "s-1", "my\\ search"));
  EXPECT_THAT(offered(folder, {"runs", "show", "di"}), ElementsAre("digits"));
  EXPECT_THAT(offered(folder, {"search", "--resume", ""}),
              UnorderedElementsAre("last", "s-1", "my\\ search"));
  EXPECT_THAT(offered(folder, {"results", "--db", "'my store.db'", "--run", "t"}),
              ElementsAre("t-1"));
  EXPECT_THAT(offered(folder, {"results", "--db", "none.db", "--run", ""}), ElementsAre("last"));
}

}  // namespace
}  // namespace nas::test
