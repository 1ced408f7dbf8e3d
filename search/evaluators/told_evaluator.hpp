#pragma once
// An evaluator that waits: values are told later, by people, queues, other machines.
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "spaces/evaluator.hpp"

namespace nas {

/// Answers what it was told. A batch with an architecture that nobody has told of is `stopped` as a
/// whole: values enter a search in the order it asked for them, whenever they came.
class ToldEvaluator final : public Evaluator {
 public:
  explicit ToldEvaluator(std::vector<std::string> metrics) : metrics_(std::move(metrics)) {}
  void tell(const Architecture& a, Evaluation value) { told_[a] = std::move(value); }
  std::vector<Evaluation> evaluate(std::span<const Architecture> architectures) override;
  std::vector<std::string> metrics() const override { return metrics_; }
  std::string source() const override { return "told"; }
  /// The batch that could not be answered; empty before there is one.
  const std::vector<Architecture>& waiting() const { return waiting_; }
  bool knows(const Architecture& a) const { return told_.contains(a); }

 private:
  std::vector<std::string> metrics_;
  std::unordered_map<Architecture, Evaluation> told_;
  std::vector<Architecture> waiting_;
};

}  // namespace nas
