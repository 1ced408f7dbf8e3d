#pragma once
// Errors a user can mend, sorted by where. Programmer errors are assertions, not these.
#include <stdexcept>
#include <string>
#include <vector>

namespace nas {

/// Exit codes of every command.
enum ExitCode : int { kExitOk = 0, kExitFailed = 1, kExitUsage = 2, kExitInterrupted = 130 };

/// One mistake in a configuration file, an override or a flag.
struct Problem {
  std::string file;     ///< Path, "--set" or a flag's name; empty when unknown.
  int line = 0;         ///< 1-based; 0 when there is no position.
  int column = 0;       ///< 1-based.
  std::string key;      ///< Dotted path, e.g. `train.epochs`.
  std::string message;  ///< What is wrong, with the value and what was expected.
  std::string hint;     ///< How to mend it; may be empty.

  /// `file:line:column: key: message` and the hint on a second line.
  std::string text() const;
};

/// Base of all errors that end an operation.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  virtual int exit_code() const { return kExitFailed; }
};

/// Wrong usage or configuration; carries every mistake found, not only the first. Exit code 2.
class ConfigError : public Error {
 public:
  explicit ConfigError(std::vector<Problem> problems);
  explicit ConfigError(const std::string& message, const std::string& hint = "");
  const std::vector<Problem>& problems() const { return problems_; }
  int exit_code() const override { return kExitUsage; }

 private:
  std::vector<Problem> problems_;
};

/// A data file, checkpoint, table or store that cannot be read as what it should be. Exit code 1.
class DataError : public Error {
 public:
  using Error::Error;
};

/// A device, library or instruction set that was asked for and is not here. Exit code 1.
class DeviceError : public Error {
 public:
  using Error::Error;
};

/// The user asked to stop; state was saved. Exit code 130.
class Interrupted : public Error {
 public:
  using Error::Error;
  int exit_code() const override { return kExitInterrupted; }
};

/// The candidate nearest to `word` in edit distance, or "" when none is near enough to suggest.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace nas
