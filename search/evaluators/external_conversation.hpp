#pragma once
// One process of `evaluator: external` and what is said with it.
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "search/search_options.hpp"
#include "spaces/evaluator.hpp"

namespace nas {

/// What conversations side by side have in common.
struct ExternalShared {
  ExternalShared(const Space& s, const ExternalOptions& o) : space(s), options(o) {}
  const Space& space;
  const ExternalOptions options;
  std::function<bool()> stop;  ///< Asked by several threads.
  std::function<void(const std::string&)> show;
  std::atomic<size_t> questions{0};    ///< In all: makes ids.
  std::atomic<bool> abandoned{false};  ///< Another conversation failed.
  /// Shares that are told as percents fail one by one where they lie above 1, and would pass, as
  /// nearly perfect ones, where they do not: the worst networks would be the best. DataError at the
  /// second.
  void refuse_percents(const std::string& metric);
  /// Shows a line, unless very many were shown.
  void tell(const std::string& text);

 private:
  std::mutex mutex_;
  int shown_ = 0, percents_ = 0;
};

/// Of a value that a program answered, or of seconds: short.
std::string short_number(double value);

/// Make, use and destroy it in one thread.
class ExternalConversation {
 public:
  explicit ExternalConversation(ExternalShared& shared);
  /// Lets the process end in peace.
  ~ExternalConversation();
  /// One evaluation for each; `stopped` ones where the search was. DataError when the program
  /// breaks the protocol, or cannot be run.
  std::vector<Evaluation> ask(std::span<const Architecture> architectures);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nas
