// For every batch the other choices are drawn once and kept; then each option of the choice in turn
// is put in, run forward and backward in training mode, and the gradients of the weights that all
// options share are compared: distances per batch, averaged over batches, never gradients (3.3). A
// batch needs n passes for n options; only the n x n inner products outlive it.
#include "supernet/train/split/gradient_match.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "spaces/base/sha256.hpp"
#include "spaces/error.hpp"
#include "supernet/files/tensor_file.hpp"
#include "supernet/judge/fixed_batches.hpp"
#include "supernet/torch_device.hpp"
#include "supernet/train/step/path_runner.hpp"
#include "supernet/train/step/validation_stream.hpp"
#include "supernet/weights/elastic.hpp"
#include "supernet/weights/weight_set.hpp"

namespace nas {

void describe(Binder& b, ScoreOptions& o) {
  b.value("batches", o.batches, "Batches that gradients are compared on").range(2, 1e6);
  b.choice("metric",
           o.metric,
           {{"cos", GradientMetric::kCos},
            {"mse", GradientMetric::kMse},
            {"per-filter-cos", GradientMetric::kPerFilterCos}},
           "Distance of two gradients: 1 - cosine, squared distance, or 1 - cosine of each filter");
  b.choice("params",
           o.params,
           {{"others", SharedWeights::kOthers}, {"others+shared", SharedWeights::kOthersAndCommon}},
           "Weights compared: of the other choices, or those of no choice (stem, classifier) too");
  b.value("hold_largest",
          o.hold_largest,
          "Where kernel sizes are compared, depths and expansions stand at their largest (the "
          "released once-for-all program); false: drawn like the rest");
  b.choice(
      "objective",
      o.partition.objective,
      {{"within", PartitionObjective::kWithin},
       {"similarity_cut", PartitionObjective::kSimilarityCut},
       {"mean_within", PartitionObjective::kMeanWithin}},
      "What the groups minimise: distance inside, similarity between, or mean distance inside");
  b.value("min_group",
          o.partition.min_group,
          "Options that each group has at least; 0: 2, or 1 "
          "where a choice has too few for that")
      .range(0, 1000);
  b.value("exact", o.partition.exact, "Groups whose sizes differ by at most one");
}

namespace {

/// Training batches in shuffled passes, drawn by the scoring's own stream.
class Batches {
 public:
  Batches(const ScoringSetup& s)
      : setup_(s), loader_(s.data.dataset, s.data.normalisation, s.data.options, s.seed) {}

  const TrainBatch& next(at::ScalarType type) {
    const Batch* batch = open_ ? loader_.next() : nullptr;
    if (batch == nullptr) {
      std::vector<int64_t> order = setup_.data.splits.train;
      Rng(setup_.seed, setup_.stream + "/data", static_cast<uint64_t>(pass_)).shuffle(order);
      const int64_t size =
          std::min<int64_t>(setup_.train.batch, static_cast<int64_t>(order.size()));
      loader_.start(std::move(order),
                    size,
                    static_cast<uint64_t>(pass_++),
                    /*augment=*/true,
                    /*drop_last=*/true);
      open_ = true;
      batch = loader_.next();
    }
    current_ =
        batch_on_device(*batch, torch_device(setup_.device), setup_.train.memory_format, type);
    return current_;
  }

 private:
  const ScoringSetup& setup_;
  Loader loader_;
  int64_t pass_ = 0;
  bool open_ = false;
  TrainBatch current_;
};

/// Inner products of n gradients of one tensor: one matrix, or one for each output filter.
void add_grams(GradientMetric metric,
               const std::vector<at::Tensor>& gradients,
               std::vector<DistanceMatrix>& grams) {
  const size_t n = gradients.size();
  const bool filters = metric == GradientMetric::kPerFilterCos;
  if (filters && gradients[0].dim() < 2) return;  // Rank-1 tensors are skipped (3.3).
  const at::Tensor all = at::stack(gradients).to(at::kCPU, at::kDouble);
  const int64_t parts = filters ? all.size(1) : 1;
  const at::Tensor rows = all.reshape({static_cast<int64_t>(n), parts, -1}).transpose(0, 1);
  const at::Tensor products = at::bmm(rows, rows.transpose(1, 2)).contiguous();
  const double* p = products.data_ptr<double>();
  for (int64_t f = 0; f < parts; ++f) {
    if (filters || grams.empty()) grams.emplace_back(n);
    DistanceMatrix& gram = grams.back();
    // A product and its mirror image may differ in the last bit.
    for (size_t i = 0; i < n; ++i)
      for (size_t k = 0; k < n; ++k) gram.at(i, k) += p[std::min(i, k) * n + std::max(i, k)];
    p += n * n;
  }
}

/// Of all that decides a score.
std::string key_of(const ScoringSetup& s,
                   const WeightSet& weights,
                   const Domain& within,
                   const ScoreOptions& o) {
  std::map<std::string, at::Tensor> all;
  for (const NamedTensor& p : weights.parameters()) all[p.name] = p.tensor;
  for (const NamedTensor& b : weights.buffers()) all[b.name] = b.tensor;
  const nlohmann::json parts = {"nas-kept-score/1",
                                hash_tensors(all),
                                s.space.fingerprint(),
                                s.keep.identity,
                                within.whole() ? "" : within.restriction().bits(),
                                s.stream,
                                s.seed,
                                s.device.str(),
                                at::get_num_threads(),
                                o.batches,
                                o.metric,
                                o.params,
                                o.hold_largest,
                                o.partition.groups,
                                o.partition.min_group,
                                o.partition.objective,
                                o.partition.exact};
  return sha256_hex(parts.dump());
}

class Scorer {
 public:
  Scorer(const ScoringSetup& setup,
         WeightSet& weights,
         const Domain& within,
         const ScoreOptions& options)
      : s_(setup),
        weights_(weights),
        within_(within),
        options_(options),
        shared_(weights),
        // Statistics of the batch: running ones stay as they are (section 6.4).
        runner_(setup.space,
                /*keeps_statistics=*/false,
                setup.train,
                torch_device(setup.device),
                setup.seed) {
    for (const NamedTensor& p : weights.parameters()) {
      at::Tensor& grad = p.tensor.mutable_grad();
      if (!grad.defined()) grad = at::zeros_like(p.tensor);
    }
  }

  KeptScore score(size_t choice, int64_t before, int64_t all) {
    passes_ = 0;
    runner_.totals.macs = 0;
    compared_.clear();
    // The loop ends early where options share no weights.
    ChoiceScore score = scored(choice, before, all);
    if (s_.on_batch && score.batches < options_.batches)
      s_.on_batch(before + options_.batches, all);
    return {std::move(score), compared_, passes_, runner_.totals.macs};
  }

 private:
  ChoiceScore scored(size_t choice, int64_t before, int64_t all) {
    ChoiceScore score;
    score.choice = choice;
    score.options = within_.options(choice);
    const size_t n = score.options.size();
    MeanDistance whole(n), halves[2] = {MeanDistance(n), MeanDistance(n)};
    // Streams of the choice: equal whatever else is scored.
    const std::string name = s_.stream + "/" + std::to_string(choice);
    ScoringSetup own = s_;
    own.stream = name;
    Batches batches(own);
    const Domain drawn_from = paths_for(choice);
    Rng rng(s_.seed, name + "/paths");
    score.batches = 0;
    for (int64_t r = 0; r < options_.batches; ++r) {
      if (s_.stop && s_.stop()) throw Interrupted("stopped while scoring choices");
      const TrainBatch& batch = batches.next(weights_.parameters().front().tensor.scalar_type());
      const std::optional<Draw> drawn = draw(drawn_from, choice, score.options, rng);
      if (!drawn) break;
      const DistanceMatrix d = distances_of(*drawn, batch, r);
      if (s_.on_batch) s_.on_batch(before + r + 1, all);
      whole.add(d);
      halves[score.batches++ % 2].add(d);
    }
    score.usable = score.batches >= 2 && !whole.failed();
    // What is not a number would make the stored tree unreadable, and says nothing.
    score.distance = score.usable ? whole.mean() : DistanceMatrix(n);
    if (!score.usable) return score;
    const PartitionOptions p = partition_for(options_.partition, n);
    score.partition = best_partition(score.distance, p, s_.seed);
    score.halves_agree = best_partition(halves[0].mean(), p, s_.seed)
                             .same_groups(best_partition(halves[1].mean(), p, s_.seed));
    return score;
  }

  /// Where the paths of a choice come from: the node's part of the space, of which the comparison
  /// of kernels takes the deepest and widest (3.2).
  Domain paths_for(size_t choice) {
    if (!options_.hold_largest) return within_;
    if (elastic_.empty()) elastic_ = elastic_choices(s_.space);
    if (elastic_[choice].kind != Elastic::kKernel) return within_;
    Restriction held = within_.whole() ? Restriction(s_.space) : within_.restriction();
    for (size_t c = 0; c < elastic_.size(); ++c) {
      const ElasticChoice& e = elastic_[c];
      if (e.kind != Elastic::kDepth && e.kind != Elastic::kExpand) continue;
      const auto largest = std::find_if(e.options.begin(), e.options.end(), [&](int16_t option) {
        return within_.allows(c, option);
      });
      if (largest != e.options.end()) held = held.keep(c, {&*largest, 1});
    }
    return {s_.space, held};
  }

  /// The sampled path with each option in turn; drawn anew until all of them are valid, and, where
  /// that can be had, until each leads from the image to the logits (section 2.2).
  std::vector<Architecture> variants(const Domain& from,
                                     size_t choice,
                                     const std::vector<int16_t>& options,
                                     Rng& rng) const {
    constexpr int kTries = 10'000, kConnected = 200;
    Architecture base;
    for (int i = 0; i < kTries; ++i) {
      from.sample_choices(rng, base);
      if (!s_.space.active(base, choice)) continue;
      std::vector<Architecture> all;
      for (const int16_t option : options) {
        Architecture a = base;
        a.genes[choice] = option;
        // What the option wakes is drawn like the rest.
        for (size_t c = 0; c < a.genes.size(); ++c)
          if (!s_.space.active(base, c) && s_.space.active(a, c))
            a.genes[c] = from.option(c, rng.below(from.option_count(c)));
        a = s_.space.fix_inactive(std::move(a));
        if (!from.contains(a)) break;
        if (i < kConnected && !live_nodes(s_.space.plan(a)).back()) break;
        all.push_back(std::move(a));
      }
      if (all.size() == options.size()) return all;
    }
    throw ConfigError("the options of choice '" + s_.space.choices()[choice].name +
                          "' exclude one another's surroundings: no architecture was found in "
                          "which each of them is valid (tried " +
                          std::to_string(kTries) + ")",
                      "split on another choice");
  }

  /// The path of a batch with each option in turn, and the weights that all of them share.
  struct Draw {
    std::vector<Architecture> paths;
    std::vector<bool> shared;  ///< By parameter.
  };
  /// Drawn anew while the options share nothing (all others of the path may be without weights);
  /// nullopt where that does not change.
  std::optional<Draw> draw(const Domain& from,
                           size_t choice,
                           const std::vector<int16_t>& options,
                           Rng& rng) {
    constexpr int kTries = 1000;
    const size_t n = weights_.parameters().size();
    for (int i = 0; i < kTries; ++i) {
      Draw d{variants(from, choice, options, rng), std::vector<bool>(n, true)};
      for (const Architecture& a : d.paths) {
        const Plan plan = s_.space.plan(a);
        std::vector<bool> used(n, false);
        weights_.used_by(plan, used);
        const std::vector<bool> mine = shared_.of(plan, choice, options_.params);
        for (size_t k = 0; k < n; ++k) d.shared[k] = d.shared[k] && used[k] && mine[k];
      }
      if (std::find(d.shared.begin(), d.shared.end(), true) != d.shared.end()) return d;
    }
    return std::nullopt;
  }

  DistanceMatrix distances_of(const Draw& drawn, const TrainBatch& batch, int64_t number) {
    const std::vector<NamedTensor>& parameters = weights_.parameters();
    std::vector<std::vector<at::Tensor>> gradients;  // Of each option, by parameter.
    for (const Architecture& a : drawn.paths) {
      Step step;
      step.paths.resize(1);
      step.paths[0].architecture = a;
      std::vector<bool> used(parameters.size(), false);
      runner_.run(step, 0, weights_, used, batch, 1.0, number, /*features=*/false);
      ++passes_;
      const c10::NoGradGuard no_grad;
      std::vector<at::Tensor> own(parameters.size());
      for (size_t i = 0; i < parameters.size(); ++i) {
        if (!used[i]) continue;
        at::Tensor& grad = parameters[i].tensor.mutable_grad();
        if (drawn.shared[i]) own[i] = grad.clone();
        // Nothing of this may reach the next update (section 6.5).
        grad.zero_();
      }
      gradients.push_back(std::move(own));
    }
    runner_.clear();
    std::vector<DistanceMatrix> grams;
    for (size_t i = 0; i < parameters.size(); ++i) {
      if (!drawn.shared[i]) continue;
      compared_.insert(parameters[i].name);
      std::vector<at::Tensor> of;
      for (const auto& own : gradients) of.push_back(own[i]);
      add_grams(options_.metric, of, grams);
    }
    if (grams.empty()) return DistanceMatrix(drawn.paths.size());
    return distances(options_.metric, grams);
  }

  const ScoringSetup& s_;
  WeightSet& weights_;
  const Domain& within_;
  const ScoreOptions& options_;
  SharedParameters shared_;
  PathRunner runner_;
  std::vector<ElasticChoice> elastic_;  ///< Of the space, once asked for.
  // Of the choice in progress.
  std::set<std::string> compared_;
  int64_t passes_ = 0;
};

}  // namespace

Scoring score_choices(const ScoringSetup& setup,
                      WeightSet& weights,
                      const Domain& within,
                      const std::vector<size_t>& choices,
                      const ScoreOptions& options) {
  Scoring result;
  if (!setup.keep.folder.empty()) result.key = key_of(setup, weights, within, options);
  KeptScores kept(setup.keep, result.key, setup.space);
  Scorer scorer(setup, weights, within, options);
  const int64_t all = options.batches * static_cast<int64_t>(choices.size());
  int64_t before = 0;
  bool fresh = false;
  for (const size_t choice : choices) {
    std::optional<KeptScore> score = kept.find(choice);
    if (!score) {
      // What was kept is no pace.
      if (setup.on_batch && !fresh) setup.on_batch(before, all);
      fresh = true;
      try {
        score = scorer.score(choice, before, all);
      } catch (const Interrupted& e) {
        if (kept.count() == 0) throw;
        throw Interrupted(std::string(e.what()) + ": " + std::to_string(kept.count()) + " of " +
                          std::to_string(choices.size()) + " are scored and kept");
      }
      kept.put(*score);
    }
    result.choices.push_back(std::move(score->score));
    result.compared.push_back(std::move(score->compared));
    result.passes += score->passes;
    result.macs += score->macs;
    before += options.batches;
  }
  const bool none = std::none_of(
      result.choices.begin(), result.choices.end(), [](const auto& c) { return c.usable; });
  if (!none) return result;
  const bool gradients = result.macs > 0 && options.params == SharedWeights::kOthersAndCommon;
  throw ConfigError(
      gradients ? "no choice could be scored: their gradients are not finite, or no weights are "
                  "shared by all options of a choice"
                : "no choice could be scored: in the space '" + setup.space.name() +
                      "' no weights of other choices are shared by all options of a choice",
      gradients ? "lower train.optimizer.lr" : "set the scoring's `params` to others+shared");
}

}  // namespace nas
