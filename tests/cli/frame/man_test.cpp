// Manual pages say what the parser knows, in a form that groff takes without a word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

std::string text_of(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Man, APageForEveryCommandAndTopic) {
  const std::string folder = fresh_folder();
  const Finished done = run({"man", folder, "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  std::vector<std::string> files = Json::parse(done.out)["files"];
  for (const char* name : {"man1/nas.1", "man1/nas-sweep.1", "man1/nas-man.1", "man7/nas-sweep.7"})
    EXPECT_TRUE(std::filesystem::exists(folder + "/" + name)) << name;
  const Json commands = Json::parse(run({"list", "commands", "--json"}).out);
  for (const Json& entry : commands["entries"]) {
    const std::string page = folder + "/man1/nas-" + entry["name"].get<std::string>() + ".1";
#ifndef NAS_TORCH
    if (!std::filesystem::exists(page)) continue;
#endif
    const std::string text = text_of(page);
    EXPECT_THAT(text, AllOf(HasSubstr(".SH NAME"), HasSubstr(".SH OPTIONS"))) << page;
    EXPECT_THAT(text_of(folder + "/man1/nas.1"),
                HasSubstr(entry["summary"].get<std::string>().substr(0, 12)));
  }
  // What completion offers stands in the page, subcommands and their options included.
  const std::string db = text_of(folder + "/man1/nas-db.1");
  std::istringstream words(run({"db", "merge", "--list-completions=-"}).out);
  for (std::string word; std::getline(words, word);) {
    std::string roff;
    for (const char c : word) roff += c == '-' ? std::string("\\-") : std::string(1, c);
    EXPECT_THAT(db, HasSubstr("\\fB" + roff + "\\fR")) << word;
  }
  EXPECT_THAT(text_of(folder + "/man1/nas-results.1"),
              HasSubstr("One of table, markdown, csv, json, jsonl."));
  if (std::system("command -v groff >/dev/null 2>&1") != 0) return;
  for (const std::string& file : files) {
    FILE* pipe = popen(("groff -man -Tutf8 -ww -z '" + file + "' 2>&1").c_str(), "r");
    std::string said;
    for (int c = 0; (c = fgetc(pipe)) != EOF;) said += static_cast<char>(c);
    pclose(pipe);
    EXPECT_EQ(said, "") << file;
  }
}

}  // namespace
}  // namespace nas::test
