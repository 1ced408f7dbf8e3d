// PA&DA: paths and images drawn by their gradient norms.
//
// Preset `paper`, the default, is the released program: over three seeds its ranking is far above
// that of uniform paths at equal MACs (tests/bench/RESULTS.md). Preset `unbiased` repairs what is
// wrong with it as an estimator: draws are weighted back so that the update is unbiased, scores of
// what was not drawn are kept, options without weights keep their uniform share, and tau stays
// below
// 1. Its ranking was not told from that of uniform paths.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "supernet/samplers/gradient_scores.hpp"
#include "supernet/samplers/image_importance.hpp"
#include "supernet/samplers/path_importance.hpp"
#include "supernet/train/strategies/options.hpp"

namespace nas {
namespace {

enum class Preset { kPaper, kUnbiased };

/// As they stand: those of preset `unbiased`.
struct Options {
  Preset preset = Preset::kUnbiased;
  bool path = true, data = true;
  DataScore data_score = DataScore::kLastLayer;
  double tau_max = 0.9;
  bool clip_before_score = false;
  PathImportanceOptions paths;
  ImageImportanceOptions images;
  Unseen unseen = Unseen::kKeepLast;
};

Options defaults_of(Preset preset) {
  Options o;
  o.preset = preset;
  if (preset == Preset::kUnbiased) return o;
  o.data_score = DataScore::kLogit;
  o.tau_max = 1.0;
  o.clip_before_score = true;
  o.unseen = Unseen::kZero;
  o.paths.scope = ImportanceScope::kGlobal;
  o.paths.nonparam = NonParam::kZero;
  o.paths.weights = Weighting::kNone;
  o.images.weights = Weighting::kNone;
  return o;
}

const std::vector<std::pair<std::string, Weighting>>& weightings() {
  static const std::vector<std::pair<std::string, Weighting>> names = {
      {"none", Weighting::kNone}, {"exact", Weighting::kExact}, {"clipped", Weighting::kClipped}};
  return names;
}

void describe(Binder& b, Options& o) {
  b.choice("preset",
           o.preset,
           {{"paper", Preset::kPaper}, {"unbiased", Preset::kUnbiased}},
           "Defaults of the other keys: the released program's, or those of unbiased updates");
  b.value("path", o.path, "Draw paths by importance; false: uniformly");
  b.value("data", o.data, "Draw images by importance; false: each once per epoch");
  b.value("tau_max", o.tau_max, "Share of importance at the end; it grows linearly from 0")
      .range(0, 1);
  b.choice("unseen",
           o.unseen,
           {{"keep_last", Unseen::kKeepLast}, {"zero", Unseen::kZero}},
           "Score of an image or option that an epoch did not draw");
  b.choice("data_score",
           o.data_score,
           {{"last_layer", DataScore::kLastLayer}, {"logit", DataScore::kLogit}},
           "Image score: exact gradient norm of the classifier, or of the logits only");
  b.choice("data_weights", o.images.weights, weightings(), "Loss weights of the drawn images");
  b.value("data_clip", o.images.clip, "data_weights clipped: largest weight").range(1, 1e6);
  b.choice("scope",
           o.paths.scope,
           {{"per_decision", ImportanceScope::kPerDecision}, {"global", ImportanceScope::kGlobal}},
           "Path probabilities per choice, or one per option type for all choices");
  b.choice("nonparam",
           o.paths.nonparam,
           {{"uniform", NonParam::kUniform}, {"zero", NonParam::kZero}},
           "Options without weights: their uniform share, or score 0");
  b.choice("path_weights", o.paths.weights, weightings(), "Loss weight of the drawn path");
  b.value("path_clip", o.paths.clip, "path_weights clipped: largest weight").range(1, 1e6);
  b.value("p_floor",
          o.paths.floor,
          "Least probability of an option; -1: what max_path_weight asks for")
      .range(-1, 1);
  b.value("max_path_weight", o.paths.max_weight, "path_weights exact: bound on a path's weight")
      .range(1, 1e6);
  b.value("clip_before_score",
          o.clip_before_score,
          "Score paths by gradients as clipped (a halved step halves all scores)");
}

Options read_options(const YamlSource& source) {
  const bool unbiased = yaml_scalar(source, "preset").value_or("") == "unbiased";
  Options o = defaults_of(unbiased ? Preset::kUnbiased : Preset::kPaper);
  read_yaml(source, [&](Binder& b) {
    b.ignore("name");
    describe(b, o);
  });
  o.paths.unseen = o.images.unseen = o.unseen;
  if (!o.path) o.paths = PathImportanceOptions{.weights = Weighting::kNone};
  return o;
}

/// Keys that were given and do nothing beside the others.
std::vector<std::string> without_effect(const Options& o, const YamlSource& source) {
  std::vector<std::string> lines;
  const auto unused = [&](bool when, const char* key, const char* why) {
    if (when && yaml_scalar(source, key))
      lines.push_back("strategy." + std::string(key) + " has no effect: " + why);
  };
  for (const char* key : {"data_weights", "data_clip", "data_score"})
    unused(!o.data, key, "data is false");
  for (const char* key : {"scope",
                          "nonparam",
                          "path_weights",
                          "path_clip",
                          "p_floor",
                          "max_path_weight",
                          "clip_before_score"})
    unused(!o.path, key, "path is false");
  unused(o.data && o.images.weights != Weighting::kClipped,
         "data_clip",
         "data_weights is not clipped");
  unused(
      o.path && o.paths.weights != Weighting::kClipped, "path_clip", "path_weights is not clipped");
  unused(o.path && (o.paths.weights != Weighting::kExact || o.paths.floor >= 0),
         "max_path_weight",
         "it bounds exact weights where no p_floor is named");
  if (!o.data && !o.path)
    lines.emplace_back("path and data are both false: this is uniform sampling");
  if (o.data && o.images.weights == Weighting::kExact && o.tau_max > 0.9)
    lines.emplace_back(
        "tau_max above 0.9 with exact data_weights: the weight of an image may exceed 10, and the "
        "variance with it");
  return lines;
}

/// What the release does depends on these keys of `train:` too, so they are asked for, not assumed.
void check_train(const Options& o, const TrainOptions& train, const YamlSource& source) {
  if (train.accumulate != 1)
    throw ConfigError({yaml_problem(source,
                                    "name",
                                    "strategy panda scores the gradient of every batch, but "
                                    "train.accumulate is " +
                                        std::to_string(train.accumulate),
                                    "set train.accumulate to 1")});
  if (o.preset == Preset::kPaper && train.optimizer.untouched != Untouched::kDecay)
    throw ConfigError({yaml_problem(source,
                                    "preset",
                                    "the released program decays parameters that a path did not "
                                    "use, but train.optimizer.untouched is skip",
                                    "set train.optimizer.untouched to decay or leave it out; or "
                                    "take strategy.preset: unbiased")});
}

class Panda final : public Strategy {
 public:
  Panda(const StrategyContext& context, const Options& options, std::vector<std::string> advice)
      : Strategy(context),
        advice_(std::move(advice)),
        options_(options),
        rng_(context.seed, "paths"),
        paths_(context.space, options.paths),
        images_(context.train_size, options.images) {
    constexpr double kNearlyOff = 0.8;
    const double kept = paths_.even_share_kept();
    if (options.path && kept > kNearlyOff) {
      char text[240];
      std::snprintf(
          text,
          sizeof text,
          "path importance is nearly off: to bound the weights of paths of %zu choices "
          "every option keeps %.0f %% of its even probability; path_weights: clipped or a "
          "larger max_path_weight gives it room",
          context.space.choices().size(),
          100 * kept);
      advice_.emplace_back(text);
    }
  }

  std::string name() const override { return "panda"; }
  std::vector<std::string> advice() const override { return advice_; }
  bool wants_features() const override {
    return options_.data && options_.data_score == DataScore::kLastLayer;
  }

  /// With replacement from epoch 1 on, at tau 0 too: epoch 0 alone shows every image once.
  std::vector<int64_t> data_order(int64_t epoch) override {
    std::vector<int64_t> order = Strategy::data_order(epoch);
    if (!options_.data || epoch == 0) return order;
    const std::vector<int64_t> drawn =
        images_.draw(Rng(context_.seed, "data/multinomial", static_cast<uint64_t>(epoch)));
    for (int64_t& position : order) position = drawn[static_cast<size_t>(position)];
    return order;
  }

  std::vector<double> data_weights(const std::vector<int64_t>& positions) override {
    for (const int64_t position : positions) drawn_[static_cast<size_t>(position)] = 1;
    if (!options_.data) return {};
    std::vector<double> weights = images_.weights(positions);
    for (const double w : weights) max_data_weight_ = std::max(max_data_weight_, w);
    return weights;
  }

  Step next_step(int64_t, int64_t) override {
    Step step;
    step.paths.resize(1);
    Path& path = step.paths[0];
    if (!options_.path) {
      context_.space.sample_choices(rng_, path.architecture);
      return step;
    }
    paths_.draw(rng_, path.architecture);
    path.weight = paths_.weight(path.architecture);
    max_path_weight_ = std::max(max_path_weight_, path.weight);
    path_weight_ = path.weight;
    return step;
  }

  void after_clip(const PathOutcome& outcome, double scale) override {
    Pending p;
    if (options_.data) {
      p.positions = outcome.positions;
      p.images = options_.data_score == DataScore::kLogit
                     ? logit_norms(outcome.logits, outcome.labels, smoothing())
                     : last_layer_norms(outcome.logits,
                                        outcome.labels,
                                        smoothing(),
                                        *outcome.features,
                                        classifier_bias(outcome.plan));
    }
    if (options_.path) {
      p.architecture = outcome.architecture;
      p.path = path_norms(outcome, context_.space.choices().size());
      // The gradient is that of the weighted, clipped loss; the score is the path's own.
      p.factor = options_.clip_before_score ? 1 : 1 / std::max(scale, 1e-300);
      p.factor /= std::max(path_weight_, 1e-300);
    }
    pending_.push_back(std::move(p));
    // On a GPU every look at a number waits for the device.
    constexpr size_t kQueue = 64;
    if (outcome.logits.device().is_cpu() || pending_.size() >= kQueue) flush();
  }

  void end_epoch(int64_t epoch) override {
    flush();
    take_telemetry();
    tau_ = options_.tau_max * static_cast<double>(epoch) / static_cast<double>(context_.epochs);
    if (options_.path)
      paths_.end_epoch(tau_, Rng(context_.seed, "paths/mean_weight", static_cast<uint64_t>(epoch)));
    if (options_.data) images_.end_epoch(tau_);
    std::fill(drawn_.begin(), drawn_.end(), 0);
    max_data_weight_ = max_path_weight_ = 1;
  }

  std::vector<std::pair<std::string, double>> telemetry() const override { return telemetry_; }
  std::vector<std::string> health() const override { return health_; }
  std::vector<double> image_probabilities() const override {
    return options_.data ? images_.q() : std::vector<double>{};
  }

  StrategyState save() const override;
  void load(const StrategyState& state) override;

 private:
  /// Scores of one step, still on the device.
  struct Pending {
    Architecture architecture;
    PathNorms path;
    double factor = 1;
    std::vector<int64_t> positions;
    at::Tensor images;
  };

  double smoothing() const { return context_.train.label_smoothing; }

  static bool classifier_bias(const Plan& plan) {
    for (auto node = plan.nodes.rbegin(); node != plan.nodes.rend(); ++node)
      if (const auto* linear = std::get_if<Linear>(&node->op)) return linear->bias;
    return false;
  }

  void flush() {
    for (const Pending& p : pending_) {
      if (p.images.defined()) {
        const at::Tensor r = p.images.to(at::kCPU, at::kDouble).contiguous();
        const auto* score = r.data_ptr<double>();
        for (size_t i = 0; i < p.positions.size(); ++i) images_.record(p.positions[i], score[i]);
      }
      if (options_.path) observe(p);
    }
    pending_.clear();
  }

  void observe(const Pending& p) {
    PathScores scores;
    scores.parametric = p.path.parametric;
    scores.score.assign(p.path.parametric.size(), 0);
    if (p.path.norms.defined()) {
      const at::Tensor norms = p.path.norms.to(at::kCPU, at::kDouble).contiguous();
      const auto* norm = norms.data_ptr<double>();
      for (size_t t = 0; t < p.path.choices.size(); ++t)
        for (const size_t c : p.path.choices[t]) scores.score[c] += norm[t] * p.factor;
    }
    paths_.observe(p.architecture, scores);
  }

  void take_telemetry();
  void judge_paths();
  void judge_images(double distinct);

  std::vector<std::string> advice_;
  Options options_;
  Rng rng_;
  PathImportance paths_;
  ImageImportance images_;
  double tau_ = 0;  ///< In force.
  double path_weight_ = 1;
  std::vector<Pending> pending_;
  // Of the epoch in progress.
  std::vector<uint8_t> drawn_ = std::vector<uint8_t>(static_cast<size_t>(context_.train_size), 0);
  double max_data_weight_ = 1, max_path_weight_ = 1;
  // Of the epoch last finished.
  std::vector<std::pair<std::string, double>> telemetry_;
  std::vector<std::string> health_;
};

void Panda::take_telemetry() {
  telemetry_.clear();
  health_.clear();
  const auto add = [&](std::string name, double value) {
    telemetry_.emplace_back(std::move(name), value);
  };
  add("panda.tau", tau_);
  const auto images = static_cast<double>(std::count(drawn_.begin(), drawn_.end(), 1));
  const double distinct = images / static_cast<double>(context_.train_size);
  add("data.distinct_share", distinct);
  if (options_.data) {
    add("data.effective_sample_size", images_.effective_sample_size());
    add("data.max_weight", max_data_weight_);
    judge_images(distinct);
  }
  if (!options_.path) return;
  add("path.max_weight", max_path_weight_);
  for (const PathImportance::Group& group : paths_.groups())
    for (size_t o = 0; o < group.p.size(); ++o)
      add("path.p." + group.name + "." + group.options[o], group.p[o]);
  judge_paths();
}

void Panda::judge_paths() {
  constexpr double kStarved = 0.1, kCollapsed = 0.95;
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
  const auto list = [](const std::vector<std::string>& items) {
    constexpr size_t kShown = 6;
    std::string text;
    for (size_t i = 0; i < std::min(items.size(), kShown); ++i)
      text += (i == 0 ? "" : ", ") + items[i];
    if (items.size() > kShown) text += " and " + std::to_string(items.size() - kShown) + " more";
    return text;
  };
  if (!starved.empty())
    health_.push_back("starved options, drawn less than a tenth as often as uniformly: " +
                      list(starved));
  if (!collapsed.empty())
    health_.push_back("collapsed choices, one option takes over 95 %: " + list(collapsed));
  const auto parametric = [](const PathImportance::Group& group) {
    return std::count(group.kind.begin(), group.kind.end(), PathImportance::kParametric) > 0;
  };
  if (std::none_of(paths_.groups().begin(), paths_.groups().end(), parametric))
    health_.push_back(
        "path importance did nothing: no option of this space has weights of its own");
  else if (starved.empty() && collapsed.empty())
    health_.push_back("no option starved, no choice collapsed");
}

void Panda::judge_images(double distinct) {
  char text[160];
  std::snprintf(text,
                sizeof text,
                "the last epoch saw %.1f %% of the images; effective sample size %.1f %%",
                100 * distinct,
                100 * images_.effective_sample_size());
  health_.push_back(text);
  // A uniform draw with replacement shows 1 - 1/e.
  if (distinct < 0.5 * (1 - std::exp(-1.0)))
    health_.push_back("images starve: fewer than half as many as a uniform draw would show");
}

StrategyState Panda::save() const {
  // Scores not yet read belong to the state; reading them early changes nothing.
  const_cast<Panda*>(this)->flush();
  StrategyState state;
  state.text["rng"] = rng_.state();
  state.tensors["paths"] = at::tensor(paths_.save(), at::kDouble);
  state.tensors["images"] = at::tensor(images_.save(), at::kDouble);
  state.tensors["scalars"] =
      at::tensor(std::vector<double>{tau_, max_data_weight_, max_path_weight_}, at::kDouble);
  state.tensors["drawn"] = at::tensor(at::ArrayRef<uint8_t>(drawn_), at::kByte);
  std::string health;
  for (const std::string& line : health_) health += line + "\n";
  state.text["health"] = health;
  return state;
}

void Panda::load(const StrategyState& state) {
  rng_.restore(state.string_at("rng"));
  paths_.load(state.doubles_at("paths", paths_.save().size()));
  images_.load(state.doubles_at("images", images_.save().size()));
  const std::vector<double> scalars = state.doubles_at("scalars", 3);
  tau_ = scalars[0];
  max_data_weight_ = scalars[1];
  max_path_weight_ = scalars[2];
  const at::Tensor drawn = state.tensor_at("drawn").to(at::kCPU, at::kByte).contiguous();
  if (drawn.numel() != context_.train_size)
    throw DataError("the state of the strategy holds 'drawn' of another number of images");
  std::copy_n(drawn.data_ptr<uint8_t>(), drawn.numel(), drawn_.begin());
  health_ = state.lines_at("health");
}

}  // namespace

StrategyEntry panda_strategy() {
  return {
      "panda",
      {},
      "Paths and images drawn by their gradient norms (PA&DA).",
      [](const StrategyContext& context, const YamlSource& source) -> std::unique_ptr<Strategy> {
        const Options options = read_options(source);
        check_train(options, context.train, source);
        return std::make_unique<Panda>(context, options, without_effect(options, source));
      },
      [] {
        Options options = defaults_of(Preset::kPaper);
        return json_schema("strategy panda", [&](Binder& b) { describe(b, options); });
      }};
}

}  // namespace nas
