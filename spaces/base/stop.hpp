#pragma once
// The wish to stop (Ctrl-C, SIGTERM, SIGHUP), seen everywhere: one flag that a signal handler sets
// and long work asks for.

namespace nas {

/// Sets the flag; safe in a signal handler.
void request_stop() noexcept;
bool stop_requested() noexcept;
/// Interrupted once the flag is set, unless a DefersStop lives. `doing` completes "stopped while".
void throw_if_stopped(const char* doing = nullptr);

/// While one lives, finished work is on its way to the store or a checkpoint: the program is not
/// ended under it, however long that takes.
class SavesOnStop {
 public:
  SavesOnStop() noexcept;
  ~SavesOnStop();
  SavesOnStop(const SavesOnStop&) = delete;
  SavesOnStop& operator=(const SavesOnStop&) = delete;
};
bool saves_on_stop() noexcept;  ///< Safe in a signal handler.

/// The same, and throw_if_stopped does not throw: the holder asks for the flag itself, between
/// steps that must be whole.
class DefersStop {
 public:
  DefersStop() noexcept;
  ~DefersStop();
  DefersStop(const DefersStop&) = delete;
  DefersStop& operator=(const DefersStop&) = delete;

 private:
  SavesOnStop saves_;
};

}  // namespace nas
