#include "cli/config/train_config.hpp"

#include "cli/config/stored_config.hpp"
#include "cli/runs/run_files.hpp"
#include "spaces/error.hpp"
#include "spaces/registry.hpp"
#include "supernet/train/strategies/strategy_preset.hpp"
#include "supernet/train/strategy.hpp"
#include "supernet/weights/weights_section.hpp"

namespace nas::cli {
namespace {

/// The two sub-trees that have readers of their own.
struct Parts {
  Binder::Raw space, strategy, weights;
};

void describe(Binder& b, Parts& parts) {
  b.raw("space", parts.space, "");
  b.raw("strategy", parts.strategy, "");
  b.raw("weights", parts.weights, "");
  for (const char* key : {"data", "train", "evaluate", "device", "threads", "seed"}) b.ignore(key);
}

class Reader {
 public:
  explicit Reader(const YamlSource& source) : source_(source) {}

  TrainConfig read() {
    const bool whole = attempt([&] { config_ = read_yaml_as<TrainConfig>(source_); });
    if (!whole) {
      // What else is wrong can still be told where the sub-trees are to be had.
      const size_t told = problems_.size();
      Parts parts;
      if (!attempt([&] { parts = read_yaml_as<Parts>(source_); })) problems_.resize(told);
      config_.space = parts.space;
      config_.strategy = parts.strategy;
      config_.weights = parts.weights;
      // Asks nothing of a section that could not be read.
      config_.train.optimizer.untouched = Untouched::kDecay;
    }
    check_parts();
    if (!problems_.empty()) throw ConfigError(problems_);
    return std::move(config_);
  }

 private:
  template <typename F>
  bool attempt(const F& f) {
    try {
      f();
      return true;
    } catch (const ConfigError& e) {
      problems_.insert(problems_.end(), e.problems().begin(), e.problems().end());
      return false;
    }
  }

  void check_parts() {
    if (config_.space.yaml.empty() && !config_.space.tree) return;
    std::unique_ptr<Space> space;
    if (!attempt([&] { space = open_space(config_.space); })) return;
    constexpr int64_t kImages = 1024;
    StrategyContext context{
        *space, config_.seed, config_.train.epochs, kImages, config_.train.batch, config_.train};
    attempt([&] {
      context.within = trained_part(*space, config_.train);
      context.domain();
    });
    attempt([&] { make_strategy(strategy_name(config_), context, strategy_source(config_)); });
    attempt([&] { check_sets(); });
    attempt([&] { make_weights({*space, config_.seed, {}, config_.train}, config_.weights); });
  }

  /// One architecture leaves nothing to divide among several sets.
  void check_sets() const {
    const std::string kind = weights_kind(config_.weights);
    if (strategy_name(config_) != "fixed" || kind == "single") return;
    throw ConfigError({yaml_problem(source_,
                                    "weights",
                                    "weights of kind " + kind +
                                        " divide architectures among several sets, but strategy "
                                        "fixed trains one architecture",
                                    "leave weights out, or train with another strategy")});
  }

  const YamlSource& source_;
  TrainConfig config_;
  std::vector<Problem> problems_;
};

}  // namespace

TrainConfig read_train_config(const YamlSource& source) {
  TrainConfig config = Reader(source).read();
  name_preset(config, "paper");
  return config;
}

std::vector<std::string> train_config_warnings(const YamlSource& source) {
  const TrainConfig c = read_train_config(source);
  if (weights_kind(c.weights) == "single") return {};
  const std::unique_ptr<Space> space = open_space(c.space);
  const Weights weights = make_weights({*space, c.seed, {}, c.train}, c.weights);
  Splits splits;
  try {
    DataOptions data = c.data;
    data.path = absolute_place(data.path, source.file);
    splits = make_splits(*open_dataset(data), data);
  } catch (const Error&) {
    return {};  // Training tells what is the matter with them.
  }
  const int64_t epochs = weights.curriculum ? weights.curriculum->epochs() : c.train.epochs;
  const auto images = static_cast<int64_t>(splits.train.size());
  return weights.store->advice(epochs * steps_per_epoch(images, c.train));
}

TrainConfig stored_train_config(const RunRow& run, const std::vector<std::string>& sets) {
  return read_yaml_as<TrainConfig>(stored_config(run, sets));
}

}  // namespace nas::cli
