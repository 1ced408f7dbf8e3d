#pragma once
// Runs the real binaries and keeps what they said.
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace nas::test {

struct Finished {
  int code = -1;    ///< Exit code; 128 + signal when killed by one.
  std::string out;  ///< stdout.
  std::string err;  ///< stderr.
  double seconds = 0;
};
struct Launch {
  std::vector<std::string> args;
  std::string folder = {};                              ///< Working folder; empty: this one's.
  std::map<std::string, std::string> environment = {};  ///< Added to ours.
  std::string input = {};                               ///< stdin.
  std::string binary = "nas";
  int signal = 0;              ///< Sent once `signal_after` seconds have passed; 0: none.
  double signal_after = 0;     ///< Seconds from the start of the program.
  std::string signal_at = {};  ///< Instead: sent as soon as stderr contains this.
  std::function<bool()> signal_when = {};  ///< Instead: sent as soon as this is true.
};
Finished run(const Launch& launch);
/// The same on a terminal of so many columns (stdin, stdout and stderr): all it showed, with its
/// control sequences, in `out`. `input` and signals are not sent.
Finished run_on_terminal(const Launch& launch, int columns);
/// What a terminal shows at the end: carriage returns and "erase to the end of the line" done.
std::vector<std::string> screen_lines(const std::string& output);
inline Finished run(std::vector<std::string> args) {
  return run(Launch{std::move(args)});
}
/// The same in a folder.
inline Finished nas(const std::string& folder, std::vector<std::string> args, Launch launch = {}) {
  launch.folder = folder;
  launch.args = std::move(args);
  return run(launch);
}

/// For `signal_when`: true once a file has been written `times` times, seen from the first
/// question.
std::function<bool()> written(const std::string& path, int times);
/// Names of all files below a folder.
std::set<std::string> files_below(const std::string& folder);

/// Seconds that nas-torch needs to start and end; long under sanitizers.
double torch_startup();

/// A fresh folder, removed at the end of the test program.
std::string fresh_folder();
void write_file(const std::string& path, const std::string& text);

}  // namespace nas::test
