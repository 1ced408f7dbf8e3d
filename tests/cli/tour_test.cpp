// The tour of README.md, command for command, in an empty folder: what a stranger types is what is
// tested. A shell runs the blocks as they stand there; only `nas` is put on its path.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "process.hpp"
#include "search/store/store.hpp"

namespace nas::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The lines of the blocks ```sh of one section.
std::vector<std::string> commands_of(const std::string& markdown, const std::string& heading) {
  std::istringstream lines(markdown);
  std::vector<std::string> commands;
  bool here = false, code = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```"))
      code = line == "```sh";
    else if (!code && line.starts_with("## "))
      here = line == "## " + heading;
    else if (here && code && !line.empty())
      commands.push_back(line);
  }
  return commands;
}

class Tour : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new std::string(fresh_folder());
    std::string script = "PATH='" NAS_BINARY_DIR "':$PATH\nunset NAS_DB NAS_CONFIGS\nset -e\n";
    for (const std::string& line : commands_of(read(NAS_SOURCE_DIR "/README.md"), "A tour")) {
      // The shell says where it stands, so that a failure names its command.
      script += "echo '$' " + std::to_string(commands_++) + " >&2\n" + line + "\n";
    }
    write_file(*folder_ + "/tour.sh", script);
    fs::create_directory(*folder_ + "/here");
    const std::string all = "cd '" + *folder_ + "/here' && bash ../tour.sh >../out 2>../err";
    code_ = std::system(all.c_str());
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  static std::string file(const std::string& name) { return read(*folder_ + "/" + name); }
  static std::string* folder_;
  static int code_, commands_;
};
std::string* Tour::folder_ = nullptr;
int Tour::code_ = -1;
int Tour::commands_ = 0;

#ifdef NAS_TORCH
TEST_F(Tour, EveryCommandWorks) {
  EXPECT_GT(commands_, 20);
  const std::string err = file("err");
  EXPECT_EQ(code_, 0) << "at command " << err.substr(err.rfind("$ ")) << "\n" << file("out");
  EXPECT_THAT(err, ::testing::Not(HasSubstr("error:")));
}

TEST_F(Tour, LeavesWhatItPromises) {
  for (const char* name : {"model/model.ts",
                           "model/model.onnx",
                           "again.sh",
                           "report.html",
                           "free.csv",
                           "my-train.yaml"})
    EXPECT_TRUE(fs::exists(*folder_ + "/here/" + name)) << name;
  EXPECT_FALSE(files_below(*folder_ + "/here/events").empty());
  const Store store(*folder_ + "/here/nas.db", Store::Mode::kRead);
  for (const char* name : {"digits", "free", "small", "alone"}) {
    ASSERT_TRUE(store.run(name).has_value()) << name;
    EXPECT_EQ(store.run(name)->status, "finished") << name;
  }
  EXPECT_EQ(store.runs_named("digits").size(), 1U);
  // The winner of the limited search is within the limit, and better than chance by far.
  const auto front = nlohmann::json::parse(store.document(store.run("small")->id, "front").value());
  const auto best = front["front"][front["best"].get<size_t>()]["values"];
  EXPECT_LE(best["macs"].get<double>(), 200e3);
  EXPECT_GT(best["accuracy"].get<double>(), 0.3);
  EXPECT_TRUE(store.latency_table("laptop").has_value());
  EXPECT_EQ(nlohmann::json::parse(file("here/runs.json"))["runs"].size(), store.runs().size());
}
#endif

}  // namespace
}  // namespace nas::test
