#include "cli/terminal/failure.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <system_error>

#include "cli/command.hpp"
#include "spaces/base/whole_file.hpp"

namespace nas::cli {
namespace {

namespace fs = std::filesystem;

std::string& log_path() {
  static std::string path;
  return path;
}

const char* memory_advice = "";

/// LibTorch's messages begin with where in its sources; their frames follow after the sentence.
constexpr std::array kFrames = {"\nException raised from ", "\nframe #", "\nC++ CapturedTraceback"};

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

/// oneDNN does not say what it lacked.
bool maybe_of_memory(const std::string& what) {
  return has(what, "could not create a primitive") || has(what, "could not execute a primitive") ||
         has(what, "could not create a memory");
}

bool of_memory(const std::string& what) {
  return has(what, "can't allocate memory") || has(what, "not enough memory") ||
         has(what, "out of memory") || has(what, "CUBLAS_STATUS_ALLOC_FAILED") ||
         what == "std::bad_alloc";
}

/// "12.3 GiB" of the number of bytes that an allocator's message names, or "".
std::string asked_for(const std::string& what) {
  const std::string start = "tried to allocate ";
  size_t at = what.find(start);
  if (at == std::string::npos) at = what.find("Tried to allocate ");
  if (at == std::string::npos) return "";
  const std::string rest = what.substr(at + start.size());
  const double bytes = std::strtod(rest.c_str(), nullptr);
  if (rest.find(" bytes") == std::string::npos) return rest.substr(0, rest.find(". "));
  constexpr double kMebi = 1 << 20;
  return bytes < 1024 * kMebi ? format_number(bytes / kMebi, 3) + " MiB"
                              : format_number(bytes / (1024 * kMebi), 3) + " GiB";
}

std::string memory_sentence(const std::string& what) {
  const std::string size = asked_for(what);
  const bool gpu = has(what, "CUDA") || has(what, "CUBLAS");
  return std::string("out of memory") + (gpu ? " of the GPU" : "") +
         (size.empty() ? "" : " (" + size + " more were asked for)") + memory_advice;
}

/// The first line without the place in LibTorch's sources.
std::string first_sentence(std::string what) {
  for (const char* mark : kFrames) what = what.substr(0, what.find(mark));
  what = what.substr(0, what.find('\n'));
  const size_t end = what.find("] . ");
  if (what.starts_with("[enforce fail at ") && end != std::string::npos)
    what = what.substr(end + 4);
  while (!what.empty() && (what.back() == ' ' || what.back() == '\n')) what.pop_back();
  return what;
}

bool has_frames(const std::string& what) {
  for (const char* mark : kFrames)
    if (has(what, mark)) return true;
  return false;
}

/// Path of the file that took `what`, or "".
std::string logged(const std::string& what) {
  std::string path = log_path();
  if (path.empty()) {
    std::error_code error;
    const fs::path folder = fs::temp_directory_path(error);
    if (error) return "";
    path = (folder / ("nas-error-" + std::to_string(getpid()) + ".log")).string();
  }
  static std::string last;  // Told twice: to the store and to the user.
  if (what == last) return path;
  last = what;
  std::ofstream file(path, std::ios::app);
  file << what << "\n";
  return file.flush() ? path : "";
}

[[noreturn]] void last_words() {
  std::string text = "unexpected end";
  try {
    if (const auto error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    // No memory for a text either.
    for (const char* part : {"error: out of memory", memory_advice, "\n"})
      if (write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
    std::_Exit(kExitFailed);
  } catch (const std::exception& e) {
    text = sentence_of(e.what());
  } catch (...) {
  }
  print_error(text);
  std::_Exit(kExitFailed);
}

}  // namespace

std::string sentence_of(const std::string& what) {
  return of_memory(what) ? memory_sentence(what) : first_sentence(what);
}

Failure told(const std::exception& e) {
  const std::string what = e.what();
  Failure failure;
  if (dynamic_cast<const std::bad_alloc*>(&e) != nullptr) {
    failure.text = memory_sentence("");
  } else if (const auto* file = dynamic_cast<const fs::filesystem_error*>(&e)) {
    failure.text = (file->path1().empty() ? "" : file->path1().string() + ": ") +
                   write_failure(file->code().value());
  } else if (dynamic_cast<const Error*>(&e) != nullptr && !has_frames(what)) {
    failure.text = what;
  } else if (const auto* system = dynamic_cast<const std::system_error*>(&e)) {
    failure.text = "the system refuses: " + std::string(system->code().message()) +
                   (system->code() == std::errc::resource_unavailable_try_again
                        ? " (too many threads or processes, or too little memory)"
                        : "");
  } else if (maybe_of_memory(what)) {
    failure.text =
        "LibTorch: " + first_sentence(what) + ", often for want of memory" + memory_advice;
  } else if (of_memory(what) || has_frames(what)) {
    failure.log = logged(what);
    failure.text = of_memory(what) ? memory_sentence(what) : "LibTorch: " + first_sentence(what);
    if (!failure.log.empty()) failure.text += "\n  The library's own words are in " + failure.log;
  } else {
    failure.text = "unexpected: " + what;
  }
  return failure;
}

void set_error_log(const std::string& path) {
  log_path() = path;
}

void set_memory_advice(const std::string& command) {
  const auto is = [&](const char* name) { return command == name; };
  memory_advice =
      is("train")
          ? "; lower train.batch (train.accumulate makes up for it), evaluate.recalibrate.batch or "
            "data.prefetch, or set data.cache: off"
      : is("evaluate") || is("search") || is("rank") || is("export")
          ? "; lower evaluate.batch and evaluate.recalibrate.batch of the run, or set data.cache: "
            "off"
      : is("measure") ? "; lower --batch"
                      : "; ask for less at once";
}

void install_last_words() {
  std::set_terminate(last_words);
}

}  // namespace nas::cli
