// Images drawn by importance (DA, panda.md 3.1 to 3.4): with replacement, by the gradient norm that
// each had when it was last shown, mixed with uniform draws by tau. Where a step has several paths
// an image's score is the mean over them. Norms are read from the device late and in bulk.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "spaces/error.hpp"
#include "spaces/random.hpp"
#include "supernet/samplers/importance.hpp"
#include "supernet/samplers/section.hpp"
#include "supernet/train/strategy_state.hpp"

namespace nas {
namespace {

class ImportanceImages final : public DataSampler {
 public:
  ImportanceImages(const StrategyContext& context, const ImportanceImagesOptions& options)
      : DataSampler(context),
        options_(options),
        images_(context.train_size, options.images),
        drawn_(static_cast<size_t>(context.train_size), 0) {}

  /// With replacement from epoch 1 on, at tau 0 too: epoch 0 alone shows every image once.
  std::vector<int64_t> order(int64_t epoch) override {
    std::vector<int64_t> order = DataSampler::order(epoch);
    if (!options_.importance || epoch == 0) return order;
    const std::vector<int64_t> drawn = images_.draw(
        Rng(context_.seed, context_.stream("data/multinomial"), static_cast<uint64_t>(epoch)));
    for (int64_t& position : order) position = drawn[static_cast<size_t>(position)];
    return order;
  }

  std::vector<double> weights(const std::vector<int64_t>& positions) override {
    read_some();
    open_ = false;
    for (const int64_t position : positions) drawn_[static_cast<size_t>(position)] = 1;
    if (!options_.importance) return {};
    std::vector<double> weights = images_.weights(positions);
    for (const double w : weights) max_weight_ = std::max(max_weight_, w);
    return weights;
  }

  bool observes() const override { return options_.importance; }
  bool wants_features() const override {
    return options_.importance && options_.score == DataScore::kLastLayer;
  }

  void observe(const PathOutcome& outcome) override {
    if (!options_.importance) return;
    const double smoothing = context_.train.label_smoothing;
    at::Tensor norms = options_.score == DataScore::kLogit
                           ? logit_norms(outcome.task, outcome.logits, outcome.labels, smoothing)
                           : last_layer_norms(outcome.task,
                                              outcome.logits,
                                              outcome.labels,
                                              smoothing,
                                              *outcome.features,
                                              outcome.plan.classifier_layer().bias);
    if (open_) {
      Pending& p = pending_.back();
      p.norms = p.norms + norms;
      ++p.paths;
    } else {
      pending_.push_back({outcome.positions, std::move(norms), 1});
    }
    open_ = true;
    on_cpu_ = outcome.logits.device().is_cpu();
  }

  void end_epoch(int64_t epoch) override {
    flush();
    take_telemetry();
    tau_ = options_.tau_max * static_cast<double>(epoch) / static_cast<double>(context_.epochs);
    if (options_.importance) images_.end_epoch(tau_);
    std::fill(drawn_.begin(), drawn_.end(), 0);
    max_weight_ = 1;
  }

  std::vector<double> probabilities() const override {
    return options_.importance ? images_.q() : std::vector<double>{};
  }
  Telemetry telemetry() const override { return telemetry_; }
  std::vector<std::string> health() const override { return health_; }

  void save(StrategyState& state) override {
    flush();
    state.put_doubles("images", images_.save());
    state.put_doubles("data.scalars", {tau_, max_weight_});
    state.tensors["drawn"] = at::tensor(at::ArrayRef<uint8_t>(drawn_), at::kByte);
    state.put_lines("data.health", health_);
  }

  void load(const StrategyState& state) override {
    images_.load(state.doubles_at("images", images_.save().size()));
    // Before 0.2 both halves of PA&DA shared these.
    const bool former = state.tensors.contains("scalars");
    const std::vector<double> scalars =
        former ? state.doubles_at("scalars", 3) : state.doubles_at("data.scalars", 2);
    tau_ = scalars[0];
    max_weight_ = scalars[1];
    const at::Tensor drawn = state.tensor_at("drawn").to(at::kCPU, at::kByte).contiguous();
    if (drawn.numel() != context_.train_size)
      throw DataError("the state of the strategy holds 'drawn' of another number of images");
    std::copy_n(drawn.data_ptr<uint8_t>(), drawn.numel(), drawn_.begin());
    health_.clear();
    if (!former) health_ = state.lines_at("data.health");
  }

 private:
  /// Scores of one step, summed over its paths, still on the device.
  struct Pending {
    std::vector<int64_t> positions;
    at::Tensor norms;
    int paths = 0;
  };

  void read_some() {
    // On a GPU every look at a number waits for the device.
    constexpr size_t kQueue = 64;
    if (on_cpu_ || pending_.size() >= kQueue) flush();
  }

  void flush() {
    for (const Pending& p : pending_) {
      const at::Tensor r = p.norms.to(at::kCPU, at::kDouble).contiguous();
      const auto* score = r.data_ptr<double>();
      for (size_t i = 0; i < p.positions.size(); ++i)
        images_.record(p.positions[i], score[i] / p.paths);
    }
    pending_.clear();
    open_ = false;
  }

  void take_telemetry() {
    health_.clear();
    const auto images = static_cast<double>(std::count(drawn_.begin(), drawn_.end(), 1));
    const double distinct = images / static_cast<double>(context_.train_size);
    telemetry_ = {{"panda.tau", tau_}, {"data.distinct_share", distinct}};
    if (!options_.importance) return;
    telemetry_.emplace_back("data.effective_sample_size", images_.effective_sample_size());
    telemetry_.emplace_back("data.max_weight", max_weight_);
    char text[160];
    std::snprintf(text,
                  sizeof text,
                  "the last epoch saw %.1f %% of the images; effective sample size %.1f %%",
                  100 * distinct,
                  100 * images_.effective_sample_size());
    health_.emplace_back(text);
    // A uniform draw with replacement shows 1 - 1/e.
    if (distinct < 0.5 * (1 - std::exp(-1.0)))
      health_.emplace_back("images starve: fewer than half as many as a uniform draw would show");
  }

  ImportanceImagesOptions options_;
  ImageImportance images_;
  double tau_ = 0;  ///< In force.
  std::vector<Pending> pending_;
  bool open_ = false;  ///< The last of `pending_` is of the step in progress.
  bool on_cpu_ = true;
  // Of the epoch in progress.
  std::vector<uint8_t> drawn_;
  double max_weight_ = 1;
  // Of the epoch last finished.
  Telemetry telemetry_;
  std::vector<std::string> health_;
};

/// The section `data_sampler: {name: importance}`.
struct Section {
  ImportancePreset preset = ImportancePreset::kUnbiased;
  ImportanceImagesOptions options;
};
void describe(Binder& b, Section& o) {
  describe_preset(b, o.preset);
  describe_tau(b, o.options.tau_max);
  describe_unseen(b, o.options.images.unseen);
  describe_images(b, o.options, "");
}

}  // namespace

std::unique_ptr<DataSampler> make_importance_images(const StrategyContext& context,
                                                    const ImportanceImagesOptions& options) {
  return std::make_unique<ImportanceImages>(context, options);
}

DataSamplerEntry importance_images() {
  return {"importance",
          "Images drawn with replacement by their gradient norms (DA of PA&DA).",
          [](const StrategyContext& context, const YamlSource& source) {
            require_single_batches(context, source, "data sampler importance");
            Section section;
            section.preset = yaml_scalar(source, "preset").value_or("") == "unbiased"
                                 ? ImportancePreset::kUnbiased
                                 : ImportancePreset::kPaper;
            section.options = image_defaults(section.preset);
            return make_importance_images(context, read_named<Section>(source, section).options);
          },
          [](Binder& b) {
            Section o{ImportancePreset::kPaper, image_defaults(ImportancePreset::kPaper)};
            describe(b, o);
          }};
}

}  // namespace nas
