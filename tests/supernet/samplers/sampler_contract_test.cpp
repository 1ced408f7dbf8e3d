// What every path sampler and data sampler must keep: all entries of the tables; and what they come
// to inside steps of several paths.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "spaces/error.hpp"
#include "supernet/samplers/importance.hpp"
#include "supernet/train/step/step_runner.hpp"
#include "toys/toys.hpp"
#include "trial.hpp"

namespace nas {
namespace {

using test::kCells;
using test::metric;
using test::store_hash;
using test::Trial;

constexpr int64_t kImages = 60;

Binder::Raw section(const std::string& yaml) {
  Binder::Raw raw;
  raw.yaml = yaml;
  return raw;
}

YamlSource options_of(const std::string& yaml) {
  YamlSource source;
  source.text = yaml;
  return source;
}

class PathSamplerContract : public testing::TestWithParam<PathSamplerEntry> {
 protected:
  std::unique_ptr<PathSampler> make(uint64_t seed, const Restriction& within = {}) const {
    return GetParam().make({*space_, seed, 4, kImages, 20, {}, "", within},
                           options_of("{name: " + GetParam().name + "}"));
  }
  std::unique_ptr<Space> space_ = test::space_of(kCells);
};

TEST_P(PathSamplerContract, DrawsValidPathsAndGoesOnWhereItWasSaved) {
  const auto first = make(3), second = make(3), other = make(4);
  bool differs = false;
  for (PathSampler* s : {first.get(), second.get(), other.get()}) s->begin_epoch(0);
  for (int i = 0; i < 40; ++i) {
    Path a, b, c;
    for (PathSampler* s : {first.get(), second.get(), other.get()}) s->begin_step(0);
    first->draw(a);
    second->draw(b);
    other->draw(c);
    EXPECT_TRUE(space_->valid(a.architecture));
    EXPECT_GT(a.weight, 0);
    EXPECT_EQ(a.architecture, b.architecture);
    differs = differs || a.architecture != c.architecture;
  }
  EXPECT_TRUE(differs);
  // In the middle of a fair set too.
  StrategyState state;
  first->save(state);
  const auto resumed = make(99);
  resumed->load(state);
  for (int i = 0; i < 40; ++i) {
    Path a, b;
    first->draw(a);
    resumed->draw(b);
    ASSERT_EQ(a.architecture, b.architecture) << i;
  }
  for (const auto& [key, text] : state.text) {
    if (key == "paths.next") continue;  // Absent: a whole set was handed out.
    StrategyState lacking = state;
    lacking.text.erase(key);
    EXPECT_THROW(make(1)->load(lacking), DataError) << key;
  }
}

TEST_P(PathSamplerContract, StaysWithinARestrictionAndMeetsAllOfIt) {
  const Restriction within = Restriction::parse(
      *space_, {space_->choices()[2].name + "!=none", space_->choices()[4].name + "=none"});
  const auto sampler = make(3, within);
  sampler->begin_epoch(0);
  std::set<int16_t> seen;
  for (int i = 0; i < 400; ++i) {
    Path path;
    sampler->begin_step(0);
    sampler->draw(path);
    EXPECT_TRUE(within.contains(path.architecture));
    seen.insert(path.architecture.genes[2]);
  }
  EXPECT_EQ(seen.size(), 4u);
}

TEST_P(PathSamplerContract, UnknownOptionsAreRefused) {
  try {
    GetParam().make({*space_, 0, 4, kImages, 20},
                    options_of("{name: " + GetParam().name + ", nonsense: 1}"));
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("nonsense"));
  }
}

INSTANTIATE_TEST_SUITE_P(All,
                         PathSamplerContract,
                         testing::ValuesIn(test::all_path_samplers()),
                         [](const auto& info) { return info.param.name; });

TEST(DataSamplers, EpochZeroShowsEveryImageOnce) {
  const auto space = test::space_of(kCells);
  for (const DataSamplerEntry& entry : test::all_data_samplers()) {
    const auto sampler =
        entry.make({*space, 1, 4, kImages, 20}, options_of("{name: " + entry.name + "}"));
    const std::vector<int64_t> order = sampler->order(0);
    EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), size_t{kImages}) << entry.name;
  }
}

TEST(Samplers, UnknownNamesAreToldWithTheNearest) {
  const auto space = test::space_of(kCells);
  const StrategyContext context{*space, 1, 4, kImages, 20};
  try {
    make_path_sampler(context, section("importence"));
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("did you mean 'importance'?"));
  }
  EXPECT_THROW(make_data_sampler(context, section("{preset: paper}")), ConfigError);
}

// Relative weights: 3 to 1 for one option, another closed in one choice only.
TEST(WeightedPaths, DrawsByTheGivenProbabilities) {
  const auto space = test::space_of(kCells);
  const std::string choice = space->choices()[0].name;
  const auto sampler =
      make_path_sampler({*space, 1, 4, kImages, 20},
                        section("{name: weighted, p: [nor_conv_3x3=3, '" + choice + ".none=0']}"));
  constexpr int kDraws = 20'000;
  std::vector<double> first(5, 0), second(5, 0);
  for (int i = 0; i < kDraws; ++i) {
    Path path;
    sampler->draw(path);
    ++first[static_cast<size_t>(path.architecture.genes[0])];
    ++second[static_cast<size_t>(path.architecture.genes[1])];
  }
  const double five_sigma = 5 * std::sqrt(0.25 / kDraws);
  EXPECT_EQ(first[0], 0);
  EXPECT_NEAR(first[3] / kDraws, 3.0 / 6, five_sigma);
  EXPECT_NEAR(first[1] / kDraws, 1.0 / 6, five_sigma);
  EXPECT_NEAR(second[3] / kDraws, 3.0 / 7, five_sigma);
  EXPECT_NEAR(second[0] / kDraws, 1.0 / 7, five_sigma);
  for (const char* wrong : {"[conv=x]", "[nothing=1]", "[nor_conv_3x3=-1]", "[nor_conv_3x3]"})
    EXPECT_THROW(make_path_sampler({*space, 1, 4, kImages, 20},
                                   section("{name: weighted, p: " + std::string(wrong) + "}")),
                 ConfigError)
        << wrong;
}

Trial trial(const std::string& strategy, int stop_at = -1) {
  return Trial(strategy, 3, kCells, stop_at, [](TrainOptions& o) {
    o.gradient_variance.every = 0;
    o.batch = 60;
  });
}

// PA and DA inside steps of several paths, each alone and together, to the bit after a stop.
TEST(Composition, ImportanceInsideOtherSteps) {
  const std::string path = "path_sampler: importance", data = "data_sampler: importance",
                    both =
                        "path_sampler: {name: importance, preset: unbiased}, "
                        "data_sampler: importance";
  for (const auto& [name, samplers] :
       std::vector<std::pair<std::string, std::string>>{{"fair", path},
                                                        {"fair", data},
                                                        {"sandwich", path},
                                                        {"sandwich", both},
                                                        {"sumnas", path},
                                                        {"uniform", data}}) {
    const std::string yaml = "{name: " + name + ", " + samplers + "}";
    Trial whole = trial(yaml);
    whole.trainer->run();
    const auto& last = whole.epochs_seen.back();
    EXPECT_GT(metric(last, "panda.tau"), 0) << yaml;
    if (samplers.find("path_sampler") != std::string::npos) {
      bool moved = false;
      for (const auto& [key, value] : last)
        moved = moved || (key.starts_with("path.p.") && std::abs(value - 0.2) > 1e-3);
      EXPECT_TRUE(moved) << yaml;
    }
    if (name == "fair" && samplers == data) continue;  // Resumed with the paths' sampler.
    if (name == "sandwich" && samplers == path) continue;
    EXPECT_EQ(test::hash_of_resumed([&](int stop) { return trial(yaml, stop); }, 6),
              store_hash(whole))
        << yaml;
  }
}

// `panda` is a row of parts: the same parts in another strategy give the same bits.
TEST(Composition, PandaIsASinglePathWithBothSamplers) {
  const auto decay = [](const std::string& yaml) {
    Trial t = trial(yaml);
    t.trainer->run();
    return store_hash(t);
  };
  EXPECT_EQ(decay("{name: panda}"),
            decay("{name: uniform, path_sampler: importance, data_sampler: importance}"));
  EXPECT_EQ(decay("{name: panda, path: false}"),
            decay("{name: uniform, data_sampler: importance}"));
}

/// Keeps what it is told.
class Listener final : public PathSampler {
 public:
  explicit Listener(std::vector<Architecture> list) : list_(std::move(list)) {}
  size_t set_size() const override { return list_.size(); }
  void draw(Path& path) override { path.architecture = list_.at(next_++ % list_.size()); }
  bool observes() const override { return true; }
  void observe(const PathOutcome& outcome) override {
    norms.push_back(path_norms(outcome, outcome.architecture.genes.size()).norms.clone());
  }
  void save(StrategyState&) override {}
  void load(const StrategyState&) override {}
  std::vector<at::Tensor> norms;

 private:
  std::vector<Architecture> list_;
  size_t next_ = 0;
};

// In a step of several paths a sampler sees each path's own gradient, and the update is that of
// their sum.
TEST(Composition, EachPathIsSeenByItsOwnGradient) {
  const auto space = test::space_of(kCells);
  const std::vector<Architecture> list = {space->parse("3,2,3,1,2,3"), space->parse("3,3,2,1,3,3")};
  TrainOptions options;
  options.batch = 16;
  options.optimizer.clip_norm = 0;
  DataOptions data_options;
  const auto dataset = open_dataset(data_options);
  const Splits splits = make_splits(*dataset, data_options);
  const RunData data{
      *dataset, splits, normalisation_of(*dataset, splits.train, data_options), data_options};
  TrainBatch batch;
  batch.images = at::arange(16 * 64, at::kFloat).view({16, 1, 8, 8}).sin();
  batch.labels = at::arange(16).remainder(10);
  for (int64_t i = 0; i < 16; ++i) batch.positions.push_back(i);
  const StrategyContext context{*space, 0, 1, 16, 16, options};
  const auto run = [&](const std::vector<Architecture>& paths) {
    const auto store = make_single_store(*space, 0);
    TrainedSets sets(*store, options.optimizer, "");
    StepRunner runner(*space, *store, sets, data, options, c10::Device(c10::kCPU), 0);
    auto listener = std::make_unique<Listener>(paths);
    Listener& heard = *listener;
    Strategy strategy("listen",
                      {std::move(listener),
                       std::make_unique<DataSampler>(context),
                       make_paths_rule(paths.size()),
                       nullptr});
    runner.run(strategy, batch, {0, 0, 1, 0, 0.1});
    return heard.norms;
  };
  const auto both = run(list);
  ASSERT_EQ(both.size(), 2u);
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(at::allclose(both[i], run({list[i]})[0], 1e-6)) << i;
}

}  // namespace
}  // namespace nas
