// Counters of a made-up machine: sums of packages, the wrap-around, and what cannot be read.
#include "hardware/measure/energy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "hardware/measure/pinned.hpp"

namespace nas {
namespace {

namespace fs = std::filesystem;

class Energy : public testing::Test {
 protected:
  Energy() : folder_(fs::path(testing::TempDir()) / "nas-powercap") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Energy() override { fs::remove_all(folder_); }
  void write(const std::string& file, const std::string& text) {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << text << "\n";
  }
  fs::path folder_;
};

TEST_F(Energy, PackagesAreAddedAndBeginAgain) {
  for (const std::string package : {"intel-rapl:0", "intel-rapl:1"}) {
    write(package + "/energy_uj", "1000000");
    write(package + "/max_energy_range_uj", "5000000");
    write(package + "/name", "package-" + package.substr(package.size() - 1));
  }
  write("intel-rapl:0:0/energy_uj", "77");  // A part of package 0, which is in it already.
  std::string why;
  const auto counter = open_rapl(why, folder_.string());
  ASSERT_NE(counter, nullptr) << why;
  EXPECT_EQ(counter->source(), "rapl: package-0 package-1");
  EXPECT_DOUBLE_EQ(counter->joules(), 0);
  write("intel-rapl:0/energy_uj", "3000000");
  EXPECT_DOUBLE_EQ(counter->joules(), 2);
  write("intel-rapl:1/energy_uj", "500000");  // Over its end at 5 J.
  EXPECT_DOUBLE_EQ(counter->joules(), 2 + 4.5);
}

TEST_F(Energy, SaysWhyThereIsNone) {
  std::string why;
  EXPECT_EQ(open_rapl(why, folder_.string()), nullptr);
  EXPECT_THAT(why, testing::HasSubstr("no RAPL counters"));
  fs::create_directories(folder_ / "intel-rapl:0/energy_uj");  // Is there, but is no file to read.
  EXPECT_EQ(open_rapl(why, folder_.string()), nullptr);
  EXPECT_THAT(why, testing::HasSubstr("root"));
}

TEST_F(Energy, GovernorIsReadOrUnknown) {
  write("cpu3/cpufreq/scaling_governor", "performance");
  EXPECT_EQ(clock_governor(3, folder_.string()), "performance");
  EXPECT_EQ(clock_governor(0, folder_.string()), "unknown");
}

TEST(Pinned, TheThreadStandsOnOneProcessorWhileItLives) {
  cpu_set_t before, during, after;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  {
    const PinnedThreads pinned(1);
    ASSERT_TRUE(pinned.pinned()) << pinned.text();
    sched_getaffinity(0, sizeof during, &during);
    EXPECT_EQ(CPU_COUNT(&during), 1);
    EXPECT_THAT(pinned.text(), testing::HasSubstr("yes, processor "));
  }
  sched_getaffinity(0, sizeof after, &after);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
  EXPECT_THAT(PinnedThreads(100000).text(), testing::HasSubstr("no: more threads"));
}

}  // namespace
}  // namespace nas
