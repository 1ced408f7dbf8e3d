// What a balanced mixture adds to a training step: the same trainer, data and paths with one weight
// set, with M sets drawn as a mixture draws them, and with the whole mixture, which also judges
// every step on a validation batch. In alternating rounds, after all sets were opened and used.
// bench_mixture [--space S] [--models M] [--batch N] [--steps N] [--rounds N] [--threads N]
// Prints one line of JSON. `step`: M sets against one, without the validation forward and without
// the association, whose time is measured alone and added; at most 3 % more is asked.
// `with_validation`: the whole mixture against one set, for information.
#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <map>
#include <string>

#include "options.hpp"
#include "spaces/registry.hpp"
#include "supernet/device.hpp"
#include "supernet/train/trainer.hpp"
#include "supernet/weights/math/mixture.hpp"
#include "supernet/weights/weights_section.hpp"

namespace {

using namespace nas;

/// The sets and draws of a mixture in its first epoch, without judging.
class Unjudged final : public WeightStore {
 public:
  Unjudged(const Space& space, const MixtureOptions& options)
      : Unjudged(space, make_layout(space), options) {}
  int sets() const override { return mixture_.models(); }
  int owner(const Architecture& a) const override { return mixture_.best(a); }
  int draw(const Architecture& a, Rng& rng) const override {
    return mixture_.draw(a, rng.uniform());
  }

 private:
  Unjudged(const Space& space,
           std::shared_ptr<const SupernetLayout> layout,
           const MixtureOptions& options)
      : WeightStore(nas::keeps_statistics(*layout), at::kFloat),
        layout_(std::move(layout)),
        mixture_(space, options, 2, 0) {
    mixture_.begin_epoch(0);
  }
  std::unique_ptr<WeightSet> make(int set) override {
    return make_shared_set(layout_, 0, {.channels_last = true}, set);
  }
  std::shared_ptr<const SupernetLayout> layout_;
  Mixture mixture_;
};

struct Side {
  std::unique_ptr<WeightStore> store;
  std::unique_ptr<Strategy> strategy;
  std::unique_ptr<Trainer> trainer;
};

struct Timing {
  double cpu = 0, wall = 0;  ///< Seconds, of all threads and per step.
};

Timing time_steps(Trainer& trainer, int64_t steps) {
  const std::clock_t start = std::clock();
  const double wall = trainer.time_steps(steps).seconds_per_step;
  return {static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, wall};
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

/// Seconds of one draw and one observation.
double association_seconds(const Space& space, const MixtureOptions& options) {
  constexpr int kTimes = 20'000;
  Mixture mixture(space, options, 2, 0);
  mixture.begin_epoch(0);
  Rng rng(1, "bench");
  std::vector<Architecture> some;
  for (int i = 0; i < 256; ++i) some.push_back(space.sample(rng));
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kTimes; ++i) {
    const Architecture& a = some[static_cast<size_t>(i) % some.size()];
    mixture.observe(a, mixture.draw(a, rng.uniform()), 0.5);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / kTimes;
}

using Flags = bench::Options;

Flags flags_of(int argc, char** argv) {
  return bench::options_of(argc,
                           argv,
                           {{"--space", "nasbench201-n1"},
                            {"--models", "4"},
                            {"--batch", "128"},
                            {"--steps", "20"},
                            {"--rounds", "9"},
                            {"--threads", "1"}});
}

TrainOptions options_of(const Flags& o) {
  TrainOptions options;
  options.batch = std::stoll(o.at("--batch"));
  options.memory_format = Layout::kChannelsLast;
  options.optimizer.lr = 0.01;
  options.optimizer.clip_norm = 5;
  options.validation.every = 0;
  return options;
}

struct Bench {
  explicit Bench(const Flags& o)
      : space(load_space(o.at("--space"))),
        options(options_of(o)),
        steps(std::stoll(o.at("--steps"))),
        rounds(std::stoi(o.at("--rounds"))) {
    mixture.association.models = std::stoi(o.at("--models"));
    data_options.kind = "synthetic";
    data_options.synthetic_resolution = space->input().h;
    data_options.synthetic_size = 2 * options.batch * (steps + 1) * (rounds + 4);
    data_options.validation = 0.2;
    data_options.test = 0.1;
    dataset = open_dataset(data_options);
    splits = make_splits(*dataset, data_options);
    normalisation = normalisation_of(*dataset, splits.train, data_options);
  }

  Side side(std::unique_ptr<WeightStore> store) {
    Side s;
    s.store = std::move(store);
    const StrategyContext context{
        *space, 0, 1, static_cast<int64_t>(splits.train.size()), options.batch, options};
    YamlSource source;
    source.text = "{name: uniform, over: architectures}";
    s.strategy = make_strategy("uniform", context, source);
    s.trainer = std::make_unique<Trainer>(
        TrainSetup{.space = *space,
                   .store = *s.store,
                   .strategy = *s.strategy,
                   .data = {*dataset, splits, normalisation, data_options},
                   .options = options,
                   .evaluate = EvaluateOptions(),
                   .folder = std::filesystem::temp_directory_path().string(),
                   .identity = {}});
    // Until every set has weights, moments and warm caches; the same number for all, so that they
    // go on with the same paths.
    s.trainer->time_steps(4 * mixture.association.models + 4);
    return s;
  }

  std::unique_ptr<Space> space;
  TrainOptions options;
  int64_t steps;
  int rounds;
  MixtureOptions mixture;
  DataOptions data_options;
  std::unique_ptr<Dataset> dataset;
  Splits splits;
  Normalisation normalisation;
};

}  // namespace

int main(int argc, char** argv) {
  const Flags o = flags_of(argc, argv);
  const int threads = set_compute_threads(std::stoi(o.at("--threads")));
  tune_allocator();
  Bench bench(o);
  const Placement place{.channels_last = true};
  Binder::Raw section;
  section.yaml = "{kind: mixture, models: " + o.at("--models") + "}";
  Side sides[] = {bench.side(make_single_store(*bench.space, 0, place)),
                  bench.side(std::make_unique<Unjudged>(*bench.space, bench.mixture)),
                  bench.side(make_weights({*bench.space, 0, place, bench.options}, section).store)};
  const double association = association_seconds(*bench.space, bench.mixture);
  std::vector<double> cpu, wall, whole;
  double best = 1e9;
  for (int r = 0; r < bench.rounds; ++r) {
    Timing t[3];
    // Whoever goes first changes from round to round: the machine may be slower at one end.
    for (int i = 0; i < 3; ++i) {
      const int s = (i + r) % 3;
      t[s] = time_steps(*sides[s].trainer, bench.steps);
    }
    const double own = association * static_cast<double>(bench.steps + 1);
    cpu.push_back((t[1].cpu + own) / t[0].cpu);
    wall.push_back((t[1].wall + association) / t[0].wall);
    whole.push_back(t[2].cpu / t[0].cpu);
    best = std::min(best, t[0].wall);
  }
  std::printf("{\"space\": \"%s\", \"models\": %d, \"batch\": %lld, \"threads\": %d, \"step\": [",
              o.at("--space").c_str(),
              bench.mixture.association.models,
              static_cast<long long>(bench.options.batch),
              threads);
  for (size_t r = 0; r < cpu.size(); ++r) std::printf("%s%.3f", r == 0 ? "" : ", ", cpu[r]);
  std::printf(
      "], \"step_cpu_median\": %.3f, \"step_wall_median\": %.3f, \"with_validation_cpu_median\": "
      "%.3f, \"association_us\": %.1f, \"single_step_ms\": %.1f}\n",
      median(cpu),
      median(wall),
      median(whole),
      1e6 * association,
      1e3 * best);
  return 0;
}
