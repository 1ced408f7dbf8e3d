#pragma once
// A folder of its own for every test of the store, and processes that share it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "search/store/store.hpp"
#include "spaces/error.hpp"

namespace nas::testing_store {

namespace fs = std::filesystem;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/nas-store-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name = "nas.db") const { return (folder_ / name).string(); }
  static RunRow run_row(const std::string& id, const std::string& name = "") {
    RunRow run;
    run.id = id;
    run.command = "search";
    run.name = name;
    run.status = "running";
    run.space = "toy";
    run.fingerprint = "f00d";
    run.seed = 0xffffffffffffffffULL;
    return run;
  }
  static std::string bytes(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  template <typename F>
  static std::string error_of(F&& f) {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  /// Runs `f` in a child process; its return value is the exit code.
  template <typename F>
  static pid_t child(F&& f) {
    const pid_t pid = fork();
    if (pid == 0) {
      int code = 99;
      try {
        code = f();
      } catch (const std::exception& e) {
        std::fprintf(stderr, "child: %s\n", e.what());
      }
      _exit(code);
    }
    return pid;
  }
  static int wait_for(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  fs::path folder_;
};

}  // namespace nas::testing_store
