// What failures of libraries are for the user: a sentence, and the rest in a log file.
#include "cli/terminal/failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <stdexcept>

#include "process.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFrames =
    "\nException raised from alloc_cpu at alloc_cpu.cpp:119 (most recent call first):\n"
    "frame #0: c10::Error::Error() + 0x8c (0x7f in libc10.so)\nframe #1: main\n";

std::string framed(std::string what) {
  what.append(kFrames);
  return what;
}

class FailureText : public testing::Test {
 protected:
  void SetUp() override {
    log_ = test::fresh_folder() + "/error.log";
    set_error_log(log_);
    set_memory_advice("train");
  }
  void TearDown() override {
    set_error_log("");
    set_memory_advice("");
  }
  std::string logged() const {
    std::ifstream in(log_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string log_;
};

TEST_F(FailureText, MemoryNamesWhatToLower) {
  const Failure failure = told(
      std::runtime_error(framed("[enforce fail at alloc_cpu.cpp:119] . DefaultCPUAllocator: can't "
                                "allocate memory: you tried to allocate 13207024640 bytes. Error "
                                "code 12 (Cannot allocate memory)")));
  EXPECT_THAT(failure.text, HasSubstr("out of memory (12.3 GiB more were asked for)"));
  EXPECT_THAT(failure.text, HasSubstr("train.batch"));
  EXPECT_THAT(failure.text, HasSubstr(log_));
  EXPECT_THAT(failure.text, Not(HasSubstr("frame #")));
  EXPECT_EQ(failure.log, log_);
  EXPECT_THAT(logged(), HasSubstr("frame #1: main"));

  set_memory_advice("evaluate");
  const Failure gpu = told(std::runtime_error(
      "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79 GiB"));
  EXPECT_THAT(gpu.text, HasSubstr("out of memory of the GPU (20.00 MiB more were asked for)"));
  EXPECT_THAT(gpu.text, HasSubstr("evaluate.batch"));
  EXPECT_THAT(told(std::bad_alloc()).text, HasSubstr("out of memory; lower evaluate.batch"));
}

TEST_F(FailureText, OtherFailuresOfLibTorchAreTheirFirstSentence) {
  const Failure failure = told(
      std::runtime_error(framed("The size of tensor a (3) must match the size of tensor b (4)")));
  EXPECT_THAT(failure.text, HasSubstr("LibTorch: The size of tensor a (3) must match"));
  EXPECT_THAT(failure.text, Not(HasSubstr("frame #")));
  EXPECT_THAT(logged(), HasSubstr("frame #0"));
  EXPECT_EQ(sentence_of(framed("no kernel")), "no kernel");
}

TEST_F(FailureText, OurOwnStayAsTheyAreAndPathsAreNamed) {
  EXPECT_EQ(told(DataError("a.safetensors: truncated\n  two lines")).text,
            "a.safetensors: truncated\n  two lines");
  const std::filesystem::filesystem_error refused(
      "cannot create directories",
      "/x/nas-runs",
      std::make_error_code(std::errc::permission_denied));
  EXPECT_EQ(told(refused).text, "/x/nas-runs: Permission denied");
  EXPECT_EQ(logged(), "");
}

}  // namespace
}  // namespace nas::cli
