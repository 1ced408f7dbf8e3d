// Paths lie in a fixed array of C strings behind atomic pointers: a signal handler may neither lock
// nor allocate, and unlink(2) is among the functions it may call (signal-safety(7)).
#include "spaces/base/scratch_file.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "spaces/error.hpp"

namespace nas {
namespace {

constexpr int kSlots = 64;
std::array<std::atomic<const char*>, kSlots> alive{};
static_assert(std::atomic<const char*>::is_always_lock_free, "signal handlers read these");

}  // namespace

ScratchFile::ScratchFile(std::string path) : path_(std::move(path)), slot_(-1) {
  for (int i = 0; i < kSlots && slot_ < 0; ++i) {
    const char* none = nullptr;
    if (alive[i].compare_exchange_strong(none, path_.c_str())) slot_ = i;
  }
}

ScratchFile::~ScratchFile() {
  if (path_.empty()) return;
  unlink(path_.c_str());
  if (slot_ >= 0) alive[slot_] = nullptr;
}

void ScratchFile::keep_as(const std::string& path) {
  std::error_code error;
  std::filesystem::rename(path_, path, error);
  if (error) throw DataError(path + ": cannot be written: " + error.message());
  if (slot_ >= 0) alive[slot_] = nullptr;
  path_.clear();
}

ScratchFolder::ScratchFolder(const std::string& name) {
  path_ = (std::filesystem::temp_directory_path() / (name + "-XXXXXX")).string();
  if (mkdtemp(path_.data()) == nullptr)
    throw DataError(path_ + ": cannot be made: " + std::strerror(errno));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void remove_scratch_files() noexcept {
  for (const std::atomic<const char*>& path : alive)
    if (const char* text = path.load(); text != nullptr) unlink(text);
}

}  // namespace nas
