#pragma once
// Runs the real binaries and keeps what they said.
#include <map>
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

/// Seconds that nas-torch needs to start and end; long under sanitizers.
double torch_startup();

/// A fresh folder, removed at the end of the test program.
std::string fresh_folder();
void write_file(const std::string& path, const std::string& text);

}  // namespace nas::test
