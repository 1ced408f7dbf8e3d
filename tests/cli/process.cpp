#include "process.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace nas::test {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

[[noreturn]] void become(const Launch& launch, const std::string& base) {
  if (!launch.folder.empty() && chdir(launch.folder.c_str()) != 0) _exit(126);
  for (const auto& [name, value] : launch.environment) setenv(name.c_str(), value.c_str(), 1);
  if (!freopen((base + ".in").c_str(), "r", stdin) ||
      !freopen((base + ".out").c_str(), "w", stdout) ||
      !freopen((base + ".err").c_str(), "w", stderr))
    _exit(126);
  const std::string binary = std::string(NAS_BINARY_DIR) + "/" + launch.binary;
  std::vector<char*> argv = {const_cast<char*>(binary.c_str())};
  for (const std::string& word : launch.args) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  execv(binary.c_str(), argv.data());
  _exit(127);
}

}  // namespace

Finished run(const Launch& launch) {
  static const std::string folder = fresh_folder();
  static int number = 0;
  const std::string base = folder + "/" + std::to_string(number++);
  write_file(base + ".in", launch.input);
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) become(launch, base);
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  int status = 0;
  if (launch.signal != 0) {
    const auto due = [&] {
      return launch.signal_at.empty()
                 ? elapsed() >= launch.signal_after
                 : read_file(base + ".err").find(launch.signal_at) != std::string::npos;
    };
    while (waitpid(child, &status, WNOHANG) == 0) {
      if (due()) {
        kill(child, launch.signal);
        break;
      }
      usleep(2000);
    }
  }
  if (waitpid(child, &status, 0) < 0 && errno != ECHILD) ADD_FAILURE() << "waitpid failed";
  Finished done;
  done.seconds = elapsed();
  done.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  done.out = read_file(base + ".out");
  done.err = read_file(base + ".err");
  return done;
}

double torch_startup() {
  static const double seconds = [] {
    Launch launch;
    launch.args = {"version"};
    launch.binary = "nas-torch";
    run(launch);  // From the disk the first time.
    return run(launch).seconds;
  }();
  return seconds;
}

std::string fresh_folder() {
  static struct Folders {
    std::vector<std::string> paths;
    ~Folders() {
      std::error_code error;
      for (const std::string& path : paths) std::filesystem::remove_all(path, error);
    }
  } made;
  std::string path = (std::filesystem::temp_directory_path() / "nas-cli-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "cannot make a folder for the test";
  made.paths.push_back(path);
  return path;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace nas::test
