// PA&DA: paths and images drawn by their gradient norms, one path per batch.
//
// Preset `paper`, the default, is the released program: over three seeds its ranking is far above
// that of uniform paths at equal MACs (tests/bench/RESULTS.md). Preset `unbiased` repairs what is
// wrong with it as an estimator: draws are weighted back so that the update is unbiased, scores of
// what was not drawn are kept, options without weights keep their uniform share, and tau stays
// below 1. Its ranking was not told from that of uniform paths.
#include "spaces/error.hpp"
#include "supernet/samplers/importance.hpp"
#include "supernet/train/strategies/options.hpp"

namespace nas {
namespace {

/// As they stand: those of preset `unbiased`.
struct Options {
  ImportancePreset preset = ImportancePreset::kUnbiased;
  bool path = true, data = true;
  double tau_max = 0.9;
  Unseen unseen = Unseen::kKeepLast;
  ImportancePathsOptions paths;
  ImportanceImagesOptions images;
};

Options defaults_of(ImportancePreset preset) {
  Options o;
  o.preset = preset;
  o.paths = path_defaults(preset);
  o.images = image_defaults(preset);
  o.tau_max = o.paths.tau_max;
  o.unseen = o.paths.paths.unseen;
  return o;
}

void describe(Binder& b, Options& o) {
  describe_preset(b, o.preset);
  b.value("path", o.path, "Draw paths by importance; false: uniformly");
  b.value("data", o.data, "Draw images by importance; false: each once per epoch");
  describe_tau(b, o.tau_max);
  describe_unseen(b, o.unseen);
  describe_images(b, o.images, "data_");
  describe_paths(b, o.paths, "path_");
}

Options read_options(const YamlSource& source) {
  const bool unbiased = yaml_scalar(source, "preset").value_or("") == "unbiased";
  auto o = read_strategy_options(
      source, defaults_of(unbiased ? ImportancePreset::kUnbiased : ImportancePreset::kPaper));
  o.paths.tau_max = o.images.tau_max = o.tau_max;
  o.paths.paths.unseen = o.images.images.unseen = o.unseen;
  o.images.importance = o.data;
  return o;
}

/// Keys that were given and do nothing beside the others.
std::vector<std::string> without_effect(const Options& o, const YamlSource& source) {
  std::vector<std::string> lines;
  const Weighting data = o.images.images.weights, path = o.paths.paths.weights;
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
  unused(o.data && data != Weighting::kClipped, "data_clip", "data_weights is not clipped");
  unused(o.path && path != Weighting::kClipped, "path_clip", "path_weights is not clipped");
  unused(o.path && (path != Weighting::kExact || o.paths.paths.floor >= 0),
         "max_path_weight",
         "it bounds exact weights where no p_floor is named");
  if (!o.data && !o.path)
    lines.emplace_back("path and data are both false: this is uniform sampling");
  if (o.data && data == Weighting::kExact && o.tau_max > 0.9)
    lines.emplace_back(
        "tau_max above 0.9 with exact data_weights: the weight of an image may exceed 10, and the "
        "variance with it");
  return lines;
}

/// What the release does depends on these keys of `train:` too, so they are asked for, not assumed.
void check_train(const Options& o, const TrainOptions& train, const YamlSource& source) {
  if (o.preset == ImportancePreset::kPaper && train.optimizer.untouched != Untouched::kDecay)
    throw ConfigError({yaml_problem(source,
                                    "preset",
                                    "the released program decays parameters that a path did not "
                                    "use, but train.optimizer.untouched is skip",
                                    "set train.optimizer.untouched to decay or leave it out; or "
                                    "take strategy.preset: unbiased")});
}

StrategyParts make(const StrategyContext& context, const YamlSource& source) {
  const Options o = read_options(source);
  require_single_batches(context, source, "strategy panda");
  check_train(o, context.train, source);
  return {o.path ? make_importance_paths(context, o.paths)
                 : make_uniform_paths(context, UniformOver::kChoices),
          make_importance_images(context, o.images),
          make_paths_rule(1),
          nullptr,
          without_effect(o, source)};
}

}  // namespace

StrategyEntry panda_strategy() {
  return {
      "panda", {}, "Paths and images drawn by their gradient norms (PA&DA).", make, [](Binder& b) {
        Options options = defaults_of(ImportancePreset::kPaper);
        describe(b, options);
      }};
}

}  // namespace nas
