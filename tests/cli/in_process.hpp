#pragma once
// Commands called in this process, in a fresh working folder: no launch of the program.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace nas::test {

struct Ended {
  int code = 0;          ///< Also that of an error that was thrown.
  std::string out, err;  ///< `err`: with the error's problems, a line each.
};
Ended call(const std::function<int()>& command);
/// nas latency ...
Ended latency(const std::vector<std::string>& args);

/// "" where there is none.
std::string read_file(const std::string& path);

/// Works in a folder of its own.
class InFolder : public testing::Test {
 protected:
  InFolder();
  ~InFolder() override;

  std::string folder_;

 private:
  std::filesystem::path before_;
};

}  // namespace nas::test
