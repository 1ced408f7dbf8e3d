// The store is the truth and the file a copy. So a run that goes on writes a new file from the
// store, in which replayed epochs are already cut off and what a killed process had stored but not
// yet copied is there; it then appends. That needs no reading of what earlier processes left, which
// may end in the middle of a record. The new file has a new name, since a TensorBoard that is open
// keeps reading the old one under its name.
#include "cli/report/events/run_events.hpp"

#include <cctype>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>

#include "cli/command.hpp"
#include "cli/config/stored_config.hpp"
#include "cli/report/events/event_file.hpp"
#include "cli/terminal/suggest.hpp"
#include "spaces/base/printable.hpp"
#include "spaces/base/whole_file.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;

struct StepValues {
  double wall = 0;
  std::vector<std::pair<std::string, double>> values;
};

/// Metrics of one group stand together on TensorBoard's page: train.loss is train/loss there.
std::string tag_of(const std::string& metric) {
  std::string tag = printable(metric);
  if (const size_t dot = tag.find('.'); dot != std::string::npos) tag[dot] = '/';
  return tag;
}

/// ISO 8601, UTC, as the store writes it.
double unix_seconds(const std::string& utc) {
  std::tm time{};
  if (strptime(utc.c_str(), "%Y-%m-%dT%H:%M:%S", &time) == nullptr) return 0;
  return static_cast<double>(timegm(&time));
}

/// Wall times are stored with the epochs. Earlier versions kept how long each took, which comes to
/// the same where the run was not interrupted; of searches only the start is known.
std::map<int64_t, StepValues> steps_of(const Store& store, const RunRow& run) {
  std::map<int64_t, StepValues> steps;
  std::map<int64_t, double> seconds, ended;
  for (const MetricRow& row : store.metrics(run.id)) {
    StepValues& step = steps[row.step];
    if (row.name == kEpochEnded) {
      ended[row.step] = row.value;
      continue;
    }
    if (row.name == "time.seconds" && std::isfinite(row.value)) seconds[row.step] = row.value;
    step.values.emplace_back(tag_of(row.name), row.value);
  }
  double wall = unix_seconds(run.started);
  for (auto& [number, step] : steps) {
    if (const auto took = seconds.find(number); took != seconds.end()) wall += took->second;
    if (const auto at = ended.find(number); at != ended.end() && std::isfinite(at->second))
      wall = at->second;
    step.wall = wall;
  }
  return steps;
}

std::string about(const RunRow& run) {
  std::string text = "| | |\n|---|---|\n";
  const auto line = [&text](const char* name, const std::string& value) {
    if (!value.empty()) text += std::string("| ") + name + " | " + printable(value) + " |\n";
  };
  line("run", run.id);
  line("name", run.name);
  line("command", "nas " + run.command);
  line("space", run.space);
  line("fingerprint", run.fingerprint);
  line("seed", std::to_string(run.seed));
  line("supernet", run.parent);
  line("started (UTC)", run.started);
  return text;
}

/// Of any length of fences within.
std::string fenced(const std::string& text) {
  std::string fence = "```";
  while (text.find(fence) != std::string::npos) fence += '`';
  return fence + "yaml\n" + printable_lines(text) + (text.ends_with('\n') ? "" : "\n") + fence +
         "\n";
}

/// Folder names of a store's runs are theirs alone by the id; a name makes them readable.
std::string folder_name(const RunRow& run) {
  std::string name;
  for (const char c : run.name)
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-' ||
                    (static_cast<unsigned char>(c) & 0x80) != 0
                ? c
                : '_';
  if (name.starts_with('.')) name[0] = '_';
  return name.empty() ? run.id : name + "-" + run.id;
}

/// A run may have been renamed since.
std::string folder_of(const std::string& folder, const std::string& run) {
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder, ec))
    if (const std::string name = entry.path().filename().string();
        name == run || name.ends_with("-" + run))
      return entry.path().string();
  return "";
}

std::string ending(const std::string& run) {
  return ".nas." + run;
}

std::vector<std::string> files_of(const std::string& folder, const std::string& run) {
  std::vector<std::string> files;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder, ec))
    if (const std::string name = entry.path().filename().string();
        name.starts_with("events.out.tfevents.") && name.ends_with(ending(run)))
      files.push_back(entry.path().string());
  return files;
}

}  // namespace

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool has_events(const std::string& folder, const std::string& run) {
  return !files_of(folder_of(folder, run), run).empty();
}

RunEvents::RunEvents(const Store& store, const RunRow& run, std::string folder)
    : store_(store), run_(run), folder_(std::move(folder)) {
  make_folders(folder_);
  const std::string mine = folder_of(folder_, run.id);
  folder_ = mine.empty() ? (fs::path(folder_) / folder_name(run)).string() : mine;
  make_folders(folder_);
  write_all();
}

void RunEvents::write_all() {
  const std::map<int64_t, StepValues> steps = steps_of(store_, run_);
  const double started = unix_seconds(run_.started);
  std::string file = event_file_start(started) + text_event(started, 0, "run", about(run_)) +
                     text_event(started, 0, "configuration", fenced(stored_config_text(run_)));
  steps_ = values_ = 0;
  for (const auto& [number, step] : steps) {
    if (step.values.empty()) continue;
    file += scalar_event(step.wall, number, step.values);
    ++steps_;
    values_ += step.values.size();
  }
  // TensorBoard reads the files of a folder in the order of their names.
  char now[24];
  std::snprintf(now, sizeof now, "%013.0f", std::floor(unix_seconds() * 1000));
  const std::vector<std::string> old = files_of(folder_, run_.id);
  path_ =
      (fs::path(folder_) / ("events.out.tfevents." + std::string(now) + ending(run_.id))).string();
  write_whole_file(path_, file);
  std::error_code ignored;
  for (const std::string& before : old)
    if (before != path_) fs::remove(before, ignored);
}

void RunEvents::add(int64_t step, const std::vector<MetricRow>& rows) {
  if (broken_) return;
  try {
    // Somebody may have tidied up.
    if (std::error_code ec; !fs::exists(path_, ec)) {
      make_folders(folder_);
      return write_all();
    }
    double wall = unix_seconds();
    std::vector<std::pair<std::string, double>> values;
    for (const MetricRow& row : rows) {
      if (row.name == kEpochEnded)
        wall = row.value;
      else
        values.emplace_back(tag_of(row.name), row.value);
    }
    std::ofstream file(path_, std::ios::binary | std::ios::app);
    file << scalar_event(wall, step, values);
    file.close();
    if (!file) throw DataError(path_ + ": cannot be written: " + write_failure(errno));
    ++steps_;
    values_ += values.size();
  } catch (const DataError& e) {
    broken_ = true;
    warning(
        std::string(e.what()) + "; the training goes on. Later: " +
        suggested({"results", run_.id, "--tensorboard", fs::path(folder_).parent_path().string()},
                  store_.path()));
  }
}

}  // namespace nas::cli
