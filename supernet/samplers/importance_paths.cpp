// Paths drawn by importance (PA, panda.md 3.1 to 3.4): option probabilities follow the gradient
// norms of the weights that the option brings, mixed with the uniform ones by tau, which grows over
// the epochs. Norms are read from the device late and in bulk: reading them changes nothing.
#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>

#include "spaces/random.hpp"
#include "supernet/samplers/importance.hpp"
#include "supernet/samplers/section.hpp"
#include "supernet/train/strategy_state.hpp"

namespace nas {
namespace {

class ImportancePaths final : public PathSampler {
 public:
  ImportancePaths(const StrategyContext& context, const ImportancePathsOptions& options)
      : context_(context),
        options_(options),
        rng_(context.seed, context.stream("paths")),
        paths_(context.domain(), options.paths) {}

  std::vector<std::string> advice() const override {
    constexpr double kNearlyOff = 0.8;
    const double kept = paths_.even_share_kept();
    if (kept <= kNearlyOff) return {};
    char text[240];
    std::snprintf(text,
                  sizeof text,
                  "path importance is nearly off: to bound the weights of paths of %zu choices "
                  "every option keeps %.0f %% of its even probability; path_weights: clipped or a "
                  "larger max_path_weight gives it room",
                  context_.space.choices().size(),
                  100 * kept);
    return {text};
  }

  void draw(Path& path) override {
    paths_.draw(rng_, path.architecture);
    path.weight = paths_.weight(path.architecture);
    max_weight_ = std::max(max_weight_, path.weight);
  }

  bool observes() const override { return true; }

  /// The gradient is that of the weighted, clipped loss; the score is the path's own.
  void observe(const PathOutcome& outcome) override {
    Pending p;
    p.architecture = outcome.architecture;
    p.norms = path_norms(outcome, context_.space.choices().size());
    p.factor = options_.clip_before_score ? 1 : 1 / std::max(outcome.clip, 1e-300);
    p.factor /= std::max(outcome.weight, 1e-300);
    pending_.push_back(std::move(p));
    ++of_step_;
    on_cpu_ = outcome.logits.device().is_cpu();
  }

  void end_step(const std::vector<double>& clip) override {
    for (size_t i = 0; i < clip.size() && i < of_step_ && options_.clip_before_score; ++i)
      pending_[pending_.size() - of_step_ + i].factor *= clip[i];
    of_step_ = 0;
    // On a GPU every look at a number waits for the device.
    constexpr size_t kQueue = 64;
    if (on_cpu_ || pending_.size() >= kQueue) flush();
  }

  void end_epoch(int64_t epoch) override {
    flush();
    take_telemetry();
    tau_ = options_.tau_max * static_cast<double>(epoch) / static_cast<double>(context_.epochs);
    paths_.end_epoch(
        tau_,
        Rng(context_.seed, context_.stream("paths/mean_weight"), static_cast<uint64_t>(epoch)));
    max_weight_ = 1;
  }

  Telemetry telemetry() const override { return telemetry_; }
  std::vector<std::string> health() const override { return health_; }

  void save(StrategyState& state) override {
    flush();
    state.text["rng"] = rng_.state();
    state.put_doubles("paths", paths_.save());
    state.put_doubles("path.scalars", {tau_, max_weight_});
    state.put_lines("path.health", health_);
  }

  void load(const StrategyState& state) override {
    rng_.restore(state.string_at("rng"));
    paths_.load(state.doubles_at("paths", paths_.save().size()));
    // Before 0.2 both halves of PA&DA shared these.
    const bool former = state.tensors.contains("scalars");
    const std::vector<double> scalars =
        former ? state.doubles_at("scalars", 3) : state.doubles_at("path.scalars", 2);
    tau_ = scalars[0];
    max_weight_ = scalars.back();
    health_ = state.lines_at(former ? "health" : "path.health");
  }

 private:
  /// Scores of one path, still on the device.
  struct Pending {
    Architecture architecture;
    PathNorms norms;
    double factor = 1;
  };

  void flush() {
    for (const Pending& p : pending_) {
      PathScores scores;
      scores.parametric = p.norms.parametric;
      scores.score.assign(p.norms.parametric.size(), 0);
      if (p.norms.norms.defined()) {
        const at::Tensor norms = p.norms.norms.to(at::kCPU, at::kDouble).contiguous();
        const auto* norm = norms.data_ptr<double>();
        for (size_t t = 0; t < p.norms.choices.size(); ++t)
          for (const size_t c : p.norms.choices[t]) scores.score[c] += norm[t] * p.factor;
      }
      paths_.observe(p.architecture, scores);
    }
    pending_.clear();
    of_step_ = 0;
  }

  void take_telemetry() {
    telemetry_ = {{"panda.tau", tau_}, {"path.max_weight", max_weight_}};
    for (const PathImportance::Group& group : paths_.groups())
      for (size_t o = 0; o < group.p.size(); ++o)
        telemetry_.emplace_back("path.p." + group.name + "." + group.options[o], group.p[o]);
    judge();
  }

  void judge();

  StrategyContext context_;
  ImportancePathsOptions options_;
  Rng rng_;
  PathImportance paths_;
  double tau_ = 0;  ///< In force.
  std::vector<Pending> pending_;
  size_t of_step_ = 0;  ///< The last so many of `pending_` are of the step in progress.
  bool on_cpu_ = true;
  double max_weight_ = 1;  ///< Of the epoch in progress.
  // Of the epoch last finished.
  Telemetry telemetry_;
  std::vector<std::string> health_;
};

std::string listed(const std::vector<std::string>& items) {
  constexpr size_t kShown = 6;
  std::string text;
  for (size_t i = 0; i < std::min(items.size(), kShown); ++i)
    text += (i == 0 ? "" : ", ") + items[i];
  if (items.size() > kShown) text += " and " + std::to_string(items.size() - kShown) + " more";
  return text;
}

void ImportancePaths::judge() {
  constexpr double kStarved = 0.1, kCollapsed = 0.95;
  health_.clear();
  std::vector<std::string> starved, collapsed;
  for (const PathImportance::Group& group : paths_.groups()) {
    const auto m = static_cast<double>(group.p.size());
    for (size_t o = 0; o < group.p.size() && group.p.size() > 1; ++o) {
      char text[32];
      std::snprintf(text, sizeof text, " (%.3g)", group.p[o]);
      if (group.p[o] * m < kStarved) starved.push_back(group.name + "." + group.options[o] + text);
      if (group.p[o] > kCollapsed) collapsed.push_back(group.name + "." + group.options[o] + text);
    }
  }
  if (!starved.empty())
    health_.push_back("starved options, drawn less than a tenth as often as uniformly: " +
                      listed(starved));
  if (!collapsed.empty())
    health_.push_back("collapsed choices, one option takes over 95 %: " + listed(collapsed));
  const auto parametric = [](const PathImportance::Group& group) {
    return std::count(group.kind.begin(), group.kind.end(), PathImportance::kParametric) > 0;
  };
  if (std::none_of(paths_.groups().begin(), paths_.groups().end(), parametric))
    health_.emplace_back(
        "path importance did nothing: no option of this space has weights of its own");
  else if (starved.empty() && collapsed.empty())
    health_.emplace_back("no option starved, no choice collapsed");
}

/// The section `path_sampler: {name: importance}`.
struct Section {
  ImportancePreset preset = ImportancePreset::kUnbiased;
  ImportancePathsOptions options;
};
void describe(Binder& b, Section& o) {
  describe_preset(b, o.preset);
  describe_tau(b, o.options.tau_max);
  describe_unseen(b, o.options.paths.unseen);
  describe_paths(b, o.options, "");
}

}  // namespace

std::unique_ptr<PathSampler> make_importance_paths(const StrategyContext& context,
                                                   const ImportancePathsOptions& options) {
  return std::make_unique<ImportancePaths>(context, options);
}

PathSamplerEntry importance_paths() {
  return {"importance",
          "Paths drawn by the gradient norms of their options (PA of PA&DA).",
          [](const StrategyContext& context, const YamlSource& source) {
            require_single_batches(context, source, "path sampler importance");
            Section section;
            section.preset = yaml_scalar(source, "preset").value_or("") == "unbiased"
                                 ? ImportancePreset::kUnbiased
                                 : ImportancePreset::kPaper;
            section.options = path_defaults(section.preset);
            return make_importance_paths(context, read_named<Section>(source, section).options);
          },
          [](Binder& b) {
            Section o{ImportancePreset::kPaper, path_defaults(ImportancePreset::kPaper)};
            describe(b, o);
          }};
}

}  // namespace nas
