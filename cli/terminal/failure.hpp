#pragma once
// What a failure is for the user: one sentence with what to do. The rest (stack frames of a
// library) goes into a log file whose path is told.
#include <exception>
#include <string>

namespace nas::cli {

struct Failure {
  std::string text;  ///< Sentence, without "error: ".
  std::string log;   ///< File with the rest; empty when the sentence says all.
};
Failure told(const std::exception& error);
/// The same of a text that was caught elsewhere, without a log file.
std::string sentence_of(const std::string& what);

/// Where the rest goes; default: a file in the folder of temporary files.
void set_error_log(const std::string& path);
/// What to lower when memory runs out, for the command that runs.
void set_memory_advice(const std::string& command);
/// An exception that escapes a destructor or a thread ends the program with a sentence too.
void install_last_words();

}  // namespace nas::cli
