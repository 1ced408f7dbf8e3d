// nas doctor: what it tells, and when it fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "process.hpp"

namespace nas {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(Doctor, TellsBuildMachineAndFiles) {
  const test::Finished text = test::run({.args = {"doctor"}, .folder = test::fresh_folder()});
  EXPECT_EQ(text.code, 0) << text.err;
  for (const char* part : {"build\n", "machine\n", "gpu\n", "files\n"})
    EXPECT_THAT(text.out, HasSubstr(part));
  EXPECT_THAT(text.out, HasSubstr("not there yet; the first run makes it"));
  const test::Finished found =
      test::run({.args = {"doctor", "--json"}, .folder = test::fresh_folder()});
  const json document = json::parse(found.out);
  EXPECT_EQ(document.at("schema"), "nas-doctor/1");
  EXPECT_EQ(document.at("ok"), true);
}

TEST(Doctor, FailsWhereFilesAreMissingOrNoStores) {
  const std::string folder = test::fresh_folder();
  const test::Finished configs = test::run({.args = {"doctor"},
                                            .folder = folder,
                                            .environment = {{"NAS_CONFIGS", folder + "/nowhere"}}});
  EXPECT_EQ(configs.code, 1);
  EXPECT_THAT(configs.out, HasSubstr("! configs"));
  EXPECT_THAT(configs.out, HasSubstr("set NAS_CONFIGS"));
  test::write_file(folder + "/broken.db", "this is no database, whatever its name says");
  const test::Finished store =
      test::run({.args = {"doctor", "--db", "broken.db"}, .folder = folder});
  EXPECT_EQ(store.code, 1);
  EXPECT_THAT(store.out, HasSubstr("! results store"));
}

}  // namespace
}  // namespace nas
