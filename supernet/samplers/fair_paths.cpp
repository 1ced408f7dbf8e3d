// Strictly fair sets of paths (FairNAS, SUMNAS; panda.md 3.5): for every choice an independent
// permutation of its options, of which path k of the set takes the k-th entry. Every option of a
// choice is so used equally often in a set (with fewer options than paths floor or ceil times; a
// choice that others close in some paths is used in the rest).
#include <algorithm>

#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "supernet/samplers/path_sampler.hpp"
#include "supernet/samplers/section.hpp"
#include "supernet/train/strategy_state.hpp"

namespace nas {

void describe_redraw(Binder& b, FairRedraw& redraw) {
  b.choice("redraw",
           redraw,
           {{"step", FairRedraw::kStep}, {"epoch", FairRedraw::kEpoch}},
           "New permutations every step, or (as the released program) once per epoch");
}

namespace {

class FairPaths final : public PathSampler {
 public:
  FairPaths(const StrategyContext& context, FairRedraw redraw)
      : domain_(context.domain()),
        space_(context.space),
        redraw_(redraw),
        rng_(context.seed, context.stream("paths")) {
    for (size_t c = 0; c < space_.choices().size(); ++c)
      size_ = std::max(size_, domain_.option_count(c));
    // Found out before a run is recorded.
    const Rng untouched = rng_;
    draw_valid();
    rng_ = untouched;
  }

  size_t set_size() const override { return size_; }
  void begin_epoch(int64_t) override {
    set_.clear();
    next_ = 0;
  }
  void draw(Path& path) override {
    if (next_ == set_.size()) {
      if (set_.empty() || redraw_ == FairRedraw::kStep) set_ = draw_valid();
      next_ = 0;
    }
    path.architecture = set_[next_++];
  }

  void save(StrategyState& state) override {
    state.text["rng"] = rng_.state();
    std::vector<std::string> paths;
    for (const Architecture& a : set_) paths.push_back(space_.text(a));
    state.put_lines("paths", paths);
    if (next_ != set_.size()) state.text["paths.next"] = std::to_string(next_);
  }
  void load(const StrategyState& state) override {
    rng_.restore(state.string_at("rng"));
    set_.clear();
    for (const std::string& path : state.lines_at("paths")) set_.push_back(space_.parse(path));
    // Absent: all of the set were handed out.
    next_ = state.text.contains("paths.next") ? static_cast<size_t>(state.integer_at("paths.next"))
                                              : set_.size();
    if (next_ > set_.size())
      throw DataError("the state of the strategy has fewer paths than it says");
  }

 private:
  std::vector<int64_t> column(size_t options) {
    std::vector<int64_t> entries;
    while (entries.size() < size_) {
      const std::vector<int64_t> order = rng_.permutation(static_cast<int64_t>(options));
      const size_t take = std::min(order.size(), size_ - entries.size());
      entries.insert(entries.end(), order.begin(), order.begin() + static_cast<int64_t>(take));
    }
    // Which path gets a repeated option must not depend on its place in the row.
    if (options < size_) rng_.shuffle(entries);
    return entries;
  }

  std::vector<Architecture> draw_set() {
    const size_t choices = space_.choices().size();
    std::vector<Architecture> rows(size_);
    for (Architecture& a : rows) a.genes.resize(choices);
    for (size_t c = 0; c < choices; ++c) {
      const std::vector<int64_t> entries = column(domain_.option_count(c));
      for (size_t k = 0; k < size_; ++k)
        rows[k].genes[c] = domain_.option(c, static_cast<size_t>(entries[k]));
    }
    for (Architecture& a : rows) a = space_.fix_inactive(a);
    return rows;
  }

  std::vector<Architecture> draw_valid() {
    constexpr int kTries = 1000;
    for (int i = 0; i < kTries; ++i) {
      std::vector<Architecture> rows = draw_set();
      if (std::all_of(
              rows.begin(), rows.end(), [&](const Architecture& a) { return domain_.contains(a); }))
        return rows;
    }
    throw ConfigError("strict fairness: the choices of space '" + domain_.name() +
                          "' depend on one another so much that no strictly fair set of paths is "
                          "valid (tried " +
                          std::to_string(kTries) + ")",
                      "use strategy: uniform with `over: architectures`");
  }

  Domain domain_;
  const Space& space_;
  FairRedraw redraw_;
  Rng rng_;
  size_t size_ = 1;
  std::vector<Architecture> set_;
  size_t next_ = 0;  ///< Of `set_`, the first that was not handed out yet.
};

struct FairOptions {
  FairRedraw redraw = FairRedraw::kStep;
};
void describe(Binder& b, FairOptions& o) {
  describe_redraw(b, o.redraw);
}

}  // namespace

std::unique_ptr<PathSampler> make_fair_paths(const StrategyContext& context, FairRedraw redraw) {
  return std::make_unique<FairPaths>(context, redraw);
}

PathSamplerEntry fair_paths() {
  return {"fair",
          "Sets of paths that use every option of every choice equally often (FairNAS).",
          [](const StrategyContext& context, const YamlSource& source) {
            return make_fair_paths(context, read_named<FairOptions>(source).redraw);
          },
          [](Binder& b) {
            FairOptions o;
            describe(b, o);
          }};
}

}  // namespace nas
