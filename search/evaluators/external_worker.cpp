// A thread for each program, because a Subprocess belongs to the thread that made it. One turn at a
// time (idle, asked, answered): the caller's span of architectures stays valid until the answer is
// fetched, so nothing is copied and nothing can be answered for another batch.
#include "search/evaluators/external_worker.hpp"

#include <utility>

namespace nas {

ExternalWorker::ExternalWorker(ExternalShared& shared)
    : shared_(shared), thread_([this] { work(); }) {}

ExternalWorker::~ExternalWorker() {
  {
    const std::lock_guard lock(mutex_);
    turn_ = Turn::kEnding;
  }
  changed_.notify_all();
  thread_.join();
}

void ExternalWorker::begin(std::span<const Architecture> architectures) {
  {
    const std::lock_guard lock(mutex_);
    asked_ = architectures;
    turn_ = Turn::kAsked;
  }
  changed_.notify_all();
}

std::vector<Evaluation> ExternalWorker::result() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return turn_ == Turn::kAnswered; });
  turn_ = Turn::kIdle;
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
  return std::move(answers_);
}

void ExternalWorker::work() {
  ExternalConversation conversation(shared_);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return turn_ == Turn::kAsked || turn_ == Turn::kEnding; });
    if (turn_ == Turn::kEnding) return;
    lock.unlock();
    std::vector<Evaluation> answers;
    std::exception_ptr failure;
    try {
      answers = conversation.ask(asked_);
    } catch (...) {
      failure = std::current_exception();
      shared_.abandoned = true;  // Others need not go on.
    }
    lock.lock();
    answers_ = std::move(answers);
    failure_ = failure;
    turn_ = Turn::kAnswered;
    changed_.notify_all();
  }
}

}  // namespace nas
