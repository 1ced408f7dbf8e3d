#include "process.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace nas::test {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

[[noreturn]] void start(const Launch& launch);

[[noreturn]] void become(const Launch& launch, const std::string& base) {
  if (!freopen((base + ".in").c_str(), "r", stdin) ||
      !freopen((base + ".out").c_str(), "w", stdout) ||
      !freopen((base + ".err").c_str(), "w", stderr))
    _exit(126);
  start(launch);
}

void start(const Launch& launch) {
  if (!launch.folder.empty() && chdir(launch.folder.c_str()) != 0) _exit(126);
  for (const auto& [name, value] : launch.environment) setenv(name.c_str(), value.c_str(), 1);
  // NAS_TEST_BINARIES: another build, to compare with.
  const char* other = std::getenv("NAS_TEST_BINARIES");
  const std::string binary =
      (other != nullptr ? std::string(other) : NAS_BINARY_DIR) + "/" + launch.binary;
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
      if (launch.signal_when) return launch.signal_when();
      return launch.signal_at.empty()
                 ? elapsed() >= launch.signal_after
                 : read_file(base + ".err").find(launch.signal_at) != std::string::npos;
    };
    while (waitpid(child, &status, WNOHANG) == 0) {
      if (due()) {
        kill(child, launch.signal);
        break;
      }
      usleep(500);
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

Finished run_on_terminal(const Launch& launch, int columns) {
  winsize size{};
  size.ws_row = 40;
  size.ws_col = static_cast<unsigned short>(columns);
  const auto begin = std::chrono::steady_clock::now();
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    setenv("TERM", "xterm", 1);
    unsetenv("COLUMNS");
    start(launch);
  }
  Finished done;
  char buffer[4096];
  // A terminal whose program has ended reads as an error.
  for (ssize_t got = 0; (got = read(terminal, buffer, sizeof buffer)) > 0;)
    done.out.append(buffer, static_cast<size_t>(got));
  int status = 0;
  if (waitpid(child, &status, 0) < 0) ADD_FAILURE() << "waitpid failed";
  close(terminal);
  done.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  done.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return done;
}

std::vector<std::string> screen_lines(const std::string& output) {
  std::vector<std::string> lines(1);
  size_t column = 0;
  const std::string erase = "\x1b[K";
  for (size_t at = 0; at < output.size(); ++at) {
    std::string& line = lines.back();
    if (output.compare(at, erase.size(), erase) == 0) {
      line.resize(std::min(line.size(), column));
      at += erase.size() - 1;
    } else if (output[at] == '\r') {
      column = 0;
    } else if (output[at] == '\n') {
      lines.emplace_back();
      column = 0;
    } else {
      line.resize(std::max(line.size(), column + 1), ' ');
      line[column++] = output[at];
    }
  }
  return lines;
}

std::function<bool()> written(const std::string& path, int times) {
  using Time = std::filesystem::file_time_type;
  return [path, times, last = std::optional<Time>(), seen = 0]() mutable {
    std::error_code error;
    const Time now = std::filesystem::last_write_time(path, error);
    if (error) return false;
    if (last && now != *last) ++seen;
    last = now;
    return seen >= times;
  };
}

std::set<std::string> files_below(const std::string& folder) {
  std::set<std::string> files;
  std::error_code error;  // A file may go while the folder is read.
  for (std::filesystem::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error))
    files.insert(it->path().string());
  return files;
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
