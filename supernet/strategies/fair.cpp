// Strict fairness (FairNAS): every option of every choice is used equally often in each step; the
// gradients of the paths add up to one optimizer step (panda.md 3.5).
#include <algorithm>

#include "supernet/strategies/options.hpp"

namespace nas {
namespace {

struct Options {
  enum class Redraw { kStep, kEpoch };
  Redraw redraw = Redraw::kStep;
};

void describe(Binder& b, Options& o) {
  b.choice("redraw",
           o.redraw,
           {{"step", Options::Redraw::kStep}, {"epoch", Options::Redraw::kEpoch}},
           "New permutations every step, or (as the released program) once per epoch");
}

class Fair final : public Strategy {
 public:
  Fair(const StrategyContext& context, Options options)
      : Strategy(context), options_(options), rng_(context.seed, "paths") {
    for (const Choice& choice : context.space.choices())
      paths_ = std::max(paths_, choice.options.size());
  }

  std::string name() const override { return "fair"; }
  void begin_epoch(int64_t) override { current_.clear(); }

  Step next_step(int64_t, int64_t) override {
    if (current_.empty() || options_.redraw == Options::Redraw::kStep) current_ = draw_valid();
    Step step;
    for (const Architecture& a : current_) {
      step.paths.emplace_back();
      step.paths.back().architecture = a;
    }
    return step;
  }

  StrategyState save() const override {
    StrategyState state;
    state.text["rng"] = rng_.state();
    std::string paths;
    for (const Architecture& a : current_) paths += context_.space.text(a) + "\n";
    state.text["paths"] = paths;
    return state;
  }

  void load(const StrategyState& state) override {
    rng_.restore(state.text.at("rng"));
    current_.clear();
    const std::string& text = state.text.at("paths");
    for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
         begin = end + 1)
      current_.push_back(context_.space.parse(text.substr(begin, end - begin)));
  }

 private:
  /// One entry per path: a permutation of the options, repeated with fresh permutations where the
  /// choice has fewer options than there are paths (each is used floor or ceil times).
  std::vector<int64_t> column(size_t options) {
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

  std::vector<Architecture> draw() {
    const std::vector<Choice>& choices = context_.space.choices();
    std::vector<Architecture> rows(paths_);
    for (Architecture& a : rows) a.genes.resize(choices.size());
    for (size_t c = 0; c < choices.size(); ++c) {
      const std::vector<int64_t> entries = column(choices[c].options.size());
      for (size_t k = 0; k < paths_; ++k) rows[k].genes[c] = static_cast<int16_t>(entries[k]);
    }
    for (Architecture& a : rows) a = context_.space.fix_inactive(a);
    return rows;
  }

  std::vector<Architecture> draw_valid() {
    constexpr int kTries = 1000;
    for (int i = 0; i < kTries; ++i) {
      std::vector<Architecture> rows = draw();
      if (std::all_of(rows.begin(), rows.end(), [&](const Architecture& a) {
            return context_.space.valid(a);
          }))
        return rows;
    }
    throw ConfigError("strategy fair: the choices of space '" + context_.space.name() +
                          "' depend on one another so much that no strictly fair set of paths is "
                          "valid (tried " +
                          std::to_string(kTries) + ")",
                      "use strategy: uniform with `over: architectures`");
  }

  Options options_;
  Rng rng_;
  size_t paths_ = 1;
  std::vector<Architecture> current_;
};

}  // namespace

StrategyEntry fair_strategy() {
  return {
      "fair",
      {"fairnas"},
      "Every option of every choice equally often per step, gradients summed (FairNAS).",
      [](const StrategyContext& context, const YamlSource& source) -> std::unique_ptr<Strategy> {
        return std::make_unique<Fair>(context, read_strategy_options<Options>(source));
      },
      [] { return strategy_schema<Options>("fair"); }};
}

}  // namespace nas
