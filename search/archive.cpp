#include "search/archive.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace nas {

const Archive::Entry* Archive::find(const Architecture& canonical) const {
  const auto it = index_.find(canonical);
  return it == index_.end() ? nullptr : &entries_[it->second];
}

const Archive::Entry& Archive::insert(Entry entry) {
  if (!index_.emplace(entry.architecture, entries_.size()).second)
    throw std::logic_error("architecture evaluated twice");
  ScoredPoint& score = entry.score;
  score = {};
  for (const Objective& objective : goal_.objectives) {
    const auto it = entry.values.find(objective.metric);
    if (it == entry.values.end() || !std::isfinite(it->second)) {
      score.objectives.clear();
      break;
    }
    score.objectives.push_back(objective.sign() * it->second);
  }
  if (entry.state == State::kSkipped) {
    // Limits on metrics that were not paid for cannot be judged; those on costs are broken.
    for (const Constraint& constraint : goal_.constraints)
      if (const auto it = entry.values.find(constraint.metric); it != entry.values.end())
        score.violation += constraint.violation(it->second);
    score.objectives.clear();
  } else {
    if (entry.state == State::kEvaluated && score.objectives.empty()) {
      entry.state = State::kFailed;
      if (entry.error.empty()) entry.error = "an objective was not measured or is not finite";
    }
    score.violation =
        entry.state == State::kFailed ? kMissing : total_violation(goal_.constraints, entry.values);
    ++evaluations_;
    if (entry.state == State::kFailed) ++failures_;
    if (entry.feasible()) ++feasible_;
  }
  entries_.push_back(std::move(entry));
  return entries_.back();
}

std::vector<Point> Archive::feasible_points() const {
  std::vector<Point> points;
  for (const Entry& entry : entries_)
    if (entry.feasible()) points.push_back(entry.score.objectives);
  return points;
}

std::vector<const Archive::Entry*> Archive::front() const {
  std::vector<const Entry*> order;
  for (const Entry& entry : entries_)
    if (entry.feasible()) order.push_back(&entry);
  // In lexicographic order no point is dominated by a later one.
  std::stable_sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    return a->score.objectives < b->score.objectives;
  });
  std::vector<const Entry*> front;
  for (const Entry* entry : order) {
    const Point& point = entry->score.objectives;
    const bool beaten = std::any_of(front.begin(), front.end(), [&](const Entry* other) {
      return other->score.objectives == point || dominates(other->score.objectives, point);
    });
    if (!beaten) front.push_back(entry);
  }
  return front;
}

const Archive::Entry* Archive::nearest_miss() const {
  const Entry* best = nullptr;
  const auto before = [](const Entry& a, const Entry& b) {
    if (a.score.violation != b.score.violation) return a.score.violation < b.score.violation;
    return a.architecture < b.architecture;
  };
  for (const Entry& entry : entries_)
    if (!entry.feasible() && (best == nullptr || before(entry, *best))) best = &entry;
  return best;
}

}  // namespace nas
