// Options of importance sampling: two presets, and the keys that both halves share.
#include "spaces/error.hpp"
#include "supernet/samplers/importance.hpp"

namespace nas {
namespace {

const std::vector<std::pair<std::string, Weighting>>& weightings() {
  static const std::vector<std::pair<std::string, Weighting>> names = {
      {"none", Weighting::kNone}, {"exact", Weighting::kExact}, {"clipped", Weighting::kClipped}};
  return names;
}

}  // namespace

ImportancePathsOptions path_defaults(ImportancePreset preset) {
  ImportancePathsOptions o;
  if (preset == ImportancePreset::kUnbiased) return o;
  o.tau_max = 1.0;
  o.clip_before_score = true;
  o.paths.unseen = Unseen::kZero;
  o.paths.scope = ImportanceScope::kGlobal;
  o.paths.nonparam = NonParam::kZero;
  o.paths.weights = Weighting::kNone;
  return o;
}

ImportanceImagesOptions image_defaults(ImportancePreset preset) {
  ImportanceImagesOptions o;
  if (preset == ImportancePreset::kUnbiased) return o;
  o.tau_max = 1.0;
  o.score = DataScore::kLogit;
  o.images.unseen = Unseen::kZero;
  o.images.weights = Weighting::kNone;
  return o;
}

void describe_preset(Binder& b, ImportancePreset& preset) {
  b.choice("preset",
           preset,
           {{"paper", ImportancePreset::kPaper}, {"unbiased", ImportancePreset::kUnbiased}},
           "Defaults of the other keys: the released program's, or those of unbiased updates");
}

void describe_tau(Binder& b, double& tau_max) {
  b.value("tau_max", tau_max, "Share of importance at the end; it grows linearly from 0")
      .range(0, 1);
}

void describe_unseen(Binder& b, Unseen& unseen) {
  b.choice("unseen",
           unseen,
           {{"keep_last", Unseen::kKeepLast}, {"zero", Unseen::kZero}},
           "Score of an image or option that an epoch did not draw");
}

void describe_images(Binder& b, ImportanceImagesOptions& o, const std::string& prefix) {
  b.choice(prefix + "score",
           o.score,
           {{"last_layer", DataScore::kLastLayer}, {"logit", DataScore::kLogit}},
           "Image score: exact gradient norm of the classifier, or of the logits only");
  b.choice(prefix + "weights", o.images.weights, weightings(), "Loss weights of the drawn images");
  b.value(prefix + "clip", o.images.clip, prefix + "weights clipped: largest weight").range(1, 1e6);
}

void describe_paths(Binder& b, ImportancePathsOptions& o, const std::string& prefix) {
  b.choice("scope",
           o.paths.scope,
           {{"per_decision", ImportanceScope::kPerDecision}, {"global", ImportanceScope::kGlobal}},
           "Path probabilities per choice, or one per option type for all choices");
  b.choice("nonparam",
           o.paths.nonparam,
           {{"uniform", NonParam::kUniform}, {"zero", NonParam::kZero}},
           "Options without weights: their uniform share, or score 0");
  b.choice(prefix + "weights", o.paths.weights, weightings(), "Loss weight of the drawn path");
  b.value(prefix + "clip", o.paths.clip, prefix + "weights clipped: largest weight").range(1, 1e6);
  b.value("p_floor",
          o.paths.floor,
          "Least probability of an option; -1: what max_path_weight asks for")
      .range(-1, 1);
  b.value("max_path_weight", o.paths.max_weight, prefix + "weights exact: bound on a path's weight")
      .range(1, 1e6);
  b.value("clip_before_score",
          o.clip_before_score,
          "Score paths by gradients as clipped (a halved step halves all scores)");
}

void require_single_batches(const StrategyContext& context,
                            const YamlSource& source,
                            const std::string& who) {
  if (context.train.accumulate == 1) return;
  throw ConfigError({yaml_problem(source,
                                  "name",
                                  who +
                                      " scores the gradient of every batch, but "
                                      "train.accumulate is " +
                                      std::to_string(context.train.accumulate),
                                  "set train.accumulate to 1")});
}

}  // namespace nas
