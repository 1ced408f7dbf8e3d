// Level l has the product of the groups before it as nodes, numbered in order of creation; each
// trains from one split to the next, left to right, and leaves take turns epoch by epoch
// (gradient_matching.md 3.1, 3.7).
#include "supernet/train/split/few_shot_schedule.hpp"

#include "spaces/error.hpp"

namespace nas {

size_t choice_named(const Space& space, const std::string& name, const std::string& key) {
  std::vector<std::string> known;
  for (size_t c = 0; c < space.choices().size(); ++c) {
    if (space.choices()[c].name == name) return c;
    known.push_back(space.choices()[c].name);
  }
  const std::string near = nearest(name, known);
  throw ConfigError(key + ": the space '" + space.name() + "' has no choice '" + name + "'",
                    near.empty() ? "`nas space show` lists them" : "did you mean '" + near + "'?");
}

FewShotSchedule::FewShotSchedule(const Space& space, const FewShotOptions& o, int64_t epochs)
    : options_(o) {
  const auto& s = o.split;
  int64_t before = 0;
  nodes_.push_back(1);
  for (size_t l = 0; l < s.epochs.size(); ++l) {
    lengths_.push_back(s.epochs[l] - before);
    before = s.epochs[l];
    nodes_.push_back(nodes_.back() * groups_of(space, l));
  }
  lengths_.push_back(o.final_epochs > 0 ? o.final_epochs : epochs - before);
  int base = 0;
  for (size_t l = 0; l < nodes_.size(); ++l) {
    first_.push_back(total_);
    base_.push_back(base);
    total_ += lengths_[l] * nodes_[l];
    base += nodes_[l];
  }
}

int FewShotSchedule::groups_of(const Space& space, size_t level) const {
  const auto& s = options_.split;
  if (s.criterion != SplitCriterion::kExhaustive) return at_or_last(s.groups, level);
  const size_t c = choice_named(space, at_or_last(s.choices, level), "weights.split.choices");
  return static_cast<int>(space.choices()[c].options.size());
}

bool FewShotSchedule::restarts(size_t level) const {
  if (level == 0 || options_.restart == Restart::kNone) return false;
  return options_.restart == Restart::kAll || last(level);
}

FewShotSchedule::Place FewShotSchedule::at(int64_t epoch) const {
  Place p;
  while (!last(p.level) && epoch >= first_[p.level + 1]) ++p.level;
  const int64_t inside = epoch - first_[p.level];
  const int64_t nodes = nodes_[p.level];
  const int64_t k = last(p.level) ? inside % nodes : inside / lengths_[p.level];
  p.node = base_[p.level] + static_cast<int>(k);
  p.epoch = last(p.level) ? inside / nodes : inside % lengths_[p.level];
  return p;
}

int FewShotSchedule::split_before(int64_t epoch) const {
  if (epoch == 0) return lengths_[0] == 0 ? 0 : -1;
  if (epoch > first_.back()) return -1;
  const Place p = at(epoch - 1);
  return p.epoch + 1 == lengths_[p.level] && !last(p.level) ? p.node : -1;
}

size_t FewShotSchedule::level_of(int node) const {
  size_t level = 0;
  while (!last(level) && node >= base_[level + 1]) ++level;
  return level;
}

void FewShotSchedule::place_on_schedule(const Place& p, Stage& stage) const {
  size_t from = p.level;
  while (from > 0 && !restarts(from)) --from;
  int64_t done = p.epoch, epochs = 0;
  for (size_t l = from; l < p.level; ++l) done += lengths_[l];
  for (size_t l = from; l < levels(); ++l) epochs += lengths_[l];
  stage.schedule_epoch = static_cast<double>(done);
  stage.schedule_epochs = static_cast<double>(epochs);
  stage.epoch = done;
  stage.epochs = epochs;
}

}  // namespace nas
