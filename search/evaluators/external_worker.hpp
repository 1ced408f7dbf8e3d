#pragma once
// A thread that holds one conversation with a program.
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "search/evaluators/external_conversation.hpp"

namespace nas {

class ExternalWorker {
 public:
  explicit ExternalWorker(ExternalShared& shared);
  /// Lets the process end in peace.
  ~ExternalWorker();
  ExternalWorker(const ExternalWorker&) = delete;
  ExternalWorker& operator=(const ExternalWorker&) = delete;

  /// Asks these, which must live until result() returns.
  void begin(std::span<const Architecture> architectures);
  /// Waits for the answers to what was begun; throws what the conversation threw.
  std::vector<Evaluation> result();

 private:
  void work();

  ExternalShared& shared_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::span<const Architecture> asked_;
  std::vector<Evaluation> answers_;
  std::exception_ptr failure_;
  enum class Turn { kIdle, kAsked, kAnswered, kEnding } turn_ = Turn::kIdle;
  std::thread thread_;
};

}  // namespace nas
