#pragma once
// Paths and images drawn by their gradient norms (PA&DA), each alone or together.
#include <memory>

#include "supernet/samplers/data_sampler.hpp"
#include "supernet/samplers/gradient_scores.hpp"
#include "supernet/samplers/image_importance.hpp"
#include "supernet/samplers/path_importance.hpp"
#include "supernet/samplers/path_sampler.hpp"

namespace nas {

/// Defaults of all other keys: the released program's, or those of unbiased updates.
enum class ImportancePreset { kPaper, kUnbiased };

struct ImportancePathsOptions {
  double tau_max = 0.9;
  bool clip_before_score = false;
  PathImportanceOptions paths;
};
struct ImportanceImagesOptions {
  double tau_max = 0.9;
  DataScore score = DataScore::kLastLayer;
  ImageImportanceOptions images;
  bool importance = true;  ///< false: images are only counted, each is shown once per epoch.
};
ImportancePathsOptions path_defaults(ImportancePreset preset);
ImportanceImagesOptions image_defaults(ImportancePreset preset);

/// The keys; `prefix` goes before those that both halves have (`path_weights`, `data_weights`).
void describe_preset(Binder& b, ImportancePreset& preset);
void describe_paths(Binder& b, ImportancePathsOptions& o, const std::string& prefix);
void describe_images(Binder& b, ImportanceImagesOptions& o, const std::string& prefix);
void describe_tau(Binder& b, double& tau_max);
void describe_unseen(Binder& b, Unseen& unseen);
/// ConfigError when gradients of several batches make one update: their scores would be mixed.
void require_single_batches(const StrategyContext& context,
                            const YamlSource& source,
                            const std::string& who);

std::unique_ptr<PathSampler> make_importance_paths(const StrategyContext& context,
                                                   const ImportancePathsOptions& options);
std::unique_ptr<DataSampler> make_importance_images(const StrategyContext& context,
                                                    const ImportanceImagesOptions& options);

}  // namespace nas
