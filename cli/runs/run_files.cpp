#include "cli/runs/run_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/runs/run_sets.hpp"
#include "cli/terminal/failure.hpp"
#include "spaces/base/shell_word.hpp"
#include "spaces/base/whole_file.hpp"
#include "spaces/registry.hpp"
#include "spaces/text/space_file.hpp"
#include "supernet/data/sources/sources.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwner = "owner";
constexpr std::array kDataKeys = {"data.path", "data.workers", "data.prefetch", "data.cache"};

bool of_data(const std::string& set) {
  const std::string key = key_of(set);
  return key == "data" || key.starts_with("data.");
}

/// Something to read is there; a pattern of shards stands in its folder.
bool readable(const fs::path& path) {
  std::error_code error;
  if (is_shard_pattern(path.string())) return fs::is_directory(path.parent_path(), error);
  return fs::exists(path, error);
}

bool names_file(const std::string& space) {
  return space.find('/') != std::string::npos || fs::path(space).extension() == ".yaml";
}

Binder::Raw space_at(const fs::path& path) {
  Binder::Raw raw;
  // In single quotes only the quote itself is doubled.
  raw.yaml = "'";
  for (const char c : path.string()) raw.yaml += c == '\'' ? std::string("''") : std::string(1, c);
  raw.yaml += "'";
  return raw;
}

}  // namespace

RunLock::RunLock(const std::string& folder, const std::string& run) {
  make_folders(folder);
  const std::string path = folder + "/lock";
  std::error_code error;
  proves_ = fs::exists(path, error);
  fd_ = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  if (fd_ < 0) throw DataError(path + ": cannot be written: " + write_failure(errno));
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    // A file system without locks leaves it to the store.
    proves_ = false;
    if (errno != EWOULDBLOCK) return;
    std::string owner;
    std::ifstream in(path);
    std::getline(in, owner);
    close(fd_);
    throw ConfigError("run '" + run + "' is being worked on by " +
                          (owner.empty() ? "another process" : owner) + " (its folder " + folder +
                          " is locked)",
                      "Stop that process first.");
  }
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  const std::string text =
      "process " + std::to_string(getpid()) + " on " + std::string(host.data()) + "\n";
  // For people only; a full disk must not hinder anything here.
  if (ftruncate(fd_, 0) == 0) [[maybe_unused]]
    const ssize_t written = write(fd_, text.data(), text.size());
}

RunLock::~RunLock() {
  if (fd_ >= 0) close(fd_);
}

std::string other_owner(const Store& store, const RunRow& run) {
  std::ifstream in(fs::path(run.directory) / kOwner);
  std::string path;
  std::error_code error;
  if (!std::getline(in, path) || !fs::is_regular_file(path, error)) return "";
  if (fs::equivalent(path, store.path(), error)) return "";
  // A folder that was copied together with its store still names the original, whose folder of the
  // run is another one.
  const fs::path theirs = fs::path(path).parent_path() / "nas-runs" / run.id;
  return fs::equivalent(theirs, run.directory, error) ? path : "";
}

void record_owner(const Store& store, const RunRow& run) {
  std::error_code error;
  const fs::path path = fs::canonical(store.path(), error);
  if (error) return;
  try {
    write_whole_file((fs::path(run.directory) / kOwner).string(), path.string() + "\n");
  } catch (const DataError&) {
    // A full disk is told by what matters more.
  }
}

std::unique_ptr<RunLock> take_run(Store& store, const RunRow& run) {
  if (!store.owns(run) && run.status != "finished")
    throw ConfigError("the files of run " + run.id + " lie in " + run.directory +
                          ", where this store was before it was moved or copied; going on there "
                          "would write into the original",
                      "move or copy them first: cp -r " + shell_word(run.directory) + " " +
                          shell_word(store.folder_of(run.id)));
  // A finished run has no folder to lock; the row tells.
  if (run.status == "finished") {
    store.claim_run(run.id);
    return nullptr;
  }
  auto lock = std::make_unique<RunLock>(run.directory, run.id);
  if (const std::string other = other_owner(store, run); !other.empty())
    throw ConfigError(
        "the files of run " + run.id + " in " + run.directory + " belong to the store " + other +
            ", of which this one is a copy",
        "Go on with that store, or copy its folder nas-runs too, into another folder.");
  record_owner(store, run);
  store.claim_run(run.id, lock->proves());
  remove_stale_temporaries(run.directory);
  return lock;
}

std::vector<std::string> data_sets(const std::vector<std::string>& sets) {
  std::vector<std::string> chosen;
  for (const std::string& set : sets) {
    if (!of_data(set)) continue;
    if (std::find(kDataKeys.begin(), kDataKeys.end(), key_of(set)) == kDataKeys.end())
      throw ConfigError("--set " + set + ": a trained run keeps its data",
                        "only data.path (where they lie now), data.workers, data.prefetch and "
                        "data.cache may be changed");
    chosen.push_back(set);
  }
  return chosen;
}

std::vector<std::string> other_sets(const std::vector<std::string>& sets) {
  std::vector<std::string> others;
  std::copy_if(sets.begin(), sets.end(), std::back_inserter(others), [](const std::string& set) {
    return !of_data(set);
  });
  return others;
}

std::string absolute_place(const std::string& path, const std::string& config) {
  if (path.empty() || fs::path(path).is_absolute()) return path;
  if (!config.empty() && config != "-") {
    std::error_code error;
    // What a pipe says belongs to no folder.
    const fs::path beside = fs::absolute(config, error).parent_path() / path;
    if (fs::is_regular_file(config, error) && readable(beside))
      return beside.lexically_normal().string();
  }
  return fs::absolute(path).lexically_normal().string();
}

Binder::Raw absolute_space(const Binder::Raw& space) {
  const std::string file = space_file(space);
  return file.empty() ? space : space_at(fs::absolute(file).lexically_normal());
}

void keep_space_file(const Binder::Raw& space, const std::string& folder) {
  const std::string file = space_file(space);
  if (file.empty()) return;
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (in) write_whole_file(folder + "/" + fs::path(file).filename().string(), text.str());
}

Binder::Raw space_of_run(const Store& store, const RunRow& run) {
  Binder::Raw raw;
  raw.yaml = run.space_yaml;
  const auto name = yaml_scalar(yaml_source(raw));
  if (!name || !names_file(*name)) return raw;
  const fs::path path = *name, folder = fs::path(store.folder_of(run.id)),
                 base = folder.parent_path().parent_path();
  std::vector<fs::path> places = {fs::path(run.directory) / path.filename()};
  if (!path.is_absolute()) places.push_back(base / path);
  places.push_back(path);
  places.push_back(base / path.filename());
  for (const fs::path& place : places)
    if (readable(place)) return space_at(fs::absolute(place));
  throw ConfigError(
      "the space of run " + run.id + " was read from " + *name + ", which is not there any more",
      "put it back there, or into " + run.directory);
}

std::string place_of_data(const Store& store, const std::string& run, const std::string& kept) {
  if (kept.empty()) return kept;
  const fs::path path = kept, base = fs::path(store.folder_of(run)).parent_path().parent_path();
  std::vector<fs::path> places;
  if (!path.is_absolute()) places.push_back(base / path);
  places.push_back(path);
  if (path.is_absolute()) {
    // A folder that was moved with the store: the end of its path still fits.
    fs::path end;
    const std::vector<fs::path> parts(path.begin(), path.end());
    for (size_t i = parts.size(); i-- > 1;) {
      end = end.empty() ? parts[i] : parts[i] / end;
      places.push_back(base / end);
    }
  }
  for (const fs::path& place : places)
    if (readable(place)) return fs::absolute(place).string();
  throw ConfigError("the data of run " + run + " are not in " + kept + " any more",
                    "say where they are: --set data.path=FOLDER");
}

void record_failure(Store& store, const std::string& run, const std::exception& error) {
  const std::string text = told(error).text;
  try {
    store.finish_run(run, "failed", text);
  } catch (const std::exception& e) {
    warning("run " + run + " cannot be marked as failed" +
            (std::string(e.what()) == error.what() ? " for the same reason"
                                                   : std::string(": ") + e.what()) +
            "; it will be listed as killed");
  }
}

}  // namespace nas::cli
