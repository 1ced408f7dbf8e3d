#include "in_process.hpp"

#include <fstream>
#include <sstream>

#include "process.hpp"
#include "spaces/error.hpp"

namespace nas::cli {
int run_latency(const std::vector<std::string>& args);
}  // namespace nas::cli

namespace nas::test {

Ended call(const std::function<int()>& command) {
  Ended ended;
  std::string thrown;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  try {
    ended.code = command();
  } catch (const ConfigError& e) {
    ended.code = e.exit_code();
    for (const Problem& p : e.problems()) thrown += p.text() + "\n";
  } catch (const Error& e) {
    ended.code = e.exit_code();
    thrown = e.what();
  }
  ended.out = testing::internal::GetCapturedStdout();
  ended.err = testing::internal::GetCapturedStderr() + thrown;
  return ended;
}

Ended latency(const std::vector<std::string>& args) {
  return call([&] { return cli::run_latency(args); });
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

InFolder::InFolder() : folder_(fresh_folder()), before_(std::filesystem::current_path()) {
  std::filesystem::current_path(folder_);
}
InFolder::~InFolder() {
  std::filesystem::current_path(before_);
}

}  // namespace nas::test
