// Programs run by this one: streams, ends, and that nothing is left behind.
#include "spaces/base/subprocess.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "spaces/error.hpp"

namespace nas {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::string> shell(const std::string& text) {
  return {"/bin/sh", "-c", text};
}

/// Of this process.
int open_files() {
  int n = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++n;
  closedir(folder);
  return n;
}

double seconds_of(const std::function<void()>& f) {
  const auto start = Clock::now();
  f();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

TEST(Subprocess, StreamsAndEnds) {
  Subprocess cat(shell("cat; echo bad >&2; exit 3"), {true, true, true});
  const std::string much(300000, 'x');  // More than pipes hold.
  cat.send(much);
  const auto [ending, forced] = cat.finish(20);
  EXPECT_FALSE(forced);
  EXPECT_EQ(ending.code, 3);
  EXPECT_EQ(ending.text(), "ended with exit code 3");
  EXPECT_EQ(cat.output(), much);
  EXPECT_EQ(cat.errors(), "bad\n");
  Subprocess killed({"sleep", "60"}, {});
  EXPECT_FALSE(killed.ending());
  EXPECT_EQ(killed.end().signal, SIGTERM);
  Subprocess absent({"/no/such/program"}, {true, true, true});
  EXPECT_EQ(absent.finish(20).first.code, 127);
}

TEST(Subprocess, AProgramThatWillNotEndIsEndedWithItsChildren) {
  char name[] = "/tmp/nas-subprocess-XXXXXX";
  const int file = mkstemp(name);
  Subprocess stubborn(shell(std::string("trap '' TERM; sleep 61 & echo $! > ") + name +
                            "; echo ready; while :; do sleep 1; done"),
                      {true, true, false});
  while (stubborn.output().empty()) stubborn.turn(20);
  EXPECT_LT(seconds_of([&] { EXPECT_EQ(stubborn.end(0.3).signal, SIGKILL); }), 3);
  char text[32] = {};
  ASSERT_GT(read(file, text, sizeof text - 1), 0);
  EXPECT_NE(kill(std::atoi(text), 0), 0) << "its child lives on";
  close(file);
  unlink(name);
}

// In a session of its own it gets no signal of the group, and its parent may be gone.
TEST(Subprocess, WhatLeftTheGroupEndsWithIt) {
  char name[] = "/tmp/nas-stray-XXXXXX";
  close(mkstemp(name));
  for (const bool by_itself : {false, true}) {
    std::ofstream(name, std::ios::trunc).flush();
    Subprocess program(
        shell(std::string("(setsid sh -c 'echo $$ > ") + name +
              "; exec sleep 64' &) ; while [ ! -s " + name + " ]; do sleep 0.02; done; echo ready" +
              (by_itself ? "" : "; sleep 60")),
        {.out = true});
    while (program.output().find("ready") == std::string::npos) program.turn(50);
    pid_t stray = 0;
    std::ifstream(name) >> stray;
    ASSERT_GT(stray, 1);
    if (!by_itself) {
      EXPECT_EQ(kill(stray, 0), 0);
      program.end(0.1);
    } else {
      EXPECT_TRUE(program.finish(5).first.good());
    }
    EXPECT_NE(kill(stray, 0), 0) << "still there";
  }
  unlink(name);
}

TEST(Subprocess, LeavesNoFilesOpenWhateverHappens) {
  const int before = open_files();
  for (int i = 0; i < 3; ++i) Subprocess(shell("exit 0"), {true, true, true}).finish(20);
  EXPECT_EQ(open_files(), before);
  // The third pipe cannot be made: all descriptors are taken but five.
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  rlimit few = limit;
  few.rlim_cur = 64;
  setrlimit(RLIMIT_NOFILE, &few);
  std::vector<int> taken;
  for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken.push_back(fd);
  for (int i = 0; i < 5; ++i) {
    close(taken.back());
    taken.pop_back();
  }
  EXPECT_THROW(Subprocess(shell("exit 0"), {true, true, true}), DataError);
  for (const int fd : taken) close(fd);
  setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(open_files(), before);
}

TEST(Subprocess, WorksWhereStandardStreamsAreClosed) {
  // In a process of its own, whose pipes would get the descriptors 0, 1 and 2.
  const pid_t child = fork();
  if (child == 0) {
    for (int fd = 0; fd < 3; ++fd) close(fd);
    Subprocess cat({"cat"}, {true, true, true});
    cat.send("hello\n");
    const auto [ending, forced] = cat.finish(20);
    _exit(ending.code == 0 && cat.output() == "hello\n" ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Subprocess, EndsWithItsOwner) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t owner = fork();
  if (owner == 0) {
    close(ends[0]);
    Subprocess sleeper(shell("sleep 62 | sleep 62"), {});
    kill(getpid(), SIGKILL);
  }
  close(ends[1]);
  waitpid(owner, nullptr, 0);
  // The writing end is inherited by the program; it is closed when the last of the group is gone.
  char byte = 0;
  EXPECT_LT(seconds_of([&] { EXPECT_EQ(read(ends[0], &byte, 1), 0); }), 5);
  close(ends[0]);
}

}  // namespace
}  // namespace nas
