// What PA&DA adds to a training step: the same trainer, data and paths with and without it, in
// alternating rounds.
// bench_panda [--space S] [--batch N] [--steps N] [--rounds N] [--threads N] [--preset paper]
// Prints one line of JSON with the ratio of each round and the median: of processor time, which
// other programs on the machine disturb less, and of wall-clock time.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <map>
#include <string>

#include "options.hpp"
#include "spaces/registry.hpp"
#include "supernet/device.hpp"
#include "supernet/samplers/path_importance.hpp"
#include "supernet/train/trainer.hpp"

namespace {

using namespace nas;

/// The paths that PA&DA draws in its first epoch (all probabilities still uniform), nothing else.
class SamePaths final : public PathSampler {
 public:
  explicit SamePaths(const StrategyContext& context)
      : rng_(context.seed, "paths"), paths_(context.space, {}) {}
  void draw(Path& path) override { paths_.draw(rng_, path.architecture); }
  void save(StrategyState&) override {}
  void load(const StrategyState&) override {}

 private:
  Rng rng_;
  PathImportance paths_;
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

struct Ratios {
  std::vector<double> cpu, wall;  ///< Of each round.
  double best_plain = 1e9;        ///< Seconds per step.
};
Ratios compare(Trainer& plain, Trainer& panda, int64_t steps, int rounds) {
  Ratios ratios;
  for (int r = 0; r < rounds; ++r) {
    // Whoever goes first changes from round to round: the machine may be slower at one end.
    Timing a, b;
    if (r % 2 == 0) a = time_steps(plain, steps);
    b = time_steps(panda, steps);
    if (r % 2 == 1) a = time_steps(plain, steps);
    ratios.cpu.push_back(b.cpu / a.cpu);
    ratios.wall.push_back(b.wall / a.wall);
    ratios.best_plain = std::min(ratios.best_plain, a.wall);
  }
  return ratios;
}

}  // namespace

int main(int argc, char** argv) {
  bench::Options o = bench::options_of(argc,
                                       argv,
                                       {{"--space", "nasbench201-n1"},
                                        {"--batch", "128"},
                                        {"--steps", "20"},
                                        {"--rounds", "9"},
                                        {"--threads", "1"},
                                        {"--preset", "paper"}});
  const int threads = set_compute_threads(std::stoi(o["--threads"]));
  tune_allocator();
  const auto space = load_space(o["--space"]);
  const int64_t steps = std::stoll(o["--steps"]);
  const int rounds = std::stoi(o["--rounds"]);
  TrainOptions options;
  options.batch = std::stoll(o["--batch"]);
  options.epochs = 1;
  options.memory_format = Layout::kChannelsLast;
  options.optimizer.lr = 0.01;
  options.optimizer.clip_norm = 5;
  options.optimizer.untouched = Untouched::kDecay;

  DataOptions data_options;
  data_options.kind = "synthetic";
  data_options.synthetic_resolution = space->input().h;
  data_options.synthetic_size = 2 * options.batch * (steps + 1) * (rounds + 1);
  data_options.validation = data_options.test = 0.1;
  const auto dataset = open_dataset(data_options);
  const Splits splits = make_splits(*dataset, data_options);
  const RunData data{
      *dataset, splits, normalisation_of(*dataset, splits.train, data_options), data_options};
  const StrategyContext context{
      *space, 0, 1, static_cast<int64_t>(splits.train.size()), options.batch, options};
  YamlSource source;
  source.text = "{name: panda, preset: " + o["--preset"] + "}";
  const auto make_side = [&](std::unique_ptr<Strategy> strategy) {
    Side side;
    side.store = make_single_store(*space, 0, {.channels_last = true});
    side.strategy = std::move(strategy);
    side.trainer = std::make_unique<Trainer>(
        TrainSetup{.space = *space,
                   .store = *side.store,
                   .strategy = *side.strategy,
                   .data = data,
                   .options = options,
                   .evaluate = EvaluateOptions(),
                   .folder = std::filesystem::temp_directory_path().string(),
                   .identity = {}});
    return side;
  };
  Side plain =
      make_side(std::make_unique<Strategy>("same_paths",
                                           StrategyParts{std::make_unique<SamePaths>(context),
                                                         std::make_unique<DataSampler>(context),
                                                         make_paths_rule(1),
                                                         nullptr}));
  Side panda = make_side(make_strategy("panda", context, source));
  plain.trainer->time_steps(5);
  panda.trainer->time_steps(5);
  const Ratios ratios = compare(*plain.trainer, *panda.trainer, steps, rounds);
  std::printf(
      "{\"space\": \"%s\", \"preset\": \"%s\", \"batch\": %lld, \"threads\": %d, \"cpu_ratios\": [",
      o["--space"].c_str(),
      o["--preset"].c_str(),
      static_cast<long long>(options.batch),
      threads);
  for (size_t r = 0; r < ratios.cpu.size(); ++r)
    std::printf("%s%.3f", r == 0 ? "" : ", ", ratios.cpu[r]);
  std::printf("], \"cpu_median\": %.3f, \"wall_median\": %.3f, \"plain_step_ms\": %.1f}\n",
              median(ratios.cpu),
              median(ratios.wall),
              1e3 * ratios.best_plain);
  return 0;
}
