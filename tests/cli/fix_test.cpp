// --fix: every command that draws or lists works on a part of a space.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

TEST(Fix, SpacesAreCountedListedDrawnAndShownInPart) {
  const std::vector<std::string> fix = {"--fix", "stage1.depth=2", "--fix", "*.layer*!=conv5"};
  const auto ask = [&](std::vector<std::string> args) {
    args.insert(args.end(), fix.begin(), fix.end());
    args.emplace_back("--json");
    const Finished done = run(args);
    EXPECT_EQ(done.code, 0) << done.err;
    return Json::parse(done.out);
  };
  // Widths 3 x 3; two layers of three kinds, then none, one or two of them.
  const Json count = ask({"space", "count", "digits"});
  EXPECT_EQ(count.at("architectures"), "1053");
  EXPECT_THAT(count.at("fix").get<std::string>(),
              HasSubstr("stage1.depth=2, stage1.layer1!=conv5"));
  const Json list = ask({"space", "enumerate", "digits"});
  EXPECT_EQ(list.at("architectures").size(), 1053u);
  // Numbers are those of the whole space.
  const Json whole = Json::parse(run({"space", "enumerate", "digits", "--json"}).out);
  for (const Json& row : list.at("architectures"))
    EXPECT_EQ(whole.at("architectures")[row.at("number").get<size_t>()].at("architecture"),
              row.at("architecture"));
  const Json drawn = ask({"space", "sample", "digits", "-n", "50"});
  for (const Json& row : drawn.at("architectures"))
    EXPECT_THAT(row.at("architecture").get<std::string>(),
                AllOf(Not(HasSubstr("conv5")), ::testing::MatchesRegex("[^-/]+-[^-/]+-[^-/]+/.*")));
  const Json shown = ask({"space", "show", "digits"});
  EXPECT_EQ(shown.at("count"), "1053");
  EXPECT_EQ(shown.at("smallest").at("architecture"), "12-sep3-sep3/16");
  const Finished outside =
      run({"space", "show", "digits", "--arch", "12/16", "--fix", "stage1.depth=2"});
  EXPECT_EQ(outside.code, 2);
  EXPECT_THAT(outside.err, HasSubstr("stage1.depth is 0; allowed is stage1.depth=2"));
}

TEST(Fix, MistakesAreTold) {
  const Finished choice = run({"space", "count", "digits", "--fix", "stage1.dpth=2"});
  EXPECT_EQ(choice.code, 2);
  EXPECT_THAT(choice.err, HasSubstr("Did you mean 'stage1.depth'?"));
  const Finished empty =
      run({"space", "count", "resnet20-pool", "--fix", "down1=8", "--fix", "down2=2"});
  EXPECT_EQ(empty.code, 2);
  EXPECT_THAT(empty.err,
              HasSubstr("no architecture of the space resnet20-pool has down1=8, down2=2"));
}

std::string table_config(const std::string& folder, const std::string& search) {
  std::string csv = "architecture,accuracy\n";
  for (int a = 1; a <= 8; ++a)
    for (int b = 1; a + b <= 9; ++b)
      csv += "\"[" + std::to_string(a) + "," + std::to_string(b) + "," +
             std::to_string(10 - a - b) + "]\"," + std::to_string(0.5 + 0.04 * a - 0.01 * b) + "\n";
  write_file(folder + "/truth.csv", csv);
  write_file(folder + "/search.yaml",
             "space: resnet20-pool\nsearch:\n  {" + search +
                 "population: 4, evaluations: 100, objectives: [maximize: accuracy]}\n"
                 "evaluator: {kind: table, batch: 1, table: {file: truth.csv}}\n");
  return folder + "/search.yaml";
}

TEST(Fix, ASearchStaysInItsPartAlsoWhenItGoesOn) {
  const std::string folder = fresh_folder();
  // The first downsampling at unit 2 or 3: 7 + 6 architectures.
  const std::string config = table_config(folder, "fix: ['down1=2|3'], ");
  Launch launch;
  launch.folder = folder;
  launch.args = {"search", "--config", config, "--json"};
  const Finished whole = run(launch);
  ASSERT_EQ(whole.code, 0) << whole.err;
  const Json json = Json::parse(whole.out);
  EXPECT_EQ(json.at("fix"), "down1=2|3");
  EXPECT_EQ(json.at("evaluations"), 13);
  EXPECT_EQ(json.at("front")[0].at("architecture"), "[3,1,6]");
  EXPECT_THAT(whole.err, HasSubstr("of resnet20-pool with down1=2|3"));
  // Stopped on its way, then on: the same result, the restriction kept with the run.
  launch.args = {"search", "--config", config, "--json", "--db", "two.db", "--fix", "down2!=3"};
  launch.signal = 2;
  launch.signal_at = "evaluations 4/";
  const Finished stopped = run(launch);
  Launch resume;
  resume.folder = folder;
  resume.args = {"search", "--resume", "last", "--json", "--db", "two.db"};
  const Finished done = stopped.code == 0 ? stopped : run(resume);
  ASSERT_EQ(done.code, 0) << done.err;
  const Json again = Json::parse(done.out);
  EXPECT_EQ(again.at("fix"), "down1=2|3, down2!=3");
  EXPECT_EQ(again.at("evaluations"), 12);
  resume.args = {"search", "--resume", "last", "--db", "two.db", "--fix", "down1=2"};
  const Finished other = run(resume);
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("keeps its configuration"));
}

TEST(Fix, ARankingIsOfThePart) {
  const std::string folder = fresh_folder();
  table_config(folder, "");
  Launch launch;
  launch.folder = folder;
  launch.args = {"rank",
                 "--space",
                 "resnet20-pool",
                 "--truth",
                 "truth.csv",
                 "--json",
                 "--fix",
                 "down1!=1|2|3"};
  const Finished done = run(launch);
  ASSERT_EQ(done.code, 0) << done.err;
  const Json json = Json::parse(done.out);
  EXPECT_EQ(json.at("n"), 15);
  EXPECT_EQ(json.at("space_size"), 15);
  for (const Json& row : json.at("architectures")) EXPECT_GE(row.at("genes")[0], 3);
}

}  // namespace
}  // namespace nas::test
