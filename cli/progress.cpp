#include <algorithm>
#include <chrono>
#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/command.hpp"

namespace nas::cli {
namespace {

using Clock = std::chrono::steady_clock;

size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

}  // namespace

struct Progress::State {
  bool quiet, live;
  std::string label;
  int64_t total;
  int64_t first = -1;  // Work done before this process (a resumed run) says nothing about its pace.
  Clock::time_point start = Clock::now(), drawn{};
  bool on_line = false;

  std::string timing(int64_t done) const {
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    std::string text = "elapsed " + format_seconds(elapsed);
    if (done > first && done < total && elapsed > 0) {
      const double each = elapsed / static_cast<double>(done - first);
      text += ", ETA " + format_seconds(each * static_cast<double>(total - done));
    }
    return text;
  }
};

Progress::Progress(const Common& common, std::string label, int64_t total)
    : state_(new State{common.quiet, interactive(2), std::move(label), total}) {}

Progress::~Progress() {
  if (state_->on_line) std::fputs("\r\x1b[K", stderr);
  delete state_;
}

void Progress::update(int64_t done, const std::string& detail, bool milestone) {
  State& s = *state_;
  if (s.quiet) return;
  if (s.first < 0) s.first = std::max<int64_t>(0, done - 1);
  const std::string count = std::to_string(done) + "/" + std::to_string(s.total);
  const std::string tail = (detail.empty() ? "" : "  " + detail) + "  " + s.timing(done);
  if (!s.live) {
    if (milestone) std::fprintf(stderr, "%s %s%s\n", s.label.c_str(), count.c_str(), tail.c_str());
    return;
  }
  const auto now = Clock::now();
  if (done < s.total && now - s.drawn < std::chrono::milliseconds(100)) return;
  s.drawn = now;
  constexpr int64_t kCells = 20;
  const int64_t filled = s.total > 0 ? std::clamp<int64_t>(done * kCells / s.total, 0, kCells) : 0;
  std::string line = s.label + " [" + std::string(static_cast<size_t>(filled), '#') +
                     std::string(static_cast<size_t>(kCells - filled), '.') + "] " + count + tail;
  line.resize(std::min(line.size(), terminal_width() - 1));
  std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  std::fflush(stderr);
  s.on_line = true;
}

}  // namespace nas::cli
