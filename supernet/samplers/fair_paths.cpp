#include "supernet/samplers/fair_paths.hpp"

#include <algorithm>

namespace nas {

void describe_redraw(Binder& b, FairRedraw& redraw) {
  b.choice("redraw",
           redraw,
           {{"step", FairRedraw::kStep}, {"epoch", FairRedraw::kEpoch}},
           "New permutations every step, or (as the released program) once per epoch");
}

FairPaths::FairPaths(const Space& space, uint64_t seed, FairRedraw redraw)
    : space_(space), redraw_(redraw), rng_(seed, "paths") {
  for (const Choice& choice : space.choices()) paths_ = std::max(paths_, choice.options.size());
  // Found out before a run is recorded.
  const Rng untouched = rng_;
  draw_valid();
  rng_ = untouched;
}

const std::vector<Architecture>& FairPaths::next() {
  if (current_.empty() || redraw_ == FairRedraw::kStep) current_ = draw_valid();
  return current_;
}

std::vector<int64_t> FairPaths::column(size_t options) {
  std::vector<int64_t> entries;
  while (entries.size() < paths_) {
    const std::vector<int64_t> order = rng_.permutation(static_cast<int64_t>(options));
    const size_t take = std::min(order.size(), paths_ - entries.size());
    entries.insert(entries.end(), order.begin(), order.begin() + static_cast<int64_t>(take));
  }
  // Which path gets a repeated option must not depend on its place in the row.
  if (options < paths_) rng_.shuffle(entries);
  return entries;
}

std::vector<Architecture> FairPaths::draw() {
  const std::vector<Choice>& choices = space_.choices();
  std::vector<Architecture> rows(paths_);
  for (Architecture& a : rows) a.genes.resize(choices.size());
  for (size_t c = 0; c < choices.size(); ++c) {
    const std::vector<int64_t> entries = column(choices[c].options.size());
    for (size_t k = 0; k < paths_; ++k) rows[k].genes[c] = static_cast<int16_t>(entries[k]);
  }
  for (Architecture& a : rows) a = space_.fix_inactive(a);
  return rows;
}

std::vector<Architecture> FairPaths::draw_valid() {
  constexpr int kTries = 1000;
  for (int i = 0; i < kTries; ++i) {
    std::vector<Architecture> rows = draw();
    if (std::all_of(
            rows.begin(), rows.end(), [&](const Architecture& a) { return space_.valid(a); }))
      return rows;
  }
  throw ConfigError("strict fairness: the choices of space '" + space_.name() +
                        "' depend on one another so much that no strictly fair set of paths is "
                        "valid (tried " +
                        std::to_string(kTries) + ")",
                    "use strategy: uniform with `over: architectures`");
}

void FairPaths::save(StrategyState& state) const {
  state.text["rng"] = rng_.state();
  std::string paths;
  for (const Architecture& a : current_) paths += space_.text(a) + "\n";
  state.text["paths"] = paths;
}

void FairPaths::load(const StrategyState& state) {
  rng_.restore(state.string_at("rng"));
  current_.clear();
  for (const std::string& path : state.lines_at("paths")) current_.push_back(space_.parse(path));
}

}  // namespace nas
