#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cli/command.hpp"
#include "cli/terminal/fold.hpp"
#include "spaces/base/printable.hpp"

namespace nas::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Whether the line under the cursor is ours.
bool line_drawn = false;

/// What works with a progress of their own have taken so far. One that begins and ends within
/// another (the scoring of choices between epochs) says nothing of that one's pace.
Clock::duration taken{};

double seconds(Clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

}  // namespace

void clear_progress_line() {
  if (!line_drawn) return;
  line_drawn = false;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
}

struct Progress::State {
  bool quiet, live;
  std::string label;
  int64_t total;
  int64_t first = -1;  ///< Done at the first update.
  Clock::time_point start = Clock::now(), since{}, drawn{};
  Clock::duration taken_at_start = taken, taken_at_first{};

  /// The time left stands first: a narrow terminal cuts the end of the line.
  std::string timing(int64_t done) const {
    const Clock::time_point now = Clock::now();
    std::string text;
    const double paced = seconds(now - since - (taken - taken_at_first));
    if (done > first && done < total && paced > 0)
      text = "ETA " +
             format_seconds(paced / static_cast<double>(done - first) *
                            static_cast<double>(total - done)) +
             ", ";
    const double elapsed = seconds(now - start);
    return text + "elapsed " + (elapsed < 0.05 ? "0s" : format_seconds(elapsed));
  }
};

Progress::Progress(const Common& common, std::string label, int64_t total)
    : state_(new State{common.quiet, interactive(2), std::move(label), total}) {}

Progress::~Progress() {
  taken = state_->taken_at_start + (Clock::now() - state_->start);
  clear_progress_line();
}

void Progress::update(int64_t done, const std::string& detail, bool milestone) {
  State& s = *state_;
  if (s.quiet) return;
  if (s.first < 0) {
    s.first = done;
    s.since = Clock::now();
    s.taken_at_first = taken;
  }
  const std::string count = std::to_string(done) + "/" + std::to_string(s.total);
  const std::string tail = "  " + s.timing(done) + (detail.empty() ? "" : "  " + detail);
  if (!s.live) {
    const std::string line = printable(s.label + " " + count + tail);
    if (milestone) std::fprintf(stderr, "%s\n", fold(line, output_width(2)).c_str());
    return;
  }
  const auto now = Clock::now();
  if (done < s.total && now - s.drawn < std::chrono::milliseconds(100)) return;
  s.drawn = now;
  size_t width = output_width(2);
  if (width == 0) width = 80;
  const int64_t cells = width >= 70 ? 20 : 8;
  const int64_t filled = s.total > 0 ? std::clamp<int64_t>(done * cells / s.total, 0, cells) : 0;
  const std::string line = s.label + " [" + std::string(static_cast<size_t>(filled), '#') +
                           std::string(static_cast<size_t>(cells - filled), '.') + "] " + count +
                           tail;
  // The last column stays free: some terminals go to the next line there.
  std::fprintf(stderr, "\r%s\x1b[K", cut_to_width(printable(line), width - 1).c_str());
  std::fflush(stderr);
  line_drawn = true;
}

}  // namespace nas::cli
