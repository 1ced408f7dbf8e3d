// One entry for each canonical form. The front is kept as it grows: an entry costs one pass over
// it, where computing it anew for every report would go through the whole archive each time.
// Entries lie in a deque, which never moves them, so that the front may point at them.
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
  if (entry.state == State::kEvaluated && score.objectives.empty()) {
    entry.state = State::kFailed;
    if (entry.error.empty()) entry.error = "an objective was not measured or is not finite";
  }
  score.violation =
      entry.state == State::kFailed ? kMissing : total_violation(goal_.constraints, entry.values);
  if (entry.state == State::kFailed) ++failures_;
  if (entry.feasible()) ++feasible_;
  entries_.push_back(std::move(entry));
  if (entries_.back().feasible()) add_to_front(entries_.back());
  return entries_.back();
}

// The front is kept as it grows: one pass over it per entry, where computing it anew for every
// report would go through the whole archive each time.
void Archive::add_to_front(const Entry& entry) {
  const Point& point = entry.score.objectives;
  for (const Entry* other : front_)
    if (other->score.objectives == point || dominates(other->score.objectives, point)) return;
  std::erase_if(front_,
                [&](const Entry* other) { return dominates(point, other->score.objectives); });
  const auto place =
      std::upper_bound(front_.begin(), front_.end(), &entry, [](const Entry* a, const Entry* b) {
        return a->score.objectives < b->score.objectives;
      });
  front_.insert(place, &entry);
}

std::vector<Point> Archive::feasible_points() const {
  std::vector<Point> points;
  for (const Entry& entry : entries_)
    if (entry.feasible()) points.push_back(entry.score.objectives);
  return points;
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
