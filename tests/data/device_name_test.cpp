#include "supernet/device_name.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spaces/error.hpp"

namespace nas {
namespace {

TEST(DeviceName, KnowsTheFourForms) {
  EXPECT_EQ(parse_device_name("auto").kind, DeviceName::kAuto);
  EXPECT_EQ(parse_device_name("cpu").kind, DeviceName::kCpu);
  EXPECT_EQ(parse_device_name("cuda").kind, DeviceName::kCuda);
  EXPECT_EQ(parse_device_name("cuda").index, 0);
  EXPECT_EQ(parse_device_name("cuda:13").index, 13);
}

TEST(DeviceName, RefusesEverythingElse) {
  for (const char* name : {"gpu",
                           "CPU",
                           "Cuda",
                           "cudax",
                           "cuda:",
                           "cuda:x",
                           "cuda:1x",
                           "cuda:-1",
                           "cuda:+1",
                           "cuda: 1",
                           "cuda:128",
                           "cuda:99999999999999999999",
                           "cuda:1.0",
                           "cuda0",
                           "cpu:0",
                           "",
                           " cpu",
                           "mps"}) {
    EXPECT_THROW(parse_device_name(name), ConfigError) << name;
    EXPECT_THAT(device_name_problem(name), testing::HasSubstr("auto, cpu, cuda, cuda:N")) << name;
  }
}

}  // namespace
}  // namespace nas
