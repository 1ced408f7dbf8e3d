#pragma once
// Where the files, the data and the space of a run are now: a results folder may have been moved or
// copied, the data may lie elsewhere on another machine.
#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "search/store/store.hpp"
#include "spaces/yaml/yaml_binder.hpp"

namespace nas::cli {

/// This process alone works in a run's folder while it lives: a lock on its file `lock`, which
/// works across stores, users and machines (where the file system has locks), and ends with the
/// process.
class RunLock {
 public:
  /// Makes the folder. ConfigError naming who holds it; DataError when it cannot be written to.
  RunLock(const std::string& folder, const std::string& run);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;
  /// The folder had a lock file, and nobody holds it: whoever the store says works on the run does
  /// not do so here.
  bool proves() const { return proves_; }

 private:
  int fd_ = -1;
  bool proves_ = false;
};

/// Another store that works in this folder: a copy of the file beside the original, or behind a
/// link; "" when it is this store's own. Folders of versions before 0.2 name none.
std::string other_owner(const Store& store, const RunRow& run);
/// Writes into a run's folder which store it belongs to.
void record_owner(const Store& store, const RunRow& run);

/// Takes an unfinished run over: its folder's lock, then its row. ConfigError when it is finished,
/// worked on, or its files are those of the store that this one was copied from.
std::unique_ptr<RunLock> take_run(Store& store, const RunRow& run);

/// --set of where and how data are read again (`data.path`, workers, prefetch, cache), which
/// changes no result. ConfigError for any other key of `data`.
std::vector<std::string> data_sets(const std::vector<std::string>& sets);
/// The other ones.
std::vector<std::string> other_sets(const std::vector<std::string>& sets);
/// A path of a configuration as an absolute one: beside that file first, else from this folder.
/// `config` empty: typed on the command line. Empty stays empty.
std::string absolute_place(const std::string& path, const std::string& config);
/// The same for `space:` where it names a file; anything else stays as it is.
Binder::Raw absolute_space(const Binder::Raw& space);
/// Keeps a copy of the space's file in a run's folder.
void keep_space_file(const Binder::Raw& space, const std::string& folder);

/// The space of a run: its file in the run's folder first, then where it was, then beside the
/// store.
Binder::Raw space_of_run(const Store& store, const RunRow& run);
/// Where the data are that were read from `kept`; ConfigError naming --set data.path when they are
/// nowhere.
std::string place_of_data(const Store& store, const std::string& run, const std::string& kept);

/// Status failed with a sentence for people. Where that cannot be written either, it is a warning:
/// the error itself is what must be told.
void record_failure(Store& store, const std::string& run, const std::exception& error);

}  // namespace nas::cli
